package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"lockstep/bot"
	"lockstep/fixtures"
)

// killed are the scenarios that the process is killed in. The second goes all the way
// forward and all the way back; it is played by every test run. The others are longer,
// and belong to the target chaos, which sets TEST_CHAOS. With TEST_CHAOS=long the process
// is killed at every request that shows how a run stands, else at the first two of each
// name: they are about half of all, and one is like the other.
var killed = []scenario{scenarios[1], scenarios[2], scenarios[3], scenarios[5]}

// A point is one mutating request of the undisturbed run: the n-th of its name.
type point struct {
	server, name string
	n            int
}

func (p point) String() string { return fmt.Sprintf("%s %s %d", p.server, p.name, p.n) }

// Kill the process when each of its mutating requests arrives outside, and again when
// its effect stands but the answer has not left. Started again, it comes to the same
// end, and nothing has happened twice.
func TestKillPoints(t *testing.T) {
	t.Parallel()
	stores := map[string]func(*testing.T) string{"sqlite": func(*testing.T) string { return "" }}
	if admin := os.Getenv("TEST_POSTGRES"); admin != "" {
		stores["postgres"] = func(t *testing.T) string { return newDatabase(t, admin) }
	}
	played := killed[:1]
	if os.Getenv("TEST_CHAOS") != "" {
		played = killed[1:]
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, given := range played {
				t.Run(fmt.Sprintf("run_%d", given.N), func(t *testing.T) {
					t.Parallel()
					killEverywhere(t, given, store)
				})
			}
		})
	}
}

// killEverywhere plays a scenario undisturbed, and then once for each of its points and
// phases.
func killEverywhere(t *testing.T, given scenario, store func(*testing.T) string) {
	t.Helper()
	points := undisturbed(t, given, store(t))
	t.Logf("run %d: %d kill points: %s", given.N, len(points), points)
	if len(points) == 0 {
		t.Fatal("the undisturbed run changed nothing outside")
	}
	for _, p := range points {
		for _, phase := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("%s/%s", p, phase), func(t *testing.T) {
				t.Parallel()
				killAt(t, given, store(t), p, phase)
			})
		}
	}
}

// undisturbed plays the scenario and returns every mutating request of it.
func undisturbed(t *testing.T, given scenario, store string) []point {
	t.Helper()
	b := newBench(t, given, store)
	b.start(t)
	b.announce(t)
	b.awaitEnd(t)
	b.kill(t) // it would poll on beside all that follow
	seen := map[point]int{}
	var points []point
	for _, call := range b.world.Journal.Calls() {
		p := point{server: call.Server, name: call.Name}
		seen[p]++
		p.n = seen[point{server: call.Server, name: call.Name}]
		if p.n > 2 && slices.Contains(mirrors, p.name) && os.Getenv("TEST_CHAOS") != "long" {
			continue
		}
		points = append(points, p)
	}
	return points
}

// killAt plays the scenario, kills the process at a point, starts it again and holds
// what came of it against what must.
func killAt(t *testing.T, given scenario, store string, p point, phase string) {
	t.Helper()
	b := newBench(t, given, store)
	arrived := b.holdAt(p, phase)
	b.start(t)
	b.announce(t)
	struck := func() bool {
		select {
		case <-arrived:
			return true
		default:
			return false
		}
	}
	b.await(t, "the request or the end", func() bool { return struck() || b.world.finished(given) && b.quiet() })
	switch {
	case struck():
		b.kill(t)
		b.start(t)
	case !slices.Contains(mirrors, p.name):
		t.Errorf("the request never came\n%s", b.log())
	default:
		t.Logf("no %s %d this time", p.name, p.n)
	}
	b.awaitEnd(t)
}

// mirrors are the requests that show how a run stands. They are made as often as there is
// something to say; where the run was quicker than the sender there are fewer than before.
var mirrors = []string{"update note", "update merge request", "set commit status"}

// holdAt holds the request of a point for ever, before or after its effect, and returns
// what is closed when it has come.
func (b *bench) holdAt(p point, phase string) <-chan struct{} {
	arrived := make(chan struct{})
	count := 0
	strike := func(c fixtures.Call) fixtures.Fault {
		b.mu.Lock()
		defer b.mu.Unlock()
		if c.Server != p.server || c.Name != p.name {
			return fixtures.Pass
		}
		if count++; count != p.n {
			return fixtures.Pass
		}
		close(arrived)
		return fixtures.Hold
	}
	if phase == "before" {
		b.world.Journal.Break(strike, nil)
	} else {
		b.world.Journal.Break(nil, strike)
	}
	return arrived
}

// A bench is one world with the program as a child process.
type bench struct {
	given scenario
	world *world
	was   before
	child *exec.Cmd
	cut   bool // it was killed at its point

	mu     sync.Mutex
	stderr bytes.Buffer
}

func newBench(t *testing.T, given scenario, store string) *bench {
	t.Helper()
	w, err := newWorld(t.TempDir(), worldOptions{
		Job: 10 * time.Millisecond, Async: 2 * time.Millisecond, Wait: 10 * time.Millisecond, Poll: 250 * time.Millisecond,
		Store: store, Direct: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	b := &bench{given: given, world: w}
	if b.was, err = w.observe(); err != nil {
		t.Fatal(err)
	}
	w.GitLab.Script(given.rules(w, b.was, "", 10*time.Millisecond)...)
	return b
}

// start starts the program and waits until it answers.
func (b *bench) start(t *testing.T) {
	t.Helper()
	b.child = program(t.Context(), "serve", "--config", b.world.Config, "--log-level", "debug")
	b.child.Stderr = b
	if err := b.child.Start(); err != nil {
		t.Fatal(err)
	}
	child := b.child
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	b.await(t, "the server to answer", func() bool {
		response, err := http.Get("http://" + b.world.Address + "/healthz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// kill ends the program as a power cut would.
func (b *bench) kill(t *testing.T) {
	t.Helper()
	if err := b.child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = b.child.Wait() // it was killed
}

// announce lets somebody ask for the run.
func (b *bench) announce(t *testing.T) {
	t.Helper()
	if err := b.world.ask(t.Context(), b.api(), b.given); err != nil {
		t.Fatal(err)
	}
}

// api returns a client of the program.
func (b *bench) api() *client {
	return &client{url: "http://" + b.world.Address, token: bot.NewSecret(apiToken), http: &http.Client{Timeout: 10 * time.Second}}
}

// awaitEnd waits until people were told the end and nothing more is said, then holds
// the outside against the expected ending.
func (b *bench) awaitEnd(t *testing.T) {
	t.Helper()
	want := b.given.Want
	b.await(t, "the Finish message", func() bool { return b.world.finished(b.given) })
	b.await(t, "GitLab to show the end, once", b.world.mirrored)
	b.await(t, "the outside to become quiet", b.quiet)
	end, wrong := b.world.verify(b.given, b.was)
	if end != want.End || len(wrong) > 0 {
		t.Errorf("end %q, want %q:\n%s\ncalls: %v\n%s", end, want.End, strings.Join(wrong, "\n"), b.world.Journal.Calls(), b.log())
	}
	if mrs := b.world.GitLab.MergeRequests(envProject); len(mrs) != want.Merges {
		t.Errorf("%d merge requests, want %d", len(mrs), want.Merges)
	}
	if log, err := b.world.git("log", "--format=%s", b.world.Start+"..main"); err != nil || strings.Count(log, "\n")+1 != 2*want.Merges {
		t.Errorf("main has these commits more, want %d changes with their merges (%v):\n%s", want.Merges, err, log)
	}
	for _, mr := range b.world.GitLab.MergeRequests(envProject) {
		if notes := b.world.GitLab.Notes(envProject, mr.IID); len(notes) != 1 {
			t.Errorf("!%d has %d notes, want the one that edits itself", mr.IID, len(notes))
		}
	}
}

// quiet reports that the outside has received nothing for half a second.
func (b *bench) quiet() bool {
	calls := b.world.Journal.Calls()
	return len(calls) > 0 && time.Since(calls[len(calls)-1].At) > 500*time.Millisecond
}

// await polls for a condition of the outside.
func (b *bench) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s\ncalls: %v\n%s", what, b.world.Journal.Calls(), b.log())
		}
	}
}

// Write keeps what the children log.
func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stderr.Write(p)
}

func (b *bench) log() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.stderr.String()
	return text[max(0, len(text)-6000):]
}

// newDatabase makes an empty database next to the one at admin, and drops it at the
// end of the test.
func newDatabase(t *testing.T, admin string) string {
	t.Helper()
	db, err := sql.Open("pgx", admin)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("kill_%d", time.Now().UnixNano())
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = db.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		db.Close()
	})
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
