package bot

import (
	"fmt"
	"strings"

	"lockstep/gates"
)

// CallbackSpeaker is who answers a callback gate: the program that was told its signed
// address.
const CallbackSpeaker = "callback"

// A Question is a gate of a run that waits for an answer: an approval for people's, a
// callback for that of a program.
type Question struct {
	Environment string
	Gate        GatePlan

	author gates.Person // who asked for the run
}

// Answerable returns the gate that is named as one that can be answered now. The
// environment may be empty where one stage alone has a gate of that name.
//
// ErrNotFound when there is no such gate; ErrRefused when it takes no answer, has its
// outcome, or when people are not asked yet: the gate is returned with that. A program
// is told the address of its gate a moment before the run notes that, and may answer at
// once.
func (r *Run) Answerable(environment, gate string) (Question, error) {
	i, n, err := r.findGate(environment, gate)
	if err != nil {
		return Question{}, err
	}
	s := &r.Stages[i]
	q := Question{Environment: s.Plan.Environment, Gate: s.Plan.Gates[n], author: gates.Person{Name: r.By, ID: r.ByID}}
	switch state := s.Gates[n]; {
	case q.Gate.Approval == nil && q.Gate.Callback == nil:
		return q, fmt.Errorf("%w: %s takes no answer, it finds out by itself", ErrRefused, q)
	case state.Outcome != GateOpen:
		return q, fmt.Errorf("%w: %s has its outcome: %s (%s)", ErrRefused, q, state.Outcome, state.Reason)
	case r.Settled():
		return q, fmt.Errorf("%w: run %s has ended: %s", ErrRefused, r.ID, r.Result())
	case !r.Cancellable():
		return q, fmt.Errorf("%w: run %s is putting back what it wrote: nobody is asked any more", ErrRefused, r.ID)
	case q.Gate.Approval != nil && state.Since.IsZero():
		return q, fmt.Errorf("%w: %s is not asked yet: people are asked %s, and run %s is %s in %s so far; answer then",
			ErrRefused, q, q.when(), r.ID, r.State, r.Stages[r.Stage].Plan.Environment)
	}
	return q, nil
}

// findGate returns the stage and the gate that are meant, by their indexes.
func (r *Run) findGate(environment, gate string) (stage, at int, err error) {
	var in, have []string
	for i, s := range r.Stages {
		for n, p := range s.Plan.Gates {
			have = append(have, p.Name+" of "+s.Plan.Environment)
			if p.Name == gate && (environment == "" || environment == s.Plan.Environment) {
				stage, at, in = i, n, append(in, s.Plan.Environment)
			}
		}
	}
	switch {
	case len(in) == 1:
		return stage, at, nil
	case len(in) > 1:
		return 0, 0, fmt.Errorf("%w: run %s has a gate %s in %s: name the environment", ErrRefused, r.ID, gate, strings.Join(in, " and in "))
	case len(r.Stages) == 0:
		return 0, 0, fmt.Errorf("%w: run %s is %s: its gates are known once it has started", ErrRefused, r.ID, r.State)
	case len(have) == 0:
		return 0, 0, fmt.Errorf("%w: run %s has no gates", ErrNotFound, r.ID)
	}
	return 0, 0, fmt.Errorf("%w: run %s has no gate %.100q%s; it has %s", ErrNotFound, r.ID, gate, of(environment), strings.Join(have, ", "))
}

// of names an environment as the end of a clause; "" for none.
func of(environment string) string {
	if environment == "" {
		return ""
	}
	return fmt.Sprintf(" of %.100q", environment)
}

// String names the gate: "gate go-live of prd".
func (q Question) String() string {
	return fmt.Sprintf("gate %s of %s", q.Gate.Name, q.Environment)
}

// when says when the gate is asked.
func (q Question) when() string {
	if q.Gate.Before {
		return "before the deployment to " + q.Environment
	}
	return "after the deployment to " + q.Environment
}

// IsOf reports that the opinion is of the same one as another.
func (o Opinion) IsOf(other Opinion) bool { return o.speaker().Is(other.speaker()) }

// speaker returns whose opinion it is.
func (o Opinion) speaker() gates.Person { return gates.Person{Name: o.By, ID: o.ByID} }

// MayAnswer returns nil when whoever has an opinion may answer, else ErrRefused with why
// not.
func (q Question) MayAnswer(o Opinion) error {
	a := q.Gate.Approval
	switch {
	case a == nil && o.By == CallbackSpeaker:
		return nil
	case a == nil:
		return fmt.Errorf("%w: %s is answered by a program at its signed address, not by people", ErrRefused, q)
	}
	if err := (gates.Approval{By: a.By, NotAuthor: a.NotAuthor}).May(o.speaker(), q.author); err != nil {
		return fmt.Errorf("%w: %v", ErrRefused, err)
	}
	return nil
}
