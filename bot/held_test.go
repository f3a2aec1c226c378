package bot

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// lead takes a run in world w to a state of a stage.
func lead(t *testing.T, w *world, b *Bot, r *Run, state State, stage int) {
	t.Helper()
	for range 300 {
		if r.State == state && r.Stage == stage {
			return
		}
		turned(t, w, b, r)
	}
	t.Fatalf("the run never is %s: it is %s: %s", state, r.State, r.Reason)
}

// turned takes one step and returns its outcome and event.
func turned(t *testing.T, w *world, b *Bot, r *Run) (Outcome, *Event) {
	t.Helper()
	o, err := b.Step(t.Context(), r)
	r.Word = nil
	applied := r.Apply(o, err, w.now, b.Limits)
	w.now = w.now.Add(applied.After)
	return o, applied.Event
}

// holdTraces are the specification of a hold: said where, the run comes to rest where,
// having done what, and of which environment it speaks.
var holdTraces = []struct {
	with  string
	state State
	stage int
	rests State
	acts  string
	about string
}{
	{"", Queued, 0, Queued, "", ""},
	{"", Started, 0, Started, "", "int"},
	{"", Prepared, 0, Prepared, "", "int"},
	{"", Proposed, 0, Proposed, "", "int"},
	{"person", Proposed, 0, Proposed, "", "int"},
	{"", Merged, 0, Gated, "", "abn"},
	{"", Synced, 0, Gated, "", "abn"},
	{"", Gated, 0, Gated, "", "abn"},
	{"data", Gated, 0, Gated, "", "abn"},
	{"before", Gated, 0, Gated, "", "abn"},
	{"before", Cleared, 1, Cleared, "", "abn"},
	{"deploy", Merged, 1, Merged, "", "abn"},
	{"bare", Merged, 1, Merged, "", "abn"},
	{"", Gated, 1, Gated, "", "abn"},
	{"", Recorded, 1, Recorded, "", "abn"},
}

func TestHold(t *testing.T) {
	t.Parallel()
	for _, tt := range holdTraces {
		t.Run(strings.Join([]string{tt.with, string(tt.state)}, " "), func(t *testing.T) {
			t.Parallel()
			w, r := newRelease(t, tt.with, "env/abn", ""), newRun()
			b := w.bot()
			lead(t, w, b, r, tt.state, tt.stage)
			before := len(w.acts)
			r.Word = &Word{Verb: VerbHold, By: "ana", Reason: "the fair", At: w.now}
			if _, e := turned(t, w, b, r); e == nil || e.Reason != "held by ana (the fair): say lockstep resume "+r.ID {
				t.Fatalf("got event %+v", e)
			}
			var last *Event
			for range 100 {
				if _, e := turned(t, w, b, r); e != nil {
					last = e
				}
			}
			if got := strings.Join(w.acts[before:], " "); r.State != tt.rests || got != tt.acts {
				t.Errorf("it is %s, %s after %q, want %s after %q", r.State, r.Reason, got, tt.rests, tt.acts)
			}
			if want := "held by ana (the fair): say lockstep resume " + r.ID; r.Reason != want {
				t.Errorf("got %q, want %q", r.Reason, want)
			}
			if last != nil && last.Environment != tt.about {
				t.Errorf("the event speaks of %q, want %q", last.Environment, tt.about)
			}
			if err := r.Holdable(); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "is held already by ana (the fair)") {
				t.Errorf("hold again: got %v", err)
			}
			if got := r.Commands(); !slices.Contains(got, "lockstep resume "+r.ID) || !slices.Contains(got, "lockstep cancel "+r.ID) {
				t.Errorf("got commands %q", got)
			}
			if tt.with == "person" {
				w.land(w.mrs[0])
			}
			r.Word = &Word{Verb: VerbResume, By: "bob", At: w.now}
			if w.play(r); r.State != Done || r.Held != nil {
				t.Errorf("after the resume it is %s, held %v: %s", r.State, r.Held, r.Reason)
			}
		})
	}
}

// What is merged is watched while the run is held, and a verdict puts it back: the
// deployment's, a gate's, or that of a merge request's pipeline.
func TestHoldDoesNotKeepAVerdict(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"merged:hold broken":                "queued started prepared proposed merged " + back,
		"synced:hold bad":                   forward + " " + back,
		"good gated:nobody synced:hold bad": forward + " gated " + stage + " " + back,
		"proposed:hold ci-failed":           "queued started prepared proposed failed rolled-back",
		"gated:hold gated:cancel":           forward + " gated failed recalled proposed merged synced cancelled",
		"prepared:hold prepared:cancel":     "queued started prepared failed cancelled",
	} {
		w, r := newWorldOfTwo(t, "env/mda", script), newRun()
		if got := w.play(r); got != want || r.Held != nil {
			t.Errorf("%s:\ngot  %s\nwant %s\nlast: %s", script, got, want, r.Reason)
		}
	}
}

// A service that breaks while a parameter is not written is seen, one that waits for the
// parameter is not to blame.
func TestHoldWatchesWhatWaitsForAParameter(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"deploying*": "merged", "broken": "failed",
	} {
		w, r := newRelease(t, "deploy", "env/mda", ""), newRun()
		b := w.bot()
		lead(t, w, b, r, Merged, 1)
		w.script = strings.Fields(script)
		r.Word = &Word{Verb: VerbHold, By: "ana", At: w.now}
		for range 100 {
			if turned(t, w, b, r); r.State != Merged {
				break
			}
		}
		if string(r.State) != want || w.params["/mda/abn/deployed"] != string(oldVersion) {
			t.Errorf("%s: got %s, %s with %s, want %s", script, r.State, r.Reason, w.params["/mda/abn/deployed"], want)
		}
	}
}

// The time of a hold does not count for a gate before the stage, which nobody asks then.
func TestHoldStopsTheClockOfAGate(t *testing.T) {
	t.Parallel()
	w, r := newRelease(t, "before", "env/mda", "good starts open"), newRun()
	b := w.bot()
	lead(t, w, b, r, Gated, 0)
	for len(w.script) > 0 {
		turned(t, w, b, r)
	}
	r.Word = &Word{Verb: VerbHold, By: "ana", At: w.now}
	turned(t, w, b, r)
	w.now = w.now.Add(5 * time.Hour)
	r.Word = &Word{Verb: VerbResume, By: "ana", At: w.now}
	turned(t, w, b, r)
	w.script = strings.Fields("open good")
	if got := w.play(r); r.State != Done {
		t.Errorf("got %s, %s", got, r.Reason)
	}
}

// A run that stalls while it is held goes on with one word.
func TestHoldThenStalled(t *testing.T) {
	t.Parallel()
	w, r := newWorldOfTwo(t, "env/mda", "synced:hold -* stalled:resume"), newRun()
	want := forward + " stalled synced gated prepared proposed merged synced gated recorded done"
	if got := w.play(r); got != want || r.Held != nil {
		t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, want, r.Reason)
	}
}

func TestHoldable(t *testing.T) {
	t.Parallel()
	for want, run := range map[string]*Run{
		"has ended: success":                  {State: Done},
		"puts run 0193 back, and that is not": {State: Queued, Undoes: "0193"},
		"already putting back":                {State: Failed},
		"is held already by ana":              {State: Queued, Held: &Hold{By: "ana"}},
		"has stalled":                         {State: Stalled, Resume: Merged},
	} {
		if err := run.Holdable(); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := (&Run{State: Merged}).Holdable(); err != nil {
		t.Error(err)
	}
}
