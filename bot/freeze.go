package bot

import (
	"context"
	"fmt"
	"time"
)

// A Freeze keeps runs from beginning, and those under way from going on to their next
// stage. What puts things back always goes.
type Freeze struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // then it ends by itself; zero: somebody has to thaw it
	All    bool      `json:"all,omitempty"`  // the red button: everything is frozen
}

// Everything is the name of what the red button freezes. No lane has it.
const Everything = "*"

// String says who froze it, until when and why: "frozen by ana until Mon 2026-11-30
// 08:00 UTC: no changes during the fair".
func (f Freeze) String() string {
	text := "frozen"
	if f.All {
		text = "frozen with everything"
	}
	if f.By != "" && f.By != ours {
		text += " by " + f.By
	}
	if !f.Until.IsZero() {
		text += " until " + day(f.Until.UTC())
	}
	if f.Reason == "frozen by "+f.By { // no reason was given
		return text
	}
	return text + ": " + f.Reason
}

// Thaw returns the command that ends the freeze of a lane.
func (f Freeze) Thaw(lane string) string {
	if f.All {
		return "lockstep thaw --all"
	}
	return "lockstep thaw " + lane
}

// ours is who freezes a lane because a rollback has failed in it.
const ours = "lockstep"

// Freeze returns what keeps new runs from the lane, its own before the red button; nil
// when nothing does.
func (l LaneState) Freeze() *Freeze {
	if l.Frozen == "" {
		return l.All
	}
	return &Freeze{Reason: l.Frozen, By: l.By, At: l.Since, Until: l.Until}
}

// frozen holds a run while its lane is frozen.
func (b *Bot) frozen(ctx context.Context, r *Run, i int) (o Outcome, held bool, err error) {
	if b.Frozen == nil {
		return Outcome{}, false, nil
	}
	f, err := b.Frozen(ctx, r.Lane, b.Now())
	if f == nil || err != nil {
		return Outcome{}, false, err
	}
	o = pause(f.Until, "environment %s: lane %s is %s", r.Stages[i].Plan.Environment, r.Lane, f)
	o.Environment = r.Stages[i].Plan.Environment
	return o, true, nil
}

// shut holds a run that goes forward while stage i may not be changed.
func (b *Bot) shut(r *Run, i int) (o Outcome, held bool) {
	if r.Direction == Back {
		return Outcome{}, false
	}
	p := r.Stages[i].Plan
	sentence, opens := p.Windows.closure("environment", p.Environment, b.Now())
	o = pause(opens, "%s", sentence)
	o.Environment = p.Environment
	return o, sentence != ""
}

// pause returns the outcome of a step that goes on at a time that is known, or when a
// person says so.
func pause(until time.Time, format string, args ...any) Outcome {
	return Outcome{Pace: Person, Until: until, Reason: fmt.Sprintf(format, args...), Pauses: true}
}
