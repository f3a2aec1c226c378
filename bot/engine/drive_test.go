package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"lockstep/bot"
)

func TestPanicStalls(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		var mended atomic.Bool
		p := begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			switch {
			case r.State == bot.Stalled && r.Word != nil:
				return bot.Outcome{State: r.Resume, Reason: r.Word.By + " says: go on"}, nil
			case r.State == bot.Stalled:
				return bot.Outcome{Pace: bot.Person, Reason: r.Reason}, nil
			case r.State == bot.Merged && !mended.Load():
				panic("no such stage")
			}
			return next(ctx, r)
		}})
		run := p.accept("integration", "1")
		r := p.await(run, bot.Stalled)
		if want := `Lockstep itself made a mistake after "merged": no such stage`; r.Reason != want || r.Resume != bot.Merged {
			t.Errorf("got %q, resume %q, want %q, resume %q", r.Reason, r.Resume, want, bot.Merged)
		}
		mended.Store(true)
		p.does(bot.Command{Verb: bot.VerbResume, Run: run})
		p.await(run, bot.Done)
		want := "1 queued, 2 started, 3 prepared, 4 proposed, 5 merged, 6 stalled, 7 merged, 8 synced, 9 gated, 10 recorded, 11 done"
		if got := p.trace(run); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestCancelWakesTheRun(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := begin(t, url, Options{Limits: slow, Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			switch {
			case r.Word != nil:
				return bot.Outcome{State: bot.Failed, Reason: "cancelled by " + r.Word.By}, nil
			case r.State == bot.Failed:
				return bot.Outcome{State: bot.Cancelled, Reason: "nothing was written"}, nil
			case r.State == bot.Merged:
				return wait("a job runs")
			}
			return next(ctx, r)
		}})
		run, waits := p.accept("integration", "1"), p.accept("integration", "2")
		until(t, "a job runs", func() bool { return p.read(run).Reason == "a job runs" })
		for _, id := range []string{waits, run} {
			p.does(bot.Command{Verb: bot.VerbCancel, Run: id})
			p.await(id, bot.Cancelled)
		}
		if got, want := p.trace(waits), "1 queued, 2 cancelled"; got != want {
			t.Errorf("the run that waited: got %q, want %q", got, want)
		}
		if got, want := p.trace(run), "1 queued, 2 started, 3 prepared, 4 proposed, 5 merged, 6 merged, 7 failed, 8 cancelled"; got != want {
			t.Errorf("the run that was active: got %q, want %q", got, want)
		}
	})
}

func TestFailedRollbackFreezesTheLane(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			if r.Version == "1" && r.State == bot.Merged {
				return bot.Outcome{State: bot.RollbackFailed, Reason: "kv still runs 1"}, nil
			}
			return next(ctx, r)
		}})
		bad, good := p.accept("integration", "1"), p.accept("integration", "2")
		other := p.accept("other", "3")
		p.await(bad, bot.RollbackFailed)
		p.await(other, bot.Done) // the engine has granted since
		place, err := p.store.Place(t.Context(), good)
		if want := "next in lane integration, which is frozen: run " + bad + ": kv still runs 1"; err != nil || place != want {
			t.Errorf("got %q, %v, want %q", place, err, want)
		}
		p.does(bot.Command{Verb: bot.VerbThaw, Lane: "integration", Reason: "kv is mended"})
		if a := p.told(bot.Command{Verb: bot.VerbThaw, Lane: "integration"}); !a.Refused {
			t.Errorf("thaw again: got %+v, want a refusal", a)
		}
		p.await(good, bot.Done)
	})
}

func TestHintEndsTheWait(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		var looks atomic.Int64
		p := begin(t, url, Options{Limits: slow, Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			if r.State == bot.Merged && looks.Add(1) < 3 {
				return wait("a job runs")
			}
			return next(ctx, r)
		}})
		run := p.accept("integration", "1")
		until(t, "first look", func() bool { return looks.Load() == 1 && p.read(run).Waits == 1 })
		for range 3 {
			if err := p.Hint(t.Context(), run, "delivery 1"); err != nil {
				t.Fatal(err)
			}
		}
		until(t, "second look", func() bool { return looks.Load() == 2 })
		if r := p.read(run); r.State != bot.Merged {
			t.Fatalf("the same delivery counted again: the run is %s", r.State)
		}
		if err := p.Hint(t.Context(), run, "delivery 2"); err != nil {
			t.Fatal(err)
		}
		p.await(run, bot.Done)
		if err := p.Hint(t.Context(), "nobody", "delivery 3"); err != nil {
			t.Errorf("a hint for a run without a workflow: %v", err)
		}
	})
}

func TestUnknownForTooLongStalls(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		limits := quick
		limits.Unknown = 30 * time.Millisecond
		p := begin(t, url, Options{Limits: limits, Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			switch r.State {
			case bot.Stalled:
				return bot.Outcome{Pace: bot.Person, Reason: r.Reason}, nil
			case bot.Merged:
				return bot.Outcome{}, errors.New("GitLab answers 502")
			}
			return next(ctx, r)
		}})
		run := p.accept("integration", "1")
		r := p.await(run, bot.Stalled)
		if !strings.HasPrefix(r.Reason, "nobody could tell for ") || !strings.HasSuffix(r.Reason, ": GitLab answers 502") {
			t.Errorf("got %q", r.Reason)
		}
		want := "1 queued, 2 started, 3 prepared, 4 proposed, 5 merged, 6 merged, 7 stalled"
		if got := p.trace(run); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A run that somebody saved between a look and its save is looked at again.
func TestConflictLooksAgain(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		var p *process
		var disturbed atomic.Bool
		ready := make(chan struct{})
		p = begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			<-ready
			if r.State == bot.Merged && disturbed.CompareAndSwap(false, true) {
				other := *r
				other.Warnings = []string{"somebody was here"}
				if err := p.store.Save(ctx, poolTx(p.store), &other, nil, nil, time.Now()); err != nil {
					t.Error(err)
				}
			}
			return next(ctx, r)
		}})
		close(ready)
		run := p.accept("integration", "1")
		r := p.await(run, bot.Done)
		if got := p.trace(run); got != wayTrace {
			t.Errorf("got %q, want %q", got, wayTrace)
		}
		if len(r.Warnings) != 1 {
			t.Errorf("what the other one saved is lost: %q", r.Warnings)
		}
	})
}

// When DBOS cannot record, the engine stops and the run goes on in the next process.
func TestBrokenDatabaseEndsTheProcessNotTheRun(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + t.TempDir() + "/lockstep.db"
	var p *process
	ready := make(chan struct{})
	p = begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
		<-ready
		if r.State == bot.Merged {
			if _, err := p.store.SQLite().Exec(`ALTER TABLE operation_outputs RENAME TO elsewhere`); err != nil {
				t.Error(err)
			}
		}
		return next(ctx, r)
	}})
	close(ready)
	run := p.accept("integration", "1")
	if err := p.result(); err == nil || !strings.Contains(err.Error(), "run engine: run \""+run+"\": step: ") {
		t.Fatalf("got %v, want the engine to say that the run's step could not be recorded", err)
	}
	mend(t, url)
	p = begin(t, url, Options{})
	p.await(run, bot.Done)
	if got := p.trace(run); got != wayTrace {
		t.Errorf("got %q, want %q", got, wayTrace)
	}
}

func TestSweepRemovesOldWorkflows(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := begin(t, url, Options{})
		run := p.accept("integration", "1")
		p.await(run, bot.Done)
		workflows := func() int {
			all, err := dbos.ListWorkflows(p.dbos, dbos.WithFilterStatus(dbos.WorkflowStatusSuccess))
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		until(t, "the workflow's end", func() bool { return workflows() == 1 })
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		p = begin(t, url, Options{Now: func() time.Time { return time.Now().Add(keep + time.Minute) }})
		until(t, "no workflows", func() bool { return workflows() == 0 })
		if got := p.trace(run); got != wayTrace {
			t.Errorf("the run itself: got %q, want %q", got, wayTrace)
		}
	})
}
