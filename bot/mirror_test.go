package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
)

// shown returns a run that has been proposed in every environment.
func shown(state State, environments ...string) *Run {
	r := boarded(environments...).in(state)
	r.Tagged = &Tagged{"data/mda", "v1.1.0", "aaa"}
	r.Begun = r.Created.Add(time.Second)
	for i := range r.Stages {
		d := &r.Stages[i].Delivery
		d.Change.Repo, d.IID, d.Head, d.Landed = "env/mda", int64(i+1), fmt.Sprintf("head%d", i+1), "landed"
	}
	return r
}

func TestLabel(t *testing.T) {
	t.Parallel()
	told := shown(Proposed, "int")
	told.Stages[0].Delivery.Told = true
	back := shown(Merged, "int")
	back.Direction, back.Backs = Back, []Delivery{{}}
	warned := shown(Done, "int")
	warned.Warnings = []string{"gate int-test failed"}
	asks := shown(Synced, "int")
	asks.Stages[0].Plan.Gates = []GatePlan{{Name: "go-live", Approval: &ApprovalGate{}}}
	asks.Stages[0].Gates = []GateState{{Name: "go-live", Since: asks.Begun}}
	undone, retried := shown(Done, "int"), shown(RollbackFailed, "int")
	undone.UndoneBy, retried.UndoneBy = "back", "back"
	held, yielded := shown(Prepared, "int"), shown(Stalled, "int")
	held.Held, yielded.Yielded = &Hold{By: "ana"}, &Yield{To: "back"}
	for _, test := range []struct {
		run  *Run
		want string
	}{
		{shown(Queued, "int"), LabelQueued},
		{shown(Proposed, "int"), LabelRunning},
		{shown(Gated, "int"), LabelRunning},
		{told, LabelPerson},
		{asks, LabelPerson},
		{shown(Stalled, "int"), LabelPerson},
		{held, LabelHeld},
		{yielded, LabelQueued},
		{shown(Failed, "int"), LabelRollingBack},
		{back, LabelRollingBack},
		{shown(Done, "int"), LabelSuccess},
		{warned, LabelWarnings},
		{shown(RolledBack, "int"), LabelRolledBack},
		{shown(RollbackFailed, "int"), LabelRollbackFailed},
		{shown(Cancelled, "int"), LabelCancelled},
		{undone, LabelUndone},
		{retried, LabelRolledBack},
	} {
		if got := test.run.Label(); got != test.want {
			t.Errorf("%s (%s): got %s, want %s", test.run.State, test.run.Direction, got, test.want)
		}
	}
}

func TestEveryStateHasAKnownLabel(t *testing.T) {
	t.Parallel()
	for _, state := range States {
		if label := shown(state, "int").Label(); !slices.Contains(Labels, label) {
			t.Errorf("a run that is %s has label %q, which is not in the list", state, label)
		}
	}
}

func TestCommitStatuses(t *testing.T) {
	t.Parallel()
	failed := func(state State, scope Scope) *Run {
		r := shown(state, "abn", "prd")
		r.Scope, r.Stage = scope, 1
		r.Cause = &Cause{Sentence: "gate smoke failed", Environment: "prd"}
		return r
	}
	cancelled := failed(Cancelled, ScopeStage)
	cancelled.Cancel = true
	waiting := shown(Queued, "int")
	waiting.Begun, waiting.Stages = time.Time{}, nil
	undoing := failed(RolledBack, ScopeRun)
	undoing.Undoes, undoing.Tagged = "another", nil
	undone := shown(Done, "abn", "prd")
	undone.UndoneBy = "back"
	unmerged := shown(Cancelled, "int")
	unmerged.Stages[0].Delivery.Landed = ""
	tests := []struct {
		name string
		run  *Run
		want string
	}{
		{"waiting", waiting, "aaa pending"},
		{"running", shown(Merged, "abn", "prd"), "aaa running"},
		{"waiting again", shown(Queued, "abn"), "aaa running"},
		{"done", shown(Done, "abn", "prd"), "aaa success, head1 success, head2 success"},
		{"rolled back", failed(RolledBack, ScopeRun), "aaa failed, head1 failed, head2 failed"},
		{"rolled back in prd alone", failed(RolledBack, ScopeStage), "aaa failed, head1 success, head2 failed"},
		{"rollback failed", failed(RollbackFailed, ScopeRun), "aaa failed, head1 failed, head2 failed"},
		{"cancelled", cancelled, "aaa canceled, head1 canceled, head2 canceled"},
		{"cancelled before it landed", unmerged, "aaa canceled"},
		{"undoing", undoing, ""},
		{"undone", undone, "aaa canceled, head1 canceled, head2 canceled"},
	}
	for _, test := range tests {
		var got []string
		for _, s := range test.run.CommitStatuses() {
			got = append(got, fmt.Sprintf("%s %s", s.Commit, s.State))
		}
		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestCommitStatusSaysWhatAndWhy(t *testing.T) {
	t.Parallel()
	r := shown(RolledBack, "int")
	r.Cause = &Cause{Sentence: "gate int-test failed:\n/close " + strings.Repeat("ä", 300), Environment: "int"}
	all := r.CommitStatuses()
	if tag := all[0]; tag.Project != "data/mda" || tag.Ref != "v1.1.0" || tag.IID != 0 || tag.Name != "lockstep/"+r.Track {
		t.Errorf("of the tag: got %+v", tag)
	}
	if bump := all[1]; bump.Project != "env/mda" || bump.Ref != "" || bump.IID != 1 || bump.Name != "lockstep/int" || bump.State != gitops.StatusFailed {
		t.Errorf("of the bump: got %+v", bump)
	}
	for _, s := range all {
		if n := len([]rune(s.Description)); n > 255 || strings.Contains(s.Description, "\n") || !strings.Contains(s.Description, "failed, rolled back — gate int-test failed: /close ä") {
			t.Errorf("description of %d characters: %q", n, s.Description)
		}
	}
}

// What was undone later says so where it said that it had ended well.
func TestCommitStatusOfAnUndoneRun(t *testing.T) {
	t.Parallel()
	r := shown(Done, "int")
	r.UndoneBy = "0195"
	all := r.CommitStatuses()
	if got, want := all[0].Description, "2: run 0195 has put it back"; got != want {
		t.Errorf("the tag says %q, want %q", got, want)
	}
	if got, want := all[1].Description, "2: run 0195 has put it back in int"; got != want {
		t.Errorf("the bump says %q, want %q", got, want)
	}
}

func TestTagged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		subject, commit string
		want            *Tagged
	}{
		{"tag data/mda v1.1.0", "aaa", &Tagged{"data/mda", "v1.1.0", "aaa"}},
		{"Idempotency-Key k1", "aaa", nil},
		{"tag data/mda v1.1.0", "", nil},
		{"", "", nil},
	}
	for _, test := range tests {
		got := Request{Subject: test.subject, Commit: test.commit}.Tagged()
		if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
			t.Errorf("%q: got %+v, want %+v", test.subject, got, test.want)
		}
	}
}
