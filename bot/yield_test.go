package bot

import (
	"context"
	"strings"
	"testing"
	"time"
)

// pauses are the reasons for which a run gives its lane to a rollback, and those for which
// it does not, with the state in which it then waits.
var pauses = []struct {
	name   string
	pause  func(t *testing.T, w *world, b *Bot, r *Run)
	script string
	state  State
	gives  bool
}{
	{"stalled", nil, "synced:nobody -*", Stalled, true},
	{"stalled on its way back", nil, "bad recalled:nobody -*", Stalled, false},
	{"stalled before its way back", nil, "bad failed:nobody -*", Stalled, false},
	{"held", func(t *testing.T, w *world, b *Bot, r *Run) {
		lead(t, w, b, r, Merged, 0)
		r.Hold(Word{By: "ana", At: w.now})
	}, "", Gated, true},
	{"held before it began", func(_ *testing.T, w *world, _ *Bot, r *Run) { r.Hold(Word{By: "ana", At: w.now}) }, "", Queued, true},
	{"frozen", func(_ *testing.T, _ *world, b *Bot, _ *Run) {
		b.Frozen = func(context.Context, string, time.Time) (*Freeze, error) {
			return &Freeze{By: "ana", Reason: "fair"}, nil
		}
	}, "", Started, true},
	{"a window", func(_ *testing.T, w *world, _ *Bot, _ *Run) {
		w.stages[0].Plan.Windows = windowsOf("UTC", "20:00-21:00")
	}, "", Started, true},
	{"a person merges", func(_ *testing.T, w *world, _ *Bot, _ *Run) { w.stages[0].Plan.ByPerson = true }, "", Proposed, false},
	{"a job runs", nil, "merged:nobody deploying*", Merged, false},
	{"a gate is open", nil, "synced:nobody open*", Synced, false},
	{"people are asked", approved, "synced:nobody open*", Synced, true},
	{"people are asked beside a gate that finds out by itself", func(t *testing.T, w *world, b *Bot, r *Run) {
		plan := &w.stages[0].Plan
		plan.Gates[0].Group = "both"
		plan.Gates = append(plan.Gates, GatePlan{Name: "go", Group: "both", TimeLimit: time.Hour, Approval: &ApprovalGate{Count: 1}})
	}, "synced:nobody open*", Synced, false},
}

// approved makes the gate of int one that asks people.
func approved(_ *testing.T, w *world, _ *Bot, _ *Run) {
	w.stages[0].Plan.Gates[0].Pipeline, w.stages[0].Plan.Gates[0].Approval = nil, &ApprovalGate{Count: 1}
}

func TestGivesWay(t *testing.T) {
	t.Parallel()
	for _, tt := range pauses {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, r := newWorldOfTwo(t, "env/abn", tt.script), newRun()
			r.Lane = "integration"
			b := w.bot()
			if tt.pause != nil {
				tt.pause(t, w, b, r)
			}
			waits := ""
			b.Yields = func(_ context.Context, lane string) (string, error) {
				if lane != "integration" {
					t.Errorf("asked for lane %q", lane)
				}
				return waits, nil
			}
			for range 300 {
				w.person(r)
				state := r.State
				if turned(t, w, b, r); r.State != state {
					w.unstick()
				}
				if r.State == tt.state {
					waits = "0195"
				}
				if r.Yielded != nil || r.Settled() {
					break
				}
			}
			if gave := r.Yielded != nil; gave != tt.gives || waits == "" {
				t.Fatalf("it has given way: %v, want %v; it is %s: %s", gave, tt.gives, r.State, r.Reason)
			}
			if !tt.gives {
				return
			}
			if want := "gives lane integration to run 0195, which puts another run back, and goes on when it has it again"; r.Reason != want {
				t.Errorf("got %q, want %q", r.Reason, want)
			}
			before := len(w.acts)
			r.Word = &Word{Verb: VerbCancel, By: "ana"} // the store keeps it back; here it changes nothing
			for range 10 {
				turned(t, w, b, r)
			}
			if r.Yielded == nil || len(w.acts) != before {
				t.Errorf("it has done %q without its lane", w.acts[before:])
			}
			if e := r.Regain(w.now); r.Yielded != nil || r.State == Stalled != (e.Reason != "has lane integration again, which run 0195 had") {
				t.Errorf("got %q", e.Reason)
			}
		})
	}
}

// Who waits for the lane has to be known: an error is no yes and no no.
func TestGivesWayToNobodyKnows(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, ""), newRun()
	b := w.bot()
	b.Yields = func(context.Context, string) (string, error) { return "", errUnknown }
	r.Hold(Word{By: "ana", At: w.now})
	if _, err := b.Step(t.Context(), r); err == nil || r.Yielded != nil {
		t.Errorf("got %v, %v", err, r.Yielded)
	}
}

// yieldTraces are runs that gave way before abn, or while its merge request was open, and
// find there what the rollback has put back: the values that they replace are others now.
// A rollback of such a run puts back what stood when it deployed.
var yieldTraces = []struct{ script, until, want, stands string }{
	{"", "gated", first + " " + second + " " + done, "new new new new"},
	{"", "proposed", first + " prepared proposed started " + second + " " + done, "new new new new"},
	{"bad", "gated", first + " " + stage + " " + undone + " " + "recalled proposed merged synced rolled-back", "old old older older"},
}

func TestTracesAfterARollbackHadTheLane(t *testing.T) {
	t.Parallel()
	for _, tt := range yieldTraces {
		t.Run(tt.until+" "+tt.script, func(t *testing.T) {
			t.Parallel()
			w, r := newWorldOfTwo(t, "env/abn", ""), newRun()
			b, waits := w.bot(), "0195"
			b.Yields = func(context.Context, string) (string, error) { return waits, nil }
			trace := []string{"queued"}
			for r.Yielded == nil {
				state := r.State
				if r.Held == nil && string(state) == tt.until && (state == Gated || r.Stage == 1) {
					r.Hold(Word{By: "ana", At: w.now})
				}
				if turned(t, w, b, r); r.State != state {
					trace = append(trace, string(r.State))
				}
			}
			older := map[string]string{}
			for path := range w.commits["a0"].files {
				older[path] = "data:\n  version: 0.8.0\n"
			}
			w.commit(ref("env/abn", "main"), "the rollback", older)
			r.Regain(w.now)
			r.Release(Word{By: "ana", At: w.now})
			w.script = strings.Fields(tt.script)
			trace = append(trace, strings.Fields(w.play(r))[1:]...)
			if got := strings.Join(trace, " "); got != tt.want {
				t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, tt.want, r.Reason)
			}
			if got := strings.ReplaceAll(w.stands("env/abn"), "hand hand", "older older"); got != tt.stands {
				t.Errorf("the values end as %s, want %s", got, tt.stands)
			}
		})
	}
}

// People were called when the run stalled: that it gives way is no call.
func TestGivingWayCallsNobody(t *testing.T) {
	t.Parallel()
	r := newRun()
	e := Event{Run: r.ID, Seq: 7, State: Stalled, Reason: "gives way"}
	if got := Messages(r, e, []string{"chat"}); len(got) != 1 || got[0].Kind != MessageCall {
		t.Errorf("got %+v, want a call", got)
	}
	r.Yielded = &Yield{To: "0195"}
	if got := Messages(r, e, []string{"chat"}); len(got) != 0 {
		t.Errorf("got %+v, want nothing", got)
	}
}

// What a run that has stalled waits for stays what people read, also when nobody can tell
// for a while whether it has to give way.
func TestStalledStaysWhenNobodyKnowsWhoWaits(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, ""), newRun()
	b := w.bot()
	b.Yields = func(context.Context, string) (string, error) { return "", errUnknown }
	r.State, r.Reason = Stalled, "kv is broken: mend it"
	o, err := b.Step(t.Context(), r)
	applied := r.Apply(o, err, w.now, b.Limits)
	if r.Reason != "kv is broken: mend it" || applied.Event != nil || applied.After > b.Limits.Longest {
		t.Errorf("it says %q after %s, and calls people for %+v", r.Reason, applied.After, applied.Event)
	}
}

// The time for which a run has no lane does not count for the gates that nobody asks
// meanwhile, and counts once where it was held as well.
func TestGatesWaitWithoutTheLane(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{false, true} {
		w, r := newWorld(t, ""), newRun()
		began := w.now
		r.Stages = []Stage{{
			Plan:  StagePlan{Environment: "int", Gates: []GatePlan{{Name: "go", Before: true}, {Name: "next"}}},
			Gates: []GateState{{Name: "go", Since: began, Clock: Clock{From: began}}, {Name: "next"}},
		}}
		if held {
			r.Hold(Word{By: "ana", At: began})
		}
		r.Yielded = &Yield{To: "0195", At: began}
		r.Regain(began.Add(3 * time.Hour))
		if held {
			r.Release(Word{By: "ana", At: began.Add(3 * time.Hour)})
		}
		if g := r.Stages[0].Gates; !g[0].Clock.From.Equal(began.Add(3*time.Hour)) || !g[1].Clock.From.IsZero() {
			t.Errorf("held %t: got %+v, want that the clock of the open gate has moved by 3 hours", held, g)
		}
	}
}
