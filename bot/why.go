package bot

import (
	"fmt"
	"strings"
	"time"

	"lockstep/gitops"
)

// A Spot is a service in an environment at a time, of which somebody wants to know which
// version of a data package it runs.
type Spot struct {
	Package     string    `json:"package"`
	Service     string    `json:"service"`
	Environment string    `json:"environment"`
	At          time.Time `json:"at"`
}

// A Why says which version a service runs at a time, and why, as far as the log of events
// knows it: people may have changed things past Lockstep.
type Why struct {
	Spot
	Version gitops.Version `json:"version,omitempty"` // "": no run has deployed the package to it before
	Since   time.Time      `json:"since,omitzero"`    // since when it runs it
	Before  gitops.Version `json:"before,omitempty"`  // what it ran before that; "" where nobody knows

	Run     string    `json:"run,omitempty"`    // that brought the version; "" where no run did that is known
	Asked   string    `json:"asked,omitempty"`  // who or what asked for Run
	Link    string    `json:"link,omitempty"`   // where that can be seen
	Brought time.Time `json:"brought,omitzero"` // when Run brought it: before Since where it was put back
	Gates   []WhyGate `json:"gates,omitempty"`  // of Run in the environment, in order

	Back   *WhyBack  `json:"back,omitempty"`   // the run that put the version back; nil: nobody had to
	Doubt  string    `json:"doubt,omitempty"`  // why it may be otherwise: it is being changed, a person has changed it
	Later  *WhyLater `json:"later,omitempty"`  // what a run did to it next, where the time is past
	Looked int       `json:"looked,omitempty"` // after so many runs the search was given up; 0: it came to an end

	Sentence string `json:"sentence"` // all of it, for people
}

// A WhyGate is a gate of the run that brought a version, as it stood at the time.
type WhyGate struct {
	Name    string      `json:"name"`
	Outcome GateOutcome `json:"outcome,omitempty"` // "": it had none yet
	Reason  string      `json:"reason,omitempty"`
	Link    string      `json:"link,omitempty"`
	Asked   time.Time   `json:"asked,omitzero"` // when it was asked last
}

// A WhyBack is the run on whose way back a version came to stand again.
type WhyBack struct {
	Run    string         `json:"run"`
	From   gitops.Version `json:"from"`             // what it took away
	Cause  string         `json:"cause"`            // why
	Undoes string         `json:"undoes,omitempty"` // the finished run that it put back; "": itself
}

// A WhyLater is what a run did to a service next.
type WhyLater struct {
	At      time.Time      `json:"at"`
	Run     string         `json:"run"`
	Version gitops.Version `json:"version"`
	Back    bool           `json:"back,omitempty"` // it put that back; else it brought it
}

// Known reports that a run has deployed the package to the service before that time.
func (w *Why) Known() bool { return w.Version != "" }

// fill sets what is known of the move that holds at the time of w, and of the one that
// brought the version, which may be nil.
func (w *Why) fill(m, origin *move) {
	w.Version, w.Since, w.Before = m.version, m.at, m.before
	if m.kind == putBack || m.kind == stood {
		w.Back = &WhyBack{Run: m.run.ID, From: m.run.Version, Cause: m.run.Cause.Sentence, Undoes: m.run.Undoes}
	}
	if origin == nil {
		return
	}
	w.Run, w.Asked, w.Link, w.Brought = origin.run.ID, origin.run.Asked(), origin.run.Link, origin.at
	for _, s := range origin.run.Stages {
		if s.Plan.Environment != w.Environment {
			continue
		}
		for _, g := range s.Gates {
			w.Gates = append(w.Gates, g.at(w.At))
		}
	}
}

// at returns the gate as it stood at a time. It has its outcome from when it was asked
// last.
func (g GateState) at(t time.Time) WhyGate {
	if g.Asked.After(t) || g.Outcome == GateOpen {
		return WhyGate{Name: g.Name}
	}
	return WhyGate{Name: g.Name, Outcome: g.Outcome, Reason: g.Reason, Link: g.Link, Asked: g.Asked}
}

// say writes the sentence. past says that the time is past, not now.
func (w *Why) say(past bool) {
	text := w.verdict(past)
	switch {
	case w.Known() && w.Back == nil && w.Run != "" && w.Before != "":
		text += fmt.Sprintf("; before that it ran %s", w.Before)
	case !w.Known() && w.Looked > 0:
		text += fmt.Sprintf(", as far as the %d runs before that tell, and no more were looked at", w.Looked)
	}
	if w.Doubt != "" {
		text += "; but " + w.Doubt
	}
	if l := w.Later; l != nil && l.Back {
		text += fmt.Sprintf("; then run %s put %s back, on %s", l.Run, l.Version, day(l.At.UTC()))
	} else if l != nil {
		text += fmt.Sprintf("; then run %s brought %s, on %s", l.Run, l.Version, day(l.At.UTC()))
	}
	w.Sentence = text
}

// verdict says which version runs there, and which run is the reason.
func (w *Why) verdict(past bool) string {
	name := w.Service + " in " + w.Environment
	switch {
	case !w.Known() && past:
		return fmt.Sprintf("Lockstep had never deployed %s to %s before %s", w.Package, name, day(w.At.UTC()))
	case !w.Known():
		return fmt.Sprintf("Lockstep has never deployed %s to %s", w.Package, name)
	case past:
		return fmt.Sprintf("on %s %s ran %s %s, since %s: %s", day(w.At.UTC()), name, w.Package, w.Version, day(w.Since.UTC()), w.reason())
	}
	return fmt.Sprintf("%s runs %s %s since %s: %s", name, w.Package, w.Version, day(w.Since.UTC()), w.reason())
}

// reason says by which runs the version is there.
func (w *Why) reason() string {
	switch {
	case w.Back == nil && w.Run == "":
		return "a run found it there then, and none that is known had brought it"
	case w.Back == nil:
		return fmt.Sprintf("run %s brought it, asked for by %s%s", w.Run, w.Asked, w.gates())
	case w.Run == "":
		return fmt.Sprintf("run %s put it back from %s (%s), and none that is known had brought it", w.Back.Run, w.Back.From, w.Back.Cause)
	}
	return fmt.Sprintf("run %s put it back from %s (%s); run %s had brought it on %s, asked for by %s%s",
		w.Back.Run, w.Back.From, w.Back.Cause, w.Run, day(w.Brought.UTC()), w.Asked, w.gates())
}

// gates says how the gates of the run ended, as the end of a clause.
func (w *Why) gates() string {
	var parts []string
	for _, g := range w.Gates {
		outcome := string(g.Outcome)
		if g.Outcome == GateOpen {
			outcome = "not answered yet"
		}
		parts = append(parts, g.Name+" "+outcome)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (gates: " + strings.Join(parts, ", ") + ")"
}
