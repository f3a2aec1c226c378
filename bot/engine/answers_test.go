package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/bot"
)

func TestOpinionWakesTheRun(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		var p *process
		var looks atomic.Int64
		ready := make(chan struct{})
		p = begin(t, url, Options{Limits: slow, Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			<-ready
			if r.State != bot.Merged {
				asks(r)
				return next(ctx, r)
			}
			opinions, err := p.store.Opinions(ctx, r.ID, "prd", "go-live")
			if looks.Add(1); err != nil || len(opinions) == 0 {
				return bot.Outcome{Pace: bot.Soon, Reason: "nobody has said anything"}, err
			}
			return next(ctx, r)
		}})
		close(ready)
		run := p.accept("integration", "1")
		until(t, "first look", func() bool { return looks.Load() == 1 && p.read(run).Waits == 1 })
		yes, no := bot.Command{Verb: bot.VerbConfirm, Run: run, Gate: "go-live"}, bot.Command{Verb: bot.VerbDeny, Run: run, Gate: "go-live"}
		p.does(yes)
		p.await(run, bot.Done)
		p.does(yes) // says nothing new
		if a := p.told(no); !a.Refused {
			t.Errorf("another answer: got %+v, want a refusal", a)
		}
		no.Run = "nobody"
		if _, err := p.Do(t.Context(), bot.Batch{Source: "api nobody", Commands: []bot.Command{no}}); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("an unknown run: got %v, want %v", err, bot.ErrNotFound)
		}
	})
}

// asks gives a run a gate that asks people.
func asks(r *bot.Run) {
	r.Stages = []bot.Stage{{
		Plan:  bot.StagePlan{Environment: "prd", Gates: []bot.GatePlan{{Name: "go-live", Approval: &bot.ApprovalGate{Count: 1}}}},
		Gates: []bot.GateState{{Name: "go-live", Since: time.Now()}},
	}}
}

// What a verdict condemned, a forced run lifts, both in the transactions of the engine.
func TestVerdictCondemns(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			switch {
			case r.State == bot.Synced && r.Force == "":
				r.Cause = &bot.Cause{Sentence: "gate int-test failed", Verdict: true}
				return bot.Outcome{State: bot.Failed, Reason: r.Cause.Sentence}, nil
			case r.State == bot.Failed:
				return bot.Outcome{State: bot.RolledBack, Reason: "put back"}, nil
			}
			return next(ctx, r)
		}})
		run := p.accept("integration", "1")
		p.await(run, bot.RolledBack)
		condemned, err := p.store.Condemned(t.Context())
		if err != nil || len(condemned) != 1 || condemned[0].Run != run || condemned[0].Reason != "gate int-test failed" {
			t.Fatalf("got %+v, %v", condemned, err)
		}
		q := bot.Request{Key: "api 1", Package: "mda", Track: "integration", Lane: "integration", Version: "1", Origin: bot.OriginAPI}
		if no, err := p.store.Accept(t.Context(), q, time.Now()); err != nil || !no.Refused {
			t.Errorf("got %+v, %v, want a refusal", no, err)
		}
		q.Key, q.Force = "api 2", "the gate was wrong"
		forced, err := p.store.Accept(t.Context(), q, time.Now())
		if err != nil || !forced.New {
			t.Fatalf("got %+v, %v, want a run", forced, err)
		}
		p.await(forced.Run, bot.Done)
		if left, err := p.store.Condemned(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("got %+v, %v, want nothing", left, err)
		}
	})
}

// A run that puts a finished one back takes a frozen lane, before all who wait.
func TestUndoTakesAFrozenLane(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			if r.Undoes != "" && r.State == bot.Started {
				return bot.Outcome{State: bot.RolledBack, Reason: "put back"}, nil
			}
			return next(ctx, r)
		}})
		done := p.accept("integration", "1")
		p.await(done, bot.Done)
		p.does(bot.Command{Verb: bot.VerbFreeze, Lane: "integration", Reason: "month end"})
		waits := p.accept("integration", "2")
		undo, err := p.store.Accept(t.Context(), bot.Request{Key: "undo", Origin: bot.OriginAPI, By: "ana", Undoes: done}, time.Now())
		if err != nil || !undo.New {
			t.Fatalf("got %+v, %v, want a run", undo, err)
		}
		p.await(undo.Run, bot.RolledBack)
		if r := p.read(waits); r.State != bot.Queued {
			t.Errorf("the lane is frozen, and run %s is %s", waits, r.State)
		}
	})
}

// A run that waits for the end of a freeze goes on when its lane is thawed, or
// everything is.
func TestThawWakesTheHolder(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		var frozen atomic.Bool
		p := begin(t, url, Options{Limits: slow, Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			if r.State == bot.Started && frozen.Load() {
				return bot.Outcome{Pace: bot.Person, Reason: "it is frozen"}, nil
			}
			return next(ctx, r)
		}})
		for version, lane := range map[string]string{"1": "integration", "2": bot.Everything} {
			frozen.Store(true)
			run := p.accept("integration", version)
			until(t, "the run waits", func() bool { return p.read(run).Reason == "it is frozen" })
			p.does(bot.Command{Verb: bot.VerbFreeze, Lane: lane, Reason: "fire"})
			frozen.Store(false)
			p.does(bot.Command{Verb: bot.VerbThaw, Lane: lane})
			p.await(run, bot.Done)
		}
	})
}

func TestSweepAtTheStart(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := begin(t, url, Options{})
		for i, age := range []time.Duration{keepTold + time.Hour, keepTold - time.Hour} {
			if _, err := p.store.AcceptAll(t.Context(), fmt.Sprint("delivery ", i), nil, time.Now().Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		p = begin(t, url, Options{})
		request := bot.Request{Key: "tag 1", Package: "mda", Track: "other", Lane: "other", Version: "1", Origin: bot.OriginTag}
		until(t, "the old delivery is forgotten", func() bool {
			answers, err := p.store.AcceptAll(t.Context(), "delivery 0", []bot.Request{request}, time.Now())
			return err == nil && len(answers) == 1
		})
		if answers, err := p.store.AcceptAll(t.Context(), "delivery 1", []bot.Request{request}, time.Now()); err != nil || len(answers) != 0 {
			t.Errorf("the new delivery: got %+v, %v, want its first answer", answers, err)
		}
	})
}
