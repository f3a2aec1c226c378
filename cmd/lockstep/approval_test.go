package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"lockstep/bot/web"
	"lockstep/fixtures"
)

// released is the release that works.
var released = scenarios[3]

// goLive is an approval before prd.
var goLive = []string{"      - environment: prd\n", `      - environment: prd
        gates:
          - {name: go-live, when: before, approval: {by: [ana, olga, otto], count: 2, not_author: true}}
`}

// waits waits until people were called to a gate of the newest run of a version, and
// returns the id of the run.
func (s *scene) waits(version, gate string) (id string) {
	s.Helper()
	s.await("a call to gate "+gate, func() bool {
		id = ""
		if run := s.report(version).Run; run != nil {
			id = run.ID
		}
		return slices.ContainsFunc(s.Chat.Messages(), func(m fixtures.Message) bool {
			return isCall(m) && strings.Contains(said(m), "lockstep confirm "+id+" "+gate) && strings.Contains(said(m), "lockstep deny "+id+" "+gate)
		})
	})
	return id
}

// types runs command lines one after the other.
func (s *scene) types(lines ...typed) {
	s.Helper()
	for _, line := range lines {
		line.types(s.Context(), s.T, s.Config)
	}
}

// stands holds what every service of environments names and runs against a version.
func (s *scene) stands(version string, environments ...string) {
	s.Helper()
	tree, err := s.tree("main")
	if err != nil {
		s.Fatal(err)
	}
	for _, environment := range environments {
		for _, service := range services {
			names, deployed := versionIn(tree[valuesFile(environment, service)]), s.GitLab.Deployed(environment+"/"+service)
			if names != version || deployed != version {
				s.Errorf("%s/%s names %s and runs %s, want %s", environment, service, names, deployed, version)
			}
		}
	}
}

// Before prd people are asked. Nothing of prd changes until enough of those who may have
// confirmed; one who denies, or a cancel meanwhile, puts back what the run wrote.
func TestApproval(t *testing.T) {
	t.Parallel()
	back := ending{
		Value: "old", Recorded: "old", Copied: true, Calls: 1, Merges: 3, Gates: map[string]int{"abn": 1, "lup": 1},
		Cause: []string{"Put back: abn fbv, kv, mds, remo (2026.11.0); lup fbv, kv, mds, remo (2026.11.0)", "Nothing to do: prd fbv, kv, mds, remo"},
	}
	for name, test := range map[string]struct {
		answers func(s *scene, id string)
		want    func() ending
		after   func(id string) []typed
	}{
		"confirmed": {
			answers: func(s *scene, id string) {
				confirm, deny := "confirm "+id+" go-live --by ", "deny "+id+" go-live --by "
				s.types([]typed{
					{line: confirm + "mallory", code: 1, says: []string{"mallory may not approve here, but olga, otto may"}},
					{line: confirm + "ana", code: 1, says: []string{"ana asked for the run, and somebody else has to approve it"}},
					{line: "confirm " + id + " gone-live --by olga", code: 1, says: []string{`has no gate "gone-live"`, "go-live of prd"}},
					{line: "deny " + id + " e2e-test-abn --by olga", code: 1, says: []string{"takes no answer, it finds out by itself"}},
					{line: "confirm nobody go-live --by olga", code: 1, says: []string{`there is no run "nobody"`}},
					{line: confirm + "olga", says: []string{"gate go-live of prd is confirmed by olga\n"}},
					{line: confirm + "OLGA", says: []string{"nothing is new"}},
					{line: deny + "olga", code: 1, says: []string{"was confirmed by olga before, and the first answer counts"}},
				}...)
				s.await("the gate to count", func() bool {
					return slices.ContainsFunc(s.report(released.Version).Gates, func(g web.Gate) bool {
						return g.Name == "go-live" && g.Reason == "1 of 2 approvals; may approve: olga, otto" && len(g.Opinions) == 1
					})
				})
				s.quiet()
				s.stands(firstVersion, "prd")
				s.types(typed{line: confirm + "otto --output json", says: []string{`"sentence":"gate go-live of prd is confirmed by otto"}`}})
			},
			want: func() ending {
				want := released.Want
				want.Calls = 1
				return want
			},
			after: func(id string) []typed {
				return []typed{
					{line: "confirm " + id + " go-live --by otto", says: []string{"nothing is new"}},
					{line: "deny " + id + " go-live --by otto", code: 1, says: []string{"the first answer counts"}},
					{line: "deny " + id + " go-live --by olaf", code: 1, says: []string{"gate go-live of prd has its outcome: passed (approved by olga, otto)"}},
				}
			},
		},
		"denied": {
			answers: func(s *scene, id string) {
				s.types(
					typed{line: "confirm " + id + " go-live --by olga"},
					typed{line: "deny " + id + " go-live --by otto --reason month-end", says: []string{"gate go-live of prd is denied by otto\n"}},
				)
			},
			want: func() ending {
				want := back
				want.End, want.Cause = "failed, rolled back", append(slices.Clone(back.Cause), "gate go-live failed: denied by otto: month-end")
				return want
			},
			after: func(id string) []typed {
				return []typed{{line: "promote release " + released.Version, code: 1, says: []string{"is condemned on track release by run " + id + " (gate go-live failed: denied by otto: month-end)"}}}
			},
		},
		"cancelled": {
			answers: func(s *scene, id string) {
				s.types(typed{line: "confirm " + id + " go-live --by olga"}, typed{line: "cancel " + id + " --by olga"})
			},
			want: func() ending {
				want := back
				want.End, want.Cause = "cancelled", append(slices.Clone(back.Cause), "cancelled by olga")
				return want
			},
			after: func(id string) []typed {
				return []typed{{line: "confirm " + id + " go-live --by otto", code: 1, says: []string{"has ended: cancelled"}}}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, worldOptions{})
			s.rewrite(goLive...)
			s.begin()
			given := released
			given.Want = test.want()
			s.script(given)
			if err := s.ask(t.Context(), s.api, given); err != nil {
				t.Fatal(err)
			}
			id := s.waits(given.Version, "go-live")
			s.quiet()
			s.stands(given.Version, "abn", "lup")
			s.stands(firstVersion, "int", "prd")
			if live := s.objects(liveBucket, given.Version); !maps.Equal(live, s.objects(previewBucket, given.Version)) {
				t.Errorf("while people are asked the live bucket holds %v", live)
			}
			test.answers(s, id)
			s.ends(given)
			s.types(test.after(id)...)
		})
	}
}
