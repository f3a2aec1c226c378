package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/fixtures"
)

// byHand is the version that a person sets.
const byHand = "2026.10.9"

// beside are a person's changes that are not about the version: in the line next to it,
// and in another file.
var beside = []edit{
	{valuesFile("int", "kv"), "bucket: preview", "bucket: preview-2"},
	{"README.md", "The pipeline of main", "Every pipeline of main"},
}

// While a run goes forward and back a person commits to the same files: nothing of
// theirs is lost, and the end is the same.
func TestPersonCommitsBeside(t *testing.T) {
	t.Parallel()
	for _, when := range []moment{
		{"open merge request", 1, arrives},
		{"merge", 1, arrives},
		{"trigger pipeline", 1, done},
		{"merge", 2, arrives},
		{"merge", 2, done},
	} {
		t.Run(when.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			for _, e := range beside {
				s.was.Tree[e.file] = strings.Replace(s.was.Tree[e.file], e.old, e.changed, 1)
			}
			s.at(when, func() { s.edits(beside...) })
			s.play(fails)
		})
	}
}

// A person changes the version of kv itself. Before the merge the change is built anew,
// once; after it, the way back leaves kv alone and says so.
func TestPersonChangesVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		when  moment
		given scenario
		old   string // the version that the person replaces
		value string // what kv names in the end
		left  bool
	}{
		{moment{"merge", 1, arrives}, works, firstVersion, works.Version, false},
		{moment{"merge", 1, arrives}, fails, firstVersion, byHand, false},
		{moment{"trigger pipeline", 1, done}, fails, fails.Version, byHand, true},
		{moment{"merge", 2, arrives}, fails, fails.Version, byHand, true},
	} {
		t.Run(fmt.Sprintf("%s/%s", test.when, test.given.Given), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			given := test.given
			if test.value == byHand {
				s.was.Tree[valuesFile("int", "kv")] = strings.Replace(s.was.Tree[valuesFile("int", "kv")], firstVersion, byHand, 1)
				given.Want.Deployed = map[string]string{"int/kv": byHand}
			}
			if test.left {
				given.Want.Cause = append(slices.Clone(given.Want.Cause), "kv (somebody set it to "+byHand+" since)")
			}
			s.at(test.when, func() { s.edits(edit{valuesFile("int", "kv"), test.old, byHand}) })
			s.play(given)
		})
	}
}

// A person sets the version again and again before the merge: after the second time
// people are called, and nothing has landed.
func TestPersonInsists(t *testing.T) {
	t.Parallel()
	given := works
	given.Want.Calls = 1
	s := newScene(t)
	s.script(given)
	values := []string{firstVersion, byHand, "2026.10.8"}
	n := 0
	s.Journal.Break(func(c fixtures.Call) fixtures.Fault {
		if c.Name == "merge" && n+1 < len(values) {
			n++
			s.edits(edit{valuesFile("int", "kv"), values[n-1], values[n]})
		}
		return fixtures.Pass
	}, nil)
	s.tag(given.Version)
	text, run := s.called(given.Version)
	if !strings.Contains(text, "agree who sets it") || s.merges() != 0 {
		t.Errorf("after %d merges people are called with\n%s", s.merges(), text)
	}
	s.says("runs", run.ID, "resume")
	s.ends(given)
}

// A person closes the merge request: people are called, and a new one is opened when
// somebody says so.
func TestPersonCloses(t *testing.T) {
	t.Parallel()
	given := works
	given.Want.Calls = 1
	s := newScene(t)
	s.script(given)
	s.stick("not_approved")
	s.tag(given.Version)
	s.reaches(given.Version, bot.Proposed)
	if err := s.GitLab.CloseMergeRequest(envProject, 1); err != nil {
		t.Fatal(err)
	}
	text, run := s.called(given.Version)
	if !strings.Contains(text, "closed by operator") || !strings.Contains(text, "lockstep resume "+run.ID) {
		t.Errorf("people are called with\n%s\nwant it to name who closed it and lockstep resume", text)
	}
	s.stick("")
	s.says("runs", run.ID, "resume")
	s.ends(given)
	if mrs := s.GitLab.MergeRequests(envProject); len(mrs) != 2 || mrs[0].State != "closed" || mrs[1].State != "merged" {
		t.Errorf("merge requests %v, want one closed and one merged", mrs)
	}
}

// A person merges what the bot may not: the run goes on.
func TestPersonMerges(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.script(fails)
	s.stick("not_approved")
	s.tag(fails.Version)
	for iid := range fails.Want.Merges {
		s.await("a merge request", func() bool {
			return len(s.GitLab.MergeRequests(envProject)) == iid+1 && strings.Contains(s.report(fails.Version).Run.Reason, "not approved")
		})
		if err := s.GitLab.MergeByPerson(envProject, iid+1); err != nil {
			t.Fatal(err)
		}
	}
	s.ends(fails)
}

// What a person cancels is put back, and nothing more happens.
func TestPersonCancels(t *testing.T) {
	t.Parallel()
	cancelled := works
	cancelled.Want = ending{End: "cancelled", Cause: []string{"cancelled by olga"}, Value: "old", Recorded: "old"}
	for name, test := range map[string]struct {
		hold          func(s *scene)
		state         bot.State
		merges, gates int
	}{
		"before the merge": {func(s *scene) { s.stick("not_approved") }, bot.Proposed, 0, 0},
		"while it deploys": {func(s *scene) {
			s.script(cancelled, fixtures.Rule{Job: "deploy-int-kv", Value: cancelled.Version, Status: "running"})
		}, bot.Merged, 2, 0},
		"at the gate": {func(s *scene) {
			s.script(cancelled, fixtures.Rule{Job: "int-test", Status: "running"})
		}, bot.Synced, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := cancelled
			want.Want.Merges, want.Want.Gates = test.merges, map[string]int{"int": test.gates}
			s := newScene(t)
			s.script(cancelled)
			test.hold(s)
			s.tag(cancelled.Version)
			run := s.reaches(cancelled.Version, test.state).Run
			s.await("the gate", func() bool { return len(s.GitLab.Pipelines(gateProject)) == test.gates })
			s.says("runs", run.ID, "cancel")
			s.ends(want)
		})
	}
}

// A failed rollback freezes the lane: the next run waits and says why, until a person
// thaws it.
func TestPersonThaws(t *testing.T) {
	t.Parallel()
	failed, next := scenarios[2], works
	next.Version = nextVersion
	s := newScene(t)
	s.play(failed)
	s.observe()
	s.script(next)
	s.tag(next.Version)
	var report web.RunReport
	s.await("the place of the next run", func() bool {
		report = s.report(next.Version)
		return report.Place != ""
	})
	if !strings.Contains(report.Place, "frozen") || !strings.Contains(report.Place, "kv") {
		t.Errorf("the next run waits with %q, want it to say that the lane is frozen and why", report.Place)
	}
	s.says("lanes", report.Run.Lane, "thaw")
	s.ends(next)
}

// A person's commit that still holds the new version deploys it slowly: the rollback
// waits, so that the old version is what stays.
func TestSlowerJobOfAnotherDoesNotWin(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	deploys := fixtures.Rule{Job: "deploy-int-fbv", Value: fails.Version, Status: "success", Times: 1}
	slowly := fixtures.Rule{Job: "deploy-int-fbv", Value: fails.Version, Status: "success", Duration: 1500 * time.Millisecond}
	s.script(fails, deploys, slowly)
	theirs := beside[1]
	s.was.Tree[theirs.file] = strings.Replace(s.was.Tree[theirs.file], theirs.old, theirs.changed, 1)
	s.at(moment{"trigger pipeline", 1, done}, func() {
		if _, err := s.GitLab.Commit(envProject, "main", "Edit "+theirs.file, map[string]string{theirs.file: s.was.Tree[theirs.file] + "\n"}); err != nil {
			s.Error(err)
		}
	})
	s.tag(fails.Version)
	s.ends(fails)
}
