package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
	"lockstep/rollback"
)

// boarded returns a run of two services through environments, each with a gate and a
// record, of which nothing is known yet but the plan.
func boarded(environments ...string) *Run {
	r := &Run{ID: "run", Lane: "lane", Version: "2", State: Started, Begun: time.Unix(1, 0)}
	for _, environment := range environments {
		plan := StagePlan{
			Environment: environment, Repo: "env/mda", Gates: []GatePlan{{Name: "test"}},
			Record:   &Parameter{Name: "/" + environment},
			Services: []Service{{Name: "kv", File: environment + "/kv"}, {Name: "mds", File: environment + "/mds"}},
		}
		r.Stages = append(r.Stages, Stage{Plan: plan})
	}
	return r
}

// delivered notes that stage i has landed and that its services are known as kv and mds.
func (r *Run) delivered(i int, kv, mds gitops.Known) *Run {
	s := &r.Stages[i]
	s.Delivery = Delivery{Landed: "c", Change: gitops.Change{Repo: "env/mda"}}
	for _, service := range s.Plan.Services {
		s.Delivery.Change.Bumps = append(s.Delivery.Change.Bumps, gitops.Bump{Place: s.Plan.Place(service), Environment: s.Plan.Environment, Service: service.Name, From: "1", To: "2"})
	}
	s.Delivery.Seen = []Sync{{s.Plan.Environment, gitops.Seen{{Service: "kv", Known: kv}, {Service: "mds", Known: mds}}}}
	r.Stage, r.State = i, Merged
	return r
}

// gated notes how the gate of stage i stands.
func (r *Run) gated(i int, outcome GateOutcome) *Run {
	r.Stages[i].Gates = []GateState{{Name: "test", Since: time.Unix(2, 0), Outcome: outcome}}
	r.State = Synced
	return r
}

// backed notes that the services of stage i go back and are known as kv and mds.
func (r *Run) backed(i int, kv, mds gitops.Known) *Run {
	var back Delivery
	for _, b := range r.Stages[i].Delivery.Change.Bumps {
		back.Change.Bumps = append(back.Change.Bumps, b.Inverse())
	}
	back.Seen = []Sync{{r.Stages[i].Plan.Environment, gitops.Seen{{Service: "kv", Known: kv}, {Service: "mds", Known: mds}}}}
	r.Backs, r.Direction, r.State = append(r.Backs, back), Back, Merged
	return r
}

// in puts a run into a state.
func (r *Run) in(s State) *Run {
	r.State = s
	return r
}

func TestBoard(t *testing.T) {
	t.Parallel()
	left := boarded("int").delivered(0, gitops.Running, gitops.Running).gated(0, GateFailed).backed(0, gitops.Running, gitops.Running).in(RolledBack)
	left.Left = []rollback.Left{{Bump: left.Stages[0].Delivery.Change.Bumps[1], Reason: "somebody set it"}}
	recorded := boarded("int").delivered(0, gitops.Running, gitops.Running).gated(0, GatePassed).in(Done)
	recorded.Stages[0].Recorded = true
	warned := boarded("int").delivered(0, gitops.Running, gitops.Running).gated(0, GateAllowed).in(Done)
	warned.Warnings = []string{"gate test failed"}
	cancelled := &Run{Lane: "lane", State: Cancelled, Begun: time.Unix(1, 0)}
	stalledBack := boarded("int").delivered(0, gitops.Running, gitops.Running).gated(0, GateFailed).backed(0, gitops.Unsure, gitops.Running).in(Stalled)
	unseen := boarded("int").delivered(0, gitops.Running, gitops.Running).in(Proposed)
	unseen.Stages[0].Delivery.Seen = nil

	tests := []struct {
		name string
		run  *Run
		want string
	}{
		{"queued", &Run{Lane: "lane", State: Queued}, "Lane: running | Start: open | Finish: open"},
		{"refused", &Run{Lane: "lane", State: Refused}, "Lane: skipped | Start: failed | Finish: skipped"},
		{"cancelled in the queue", cancelled, "Lane: skipped | Start: skipped | Finish: skipped"},
		{"started", boarded("int"), "Lane: passed | Start: passed | Deploy-int: open open | Gates-int: open | Rollback: open open | Record: open | Finish: open"},
		{"proposed", unseen, "Lane: passed | Start: passed | Deploy-int: running running | Gates-int: open | Rollback: open open | Record: open | Finish: open"},
		{"deploying", boarded("int").delivered(0, gitops.Running, gitops.NotYet), "Lane: passed | Start: passed | Deploy-int: passed running | Gates-int: open | Rollback: open open | Record: open | Finish: open"},
		{"gate runs", boarded("int").delivered(0, gitops.Running, gitops.Running).gated(0, GateOpen), "Lane: passed | Start: passed | Deploy-int: passed passed | Gates-int: running | Rollback: open open | Record: open | Finish: open"},
		{"recording", boarded("int").delivered(0, gitops.Running, gitops.Running).gated(0, GatePassed).in(Gated), "Lane: passed | Start: passed | Deploy-int: passed passed | Gates-int: passed | Rollback: open open | Record: running | Finish: open"},
		{"success", recorded, "Lane: passed | Start: passed | Deploy-int: passed passed | Gates-int: passed | Rollback: skipped skipped | Record: passed | Finish: passed"},
		{"success with warnings", warned, "Lane: passed | Start: passed | Deploy-int: passed passed | Gates-int: warned | Rollback: skipped skipped | Record: skipped | Finish: warned"},
		{"deployment failed", boarded("int").delivered(0, gitops.Running, gitops.Broken).in(Failed), "Lane: passed | Start: passed | Deploy-int: passed failed | Gates-int: skipped | Rollback: open open | Record: skipped | Finish: open"},
		{"going back", boarded("int").delivered(0, gitops.Running, gitops.Broken).backed(0, gitops.NotYet, gitops.Running), "Lane: passed | Start: passed | Deploy-int: passed failed | Gates-int: skipped | Rollback: running passed | Record: skipped | Finish: open"},
		{"rolled back, one left alone", left, "Lane: passed | Start: passed | Deploy-int: passed passed | Gates-int: failed | Rollback: passed warned | Record: skipped | Finish: failed"},
		{"rollback failed", boarded("int").delivered(0, gitops.Running, gitops.Broken).backed(0, gitops.Broken, gitops.Running).in(RollbackFailed), "Lane: passed | Start: passed | Deploy-int: passed failed | Gates-int: skipped | Rollback: failed passed | Record: skipped | Finish: failed"},
		{"stalled on the way back", stalledBack, "Lane: passed | Start: passed | Deploy-int: passed passed | Gates-int: failed | Rollback: unsure passed | Record: skipped | Finish: unsure"},
		{
			"two environments, the first one's gate failed",
			boarded("abn", "lup").delivered(0, gitops.Running, gitops.Running).gated(0, GateFailed).backed(0, gitops.Running, gitops.Running).in(RolledBack),
			"Lane: passed | Start: passed | Deploy-abn: passed passed | Gates-abn: failed | Deploy-lup: skipped skipped | Gates-lup: skipped | Rollback: passed passed skipped skipped | Record: skipped skipped | Finish: failed",
		},
	}
	for _, test := range tests {
		if got := sketch(test.run.Board()); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

// sketch returns a board as one line.
func sketch(board []Column) string {
	var columns []string
	for _, column := range board {
		var marks []string
		for _, c := range column.Cells {
			if c.Mark == MarkOpen {
				c.Mark = "open"
			}
			marks = append(marks, string(c.Mark))
		}
		columns = append(columns, fmt.Sprintf("%s: %s", column.Name, strings.Join(marks, " ")))
	}
	return strings.Join(columns, " | ")
}

func TestBoardKnowsEveryState(t *testing.T) {
	t.Parallel()
	for _, state := range States {
		r := boarded("int").in(state)
		if got := len(r.Board()); got != 7 {
			t.Errorf("a run that is %s has %d columns, want 7", state, got)
		}
		finish := r.Board()[6].Cells[0]
		if over := state.Settled() || state == Stalled; over != (finish.Mark != MarkOpen) {
			t.Errorf("a run that is %s finishes as %q", state, finish.Mark)
		}
	}
}

func TestBoardOfAHeldRun(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, ""), newRun()
	b := w.bot()
	lead(t, w, b, r, Prepared, 0)
	r.Hold(Word{Verb: VerbHold, By: "ana", Reason: "the fair", At: w.now})
	board := r.Board()
	if got, want := board[len(board)-1].Cells[0], (Cell{Name: "held", Mark: MarkUnsure, Reason: "held by ana (the fair)"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := r.deployCells(0)[0].Mark; got != MarkUnsure {
		t.Errorf("a service is %q, want %q", got, MarkUnsure)
	}
}
