// Package rollback plans how to put back what a run wrote: by value, not by patch.
// From the bumps that the run recorded and what stands now it says which values go
// back, which stand on their old version already, and which a person has changed
// since and must be left alone.
//
// It is pure: it reads nothing and changes nothing.
package rollback

import (
	"fmt"
	"slices"

	"lockstep/gitops"
)

// A Standing is what stands at a place now: a version, or why none can be read.
type Standing struct {
	Version gitops.Version
	Missing string // "the file is gone"; empty when Version was read
}

// String says what somebody made of the place, as a clause for people.
func (s Standing) String() string {
	if s.Missing != "" {
		return s.Missing
	}
	return fmt.Sprintf("somebody set it to %s since", s.Version)
}

// A Left is a bump that is not put back, and the clause that says why.
type Left struct {
	Bump   gitops.Bump `json:"bump"`
	Reason string      `json:"reason"`
}

// A Put is all values that go back in one repository.
type Put struct {
	Repo  string
	Bumps []gitops.Bump // each From what the run wrote To what stood before
}

// A Way is the way back of a run.
type Way struct {
	Puts  []Put         // one per repository, the one written last first
	Left  []Left        // what a person has changed since
	Stood []gitops.Bump // what stands on its old version already: nothing to do
}

// Plan returns the way back from what a run wrote, in the order written, given what
// stands at each of those places now. A place that was written more than once goes
// back to what stood before the first time. A place that stands does not name is
// left alone.
func Plan(wrote []gitops.Bump, stands map[gitops.Place]Standing) Way {
	var way Way
	for _, b := range slices.Backward(collapse(wrote)) {
		switch now, known := stands[b.Place]; {
		case !known:
			way.Left = append(way.Left, Left{b, "what stands there now was not read"})
		case now.Missing == "" && now.Version == b.From:
			way.Stood = append(way.Stood, b)
		case now.Missing == "" && now.Version == b.To:
			way.put(b.Inverse())
		default:
			way.Left = append(way.Left, Left{b, now.String()})
		}
	}
	return way
}

// put adds a bump to the commit of its repository.
func (w *Way) put(b gitops.Bump) {
	for i := range w.Puts {
		if w.Puts[i].Repo == b.Repo {
			w.Puts[i].Bumps = append(w.Puts[i].Bumps, b)
			return
		}
	}
	w.Puts = append(w.Puts, Put{Repo: b.Repo, Bumps: []gitops.Bump{b}})
}

// collapse joins bumps of the same service at the same place into one.
func collapse(wrote []gitops.Bump) []gitops.Bump {
	type target struct {
		gitops.Place
		environment, service string
	}
	var joined []gitops.Bump
	at := map[target]int{}
	for _, b := range wrote {
		key := target{b.Place, b.Environment, b.Service}
		if i, ok := at[key]; ok {
			joined[i].To = b.To
			continue
		}
		at[key] = len(joined)
		joined = append(joined, b)
	}
	return joined
}
