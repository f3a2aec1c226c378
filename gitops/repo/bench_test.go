package repo

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// edits is how many files one commit edits.
const edits = 50

// A goal is what this package has to reach at one size against a shallow clone by the
// git CLI, and what it should.
type goal struct {
	size     int
	rounds   int // how often this package is measured
	others   int // how often the other ways are
	ratio    float64
	ratioAim float64
	cpu      time.Duration
}

var goals = []goal{
	{size: 1_000, rounds: 15, others: 5, ratio: 6, ratioAim: 8, cpu: 35 * time.Millisecond},
	{size: 10_000, rounds: 11, others: 3, ratio: 10, ratioAim: 15, cpu: 40 * time.Millisecond},
	{size: 100_000, rounds: 9, others: 1, ratio: 20, ratioAim: 30, cpu: 90 * time.Millisecond},
}

// Goals that are the same at every size.
const (
	cpuAim     = 25*time.Millisecond + edits*time.Millisecond/5
	memoryGoal = 12 << 20 // above the idle floor
)

// TestBench sets a version in 50 files of an environment repository, in one commit on
// a new branch, and pushes that: by this package and in other ways, in turn on the
// same repositories, behind git http-backend. It prints one table and fails when a
// binding goal is missed. `make bench` runs it.
func TestBench(t *testing.T) {
	if os.Getenv("LOCKSTEP_BENCH") == "" {
		t.Skip("runs in make bench")
	}
	fmt.Printf("Set a version in %d files of one commit and push it as a branch: medians.\n\n", edits)
	fmt.Printf("%7s  %-48s %8s %6s   %s\n", "files", "way", "ms", "times", "client CPU ms, peak MiB; own goals (aims)")
	ways := ways(t)
	for _, g := range goals {
		dir := large(t, g.size)
		costs := measure(t, dir, ways, g)
		for i, w := range ways {
			if len(costs[i]) > 0 {
				fmt.Printf("%7d  %-48s %s\n", g.size, w.name, describe(median(costs[i]), median(costs[0])))
			}
		}
		judgeOwn(t, g, median(costs[0]), median(costs[1]))
		same(t, dir, len(costs[1]))
	}
	for _, w := range ways {
		if w.end != nil {
			w.end()
		}
	}
}

// measure does the work in turn in all ways, and returns the costs of each.
func measure(t *testing.T, dir string, ways []way, g goal) [][]cost {
	t.Helper()
	url, costs := listen(t, dir, nil), make([][]cost, len(ways))
	for round := range g.rounds {
		for i, w := range ways {
			if g.size > w.sizes || i > 0 && round >= g.others {
				continue
			}
			if w.moved {
				advance(t, dir, g.size, round+1)
			}
			c, err := w.do(job{URL: url, Size: g.size, Branch: fmt.Sprintf("way-%d/round-%d", i, round)})
			if err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
			costs[i] = append(costs[i], c)
		}
	}
	return costs
}

// median returns the median of each figure by itself, but for memory, which is a peak.
func median(costs []cost) cost {
	middle := func(of func(cost) time.Duration) time.Duration {
		sorted := slices.SortedFunc(slices.Values(costs), func(a, b cost) int { return cmp.Compare(of(a), of(b)) })
		return of(sorted[len(sorted)/2])
	}
	m := cost{Wall: middle(func(c cost) time.Duration { return c.Wall }), CPU: middle(func(c cost) time.Duration { return c.CPU })}
	for _, c := range costs {
		m.Memory = max(m.Memory, c.Memory)
	}
	return m
}

// describe returns the figures of one line of the table.
func describe(c, own cost) string {
	return fmt.Sprintf("%8.0f %5.1f×   %6.1f %6.1f", ms(c.Wall), float64(c.Wall)/float64(own.Wall), ms(c.CPU), mib(c.Memory))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// judgeOwn prints the goals beside what was reached, and fails the test for those that
// were missed.
func judgeOwn(t *testing.T, g goal, own, cli cost) {
	t.Helper()
	ratio := float64(cli.Wall) / float64(own.Wall)
	line := func(what string, got, goal, aim float64, reached, aimed bool) {
		word := "missed"
		switch {
		case aimed:
			word = "aim reached"
		case reached:
			word = "goal reached"
		}
		fmt.Printf("%7s  %-48s %8.1f          goal %g, aim %g: %s\n", "", what, got, goal, aim, word)
		if !reached {
			t.Errorf("%d files: %s is %.1f, the goal is %g", g.size, what, got, goal)
		}
	}
	line("times faster than git clone --depth 1", ratio, g.ratio, g.ratioAim, ratio >= g.ratio, ratio >= g.ratioAim)
	line("client CPU in ms", ms(own.CPU), ms(g.cpu), ms(cpuAim), own.CPU <= g.cpu, own.CPU <= cpuAim)
	line("peak MiB above the idle floor", mib(own.Memory), mib(memoryGoal), mib(memoryGoal), own.Memory <= memoryGoal, own.Memory <= memoryGoal)
	fmt.Println()
}

// same fails the test if the ways did not change the same files of what they stand on to
// the same.
func same(t *testing.T, dir string, rounds int) {
	t.Helper()
	for round := range rounds {
		own := git(t, dir, "", "diff", "--raw", "--no-abbrev", fmt.Sprintf("way-0/round-%d^!", round))
		for i := 1; ; i++ {
			branch := fmt.Sprintf("way-%d/round-%d", i, round)
			if _, err := run(dir, "", "rev-parse", "--verify", "-q", branch); err != nil {
				break
			}
			if other := git(t, dir, "", "diff", "--raw", "--no-abbrev", branch+"^!"); own != other || strings.Count(own, "\n") != edits-1 {
				t.Errorf("%s changes\n%s\nours\n%s", branch, other, own)
			}
		}
	}
}
