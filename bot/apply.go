package bot

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// An Outcome is what one step learned: the next state, or how soon to look again,
// and the sentence for people.
type Outcome struct {
	State  State  `json:"state,omitempty"` // the next state; empty: the run stays where it is
	Pace   Pace   `json:"pace,omitempty"`  // how soon to look again when it stays
	Reason string `json:"reason"`
	Link   string `json:"link,omitempty"`
	Asks   bool   `json:"asks,omitempty"` // it asks a person for something, and people are told
	Calm   bool   `json:"calm,omitempty"` // numbers that move in Reason are no news: what a gate measures

	Until time.Time `json:"until,omitzero"` // the next look is not later than this; zero: Pace alone says when

	Environment string `json:"environment,omitempty"` // what it speaks of; "": where the run is
	Pauses      bool   `json:"pauses,omitempty"`      // only a person or a time is awaited: the lane is to be had for a rollback
	Yields      string `json:"yields,omitempty"`      // the rollback that is given the lane; "": none is
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

// asking returns o as one that people are told of, because it asks them for something.
func (o Outcome) asking() Outcome {
	o.Asks = true
	return o
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
// While steps end in errors the run's clock stands still, and when limits.Unknown has
// passed the run stalls. An error never does more.
func (r *Run) Apply(o Outcome, err error, now time.Time, limits Limits) Applied {
	if err != nil {
		o = r.unknown(err, now, limits)
	} else {
		r.Clock.answered(now)
	}
	if o.Yields != "" {
		r.Yielded = &Yield{To: o.Yields, At: now}
		if r.State == Stalled {
			r.Yielded.Was = r.Reason
		}
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
	r.State, r.Entered, r.Waits = o.State, now, 0
	r.Clock.start(now)
	if r.State == Failed || r.Settled() {
		r.Held = nil
	}
	if r.Settled() {
		r.Ended, r.Yielded = now, nil
	}
	applied := Applied{Event: r.event(o, now)}
	if r.State == Stalled {
		applied.After = limits.pace(Person, 0)
	}
	return applied
}

// unknown returns what an error leads to: patience, then a person. What a run that has
// stalled waits for stays what people read.
func (r *Run) unknown(err error, now time.Time, limits Limits) Outcome {
	r.Clock.missed(now)
	if r.State == Stalled {
		return Outcome{Pace: Soon, Reason: r.Reason}
	}
	if since := r.Clock.lost(now); since >= limits.Unknown {
		return call("nobody could tell for %s, see to it and resume the run: %v", since.Round(time.Second), err)
	}
	return wait("could not tell: %v", err)
}

// stay notes an outcome that does not move the run. Waits grow until there is news:
// an error is none, however its words change, nor is an act that has to be repeated.
func (r *Run) stay(o Outcome, now time.Time, limits Limits) Applied {
	var applied Applied
	news := o.Reason != r.Reason
	if o.Calm && digits.ReplaceAllString(o.Reason, "0") == digits.ReplaceAllString(r.Reason, "0") {
		news, r.Reason = false, o.Reason
	}
	if news {
		applied.Event = r.event(o, now)
	}
	if news && r.Clock.Unknown.IsZero() {
		r.Waits = 0
	}
	if o.Pace != Now || !news {
		applied.After = limits.pace(o.Pace, r.Waits)
		r.Waits++
	}
	if !o.Until.IsZero() {
		applied.After = max(min(applied.After, o.Until.Sub(now)), 0)
	}
	return applied
}

// digits finds the numbers in a sentence.
var digits = regexp.MustCompile(`[0-9]+([.,][0-9]+)*(e[+-][0-9]+)?`)

// event appends to the run's log.
func (r *Run) event(o Outcome, now time.Time) *Event {
	r.Events++
	r.Reason = o.Reason
	e := &Event{Run: r.ID, Seq: r.Events, At: now, State: r.State, Direction: r.Direction, Reason: o.Reason, Link: o.Link, Asks: o.Asks}
	if stage := r.near(); r.Direction == Forward && r.Undoes == "" && stage < len(r.Stages) {
		e.Environment = cmp.Or(o.Environment, r.Stages[stage].Plan.Environment)
	}
	return e
}

// near returns the index of the stage that the run is busy with: after the gates of a
// stage that is the next one.
func (r *Run) near() int {
	if r.State == Gated && r.Stage+1 < len(r.Stages) && len(r.Stages[r.Stage].asked(false)) == 0 && r.Stages[r.Stage+1].begun() {
		return r.Stage + 1
	}
	return r.Stage
}

// begun reports that something of the stage was begun before its change.
func (s *Stage) begun() bool {
	return !s.Supply.Began.IsZero() || slices.ContainsFunc(s.Gates, func(g GateState) bool { return !g.Since.IsZero() })
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
