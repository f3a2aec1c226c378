package bot

import (
	"context"
	"errors"

	"lockstep/gitops"
)

// Step is the whole process: it looks at the world, acts at most once, and returns
// what it learned. It notes facts on r and never changes r.State; that is Apply's.
// An error means that it could not tell, and r keeps the facts noted so far.
//
// Doing a step twice equals doing it once: before each act it looks for the act's
// effect. A run that has settled has no step, and one whose lane a rollback has does
// nothing.
func (b *Bot) Step(ctx context.Context, r *Run) (o Outcome, err error) {
	defer called(&o, &err)
	defer b.giveWay(ctx, r, &o, &err)
	if o, kept := r.kept(); kept {
		return o, nil
	}
	switch r.State {
	case Queued: // the lane is ours: fix the plan
		return b.start(ctx, r)
	case Started, Supplied, Cleared: // a stage: its data, the gates before it, its change
		return b.enter(ctx, r, r.Stage)
	case Prepared, Recalled: // the commit is known: push it, then open its merge request
		return b.propose(ctx, r)
	case Proposed: // the merge request is open: merge it when it was verified
		return b.merge(ctx, r)
	case Merged: // the commit has landed: watch each service
		return b.sync(ctx, r)
	case Synced: // the services run it: ask the gates, or go on with the way back
		if r.Direction == Back {
			return b.restored(ctx, r)
		}
		return b.gate(ctx, r, r.Stage, false)
	case Gated: // the stage is good: the next one, or the record
		if r.Stage+1 < len(r.Stages) {
			return b.enter(ctx, r, r.Stage+1)
		}
		return b.record(ctx, r)
	case Recorded: // everything is stored: leave nothing behind
		return b.finish(ctx, r)
	case Failed: // stop what could still land or deploy, and plan the way back
		return b.recall(ctx, r)
	case Stalled: // only a person's word ends it
		return Outcome{Pace: Person, Reason: r.Reason, Pauses: true}, nil
	case Done, RolledBack, RollbackFailed, Cancelled, Superseded, Refused:
		panic("bot: step of a settled run " + r.ID)
	}
	panic("bot: unknown state " + r.State)
}

// called turns an act that the outside refuses into a call for people: to ask again
// would not help.
func called(o *Outcome, err *error) {
	if errors.Is(*err, gitops.ErrRefused) {
		*o, *err = call("%v; mend it, then resume the run", *err), nil
	}
}

// kept returns the outcome of a step that looks at nothing: the lane is another run's, a
// person has said something, or the run is held.
func (r *Run) kept() (Outcome, bool) {
	if r.Yielded != nil {
		return Outcome{Pace: Person, Reason: r.Reason}, true
	}
	if r.Word != nil {
		if o, obeyed := r.obey(*r.Word); obeyed {
			return o, true
		}
	}
	if r.halted() {
		return r.paused(), true
	}
	return Outcome{}, false
}

// obey does what a person said, if it means anything where the run stands.
func (r *Run) obey(w Word) (Outcome, bool) {
	switch {
	case w.Verb == VerbResume && r.State == Stalled:
		back := r.Resume
		r.Resume, r.Held = "", nil
		r.reopen()
		return to(back, "%s says: go on%s", w.By, because(w.Reason)), true
	case w.Verb == VerbResume && r.Held != nil:
		return r.Release(w), true
	case w.Verb == VerbHold && r.Undoes == "" && r.Cancellable() && r.Held == nil:
		return r.Hold(w), true
	case w.Verb == VerbCancel && r.Cancellable():
		r.Cancel, r.Resume = true, ""
		r.Cause = &Cause{Sentence: "cancelled by " + w.By + because(w.Reason)}
		if r.State == Queued {
			return to(Cancelled, "%s", r.Cause.Sentence), true
		}
		return to(Failed, "%s", r.Cause.Sentence), true
	}
	return Outcome{}, false
}

// reopen lets the gates without an outcome start again when a run goes on: Start finds
// what runs already, begins what a person has removed, and the time limit runs anew.
func (r *Run) reopen() {
	for _, s := range r.Stages {
		for n := range s.Gates {
			if g := &s.Gates[n]; g.Outcome == GateOpen {
				*g = GateState{Name: g.Name}
			}
		}
	}
}

// because returns a reason as the end of a sentence.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// fail returns the outcome of a verdict. Forward it turns the run back; on the way
// back it is noted, and the way back goes on with what is left of it.
func (r *Run) fail(c Cause) Outcome {
	if r.Direction == Back {
		r.BackCause = join(r.BackCause, c)
		return r.next()
	}
	r.Cause = &c
	return to(Failed, "%s", c.Sentence).linked(c.Link)
}

// join adds a cause to one that is there already.
func join(first *Cause, c Cause) *Cause {
	if first == nil {
		return &c
	}
	first.Sentence += "; " + c.Sentence
	return first
}
