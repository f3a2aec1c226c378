package bot

import (
	"fmt"
	"time"
)

// An Outcome is what one step learned: the next state, or how soon to look again,
// and the sentence for people.
type Outcome struct {
	State  State  `json:"state,omitempty"` // the next state; empty: the run stays where it is
	Pace   Pace   `json:"pace,omitempty"`  // how soon to look again when it stays
	Reason string `json:"reason"`
	Link   string `json:"link,omitempty"`
}

// A Pace is how soon a run looks again.
type Pace string

// The paces. Now is the zero value: the step acted, and there is more to do.
const (
	Now    Pace = ""
	Soon   Pace = "soon"   // something outside is under way
	Person Pace = "person" // only a person can move it on
)

// to returns the outcome that moves a run to state.
func to(state State, format string, args ...any) Outcome {
	return Outcome{State: state, Reason: fmt.Sprintf(format, args...)}
}

// again returns the outcome of a step that acted and stays in its state.
func again(format string, args ...any) Outcome {
	return Outcome{Reason: fmt.Sprintf(format, args...)}
}

// wait returns the outcome of a step that has to look again later.
func wait(format string, args ...any) Outcome {
	return Outcome{Pace: Soon, Reason: fmt.Sprintf(format, args...)}
}

// call returns the outcome that stalls a run until a person says how to go on.
func call(format string, args ...any) Outcome {
	return Outcome{State: Stalled, Pace: Person, Reason: fmt.Sprintf(format, args...)}
}

// linked returns o with a link to what it speaks of.
func (o Outcome) linked(link string) Outcome {
	o.Link = link
	return o
}

// An Applied is what became of a run through an outcome.
type Applied struct {
	Event *Event        // nil when nothing was learned that is not already said
	After time.Duration // how long to wait for a hint before the next step
}

// Apply moves the run by what a step learned, or by the error that kept it from
// learning anything, at the time now. It is the only place that changes State.
//
// The second clock runs here: while steps end in errors UnknownSince stands still,
// and when limits.Unknown has passed the run stalls. An error never does more: the
// first clock stands still meanwhile.
func (r *Run) Apply(o Outcome, err error, now time.Time, limits Limits) Applied {
	if err != nil {
		o = r.unknown(err, now, limits)
	} else {
		r.answered(now)
	}
	if o.State == "" || o.State == r.State {
		return r.stay(o, now, limits)
	}
	if o.State == Stalled && r.Resume == "" {
		r.Resume = r.State
	}
	if r.State == Queued {
		r.Begun = now
	}
	r.State, r.Entered, r.Clock, r.Waits, r.UnknownSince = o.State, now, now, 0, time.Time{}
	if r.Settled() {
		r.Ended = now
	}
	applied := Applied{Event: r.event(o, now)}
	if r.State == Stalled {
		applied.After = limits.pace(Person, 0)
	}
	return applied
}

// unknown returns what an error leads to: patience, then a person.
func (r *Run) unknown(err error, now time.Time, limits Limits) Outcome {
	if r.UnknownSince.IsZero() {
		r.UnknownSince = now
	}
	if since := now.Sub(r.UnknownSince); since >= limits.Unknown && r.State != Stalled {
		return call("nobody could tell for %s, see to it and resume the run: %v", since.Round(time.Second), err)
	}
	return wait("could not tell: %v", err)
}

// answered ends the time in which nobody could tell, and leaves it out of the clock of
// the state.
func (r *Run) answered(now time.Time) {
	if r.Clock.Before(r.UnknownSince) {
		r.Clock = r.Clock.Add(r.lost(now))
	}
	r.UnknownSince = time.Time{}
}

// stay notes an outcome that does not move the run. Waits grow until there is news:
// an error is none, however its words change, nor is an act that has to be repeated.
func (r *Run) stay(o Outcome, now time.Time, limits Limits) Applied {
	var applied Applied
	news := o.Reason != r.Reason
	if news {
		applied.Event = r.event(o, now)
	}
	if news && r.UnknownSince.IsZero() {
		r.Waits = 0
	}
	if o.Pace != Now || !news {
		applied.After = limits.pace(o.Pace, r.Waits)
		r.Waits++
	}
	return applied
}

// event appends to the run's log.
func (r *Run) event(o Outcome, now time.Time) *Event {
	r.Events++
	r.Reason = o.Reason
	e := &Event{Run: r.ID, Seq: r.Events, At: now, State: r.State, Direction: r.Direction, Reason: o.Reason, Link: o.Link}
	if r.Direction == Forward && r.Stage < len(r.Stages) {
		e.Environment = r.Stages[r.Stage].Plan.Environment
	}
	return e
}

// pace returns how long to wait after a number of waits in a row without news.
func (l Limits) pace(p Pace, waits int) time.Duration {
	longest := l.Longest
	if p == Person {
		longest = l.Person
	}
	after := l.First
	for range waits {
		if after = after * 3 / 2; after >= longest {
			return longest
		}
	}
	return after
}

// overdue reports that the clock of the run's state has run for limit or longer. The
// time in which nobody could tell does not count: an outage is no verdict.
func (r *Run) overdue(now time.Time, limit time.Duration) bool {
	return limit > 0 && now.Sub(r.Clock)-r.lost(now) >= limit
}

// lost returns for how long nobody has been able to tell, up to now.
func (r *Run) lost(now time.Time) time.Duration {
	if r.UnknownSince.IsZero() {
		return 0
	}
	return now.Sub(r.UnknownSince)
}
