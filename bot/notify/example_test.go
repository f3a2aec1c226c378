package notify

import (
	"fmt"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
	"lockstep/rollback"
)

const exampleID = "0193f2a0-0000-7000-8000-000000000002"

// clock is the time at which the example run was stored.
var clock = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)

// example returns a run of the integration track that came as far as its gate, with
// all four services deployed.
func example() *bot.Run {
	services := []string{"mds", "fbv", "kv", "remo"}
	stage := bot.Stage{
		Plan: bot.StagePlan{
			Environment: "int", Repo: "env/mda", Branch: "main",
			Gates:  []bot.GatePlan{{Name: "int-test"}},
			Record: &bot.Parameter{Name: "/mda/int/data-version"},
		},
		Delivery: bot.Delivery{IID: 12, Link: "https://gitlab.example.com/env/mda/-/merge_requests/12", Landed: "0123456789abcdef"},
	}
	stage.Delivery.Change.Repo = "env/mda"
	var seen gitops.Seen
	for _, name := range services {
		s := bot.Service{Name: name, File: "environments/int/" + name + "/values.yaml", Key: "data.version"}
		stage.Plan.Services = append(stage.Plan.Services, s)
		stage.Delivery.Change.Bumps = append(stage.Delivery.Change.Bumps, gitops.Bump{
			Place: stage.Plan.Place(s), Environment: "int", Service: name, From: "2026.11.2", To: "2026.11.3",
		})
		seen = append(seen, gitops.ServiceStatus{Service: name, Known: gitops.Running, Reason: "job deploy-int-" + name + " succeeded", Link: "https://gitlab.example.com/env/mda/-/jobs/7"})
	}
	stage.Delivery.Seen = []bot.Sync{{Environment: "int", Services: seen}}
	return &bot.Run{
		ID: exampleID, Track: "integration", Lane: "integration", Package: "mda", Version: "2026.11.3",
		Origin: bot.OriginTag, By: "ana", Link: "https://gitlab.example.com/data/mda/-/tags/2026.11.3",
		State: bot.Synced, Reason: "4 services of int run 2026.11.3", Stages: []bot.Stage{stage},
		Created: clock, Begun: clock.Add(time.Second), Entered: clock.Add(40 * time.Second), Events: 4,
	}
}

// succeeded returns the example run after everything worked.
func succeeded() *bot.Run {
	r := example()
	r.Stages[0].Gates = []bot.GateState{{Name: "int-test", Since: clock, Outcome: bot.GatePassed, Reason: "pipeline 31 succeeded", Link: "https://gitlab.example.com/qa/int-test/-/pipelines/31"}}
	r.Stages[0].Recorded = true
	r.State, r.Reason, r.Ended = bot.Done, "2026.11.3 runs in int: mds, fbv, kv, remo", clock.Add(95*time.Second)
	return r
}

// undoneSince returns the example run after another one has put it back.
func undoneSince() *bot.Run {
	r := succeeded()
	r.UndoneBy = "0193f2a0-0000-7000-8000-000000000009"
	return r
}

// warned returns the example run after its gate failed and was allowed to.
func warned() *bot.Run {
	r := succeeded()
	r.Stages[0].Gates[0].Outcome, r.Stages[0].Gates[0].Reason = bot.GateAllowed, "pipeline 31 failed: job e2e failed"
	r.Warnings = []string{"gate int-test failed: pipeline 31 failed: job e2e failed (allowed to fail)"}
	return r
}

// rolledBack returns the example run after its gate failed and all was put back, but
// for one service that a person had changed.
func rolledBack() *bot.Run {
	r := succeeded()
	r.Stages[0].Recorded = false
	r.Stages[0].Gates[0].Outcome, r.Stages[0].Gates[0].Reason = bot.GateFailed, "pipeline 31 failed: job e2e failed"
	r.Cause = &bot.Cause{Sentence: "gate int-test failed: pipeline 31 failed: job e2e failed", Link: "https://gitlab.example.com/qa/int-test/-/pipelines/31", Environment: "int", Gate: "int-test", Verdict: true}
	r.Direction, r.State, r.Reason = bot.Back, bot.RolledBack, "3 services put back and verified; left alone: int remo"
	back := bot.Delivery{IID: 13, Link: "https://gitlab.example.com/env/mda/-/merge_requests/13", Landed: "fedcba9876543210"}
	back.Change.Repo = "env/mda"
	var seen gitops.Seen
	for _, b := range r.Stages[0].Delivery.Change.Bumps {
		if b.Service == "remo" {
			r.Left = []rollback.Left{{Bump: b, Reason: "somebody set it to 2026.11.4-hotfix since"}}
			continue
		}
		back.Change.Bumps = append(back.Change.Bumps, b.Inverse())
		seen = append(seen, gitops.ServiceStatus{Service: b.Service, Known: gitops.Running, Reason: "job deploy-int-" + b.Service + " succeeded"})
	}
	back.Seen = []bot.Sync{{Environment: "int", Services: seen}}
	r.Backs = []bot.Delivery{back}
	return r
}

// rollbackFailed returns the example run after putting kv back failed.
func rollbackFailed() *bot.Run {
	r := rolledBack()
	r.State, r.Reason = bot.RollbackFailed, "the rollback failed; lane integration is frozen"
	r.BackCause = &bot.Cause{Sentence: "deployment to int failed: kv: job deploy-int-kv failed (script_failure)", Link: "https://gitlab.example.com/env/mda/-/jobs/44", Environment: "int", Verdict: true}
	seen := r.Backs[0].Seen[0].Services
	seen[2].Known, seen[2].Reason = gitops.Broken, "job deploy-int-kv failed (script_failure)"
	return r
}

// stalled returns the example run when it needs a person.
func stalled() *bot.Run {
	r := example()
	r.State, r.Resume, r.Reason = bot.Stalled, bot.Proposed, "merge request !12 was closed by bob: resume the run to open a new one, or cancel it"
	return r
}

// held returns the example run when somebody holds it.
func held() *bot.Run {
	r := example()
	r.Held = &bot.Hold{By: "ana", Reason: "the *fair* @all", At: clock.Add(50 * time.Second)}
	r.Reason = r.Held.String() + ": say lockstep resume " + exampleID
	return r
}

// yielded returns the example run when a rollback has its lane.
func yielded() *bot.Run {
	r := stalled()
	r.Yielded = &bot.Yield{To: "0193f2a0-0000-7000-8000-000000000009", Was: r.Reason, At: clock.Add(55 * time.Second)}
	r.Reason = "gives lane integration to run 0193f2a0-0000-7000-8000-000000000009, which puts another run back, and goes on when it has it again"
	return r
}

// hostile returns the example run with what people can write turned against readers.
func hostile() *bot.Run {
	r := rolledBack()
	r.By = "@all **bold** <script>"
	r.Link = "javascript:alert(1)"
	r.Cause.Sentence = "gate failed:\n/close\n@here [click](https://evil.example.com) `code` | cell #12 !3 ~bug \u202egnol"
	r.Cause.Link = "https://evil.example.com/) /close"
	r.Reason = "\n/merge @channel"
	return r
}

// history returns n events of a run, the newest of which brought it to where it is.
func history(r *bot.Run, n int) []bot.Event {
	if r.Events != n { // a sender may be reading it
		r.Events = n
	}
	var events []bot.Event
	for seq := 1; seq <= n; seq++ {
		e := bot.Event{Run: r.ID, Seq: seq, At: clock.Add(time.Duration(seq) * time.Second), State: bot.Started, Reason: fmt.Sprintf("looked %d times", seq)}
		switch seq {
		case 1:
			e.State, e.Reason = bot.Queued, "next in lane integration"
		case n:
			e.State, e.Direction, e.Reason = r.State, r.Direction, r.Reason
		}
		events = append(events, e)
	}
	return events
}
