package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"lockstep/bot"
	"lockstep/bot/store"
)

// giving is the way of runs in these tests: version 2 stalls when it has merged, and goes
// on by itself when it has given its lane to a rollback and has it again. A rollback goes
// from state to state. What waits for a person is bot's own step.
func giving(s *store.Store) func(context.Context, *bot.Run) (bot.Outcome, error) {
	waits := &bot.Bot{Yields: s.Yields, Now: time.Now}
	back := map[bot.State]bot.State{bot.Queued: bot.Started, bot.Started: bot.Failed, bot.Failed: bot.Recalled, bot.Recalled: bot.RolledBack}
	return func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
		switch {
		case r.Undoes != "":
			return bot.Outcome{State: back[r.State], Reason: "it is " + string(back[r.State])}, nil
		case r.State == bot.Stalled && r.Yielded == nil && gaveWay(ctx, s, r):
			return bot.Outcome{State: bot.Synced, Reason: "it goes on"}, nil
		case r.State == bot.Stalled:
			return waits.Step(ctx, r)
		case r.State == bot.Merged && r.Version == "2":
			return bot.Outcome{State: bot.Stalled, Reason: "a person is needed"}, nil
		}
		return next(ctx, r)
	}
}

// gaveWay reports that the run has given its lane away before.
func gaveWay(ctx context.Context, s *store.Store, r *bot.Run) bool {
	events, err := s.Events(ctx, r.ID)
	for _, e := range events {
		if strings.HasPrefix(e.Reason, "gives lane ") {
			return true
		}
	}
	return err != nil
}

// undo asks for a run that puts another one back.
func (p *process) undo(run string) string {
	p.t.Helper()
	answer, err := p.store.Accept(p.t.Context(), bot.Request{Key: "undo " + run, Undoes: run, By: "ana", Origin: bot.OriginAPI}, time.Now())
	if err != nil || !answer.New {
		p.t.Fatalf("got %+v, %v", answer, err)
	}
	p.Wake()
	return answer.Run
}

// What the run that gave way and the rollback say, whatever was cut off.
const (
	gaveTrace = "1 queued, 2 started, 3 prepared, 4 proposed, 5 merged, 6 stalled, 7 stalled, 8 stalled, 9 synced, 10 gated, 11 recorded, 12 done"
	undoTrace = "1 queued, 2 started, 3 failed, 4 recalled, 5 rolled back"
)

// A rollback has the lane at once, and each run goes to its end with its one workflow.
// Only hints end waits here.
func TestRollbackTakesTheLane(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := beginGiving(t, url, slow, nil)
		done := p.accept("integration", "1")
		p.await(done, bot.Done)
		holder, waits := p.accept("integration", "2"), p.accept("integration", "3")
		p.await(holder, bot.Stalled)
		undo := p.undo(done)
		p.await(undo, bot.RolledBack)
		p.await(holder, bot.Done)
		p.await(waits, bot.Done)
		for run, want := range map[string]string{holder: gaveTrace, undo: undoTrace, waits: wayTrace} {
			if got := p.trace(run); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		events, err := p.store.Events(t.Context(), holder)
		if err != nil {
			t.Fatal(err)
		}
		gave := "gives lane integration to run " + undo + ", which puts another run back, and goes on when it has it again"
		if events[6].Reason != gave || events[7].Reason != "a person is needed" {
			t.Errorf("got %q, then %q, want %q", events[6].Reason, events[7].Reason, gave)
		}
		until(t, "four workflows have ended", func() bool {
			all, err := dbos.ListWorkflows(p.dbos, dbos.WithFilterName(workflow))
			ended, err2 := dbos.ListWorkflows(p.dbos, dbos.WithFilterName(workflow), dbos.WithFilterStatus(dbos.WorkflowStatusSuccess))
			return errors.Join(err, err2) == nil && len(all) == 4 && len(ended) == 4
		})
	})
}

// beginGiving begins a process whose runs go their way by giving, or by closed where that
// says anything.
func beginGiving(t *testing.T, url string, limits bot.Limits, closed func(*bot.Run) string) *process {
	t.Helper()
	var p *process
	ready := make(chan struct{})
	p = begin(t, url, Options{Limits: limits, Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
		<-ready
		if closed != nil && closed(r) != "" {
			return wait(closed(r))
		}
		return giving(p.store)(ctx, r)
	}})
	close(ready)
	return p
}

// A process that ends while the rollback has the lane leaves both to the next one.
func TestRollbackHasTheLaneInTheNextProcess(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := beginGiving(t, url, quick, func(r *bot.Run) string {
			if r.State == bot.Failed {
				return "the cluster is closed"
			}
			return ""
		})
		done := p.accept("integration", "1")
		p.await(done, bot.Done)
		holder := p.accept("integration", "2")
		p.await(holder, bot.Stalled)
		undo := p.undo(done)
		until(t, "the rollback works", func() bool { return p.read(undo).Reason == "the cluster is closed" })
		if r := p.read(holder); r.Yielded == nil || r.Yielded.To != undo {
			t.Errorf("got %+v, want that it has given way to run %s", r.Yielded, undo)
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		p = beginGiving(t, url, quick, nil)
		p.await(undo, bot.RolledBack)
		p.await(holder, bot.Done)
		if got := p.trace(holder); got != gaveTrace {
			t.Errorf("got %q, want %q", got, gaveTrace)
		}
	})
}

// Processes are killed at each step of a run that gives way and of the rollback that has
// its lane meanwhile: the same end, and nothing twice.
func TestKillWhileARunGivesWay(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := beginGiving(t, url, quick, nil)
		done := p.accept("integration", "1")
		p.await(done, bot.Done)
		holder := p.accept("integration", "2")
		p.await(holder, bot.Stalled)
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		undo, waits := late(t, url, done)
		kills := 0
		for !comesThrough(t, url, 1+2*kills, killGiving+"=1") {
			if kills++; kills > 100 {
				t.Fatal("the runs do not come to an end")
			}
		}
		t.Logf("killed %d times", kills)
		if kills < 4 {
			t.Errorf("killed %d times, which proves too little", kills)
		}
		p = begin(t, url, Options{})
		for run, want := range map[string]string{holder: gaveTrace, undo: undoTrace, waits: wayTrace} {
			if got := p.trace(run); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// late asks, in a database that nobody drives, for a rollback of a run, and for one that
// waits behind it.
func late(t *testing.T, url, done string) (undo, waits string) {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := &process{Engine: &Engine{wake: make(chan struct{}, 1)}, t: t, store: s}
	return p.undo(done), p.accept("integration", "3")
}
