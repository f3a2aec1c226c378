package engine

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/bot"
)

func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	url := database(t)
	step := func(name string) func(context.Context, *bot.Run) (bot.Outcome, error) {
		return func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			o, err := next(ctx, r)
			if r.State == bot.Merged && name == "first" {
				return wait("first waits")
			}
			o.Reason += " by " + name
			return o, err
		}
	}
	first := begin(t, url, Options{Step: step("first")})
	run := first.accept("integration", "1")
	until(t, "first waits", func() bool { return first.read(run).Reason == "first waits" })

	var active atomic.Bool
	second := begin(t, url, Options{Step: step("second"), Beside: func(context.Context) error { active.Store(true); return nil }})
	waits := second.accept("other", "1") // a standby takes requests
	until(t, "the other lane's run", func() bool { return first.read(waits).Reason == "first waits" })
	if err := second.Hint(t.Context(), run, "delivery"); err != nil {
		t.Errorf("a hint through the standby: %v", err)
	}
	if active.Load() {
		t.Error("the standby is active")
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if r := second.await(run, bot.Done); r.Reason != "it is done by second" {
		t.Errorf("got %q", r.Reason)
	}
	want := "1 queued, 2 started, 3 prepared, 4 proposed, 5 merged, 6 merged, 7 synced, 8 gated, 9 recorded, 10 done"
	if got := second.trace(run); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	second.await(waits, bot.Done)
	if !active.Load() {
		t.Error("what runs beside was not begun")
	}
}

func TestLostLeaseEndsTheProcess(t *testing.T) {
	t.Parallel()
	url := database(t)
	cut := make(chan struct{})
	p := begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
		if r.State == bot.Merged {
			close(cut)
			<-ctx.Done()
			return bot.Outcome{}, fmt.Errorf("cut short: %w", context.Cause(ctx))
		}
		return next(ctx, r)
	}})
	run := p.accept("integration", "1")
	<-cut
	execute(t, url, fmt.Sprintf(`SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND classid = %d AND objid = %d
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, leaseLock>>32, leaseLock&0xffffffff))
	begun := time.Now()
	if err := p.result(); err == nil || !strings.Contains(err.Error(), "run engine: the lease is lost: ") {
		t.Fatalf("got %v, want the engine to say that it lost the lease", err)
	}
	if took := time.Since(begun); took > leaseTime {
		t.Errorf("it took %s to see that the lease is lost", took)
	}
	p = begin(t, url, Options{})
	p.await(run, bot.Done)
	if got := p.trace(run); got != wayTrace {
		t.Errorf("a step that was cut short was recorded: got %q, want %q", got, wayTrace)
	}
}
