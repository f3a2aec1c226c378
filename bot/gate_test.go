package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/gates"
	"lockstep/gitops"
)

// What a gate measures moves all the time, and an outage is said once: neither fills the
// log of a run.
func TestGatesSpeakOfNews(t *testing.T) {
	t.Parallel()
	for script, end := range map[string]State{"gone": Stalled, "open": RolledBack, "open:25m gone:25m open": RolledBack} {
		w, r := newWorld(t, ""), newRun()
		s := newSource(t, w, script)
		plan := s.plan("http")
		plan.Interval = 2 * time.Minute
		w.stages[0].Plan.Gates = []GatePlan{plan}
		s.play(r)
		if r.State != end || r.Events > 24 {
			t.Errorf("%s: the run is %s after %d events, want %s after a few: %s", script, r.State, r.Events, end, r.Reason)
		}
	}
}

func TestApplyStaysCalm(t *testing.T) {
	t.Parallel()
	r, at := &Run{State: Synced}, time.Unix(0, 0)
	measured := func(text string) Applied {
		o := wait("gate rate: value %s: not value < 0.01", text)
		o.Calm = true
		return r.Apply(o, nil, at, limits)
	}
	if measured("0.5").Event == nil {
		t.Error("what a gate says first is news")
	}
	var after time.Duration
	for _, text := range []string{"0.49", "0.3", "1e-05", "12", "0.75", "0.61"} {
		applied := measured(text)
		if applied.Event != nil || applied.After <= after || !strings.Contains(r.Reason, "value "+text+":") {
			t.Errorf("%s: got %+v, and the run says %q; want no event, a longer wait, and the newest number", text, applied, r.Reason)
		}
		after = applied.After
	}
	if measured("NaN").Event == nil || r.Events != 2 {
		t.Error("another word is news")
	}
}

// A stubborn gate cannot be asked, and asking again would not help.
type stubborn struct{ atStart bool }

func (g stubborn) Start(context.Context, gates.Subject) (string, error) {
	if g.atStart {
		return "", fmt.Errorf("%w: variables are refused", gitops.ErrRefused)
	}
	return "", nil
}

func (g stubborn) Ask(context.Context, gates.Subject, string) (gates.Verdict, error) {
	return gates.Verdict{}, fmt.Errorf("%w: the query is none", gitops.ErrRefused)
}

func (g stubborn) Gate(GatePlan) (gates.Gate, error) { return g, nil }

// A gate that can never be asked calls people, but for one that may fail.
func TestGateThatCanNeverBeAsked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		gate    stubborn
		allowed bool
		end     State
		says    string
	}{
		{stubborn{true}, false, Stalled, "variables are refused; mend it, then resume the run"},
		{stubborn{false}, false, Stalled, "the query is none; mend it, then resume the run"},
		{stubborn{true}, true, Done, "gate g gave no result: it could not be asked 1 time in a row: refused: variables are refused (allowed to fail)"},
		{stubborn{false}, true, Done, "gate g gave no result: it could not be asked 1 time in a row: refused: the query is none (allowed to fail)"},
	} {
		w, r := newWorld(t, ""), newRun()
		w.stages[0].Plan.Gates = []GatePlan{{Name: "g", AllowFailure: test.allowed, Soak: &SoakGate{}}}
		b := w.bot()
		b.Gates = test.gate
		for !r.Settled() && r.State != Stalled {
			o, err := b.Step(t.Context(), r)
			w.now = w.now.Add(r.Apply(o, err, w.now, b.Limits).After)
		}
		if says := strings.Join(append(r.Warnings, r.Reason), "\n"); r.State != test.end || !strings.Contains(says, test.says) {
			t.Errorf("%+v, allowed %v: the run is %s and says\n%s\nwant %s and\n%s", test.gate, test.allowed, r.State, says, test.end, test.says)
		}
	}
}
