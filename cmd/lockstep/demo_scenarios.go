package main

import (
	"slices"
	"time"

	"lockstep/fixtures"
)

// A scenario is one run of the product with what must have become of it outside.
type scenario struct {
	N       int
	Given   string // what happens, in a line
	Track   string
	Version string
	Rules   func(before string) []fixtures.Rule // nil: everything works
	Comment string                              // what the operator comments to ask for it; "": it is asked for by tag or API
	On      string                              // the track whose run of the version has the merge request that is commented on
	Want    ending
}

// An ending is what the outside must show after a run.
type ending struct {
	End      string            // how the Finish message calls it
	Cause    []string          // what the Finish message must name
	Links    []string          // where it must lead: parts of addresses
	Value    string            // "new", "old" or the version itself: what the repository names for every service of the track
	Deployed map[string]string // services (int/kv) that run another version than Value says: "new", "old" or the version itself
	Recorded string            // "new", "old" or the version itself: what the parameters of the track hold
	Copied   bool              // the version's data is in the live bucket
	Calls    int               // how often people were called
	Merges   int               // merge requests that landed
	Gates    map[string]int    // pipelines of the gate projects, by environment
	Frozen   bool              // the lane is frozen, and the next run waits and says why
}

// scenarios are the runs of the product, in order.
var scenarios = []scenario{
	{
		N: 1, Given: "everything works", Track: "integration", Version: "2026.11.1",
		Want: ending{End: "success", Value: "new", Recorded: "new", Merges: 1, Gates: map[string]int{"int": 1}},
	},
	{
		N: 2, Given: "gate int-test fails", Track: "integration", Version: "2026.11.2",
		Rules: func(string) []fixtures.Rule {
			return []fixtures.Rule{{Project: gateProject, Job: "int-test", Value: "2026.11.2", Status: "failed"}}
		},
		Want: ending{
			End: "failed, rolled back", Cause: []string{"gate int-test failed"}, Links: []string{gateProject + "/-/pipelines/"},
			Value: "old", Recorded: "old", Merges: 2, Gates: map[string]int{"int": 1},
		},
	},
	{
		N: 3, Given: "deployment of fbv and remo fails, then the rollback of kv", Track: "integration", Version: "2026.11.3",
		Rules: func(before string) []fixtures.Rule {
			return []fixtures.Rule{
				{Job: "deploy-int-fbv", Value: "2026.11.3", Status: "failed"},
				{Job: "deploy-int-remo", Value: "2026.11.3", Status: "failed"},
				{Job: "deploy-int-kv", Value: before, Status: "failed"},
			}
		},
		Want: ending{
			End: "failed, rollback failed", Cause: []string{"fbv", "remo", "kv"}, Links: []string{envProject + "/-/"},
			Value: "old", Deployed: map[string]string{"int/kv": "new"}, Recorded: "old", Merges: 2, Frozen: true,
		},
	},
	{
		N: 4, Given: "everything works", Track: "release", Version: nextVersion,
		Want: ending{End: "success", Value: "new", Recorded: "new", Copied: true, Merges: 3, Gates: map[string]int{"abn": 1, "lup": 1}},
	},
	{
		N: 5, Given: "gate e2e-test-lup fails, which is allowed", Track: "release", Version: "2026.11.5",
		Rules: func(string) []fixtures.Rule {
			return []fixtures.Rule{{Project: gateProjects["lup"], Job: "e2e-test-lup", Value: "2026.11.5", Status: "failed"}}
		},
		Want: ending{
			End: "success with warnings", Cause: []string{"gate e2e-test-lup failed"},
			Value: "new", Recorded: "new", Copied: true, Merges: 3, Gates: map[string]int{"abn": 1, "lup": 1},
		},
	},
	{
		N: 6, Given: "gate e2e-test-abn fails", Track: "release", Version: "2026.11.6",
		Rules: func(string) []fixtures.Rule {
			return []fixtures.Rule{{Project: gateProjects["abn"], Job: "e2e-test-abn", Value: "2026.11.6", Status: "failed"}}
		},
		Want: ending{
			End: "failed, rolled back", Cause: []string{"gate e2e-test-abn failed", "Nothing to do: lup fbv, kv, mds, remo; prd fbv, kv, mds, remo"},
			Links: []string{gateProjects["abn"] + "/-/pipelines/"},
			Value: "old", Recorded: "old", Copied: true, Merges: 2, Gates: map[string]int{"abn": 1},
		},
	},
}

// commanded are the runs of the demo that people ask for by comments on merge requests:
// run 4, as it is, and one that puts run 5 back when that has finished.
var commanded = []scenario{
	asked(scenarios[3], "/promote", "integration"),
	{
		N: 7, Given: "/rollback on run 5, which has finished", Track: "release", Version: "2026.11.5",
		Comment: "/rollback the prices of lup are those of last year", On: "release",
		Want: ending{
			End: "rolled back", Cause: []string{"operator undoes run", "the prices of lup are those of last year"},
			Value: nextVersion, Recorded: nextVersion, Copied: true, Merges: 1,
		},
	},
}

// asked returns a scenario as one that is asked for by a comment.
func asked(s scenario, comment, on string) scenario {
	s.Given += ", asked for by " + comment
	s.Comment, s.On = comment, on
	return s
}

// demoRuns are the runs that the demo plays, in order.
func demoRuns() []scenario {
	runs := slices.Clone(scenarios)
	runs[3] = commanded[0]
	return append(runs, commanded[1:]...)
}

// nextVersion is announced after a run that freezes the lane, to see it wait; the
// first release takes it on.
const nextVersion = "2026.11.4"

// breakages damage a part of the outside on purpose, so that the demo must fail.
var breakages = map[string]func(w *world, s scenario, before string) []fixtures.Rule{
	"sync": func(_ *world, s scenario, _ string) []fixtures.Rule {
		job := "deploy-" + ways[s.Track][0] + "-"
		return []fixtures.Rule{{Job: job + "mds", Value: s.Version, Status: "failed"}, {Job: job + "kv", Value: s.Version, Status: "failed"}}
	},
	"gate": func(_ *world, s scenario, _ string) []fixtures.Rule {
		status := "failed"
		if s.Want.Value == "old" {
			status = "success"
		}
		return []fixtures.Rule{{Project: gateProjects[ways[s.Track][0]], Value: s.Version, Status: status}}
	},
	"rollback": func(_ *world, s scenario, before string) []fixtures.Rule {
		return []fixtures.Rule{{Job: "deploy-" + ways[s.Track][0] + "-mds", Value: before, Status: "failed"}}
	},
	"merge": func(w *world, _ scenario, _ string) []fixtures.Rule {
		w.GitLab.Burst405(1 << 20)
		return nil
	},
	"data": func(w *world, s scenario, _ string) []fixtures.Rule {
		w.AWS.Corrupt(previewBucket, dataKey(s.Version, "prices.csv"))
		return nil
	},
	"notify": func(w *world, _ scenario, _ string) []fixtures.Rule {
		w.Chat.Break("drop")
		return nil
	},
}

// rules returns how the jobs of a scenario end, given the version that stood before.
func (s scenario) rules(w *world, was before, broken string, pace time.Duration) []fixtures.Rule {
	var rules []fixtures.Rule
	version := was.Versions[ways[s.Track][0]]
	if damage := breakages[broken]; damage != nil {
		rules = damage(w, s, version)
	}
	if s.Rules != nil {
		rules = append(rules, s.Rules(version)...)
	}
	for i, service := range services { // no two jobs of an environment end at the same moment
		for _, environment := range environments {
			rules = append(rules, fixtures.Rule{Job: "deploy-" + environment + "-" + service, Status: "success", Duration: pace * time.Duration(i+2) / 3})
		}
	}
	return rules
}

// subject is how messages name the run of a scenario.
func (s scenario) subject() string { return "mda " + s.Version + " → " + s.Track }
