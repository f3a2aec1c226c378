package bot

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// asking returns a run of two stages with gates of every kind of standing.
func asking() *Run {
	asked := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	approval := &ApprovalGate{By: []string{"ana", "bob"}, Count: 1, NotAuthor: true}
	return &Run{
		ID: "r1", By: "ana", State: Gated,
		Stages: []Stage{
			{
				Plan: StagePlan{Environment: "abn", Gates: []GatePlan{
					{Name: "e2e", Pipeline: &PipelineGate{}}, {Name: "sign-off", Approval: approval}, {Name: "audit", Callback: &CallbackGate{}},
				}},
				Gates: []GateState{
					{Name: "e2e", Since: asked, Outcome: GatePassed},
					{Name: "sign-off", Since: asked, Outcome: GatePassed, Reason: "approved by bob"},
					{Name: "audit", Since: asked},
				},
			},
			{
				Plan: StagePlan{Environment: "prd", Gates: []GatePlan{
					{Name: "go-live", Before: true, Approval: approval},
					{Name: "sign-off", Approval: &ApprovalGate{Count: 1}},
					{Name: "report", Callback: &CallbackGate{}},
				}},
				Gates: []GateState{{Name: "go-live", Since: asked}, {Name: "sign-off"}, {Name: "report"}},
			},
		},
	}
}

func TestAnswerable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		environment, gate string
		change            func(*Run)
		err               error
		want              string // the gate that was found, or the sentence
	}{
		{"prd", "go-live", nil, nil, "gate go-live of prd"},
		{"", "go-live", nil, nil, "gate go-live of prd"},
		{"", "audit", nil, nil, "gate audit of abn"},
		{"", "report", nil, nil, "gate report of prd"}, // its program knows the address before the run has noted that
		{"", "sign-off", nil, ErrRefused, "run r1 has a gate sign-off in abn and in prd: name the environment"},
		{"abn", "sign-off", nil, ErrRefused, "gate sign-off of abn has its outcome: passed (approved by bob)"},
		{"prd", "sign-off", nil, ErrRefused, "gate sign-off of prd is not asked yet: people are asked after the deployment to prd, and run r1 is gated in abn so far; answer then"},
		{"", "go-live", func(r *Run) { r.Stages[1].Gates[0].Since = time.Time{} }, ErrRefused, "people are asked before the deployment to prd"},
		{"", "e2e", nil, ErrRefused, "gate e2e of abn takes no answer, it finds out by itself"},
		{"", "nothing", nil, ErrNotFound, `run r1 has no gate "nothing"; it has e2e of abn, sign-off of abn, audit of abn, go-live of prd, sign-off of prd, report of prd`},
		{"int", "go-live", nil, ErrNotFound, `run r1 has no gate "go-live" of "int"; it has `},
		{"", "go\nlive", nil, ErrNotFound, `run r1 has no gate "go\nlive"`},
		{"", "", nil, ErrNotFound, `run r1 has no gate ""`},
		{"", "go-live", func(r *Run) { r.State = Failed }, ErrRefused, "run r1 is putting back what it wrote: nobody is asked any more"},
		{"", "go-live", func(r *Run) { r.State = Cancelled }, ErrRefused, "run r1 has ended: cancelled"},
		{"", "go-live", func(r *Run) { r.State = Stalled }, nil, "gate go-live of prd"},
		{"", "go-live", func(r *Run) { r.State, r.Stages = Queued, nil }, ErrRefused, "run r1 is queued: its gates are known once it has started"},
		{"", "go-live", func(r *Run) { r.Stages = []Stage{{Plan: StagePlan{Environment: "int"}}} }, ErrNotFound, "run r1 has no gates"},
	}
	for _, test := range tests {
		r := asking()
		if test.change != nil {
			test.change(r)
		}
		q, err := r.Answerable(test.environment, test.gate)
		got := q.String()
		if err != nil {
			got = err.Error()
		}
		if !errors.Is(err, test.err) || (test.err == nil) != (err == nil) || !strings.Contains(got, test.want) {
			t.Errorf("%s %q: got %q, want %q in it (%v)", test.environment, test.gate, got, test.want, test.err)
		}
	}
}

func TestMayAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		gate, by string
		id       int64
		want     string
	}{
		{"go-live", "bob", 0, ""},
		{"go-live", "bob", 2, ""},
		{"go-live", "bob", 1, "bob asked for the run, and somebody else has to approve it"}, // and has another name since
		{"go-live", "ana", 0, "ana asked for the run, and somebody else has to approve it"},
		{"go-live", "eve", 0, "eve may not approve here, but bob may"},
		{"go-live", "", 0, "an approval needs a name"},
		{"audit", CallbackSpeaker, 0, ""},
		{"audit", "bob", 0, "gate audit of abn is answered by a program at its signed address, not by people"},
	}
	for _, test := range tests {
		r := asking()
		r.ByID = 1
		q, err := r.Answerable("", test.gate)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := q.MayAnswer(Opinion{By: test.by, ByID: test.id}); err != nil {
			if got = strings.TrimPrefix(err.Error(), ErrRefused.Error()+": "); !errors.Is(err, ErrRefused) {
				t.Errorf("%s by %q: %v is no refusal", test.gate, test.by, err)
			}
		}
		if got != test.want {
			t.Errorf("%s by %q: got %q, want %q", test.gate, test.by, got, test.want)
		}
	}
}
