package bot

import "strings"

// An Offer is a command that people may give a run, in words for each place where they
// can.
type Offer struct {
	Verb Verb
	On   string   // the run, or the lane of a thaw
	Args []string // what follows: the gate
}

// CLI returns the offer as people type it in a terminal: "lockstep resume 0193…".
func (o Offer) CLI() string {
	return strings.Join(append([]string{"lockstep", string(o.Verb), o.On}, o.Args...), " ")
}

// Comment returns the offer as people write it on a merge request of the run, which says
// which run is meant: "/lockstep resume". That form is left alone by every edition of
// GitLab.
func (o Offer) Comment() string {
	words := []string{"/lockstep", string(o.Verb)}
	if o.Verb == VerbThaw {
		words = append(words, o.On)
	}
	return strings.Join(append(words, o.Args...), " ")
}

// Offers returns what a person may say where the run needs one; none elsewhere.
func (r *Run) Offers() []Offer {
	resume, cancel := Offer{Verb: VerbResume, On: r.ID}, Offer{Verb: VerbCancel, On: r.ID}
	switch {
	case r.Yielded != nil: // it hears nobody before it has its lane again
		return nil
	case len(r.confirmable()) > 0 && r.State != Stalled:
		var offers []Offer
		for _, gate := range r.confirmable() {
			offers = append(offers, Offer{VerbConfirm, r.ID, gate}, Offer{VerbDeny, r.ID, gate})
		}
		if r.Held != nil {
			offers = append(offers, resume)
		}
		return append(offers, cancel)
	case r.State == RollbackFailed:
		return []Offer{{Verb: VerbRetry, On: r.ID}, {Verb: VerbThaw, On: r.Lane}}
	case r.State == Stalled && r.Cancellable(), r.heldForward() && !r.Settled():
		return []Offer{resume, cancel}
	case r.State == Stalled:
		return []Offer{resume}
	}
	return nil
}

// Commands returns what a person may type where the run needs one; none elsewhere.
func (r *Run) Commands() []string {
	var commands []string
	for _, o := range r.Offers() {
		commands = append(commands, o.CLI())
	}
	return commands
}

// confirmable names the approval gates that wait for people now, as a command does: with
// the environment where several have a gate of that name.
func (r *Run) confirmable() [][]string {
	var gates [][]string
	for _, s := range r.Stages {
		for n, g := range s.Gates {
			if s.Plan.Gates[n].Approval == nil || g.Since.IsZero() || g.Outcome != GateOpen || !r.Cancellable() {
				continue
			}
			gate := []string{g.Name}
			if _, _, err := r.findGate("", g.Name); err != nil {
				gate = append(gate, "--environment", s.Plan.Environment)
			}
			gates = append(gates, gate)
		}
	}
	return gates
}
