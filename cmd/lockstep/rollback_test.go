package main

import (
	"maps"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// holds holds the parameters of environments against a version.
func (s *scene) holds(version string, environments ...string) {
	s.Helper()
	for _, environment := range environments {
		if got, _, _ := s.AWS.Parameter(recorded[environment], parameterOf(environment)); got != version {
			s.Errorf("parameter %s holds %s, want %s", parameterOf(environment), got, version)
		}
	}
}

// undoes asks for a finished run to be put back, and returns the run that has done so
// when people were told.
func (s *scene) undoes(done *bot.Run) *bot.Run {
	s.Helper()
	s.observe()
	s.types(typed{line: "rollback " + done.ID + " --by olga --reason prices", says: []string{"is queued: next in lane release", "olga undoes run " + done.ID + " (prices)\n"}})
	undo := s.reaches(string(done.Version), bot.RolledBack).Run
	s.told("the end", func(m fixtures.Message) bool {
		return strings.Contains(said(m), "undoes run "+done.ID) && endIn(said(m), "release") == "rolled back"
	})
	s.quiet()
	var starts, finishes int
	for _, m := range s.Chat.Messages()[s.was.Messages:] {
		switch text := said(m); {
		case !strings.Contains(text, "olga undoes run "+done.ID+" (prices)"):
			s.Errorf("people were told\n%s\nwant it to say who undoes what", text)
		case m.Thread == "":
			starts++
		case endIn(text, "release") == "rolled back":
			finishes++
		}
	}
	if starts != 1 || finishes != 1 || undo.Undoes != done.ID {
		s.Errorf("%d Start and %d Finish messages of run %s that undoes %q, want one each", starts, finishes, undo.ID, undo.Undoes)
	}
	return undo
}

// commits returns the commits of main that are not those of merges, since a commit.
func (s *scene) commits(since string) []string {
	s.Helper()
	list, err := s.git("rev-list", "--no-merges", "main", "^"+since)
	if err != nil {
		s.Fatal(err)
	}
	return strings.Fields(list)
}

// A finished release is put back in all its environments by one commit, and its
// parameters by value. Where a newer one stands, that has to be put back first.
func TestRollback(t *testing.T) {
	t.Parallel()
	first, second := released, scenarios[4]
	s := newScene(t)
	before := s.was
	s.play(first)
	one := s.report(first.Version).Run
	s.observe()
	between := s.was
	s.play(second)
	two := s.report(second.Version).Run
	s.observe()
	s.types(
		typed{line: "rollback " + one.ID + " --by olga", code: 1, says: []string{"nothing to do: run " + two.ID + " has brought mda " + second.Version + " through track release after run " + one.ID + ", and that stands"}},
		typed{line: "rollback nobody --by olga", code: 1, says: []string{`there is no run "nobody"`}},
	)
	s.quiet()
	s.stands(second.Version, "abn", "lup", "prd")
	for _, undo := range []struct {
		done    *bot.Run
		version string // that stands afterwards
		was     map[string]string
	}{{two, first.Version, between.Tree}, {one, firstVersion, before.Tree}} {
		by := s.undoes(undo.done)
		s.stands(undo.version, "abn", "lup", "prd")
		s.holds(undo.version, "abn", "prd")
		s.holds(firstVersion, "int")
		tree, err := s.tree("main")
		if err != nil || !maps.Equal(tree, undo.was) {
			t.Errorf("the repository differs from what it was before %s (%v)", undo.done.Version, err)
		}
		if commits := s.commits(s.was.Head); len(commits) != 1 || s.merges()-s.was.Merges != 1 {
			t.Errorf("%s was put back by commits %v and %d merges, want one each", undo.done.Version, commits, s.merges()-s.was.Merges)
		}
		for environment, account := range recorded {
			writes := int64(1)
			if environment == "int" {
				writes = 0
			}
			if _, version, _ := s.AWS.Parameter(account, parameterOf(environment)); version != s.was.Parameters[environment]+writes {
				t.Errorf("parameter of %s was written %d times, want %d", environment, version-s.was.Parameters[environment], writes)
			}
		}
		if live := s.objects(liveBucket, string(undo.done.Version)); !maps.Equal(live, s.objects(previewBucket, string(undo.done.Version))) {
			t.Errorf("the live bucket holds %v of %s, want it to stay", live, undo.done.Version)
		}
		s.types(
			typed{line: "rollback " + undo.done.ID + " --by olga", code: 1, says: []string{"nothing to do: run " + by.ID + " has put run " + undo.done.ID + " back already"}},
			typed{line: "rollback " + by.ID + " --by olga", code: 1, says: []string{"nothing to do: run " + by.ID + " has put back already what there was to be put back"}},
		)
	}
	s.quiet()
	if n := len(s.GitLab.Pipelines(gateProjects["abn"])); n != 2 {
		t.Errorf("%d pipelines of gates, want those of the two releases alone", n)
	}
	for _, mr := range s.GitLab.MergeRequests(envProject) {
		if notes := s.GitLab.Notes(envProject, mr.IID); len(notes) != 1 {
			t.Errorf("!%d has %d notes, want the one that edits itself", mr.IID, len(notes))
		}
	}
	s.types(typed{line: "drift release", says: []string{"ok   mda on release, prd: " + firstVersion}, not: "BAD"})
	s.types(typed{line: "promote release " + first.Version, says: []string{"is queued"}}) // a wish condemns nothing
	s.reaches(first.Version, bot.Done)
	s.stands(first.Version, "abn", "lup", "prd")
}

// What a person has set since is left alone by the rollback, which names it.
func TestRollbackLeavesEdits(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.was
	s.play(released)
	done := s.report(released.Version).Run
	s.edits(edit{valuesFile("lup", "kv"), released.Version, byHand}, edit{valuesFile("prd", "mds"), "replicas: 2", "replicas: 3"})
	s.AWS.Put(recorded["abn"], parameterOf("abn"), byHand)
	s.undoes(done)
	s.stands(firstVersion, "abn")
	s.holds(byHand, "abn")
	s.holds(firstVersion, "prd")
	want := maps.Clone(before.Tree)
	want[valuesFile("lup", "kv")] = strings.Replace(want[valuesFile("lup", "kv")], firstVersion, byHand, 1)
	want[valuesFile("prd", "mds")] = strings.Replace(want[valuesFile("prd", "mds")], "replicas: 2", "replicas: 3", 1)
	tree, err := s.tree("main")
	if err != nil {
		t.Fatal(err)
	}
	for file := range want {
		if tree[file] != want[file] {
			t.Errorf("%s: %s", file, different(tree[file], want[file]))
		}
	}
	if got := s.GitLab.Deployed("lup/kv"); got != byHand {
		t.Errorf("kv of lup runs %s, want %s", got, byHand)
	}
	s.told("of kv of lup", func(m fixtures.Message) bool {
		return m.Thread != "" && strings.Contains(said(m), "Left alone: lup kv (somebody set it to "+byHand+" since)")
	})
}
