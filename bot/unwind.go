package bot

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/gitops"
)

// A Past is what people have had put back since a run began. What the run replaced may
// be among that, and must not come back with its own rollback.
type Past struct {
	Begun  time.Time // when the run began, or the one that it puts back
	Undone []Undone  // of the runs that had ended by then, the last to end first
}

// An Undone is a finished run and the run that has put it back, as far as it could.
type Undone struct {
	Run *Run
	By  string    // the run that has put it back
	At  time.Time // when that ended
}

// An Unwound is a value that goes back further than to what stood before the run.
type Unwound struct {
	Bump    gitops.Bump    `json:"bump"`    // as the run wrote it
	To      gitops.Version `json:"to"`      // what it goes back to instead of Bump.From
	Through []string       `json:"through"` // the runs that have undone what stood in between, the last first
}

// A swap is a version that a run has put in the place of another.
type swap struct {
	from, to gitops.Version
	at       time.Time // when it was seen that from stands there; zero: not known
}

// swapped returns what the run did at a place, if anything.
func (r *Run) swapped(at gitops.Place) (swap, bool) {
	for i := range r.Stages {
		d := &r.Stages[i].Delivery
		if n := slices.IndexFunc(d.bumps(), func(b gitops.Bump) bool { return b.Place == at }); n >= 0 && d.wrote() {
			return swap{d.bumps()[n].From, d.bumps()[n].To, d.Change.When}, true
		}
	}
	return swap{}, false
}

// recordedOver returns what the run did to a parameter that holds a last good version, if
// anything. When it looked is not kept: that was after the stage was prepared.
func (r *Run) recordedOver(p Parameter) (swap, bool) {
	for _, s := range r.Stages {
		if s.Plan.Record != nil && *s.Plan.Record == p && s.Before != nil {
			return swap{gitops.Version(*s.Before), r.Version, s.Delivery.Change.When}, true
		}
	}
	return swap{}, false
}

// unwind returns what a place goes back to at which a run did own: the version that it
// replaced, or, where a run that was undone since had brought that, what this one had
// replaced, and so on. through are the runs that have undone those. did says what another
// run did at the place.
func (p Past) unwind(own swap, did func(*Run) (swap, bool)) (to gitops.Version, through []string) {
	last, begun := own, p.Begun
	for _, u := range p.Undone {
		s, ok := did(u.Run)
		if last.at.IsZero() {
			last.at = begun
		}
		if ok && s.to == last.from && !u.Run.Ended.After(begun) && u.At.After(last.at) {
			last, begun, through = s, u.Run.Begun, append(through, u.By)
		}
	}
	return last.from, through
}

// unwound returns a bump of the run as it is to be put back, and notes where that is not
// to what stood before the run. at is when the bump was prepared.
func (r *Run) unwound(past Past, b gitops.Bump, at time.Time) gitops.Bump {
	to, through := past.unwind(swap{b.From, b.To, at}, func(other *Run) (swap, bool) { return other.swapped(b.Place) })
	if len(through) > 0 {
		r.Unwound = append(r.Unwound, Unwound{b, to, through})
		b.From = to
	}
	return b
}

// replaced returns what a bump of the run is put back to.
func (r *Run) replaced(b gitops.Bump) gitops.Version {
	for _, u := range r.Unwound {
		if u.Bump == b {
			return u.To
		}
	}
	return b.From
}

// endless names what cannot go back: what stood there before was undone since, and before
// that stood what it goes back from. "" for nothing. Stood is what has no work to do.
func (r *Run) endless(stood []gitops.Bump) string {
	var names []string
	for _, u := range r.Unwound {
		if u.To == u.Bump.To && slices.ContainsFunc(stood, func(b gitops.Bump) bool { return b.Place == u.Bump.Place }) {
			names = append(names, fmt.Sprintf("%s of %s (%s was undone since by run %s)", u.Bump.Service, u.Bump.Environment, u.Bump.From, u.runs()))
		}
	}
	return strings.Join(names, ", ")
}

// runs names the runs that have undone what stood in between.
func (u Unwound) runs() string { return strings.Join(u.Through, " and run ") }

// detours says what goes back further than to what stood before the run, and why, as the
// end of a sentence.
func (r *Run) detours() string {
	type detour struct {
		environment, from, to, through string
	}
	var order []detour
	services := map[detour][]string{}
	for _, u := range r.Unwound {
		d := detour{u.Bump.Environment, string(u.Bump.From), string(u.To), u.runs()}
		if services[d] == nil {
			order = append(order, d)
		}
		services[d] = append(services[d], u.Bump.Service)
	}
	text := ""
	for _, d := range order {
		text += fmt.Sprintf("; %s of %s to %s and not to %s, which was undone since by run %s", strings.Join(services[d], ", "), d.environment, d.to, d.from, d.through)
	}
	return text
}
