package bot

import (
	"strings"
	"testing"
)

func TestOffers(t *testing.T) {
	t.Parallel()
	back := boarded("int").in(Stalled)
	back.Direction = Back
	held := boarded("int").in(Prepared)
	held.Held = &Hold{By: "ana"}
	tests := []struct {
		run           *Run
		cli, comments string
	}{
		{boarded("int"), "", ""},
		{boarded("int").in(Stalled), "lockstep resume run, lockstep cancel run", "/lockstep resume, /lockstep cancel"},
		{held, "lockstep resume run, lockstep cancel run", "/lockstep resume, /lockstep cancel"},
		{back, "lockstep resume run", "/lockstep resume"},
		{boarded("int").in(RollbackFailed), "lockstep retry run, lockstep thaw lane", "/lockstep retry, /lockstep thaw lane"},
		{boarded("int").in(RolledBack), "", ""},
	}
	for _, test := range tests {
		var comments []string
		for _, o := range test.run.Offers() {
			comments = append(comments, o.Comment())
		}
		if got := strings.Join(comments, ", "); got != test.comments {
			t.Errorf("%s: comments %q, want %q", test.run.State, got, test.comments)
		}
		if got := strings.Join(test.run.Commands(), ", "); got != test.cli {
			t.Errorf("%s: commands %q, want %q", test.run.State, got, test.cli)
		}
	}
}

// The gate that is asked is named, and its environment where several have one of that name.
func TestOffersOfGates(t *testing.T) {
	t.Parallel()
	r := boarded("abn", "prd")
	for i := range r.Stages {
		r.Stages[i].Plan.Gates = []GatePlan{{Name: "go-live", Approval: &ApprovalGate{}}}
		r.Stages[i].Gates = []GateState{{Name: "go-live"}}
	}
	r.Stages[1].Gates[0].Since = r.Created.Add(1)
	var got []string
	for _, o := range r.Offers() {
		got = append(got, o.Comment())
	}
	want := "/lockstep confirm go-live --environment prd, /lockstep deny go-live --environment prd, /lockstep cancel"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
