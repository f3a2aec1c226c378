package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/bot/store"
)

// The test binary is also the process that is killed: with these set it drives the
// runs of a database and kills itself at the n-th of the places where a crash matters.
const (
	killURL = "ENGINE_TEST_URL"
	killAt  = "ENGINE_TEST_KILL_AT"

	killGiving = "ENGINE_TEST_GIVING" // its runs go their way by giving
)

func TestMain(m *testing.M) {
	if os.Getenv(killURL) == "" {
		os.Exit(m.Run())
	}
	if err := victim(os.Getenv(killURL), os.Getenv(killAt)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A killer ends the process, without any order, when it is passed for the last time.
type killer struct{ left atomic.Int64 }

// pass is called where a crash matters.
func (k *killer) pass() {
	if k.left.Add(-1) == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}

// The killer is passed when an outcome was committed: the engine logs it then.
func (k *killer) Enabled(context.Context, slog.Level) bool  { return true }
func (k *killer) WithAttrs([]slog.Attr) slog.Handler        { return k }
func (k *killer) WithGroup(string) slog.Handler             { return k }
func (k *killer) Handle(context.Context, slog.Record) error { k.pass(); return nil }

// unhurried are limits under which a wait is long enough to be cut off.
var unhurried = bot.Limits{Unknown: time.Hour, First: 40 * time.Millisecond, Longest: 40 * time.Millisecond, Person: 40 * time.Millisecond}

// victim drives runs until all have settled. It passes the killer before and after
// each step, in each save that says something, after each save, and while a run waits for a hint.
func victim(url, at string) error {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	var k killer
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return err
	}
	k.left.Store(n)
	way := func(ctx context.Context, r *bot.Run) (bot.Outcome, error) { return waitOnce(ctx, r, &k) }
	if os.Getenv(killGiving) != "" {
		way = giving(s)
	}
	e, err := Open(ctx, Options{
		Store: s, Limits: unhurried, Poll: 20 * time.Millisecond, Log: slog.New(&k),
		Channels: func(string) []string { k.pass(); return []string{"chat"} },
		Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			k.pass()
			defer k.pass()
			return way(ctx, r)
		},
	})
	if err != nil {
		return err
	}
	go func() {
		defer end()
		for left := true; left; time.Sleep(20 * time.Millisecond) {
			runs, err := s.Runs(ctx, bot.Filter{})
			left = err == nil && !allSettled(runs)
		}
	}()
	return errors.Join(e.Run(ctx), s.Close())
}

// waitOnce is a step that waits once in the middle of the way.
func waitOnce(ctx context.Context, r *bot.Run, k *killer) (bot.Outcome, error) {
	if r.State == bot.Merged && r.Waits < 2 {
		time.AfterFunc(unhurried.First/2, k.pass) // while it waits, unless the machine is slow
		return wait("a job runs")
	}
	return next(ctx, r)
}

// allSettled reports that none of the runs is under way.
func allSettled(runs []bot.Run) bool {
	for _, r := range runs {
		if !r.Settled() {
			return false
		}
	}
	return true
}

// Processes are killed, each a little later than the one before, until one comes
// through. Whatever was cut off, each run's events are there exactly once.
func TestKill(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		runs := submitted(t, url)
		kills := 0
		for !comesThrough(t, url, 1+3*kills) { // 3: the places come in fours, and all of them are to be hit
			if kills++; kills > 100 {
				t.Fatal("the runs do not come to an end")
			}
		}
		t.Logf("killed %d times", kills)
		if kills < 5 {
			t.Errorf("killed %d times, which proves too little", kills)
		}
		p := begin(t, url, Options{})
		want := "1 queued, 2 started, 3 prepared, 4 proposed, 5 merged, 6 merged, 7 synced, 8 gated, 9 recorded, 10 done"
		for _, run := range runs {
			if got := p.trace(run); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// submitted asks for runs in a new database that nobody drives yet.
func submitted(t *testing.T, url string) []string {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := &process{Engine: &Engine{wake: make(chan struct{}, 1)}, t: t, store: s}
	return []string{p.accept("integration", "1"), p.accept("integration", "2"), p.accept("other", "3")}
}

// comesThrough starts a process that is killed at a place, and reports that it came
// to its end before.
func comesThrough(t *testing.T, url string, at int, env ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(ctx, self)
	child.Env = append(append(os.Environ(), killURL+"="+url, killAt+"="+strconv.Itoa(at)), env...)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL && ctx.Err() == nil:
		return false
	}
	t.Fatalf("process %d: %v\n%s", at, err, strings.TrimSpace(string(out)))
	return false
}
