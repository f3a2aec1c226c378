package main

import (
	"time"

	"lockstep/fixtures"
)

// A scenario is one run of the product with what must have become of it outside.
type scenario struct {
	N       int
	Given   string // what happens, in a line
	Version string
	Rules   func(before string) []fixtures.Rule
	Want    ending
}

// An ending is what the outside must show after a run.
type ending struct {
	End       string            // how the Finish message calls it
	Cause     []string          // what the Finish message must name
	Links     []string          // where it must lead: parts of addresses
	Value     string            // "new" or "old": what the repository names for every service
	Deployed  map[string]string // services that run another version than Value says: "new", "old" or the version itself
	Parameter string            // "new" or "old"
	Calls     int               // how often people were called
	Merges    int               // merge requests that landed
	Gates     int               // pipelines of the gate project
	Frozen    bool              // the lane is frozen, and the next run waits and says why
}

// scenarios are the runs of the integration track.
var scenarios = []scenario{
	{
		N: 1, Given: "everything works", Version: "2026.11.1",
		Rules: func(string) []fixtures.Rule { return nil },
		Want:  ending{End: "success", Value: "new", Parameter: "new", Merges: 1, Gates: 1},
	},
	{
		N: 2, Given: "gate int-test fails", Version: "2026.11.2",
		Rules: func(string) []fixtures.Rule {
			return []fixtures.Rule{{Project: gateProject, Job: "int-test", Value: "2026.11.2", Status: "failed"}}
		},
		Want: ending{
			End: "failed, rolled back", Cause: []string{"gate int-test failed"}, Links: []string{gateProject + "/-/pipelines/"},
			Value: "old", Parameter: "old", Merges: 2, Gates: 1,
		},
	},
	{
		N: 3, Given: "deployment of fbv and remo fails, then the rollback of kv", Version: "2026.11.3",
		Rules: func(before string) []fixtures.Rule {
			return []fixtures.Rule{
				{Job: "deploy-int-fbv", Value: "2026.11.3", Status: "failed"},
				{Job: "deploy-int-remo", Value: "2026.11.3", Status: "failed"},
				{Job: "deploy-int-kv", Value: before, Status: "failed"},
			}
		},
		Want: ending{
			End: "failed, rollback failed", Cause: []string{"fbv", "remo", "kv"}, Links: []string{envProject + "/-/"},
			Value: "old", Deployed: map[string]string{"kv": "new"}, Parameter: "old", Merges: 2, Gates: 0, Frozen: true,
		},
	},
}

// nextVersion is announced after a run that freezes the lane, to see it wait.
const nextVersion = "2026.11.4"

// breakages damage a part of the outside on purpose, so that the demo must fail.
var breakages = map[string]func(w *world, s scenario, before string) []fixtures.Rule{
	"sync": func(_ *world, s scenario, _ string) []fixtures.Rule {
		return []fixtures.Rule{{Job: "deploy-int-mds", Value: s.Version, Status: "failed"}, {Job: "deploy-int-kv", Value: s.Version, Status: "failed"}}
	},
	"gate": func(_ *world, s scenario, _ string) []fixtures.Rule {
		status := "failed"
		if s.Want.Value == "old" {
			status = "success"
		}
		return []fixtures.Rule{{Project: gateProject, Job: "int-test", Value: s.Version, Status: status}}
	},
	"rollback": func(_ *world, _ scenario, before string) []fixtures.Rule {
		return []fixtures.Rule{{Job: "deploy-int-mds", Value: before, Status: "failed"}}
	},
	"merge": func(w *world, _ scenario, _ string) []fixtures.Rule {
		w.GitLab.Burst405(1 << 20)
		return nil
	},
	"notify": func(w *world, _ scenario, _ string) []fixtures.Rule {
		w.Chat.Break("drop")
		return nil
	},
}

// rules returns how the jobs of a scenario end, given the version that stood before.
func (s scenario) rules(w *world, before, broken string, pace time.Duration) []fixtures.Rule {
	var rules []fixtures.Rule
	if damage := breakages[broken]; damage != nil {
		rules = damage(w, s, before)
	}
	rules = append(rules, s.Rules(before)...)
	for i, service := range services { // no two jobs end at the same moment
		rules = append(rules, fixtures.Rule{Job: "deploy-int-" + service, Status: "success", Duration: pace * time.Duration(i+2) / 3})
	}
	return rules
}
