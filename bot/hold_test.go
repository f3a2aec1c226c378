package bot

import (
	"context"
	"strings"
	"testing"
	"time"
)

// held plays a run in world w until it has settled, and returns what it waited for and
// until when it did each time.
func held(t *testing.T, w *world, b *Bot, r *Run) (waits []string) {
	t.Helper()
	for range 3000 {
		before := w.now
		o, err := b.Step(t.Context(), r)
		applied := r.Apply(o, err, w.now, b.Limits)
		w.now = w.now.Add(applied.After)
		if !o.Until.IsZero() && w.now.After(o.Until) {
			t.Errorf("it woke at %s, later than %s", w.now, o.Until)
		}
		if (strings.Contains(o.Reason, "closed") || strings.Contains(o.Reason, "frozen")) && applied.Event != nil {
			waits = append(waits, string(r.State)+" from "+before.Format("02 15:04")+": "+o.Reason)
		}
		if r.Settled() || r.State == Stalled {
			return waits
		}
	}
	t.Fatalf("the run does not end: %s: %s", r.State, r.Reason)
	return nil
}

// A run waits before the change of an environment that is closed, and begins it when it
// opens. The way back asks nobody.
func TestWindowsHoldARun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		script string
		end    State
	}{{"ready running good", Done}, {"ready running bad", RolledBack}} {
		w := newWorldOfTwo(t, "env/abn", tt.script+" ready running good")
		if tt.end == RolledBack {
			w.script = strings.Fields(tt.script)
		}
		w.stages[0].Plan.Windows = windowsOf("Europe/Berlin", "Mon-Fri 10:00-12:00", "!2026-11-04")
		w.now = time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC) // a Tuesday
		r := newRun()
		waits := held(t, w, w.bot(), r)
		want := "started from 03 11:00: environment int: closed until Thu 2026-11-05 10:00 CET (windows of int)"
		if r.State != tt.end || len(waits) != 1 || waits[0] != want {
			t.Errorf("%s: got %s after %q, want %q", tt.script, r.State, waits, want)
		}
		if at := r.Stages[0].Delivery.Change.When; at.Before(time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)) {
			t.Errorf("the change was made at %s", at)
		}
	}
}

// Windows that close while a merge request has its pipeline hold the merge, and the
// limit of the merge does not run meanwhile. A rollback that falls into that time merges.
func TestWindowsHoldAMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ready running good")
	w.stages[0].Plan.Windows = windowsOf("UTC", "09:00-10:00")
	b, r := w.bot(), newRun()
	for r.State != Proposed {
		o, err := b.Step(t.Context(), r)
		r.Apply(o, err, w.now, b.Limits)
	}
	w.now = w.now.Add(2 * time.Hour)
	waits := held(t, w, b, r)
	want := "proposed from 03 11:00: environment int: closed until Wed 2026-11-04 09:00 UTC (windows of int)"
	if r.State != Done || len(waits) != 1 || waits[0] != want {
		t.Errorf("got %s, %s after %q, want %q", r.State, r.Reason, waits, want)
	}
}

// A freeze holds a run before its next stage and not within one; a way back goes.
func TestFreezeHoldsTheNextStage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		script string
		end    State
		waits  int
	}{{"ready running good ready running good", Done, 1}, {"ready running bad", RolledBack, 0}} {
		w := newWorldOfTwo(t, "env/abn", tt.script)
		b, r := w.bot(), newRun()
		var f *Freeze
		b.Frozen = func(_ context.Context, lane string, now time.Time) (*Freeze, error) {
			if f != nil && !now.Before(f.Until) {
				f = nil
			}
			return f, nil
		}
		for r.State != Merged {
			o, err := b.Step(t.Context(), r)
			r.Apply(o, err, w.now, b.Limits)
		}
		f = &Freeze{Reason: "the fair", By: "ana", Until: time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)}
		waits := held(t, w, b, r)
		if r.State != tt.end || len(waits) != tt.waits {
			t.Fatalf("%s: got %s after %q", tt.script, r.State, waits)
		}
		if want := "environment abn: lane integration is frozen by ana until Tue 2026-11-03 12:00 UTC: the fair"; tt.waits > 0 && !strings.HasSuffix(waits[0], want) {
			t.Errorf("got %q, want %q", waits, want)
		}
	}
}

// Whether a lane is frozen has to be known: an error is no yes and no no.
func TestFreezeThatNobodyCanTell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b, r := w.bot(), newRun()
	b.Frozen = func(context.Context, string, time.Time) (*Freeze, error) { return nil, errUnknown }
	r.Apply(to(Started, "started"), nil, w.now, b.Limits)
	r.Stages = []Stage{{Plan: w.stages[0].Plan}}
	if _, err := b.Step(t.Context(), r); err == nil || len(w.acts) > 0 {
		t.Errorf("got %v after %q", err, w.acts)
	}
}

func TestFreezeSentence(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		f          Freeze
		want, thaw string
	}{
		{Freeze{Reason: "run 1: kv runs 1", By: "lockstep"}, "frozen: run 1: kv runs 1", "lockstep thaw release"},
		{Freeze{Reason: "the fair", By: "ana", Until: until}, "frozen by ana until Mon 2026-11-30 08:00 UTC: the fair", "lockstep thaw release"},
		{Freeze{Reason: "frozen by ana", By: "ana"}, "frozen by ana", "lockstep thaw release"},
		{Freeze{Reason: "fire", By: "ana", All: true}, "frozen with everything by ana: fire", "lockstep thaw --all"},
	} {
		if got := tt.f.String(); got != tt.want || tt.f.Thaw("release") != tt.thaw {
			t.Errorf("got %q, %q, want %q, %q", got, tt.f.Thaw("release"), tt.want, tt.thaw)
		}
	}
}
