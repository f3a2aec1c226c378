package bot

import (
	"fmt"
	"slices"
	"time"

	"lockstep/gitops"
)

// A RunLog is a run with what was decided in it, in order.
type RunLog struct {
	Run    *Run
	Events []Event
}

// A move is what a run did to a service, or found out of it, at the time of an event.
type move struct {
	kind    moveKind
	at      time.Time
	run     *Run
	version gitops.Version // that the service runs from then on; "" with a doubt
	before  gitops.Version // that it ran before; "" where the run does not know
	doubt   string
}

// A moveKind is how sure a move is of the version that runs from then on.
type moveKind string

// The kinds of moves. All but a doubt say which version runs.
const (
	brought moveKind = "brought"  // the run deployed its version
	found   moveKind = "found"    // the run found its version there already
	putBack moveKind = "put back" // the run put the old version back
	stood   moveKind = "stood"    // the run was to put the old version back, and found it there already
	doubt   moveKind = "doubt"    // the run does something there, or leaves it alone
)

// moves returns what the run did to a service in the order of its events; none when it
// has nothing to do with that.
func (l RunLog) moves(s Spot) []move {
	i := slices.IndexFunc(l.Run.Stages, func(stage Stage) bool { return stage.Plan.Environment == s.Environment })
	if i < 0 || l.Run.Package != s.Package {
		return nil
	}
	services := l.Run.Stages[i].Plan.Services
	n := slices.IndexFunc(services, func(service Service) bool { return service.Name == s.Service })
	if n < 0 {
		return nil
	}
	moves := append(l.forward(i, services[n]), l.back(i, services[n])...)
	for _, e := range l.Events {
		if e.State.Settled() && e.Direction == Back && e.Asks && e.Environment == s.Environment { // a person has brought it back
			moves = append(moves, l.doubts(e.At, "%s", e.Reason))
		}
	}
	return moves
}

// doubts returns a move that throws doubt on what is known.
func (l RunLog) doubts(at time.Time, format string, args ...any) move {
	return move{kind: doubt, at: at, run: l.Run, doubt: fmt.Sprintf(format, args...)}
}

// forward returns the moves of a service of stage i on the way forward.
func (l RunLog) forward(i int, service Service) []move {
	r, stage := l.Run, &l.Run.Stages[i]
	if r.Undoes != "" { // its stages are those of the run that it undoes
		return nil
	}
	var moves []move
	bump, wrote := stage.Delivery.bump(stage.Plan.Environment, service)
	if merged, ok := l.first(Merged, stage.Plan.Environment); ok && wrote {
		moves = append(moves, l.doubts(merged.At, "run %s has set %s there and has not seen it run", r.ID, r.Version))
	}
	switch synced, ok := l.first(Synced, stage.Plan.Environment); {
	case ok && wrote:
		moves = append(moves, move{kind: brought, at: synced.At, run: r, version: r.Version, before: bump.From})
	case ok:
		moves = append(moves, move{kind: found, at: synced.At, run: r, version: r.Version})
	}
	return moves
}

// first returns the first event in which the run came forward to a state in an
// environment.
func (l RunLog) first(state State, environment string) (Event, bool) {
	n := slices.IndexFunc(l.Events, func(e Event) bool {
		return e.State == state && e.Direction == Forward && e.Environment == environment
	})
	if n < 0 {
		return Event{}, false
	}
	return l.Events[n], true
}

// back returns the moves of a service of stage i on the way back.
func (l RunLog) back(i int, service Service) []move {
	r, stage := l.Run, &l.Run.Stages[i]
	environment := stage.Plan.Environment
	n := slices.IndexFunc(l.Events, func(e Event) bool { return e.Direction == Back })
	if n < 0 || !r.covers(environment) {
		return nil
	}
	planned := l.Events[n].At
	for j := range slices.Backward(r.Backs) {
		if bump, ok := r.Backs[j].bump(environment, service); ok {
			return append([]move{l.doubts(planned, "run %s is putting it back to %s (%s)", r.ID, bump.To, r.Cause.Sentence)}, l.returned(j, bump)...)
		}
	}
	bump, wrote := stage.Delivery.bump(environment, service)
	if !wrote || !stage.Delivery.wrote() {
		return nil
	}
	for _, left := range r.Left {
		if left.Bump.Place == bump.Place && left.Bump.Environment == environment {
			return []move{l.doubts(planned, "run %s has left it alone when it put %s back: %s", r.ID, r.Version, left.Reason)}
		}
	}
	return []move{{kind: stood, at: planned, run: r, version: r.replaced(bump), before: r.Version}}
}

// returned returns what became of a service that delivery j of the way back is to put
// back; nothing while that is not known.
func (l RunLog) returned(j int, bump gitops.Bump) []move {
	r := l.Run
	back := move{kind: putBack, run: r, version: bump.To, before: bump.From}
	switch at, verified := l.verified()[j]; {
	case verified:
		back.at = at
	case !r.Settled():
		return nil
	case r.Backs[j].runs(bump.Environment, bump.Service):
		back.at = r.Ended
	default:
		sentence := r.Reason
		if r.BackCause != nil {
			sentence = r.BackCause.Sentence
		}
		return []move{l.doubts(r.Ended, "run %s could not put it back to %s: %s", r.ID, bump.To, sentence)}
	}
	return []move{back}
}

// verified returns when the deliveries of the way back were seen to run, by their
// indexes. Those that a verdict ended were not.
func (l RunLog) verified() map[int]time.Time {
	var times []time.Time
	last := State("")
	for _, e := range l.Events {
		if e.Direction == Back && e.State == Synced && last != Synced {
			times = append(times, e.At)
		}
		if e.State != Stalled {
			last = e.State
		}
	}
	at := map[int]time.Time{}
	for j := range l.Run.Backs {
		if len(at) < len(times) && l.Run.Backs[j].seen().Count(gitops.Running) == len(l.Run.Backs[j].seen()) {
			at[j] = times[len(at)]
		}
	}
	return at
}

// runs reports that the service was last seen to run what the delivery brought.
func (d *Delivery) runs(environment, service string) bool {
	for _, sync := range d.Seen {
		for _, s := range sync.Services {
			if sync.Environment == environment && s.Service == service {
				return s.Known == gitops.Running
			}
		}
	}
	return false
}
