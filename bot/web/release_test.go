package web

import (
	"fmt"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
	"lockstep/rollback"
)

// release returns the run of a version through three environments, at its beginning:
// abn reads its data from another bucket, and people have to approve prd before it is
// deployed and after it.
func release(id string) bot.Run {
	preview := bot.Bucket{Purpose: "preview"}
	r := bot.Run{
		ID: id, Package: "mda", Version: "2026.11.7", Track: "release", Lane: "release", State: bot.Started,
		Reason: "holds lane release", Origin: bot.OriginAPI, By: "ana", Created: clock.Add(-10 * time.Minute), Begun: clock.Add(-8 * time.Minute),
		Data: &bot.DataSet{Bucket: preview}, Whole: bot.Progress{Objects: 10000, TotalObjects: 10000, Bytes: 4e9, TotalBytes: 4e9, Done: true},
	}
	gates := map[string][]bot.GatePlan{
		"abn": {{Name: "e2e-test-abn"}, {Name: "error-rate", AllowFailure: true}, {Name: "audit", Callback: &bot.CallbackGate{}}},
		"lup": {{Name: "load-test", AllowFailure: true}, {Name: "soak"}},
		"prd": {
			{Name: "go-live", Before: true, Approval: &bot.ApprovalGate{By: []string{"bob", "eve"}, Count: 2, NotAuthor: true}},
			{Name: "sign-off", Approval: &bot.ApprovalGate{Count: 1}},
		},
	}
	for _, environment := range []string{"abn", "lup", "prd"} {
		s := bot.Stage{Plan: bot.StagePlan{
			Environment: environment, Repo: "env/mda", Bucket: &bot.Bucket{Purpose: "live"}, Gates: gates[environment],
			Record: &bot.Parameter{Name: "/mda/" + environment + "/data-version"},
		}}
		for _, service := range []string{"fbv", "kv", "mds", "remo"} {
			s.Plan.Services = append(s.Plan.Services, bot.Service{Name: service, File: environment + "/" + service + ".yaml", Key: "data.version"})
		}
		for _, gate := range s.Plan.Gates {
			s.Gates = append(s.Gates, bot.GateState{Name: gate.Name})
		}
		r.Stages = append(r.Stages, s)
	}
	r.Stages[2].Plan.Deploy = &bot.Parameter{Name: "/mda/prd/deployed"}
	return r
}

// copying returns the release while its data is copied.
func copying() bot.Run {
	r := release("copying")
	r.Reason = "copying 2026.11.7 from preview to live: 3,000 of 10,000 objects, 1.2 GB of 4.0 GB, 80 MB/s, about 35s left"
	r.Stages[0].Supply = bot.Progress{Objects: 3000, TotalObjects: 10000, Bytes: 12e8, TotalBytes: 4e9, Began: clock.Add(-15 * time.Second)}
	return r
}

// deployed brings stage i of a release to its end.
func deployed(r *bot.Run, i int) {
	s := &r.Stages[i]
	link := fmt.Sprintf("https://gitlab.example.com/env/mda/-/merge_requests/%d", i+12)
	s.Supply = bot.Progress{Objects: 10000, TotalObjects: 10000, Bytes: 4e9, TotalBytes: 4e9, Began: clock, Done: true}
	s.Delivery = bot.Delivery{IID: int64(i + 12), Link: link, Head: "0123456789", Landed: "0123456789", Change: gitops.Change{Repo: "env/mda"}, Set: true}
	var seen gitops.Seen
	for _, service := range s.Plan.Services {
		s.Delivery.Change.Bumps = append(s.Delivery.Change.Bumps, gitops.Bump{
			Place: s.Plan.Place(service), Environment: s.Plan.Environment, Service: service.Name, From: "2026.11.6", To: r.Version,
		})
		seen = append(seen, gitops.ServiceStatus{Service: service.Name, Known: gitops.Running, Reason: "deployed", Link: link})
	}
	s.Delivery.Seen = []bot.Sync{{Environment: s.Plan.Environment, Services: seen}}
	r.Stage = i
}

// judged gives a gate its outcome.
func judged(r *bot.Run, i, n int, outcome bot.GateOutcome, reason string) {
	g := &r.Stages[i].Gates[n]
	g.Since, g.Outcome, g.Reason = clock.Add(-5*time.Minute), outcome, reason
}

// awaiting returns the release when it waits for people before prd, with a gate of every
// outcome behind it.
func awaiting() bot.Run {
	r := release("awaiting")
	deployed(&r, 0)
	deployed(&r, 1)
	r.State, r.Reason = bot.Gated, "gate go-live: 1 of 2 approvals; may approve: bob, eve"
	judged(&r, 0, 0, bot.GatePassed, "pipeline 31 succeeded")
	judged(&r, 0, 1, bot.GateAllowed, "5 % of the requests fail")
	judged(&r, 0, 2, bot.GatePassed, "answered: passed")
	judged(&r, 1, 0, bot.GateNone, "no data in 1h0m0s")
	judged(&r, 1, 1, bot.GatePassed, "quiet for 10m0s")
	judged(&r, 2, 0, bot.GateOpen, "1 of 2 approvals; may approve: bob, eve")
	r.Warnings = []string{"gate error-rate failed: 5 % of the requests fail (allowed to fail)", "gate load-test gave no result: no data in 1h0m0s (allowed to fail)"}
	r.Force = "the report of run ended was wrong"
	return r
}

// rolledBack returns the release after a gate of abn failed and everything was put back.
func rolledBack() bot.Run {
	r := release("rolledback")
	deployed(&r, 0)
	judged(&r, 0, 0, bot.GateFailed, "pipeline 31 failed: job e2e failed")
	r.State, r.Direction, r.Reason, r.Ended = bot.RolledBack, bot.Back, "4 services of abn put back and verified", clock
	r.Cause = &bot.Cause{Sentence: "gate e2e-test-abn failed: pipeline 31 failed: job e2e failed", Link: "https://gitlab.example.com/qa/abn/-/pipelines/31", Environment: "abn", Gate: "e2e-test-abn", Verdict: true}
	back := bot.Delivery{IID: 19, Link: "https://gitlab.example.com/env/mda/-/merge_requests/19", Change: gitops.Change{Repo: "env/mda"}}
	var seen gitops.Seen
	for _, bump := range r.Stages[0].Delivery.Change.Bumps {
		if bump.Service == "remo" {
			r.Left = []rollback.Left{{Bump: bump, Reason: "somebody set it to 2026.11.8-hotfix since"}}
			continue
		}
		back.Change.Bumps = append(back.Change.Bumps, bump.Inverse())
		seen = append(seen, gitops.ServiceStatus{Service: bump.Service, Known: gitops.Running, Reason: "deployed"})
	}
	back.Seen = []bot.Sync{{Environment: "abn", Services: seen}}
	r.Backs = []bot.Delivery{back}
	return r
}

// releases returns a shelf with a release in each of these places, and what was answered.
func releases() *shelf {
	s := filled()
	handed := release("handed")
	deployed(&handed, 0)
	handed.State, handed.Reason, handed.Stages[0].Delivery.Told, handed.Stages[0].Delivery.Seen = bot.Proposed, "!12 of env/mda waits for a person to merge it", true, nil
	undone := rolledBack()
	undone.ID, undone.Undoes, undone.Cause = "undone", "ended", &bot.Cause{Sentence: "bob undoes run ended (wrong prices)"}
	s.runs = append([]bot.Run{awaiting(), copying(), handed, rolledBack(), undone}, s.runs...)
	s.lanes[1] = bot.LaneState{Lane: "release", Holder: "awaiting"}
	s.opinions["awaiting/prd/go-live"] = []bot.Opinion{{Gate: "go-live", By: "eve", Yes: true, Reason: "looks <b>good</b>", At: clock}}
	s.opinions["awaiting/abn/audit"] = []bot.Opinion{{Gate: "audit", By: bot.CallbackSpeaker, Yes: true, At: clock}}
	return s
}
