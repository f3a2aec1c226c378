package rollback_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lockstep/gitops"
	"lockstep/rollback"
)

func bump(repo, service, from, to string) gitops.Bump {
	return gitops.Bump{
		Place:   gitops.Place{Repo: repo, File: service + ".yaml", Key: "data.version"},
		Service: service, Environment: "int", From: gitops.Version(from), To: gitops.Version(to),
	}
}

// describe prints a way as a test reads it.
func describe(w rollback.Way) string {
	var lines []string
	for _, p := range w.Puts {
		for _, b := range p.Bumps {
			lines = append(lines, fmt.Sprintf("put %s/%s %s->%s", p.Repo, b.Service, b.From, b.To))
		}
	}
	for _, l := range w.Left {
		lines = append(lines, fmt.Sprintf("leave %s/%s: %s", l.Bump.Repo, l.Bump.Service, l.Reason))
	}
	for _, b := range w.Stood {
		lines = append(lines, fmt.Sprintf("stood %s/%s", b.Repo, b.Service))
	}
	return strings.Join(lines, "\n")
}

func TestPlan(t *testing.T) {
	t.Parallel()
	mds, kv := bump("env/a", "mds", "1", "2"), bump("env/a", "kv", "1", "2")
	prd := bump("env/b", "mds", "0", "2")
	tests := []struct {
		name   string
		wrote  []gitops.Bump
		stands map[gitops.Place]rollback.Standing
		want   string
	}{
		{"nothing written", nil, nil, ""},
		{
			"all stand",
			[]gitops.Bump{mds, kv},
			map[gitops.Place]rollback.Standing{mds.Place: {Version: "2"}, kv.Place: {Version: "2"}},
			"put env/a/kv 2->1\nput env/a/mds 2->1",
		},
		{
			"two repositories, the last first",
			[]gitops.Bump{mds, prd},
			map[gitops.Place]rollback.Standing{mds.Place: {Version: "2"}, prd.Place: {Version: "2"}},
			"put env/b/mds 2->0\nput env/a/mds 2->1",
		},
		{
			"a person's edit is left alone",
			[]gitops.Bump{mds, kv},
			map[gitops.Place]rollback.Standing{mds.Place: {Version: "3"}, kv.Place: {Version: "2"}},
			"put env/a/kv 2->1\nleave env/a/mds: somebody set it to 3 since",
		},
		{
			"put back already",
			[]gitops.Bump{mds},
			map[gitops.Place]rollback.Standing{mds.Place: {Version: "1"}},
			"stood env/a/mds",
		},
		{
			"gone",
			[]gitops.Bump{mds},
			map[gitops.Place]rollback.Standing{mds.Place: {Missing: "the file is gone"}},
			"leave env/a/mds: the file is gone",
		},
		{
			"not read",
			[]gitops.Bump{mds},
			nil,
			"leave env/a/mds: what stands there now was not read",
		},
		{
			"written twice goes back to the first",
			[]gitops.Bump{mds, bump("env/a", "mds", "2", "4")},
			map[gitops.Place]rollback.Standing{mds.Place: {Version: "4"}},
			"put env/a/mds 4->1",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := describe(rollback.Plan(test.wrote, test.stands)); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// Whatever people did meanwhile: each place that was written is put back, left alone
// or stood already, exactly once, and only what the run wrote itself is put back.
func TestPlanLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		versions := rapid.SampledFrom([]string{"1", "2", "3"})
		stands := map[gitops.Place]rollback.Standing{}
		var wrote []gitops.Bump
		for i := range rapid.IntRange(0, 8).Draw(t, "services") {
			b := bump(rapid.SampledFrom([]string{"env/a", "env/b"}).Draw(t, "repo"), fmt.Sprintf("s%d", i), versions.Draw(t, "from"), versions.Draw(t, "to"))
			wrote = append(wrote, b)
			stands[b.Place] = rollback.Standing{Version: gitops.Version(versions.Draw(t, "now"))}
		}
		way := rollback.Plan(wrote, stands)
		seen := map[gitops.Place]int{}
		for _, p := range way.Puts {
			for _, b := range p.Bumps {
				seen[b.Place]++
				if now := stands[b.Place].Version; now != b.From {
					t.Fatalf("%s is put back from %s, but %s stands there", b.Place, b.From, now)
				}
			}
		}
		for _, l := range way.Left {
			seen[l.Bump.Place]++
		}
		for _, b := range way.Stood {
			seen[b.Place]++
		}
		for _, b := range wrote {
			if seen[b.Place] != 1 {
				t.Fatalf("%s is in the plan %d times", b.Place, seen[b.Place])
			}
		}
	})
}
