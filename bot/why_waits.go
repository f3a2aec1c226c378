package bot

import (
	"fmt"
	"strings"
)

// Awaits says in a sentence for what exactly the run waits. place is where it waits for
// its lane; "" where it does not.
func (r *Run) Awaits(place string) string {
	asked := r.openQuestions()
	switch {
	case r.Settled():
		return fmt.Sprintf("run %s waits for nothing, it has ended: %s (%s)", r.ID, r.Result(), r.Reason)
	case place != "":
		return fmt.Sprintf("run %s waits for its lane: %s", r.ID, place)
	case r.Held != nil && r.State != Stalled:
		return fmt.Sprintf("run %s waits for a person to resume it: %s", r.ID, r.Held)
	case r.State == Stalled:
		return fmt.Sprintf("run %s waits for a person: %s", r.ID, r.Reason)
	case len(asked) > 0:
		return fmt.Sprintf("run %s waits for %s", r.ID, strings.Join(asked, " and "))
	}
	return fmt.Sprintf("run %s is %s: %s", r.ID, r.State, r.Reason)
}

// openQuestions names the gates that people or programs are asked and have not answered.
func (r *Run) openQuestions() []string {
	var open []string
	for _, s := range r.Stages {
		for n, g := range s.Gates {
			p := s.Plan.Gates[n]
			if g.Since.IsZero() || g.Outcome != GateOpen || !r.Cancellable() || p.Approval == nil && p.Callback == nil {
				continue
			}
			text := fmt.Sprintf("an answer to gate %s of %s", p.Name, s.Plan.Environment)
			switch {
			case g.Reason != "":
				text += ": " + g.Reason
			case p.Approval != nil:
				text += ": " + p.Approval.wants()
			}
			open = append(open, text)
		}
	}
	return open
}
