package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"lockstep/bot/web"
	"lockstep/fixtures"
)

// drifts asks for the drift of a track as JSON and returns what disagrees, with the exit
// code.
func (s *scene) drifts(track string) (disagree []string, code int) {
	s.Helper()
	var out, refusal bytes.Buffer
	code = run(s.Context(), []string{"drift", track, "--output", "json", "--config", s.Config}, &out, &refusal)
	var list web.DriftList
	if err := json.Unmarshal(out.Bytes(), &list); err != nil || refusal.Len() > 0 {
		s.Fatalf("lockstep drift prints %q and %q (%v)", out.String(), refusal.String(), err)
	}
	for _, report := range list.Drifts {
		for _, d := range report.Environments {
			disagree = append(append(disagree, d.Disagree...), d.Unsure...)
		}
	}
	return disagree, code
}

// Drift finds nothing in a good world, and names what a person has changed by hand: in
// Git, in the parameter, in the deployment. It changes nothing itself.
func TestDrift(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(works)
	good := typed{line: "drift integration", says: []string{
		"ok   mda on integration, int: " + works.Version + " in fbv, kv, mds, remo; " + works.Version + " in parameter /mda/int/data-version\n",
	}, not: "BAD"}
	bad := func(sentence string) typed {
		return typed{line: "drift integration", code: 1, says: []string{"BAD  mda on integration, int: ", sentence}}
	}
	s.types(good, typed{line: "drift elsewhere", code: 1, says: []string{"elsewhere"}})
	if disagree, code := s.drifts("integration"); code != 0 || len(disagree) > 0 {
		t.Errorf("a good world drifts: %q, exit code %d", disagree, code)
	}

	s.AWS.Put(recorded["int"], parameterOf("int"), byHand)
	calls := len(s.Journal.Calls())
	s.types(bad("parameter /mda/int/data-version holds " + byHand + ", the services name " + works.Version + "\n"))
	s.AWS.Put(recorded["int"], parameterOf("int"), works.Version)

	s.edits(edit{valuesFile("int", "kv"), works.Version, byHand})
	s.types(bad("the services name different versions: " + works.Version + " (fbv, mds, remo), " + byHand + " (kv)\n"))
	if disagree, code := s.drifts("integration"); code != 1 || len(disagree) != 2 {
		t.Errorf("a world with another kv drifts: %q, exit code %d, want two sentences and 1", disagree, code)
	}
	s.edits(edit{valuesFile("int", "kv"), byHand, works.Version})
	s.types(good)

	s.GitLab.Script(fixtures.Rule{Job: "deploy-int-fbv", Status: "failed", Times: 1})
	file := valuesFile("int", "fbv")
	text, err := s.git("show", "main:"+file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.GitLab.Commit(envProject, "main", "Deploy again", map[string]string{file: text + "\n# again\n"}); err != nil {
		t.Fatal(err)
	}
	s.quiet()
	s.types(bad("fbv is to run " + works.Version + ": "))
	if got := s.Journal.Calls(); len(got) != calls {
		t.Errorf("drift made calls: %v", got[calls:])
	}
}
