package bot

import (
	"slices"
	"testing"
)

// A parameter that the run created cannot be put back: people are told to remove it.
func TestCancelAfterACreatedParameter(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, "recorded:cancel"), newRun()
	delete(w.params, "/mda/int/data-version")
	w.play(r)
	want := []string{"parameter /mda/int/data-version did not exist before the run and still holds 1.1.0: remove it"}
	if r.State != Cancelled || !slices.Equal(r.Warnings, want) {
		t.Errorf("%s with warnings %q, want cancelled with %q", r.State, r.Warnings, want)
	}
	if r.Stages[0].Recorded {
		t.Error("the version still counts as recorded")
	}
}

// What somebody else set since stays.
func TestCancelLeavesAForeignParameter(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, "recorded:nobody"), newRun()
	b := w.bot()
	for r.State != Recorded {
		o, err := b.Step(t.Context(), r)
		r.Apply(o, err, w.now, b.Limits)
	}
	w.params["/mda/int/data-version"] = "2.0.0"
	w.script = []string{"recorded:cancel"}
	w.play(r)
	if got := w.params["/mda/int/data-version"]; got != "2.0.0" || r.State != Cancelled {
		t.Errorf("%s, the parameter holds %q, want 2.0.0", r.State, got)
	}
}

// What somebody set at the moment of our write is lost to them, so people are told.
func TestWriteOverAnothersIsAWarning(t *testing.T) {
	t.Parallel()
	w, r := newRelease(t, "deploy", "env/mda", "good written-over"), newRun()
	w.play(r)
	want := "parameter /mda/abn/deployed was changed at the moment of our write, and 1.1.0 stands over what somebody set: see version 2 of its history"
	if r.State != Done || len(r.Warnings) != 1 || r.Warnings[0] != want {
		t.Errorf("%s with warnings %q, want %q", r.State, r.Warnings, want)
	}
}
