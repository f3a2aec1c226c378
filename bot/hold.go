package bot

import (
	"context"
	"fmt"
	"time"
)

// A Hold is a person's word that keeps a run that goes forward from changing anything
// more. What has been merged is still watched and its gates are asked, and a verdict
// still puts things back. It ends when a person says resume or cancel, or when the run
// fails.
type Hold struct {
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// String says who holds it and why: "held by ana (the fair)".
func (h Hold) String() string { return "held by " + h.By + because(h.Reason) }

// A Yield is what a run notes that has given its lane to a rollback. It does nothing and
// hears nobody until it has the lane again.
type Yield struct {
	To  string    `json:"to"`            // the run that puts another one back
	Was string    `json:"was,omitempty"` // what a run that had stalled waited for
	At  time.Time `json:"at"`
}

// Holdable returns nil when a person may hold the run, else ErrRefused with why not.
func (r *Run) Holdable() error {
	switch {
	case r.Settled():
		return fmt.Errorf("%w: run %s has ended: %s", ErrRefused, r.ID, r.Result())
	case r.Undoes != "":
		return fmt.Errorf("%w: run %s puts run %s back, and that is not held", ErrRefused, r.ID, r.Undoes)
	case !r.Cancellable():
		return fmt.Errorf("%w: run %s is already putting back what it wrote, and that is not held", ErrRefused, r.ID)
	case r.Held != nil:
		return fmt.Errorf("%w: run %s is held already by %s%s", ErrRefused, r.ID, r.Held.By, because(r.Held.Reason))
	case r.State == Stalled:
		return fmt.Errorf("%w: run %s has stalled, and nothing of it goes on before somebody says lockstep resume %s", ErrRefused, r.ID, r.ID)
	}
	return nil
}

// Hold holds the run, which goes forward, and returns the outcome that says so.
func (r *Run) Hold(w Word) Outcome {
	r.Held = &Hold{By: w.By, Reason: w.Reason, At: w.At}
	if r.State == Stalled {
		return Outcome{Pace: Person, Reason: r.Reason}
	}
	o := r.paused()
	o.Pace, o.Pauses = Now, false // the next step finds out whether it has to wait
	return o
}

// Release ends the hold of a run that has not stalled, and returns the outcome that says
// so. The time of the hold does not count for the gates that nobody asked meanwhile.
func (r *Run) Release(w Word) Outcome {
	r.postpone(w.At.Sub(r.Held.At), func(p GatePlan) bool { return p.Before })
	r.Held = nil
	return again("%s says: go on%s", w.By, because(w.Reason))
}

// postpone moves the clocks of the open gates that nobody has asked for a time.
func (r *Run) postpone(by time.Duration, unasked func(GatePlan) bool) {
	for _, s := range r.Stages {
		for n := range s.Gates {
			if g := &s.Gates[n]; unasked(s.Plan.Gates[n]) && g.Outcome == GateOpen && !g.Since.IsZero() {
				g.Clock.From = g.Clock.From.Add(max(by, 0))
			}
		}
	}
}

// halted reports that the run is held where its next act would change something. Where
// looking comes first, the look goes on: merge and set ask again before they act.
func (r *Run) halted() bool {
	switch r.State {
	case Queued, Started, Supplied, Cleared, Prepared, Gated, Recorded:
		return r.heldForward()
	}
	return false
}

// heldForward reports that the run goes forward and may change nothing.
func (r *Run) heldForward() bool { return r.Held != nil && r.Direction == Forward }

// paused returns the outcome of a step of a held run that would change something next.
func (r *Run) paused() Outcome {
	o := pause(time.Time{}, "%s: say lockstep resume %s", r.Held, r.ID)
	if i := r.ahead(); i < len(r.Stages) {
		o.Environment = r.Stages[i].Plan.Environment
	}
	return o
}

// ahead returns the index of the stage whose change comes next, or is under way.
func (r *Run) ahead() int {
	if r.State == Gated && r.Stage+1 < len(r.Stages) {
		return r.Stage + 1
	}
	return r.Stage
}

// giveWay turns the pause of a run that goes forward into one in which a rollback has its
// lane, if one waits for it.
func (b *Bot) giveWay(ctx context.Context, r *Run, o *Outcome, err *error) {
	if b.Yields == nil || *err != nil || !o.Pauses || r.Undoes != "" || !r.Cancellable() {
		return
	}
	run, unknown := b.Yields(ctx, r.Lane)
	switch {
	case unknown != nil:
		*o, *err = Outcome{}, fmt.Errorf("look up who waits for lane %s: %w", r.Lane, unknown)
	case run != "":
		*o = Outcome{
			Pace: Person, Yields: run, Environment: o.Environment,
			Reason: fmt.Sprintf("gives lane %s to run %s, which puts another run back, and goes on when it has it again", r.Lane, run),
		}
	}
}

// Regain notes that the run has its lane again, and returns the event that says so. A run
// that had stalled says again what it waits for. The time without its lane does not count
// for the gates that nobody asked meanwhile; the end of a hold leaves that out by itself.
func (r *Run) Regain(now time.Time) *Event {
	reason := fmt.Sprintf("has lane %s again, which run %s had", r.Lane, r.Yielded.To)
	if r.State == Stalled {
		reason = r.Yielded.Was
	}
	r.postpone(now.Sub(r.Yielded.At), func(p GatePlan) bool { return r.Held == nil || !p.Before })
	r.Yielded = nil
	r.Waits = 0
	r.Clock.start(now)
	return r.event(Outcome{Reason: reason}, now)
}
