package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// release returns the run of a version through abn, lup and prd at its start: its data is
// to be copied for abn, a gate of each of the first two may fail, and people have to
// approve prd.
func release(services ...string) *bot.Run {
	r := example()
	r.Track, r.Lane, r.State, r.Reason = "release", "release", bot.Started, "holds lane release"
	r.Origin, r.Link, r.Stages = bot.OriginAPI, "", nil
	r.Data = &bot.DataSet{Bucket: bot.Bucket{Purpose: "preview"}}
	if len(services) == 0 {
		services = []string{"fbv", "kv", "mds", "remo"}
	}
	gates := map[string][]bot.GatePlan{
		"abn": {{Name: "e2e-test-abn", AllowFailure: true}},
		"lup": {{Name: "e2e-test-lup", AllowFailure: true}},
		"prd": {{Name: "go-live", Before: true, Approval: &bot.ApprovalGate{By: []string{"bob", "eve"}, Count: 1}}},
	}
	for _, environment := range []string{"abn", "lup", "prd"} {
		s := bot.Stage{Plan: bot.StagePlan{Environment: environment, Repo: "env/mda", Branch: "main", Gates: gates[environment], Bucket: &bot.Bucket{Purpose: "live"}}}
		for _, name := range services {
			s.Plan.Services = append(s.Plan.Services, bot.Service{Name: name, File: environment + "/" + name + ".yaml", Key: "data.version"})
		}
		for _, gate := range s.Plan.Gates {
			s.Gates = append(s.Gates, bot.GateState{Name: gate.Name})
		}
		r.Stages = append(r.Stages, s)
	}
	return r
}

// brought brings the first n stages of a release to their end.
func brought(r *bot.Run, n int) *bot.Run {
	for i := range n {
		s := &r.Stages[i]
		s.Supply = bot.Progress{Objects: 10000, Bytes: 4e9, Began: clock, Done: true}
		s.Delivery = bot.Delivery{
			IID: int64(12 + i), Link: fmt.Sprintf("https://gitlab.example.com/env/mda/-/merge_requests/%d", 12+i),
			Head: "0123456789abcdef", Landed: "0123456789abcdef", Change: gitops.Change{Repo: "env/mda"},
		}
		s.Delivery.Seen = []bot.Sync{{Environment: s.Plan.Environment}}
		for _, service := range s.Plan.Services {
			s.Delivery.Change.Bumps = append(s.Delivery.Change.Bumps, gitops.Bump{
				Place: s.Plan.Place(service), Environment: s.Plan.Environment, Service: service.Name, From: "2026.11.2", To: r.Version,
			})
			seen := &s.Delivery.Seen[0].Services
			*seen = append(*seen, gitops.ServiceStatus{Service: service.Name, Known: gitops.Running, Reason: "deployed"})
		}
		for g := range s.Gates {
			s.Gates[g].Since, s.Gates[g].Outcome, s.Gates[g].Reason = clock, bot.GatePassed, "it went well"
		}
		r.Stage = i
	}
	return r
}

// ended returns r as it has ended.
func ended(r *bot.Run, state bot.State, reason string) *bot.Run {
	r.State, r.Reason, r.Ended = state, reason, clock.Add(25*time.Minute)
	return r
}

// putBack returns r on its way back, with the first n stages put back.
func putBack(r *bot.Run, n int) *bot.Run {
	r.Direction = bot.Back
	back := bot.Delivery{IID: 15, Link: "https://gitlab.example.com/env/mda/-/merge_requests/15", Change: gitops.Change{Repo: "env/mda"}}
	for _, s := range r.Stages[:n] {
		sync := bot.Sync{Environment: s.Plan.Environment}
		for _, b := range s.Delivery.Change.Bumps {
			back.Change.Bumps = append(back.Change.Bumps, b.Inverse())
			sync.Services = append(sync.Services, gitops.ServiceStatus{Service: b.Service, Known: gitops.Running})
		}
		back.Seen = append(back.Seen, sync)
	}
	r.Backs = []bot.Delivery{back}
	return r
}

// Releases in all that they can tell.

func released() *bot.Run {
	return ended(brought(release(), 3), bot.Done, "2026.11.3 runs in abn: fbv, kv, mds, remo → lup: fbv, kv, mds, remo → prd: fbv, kv, mds, remo")
}

func releasedAmidWarnings() *bot.Run {
	r := released()
	r.Force = "the report of the last run was wrong"
	r.Stages[0].Gates[0].Outcome, r.Stages[1].Gates[0].Outcome = bot.GateAllowed, bot.GateNone
	r.Warnings = []string{
		"gate e2e-test-abn failed: pipeline 31 failed (allowed to fail)", "gate e2e-test-lup gave no result: no data (allowed to fail)",
		"gate e2e-test-lup of lup has not passed in 4 runs in a row",
	}
	return r
}

func releaseRolledBack() *bot.Run {
	r := ended(putBack(brought(release(), 1), 1), bot.RolledBack, "4 services of abn put back and verified")
	r.Stages[0].Gates[0].Outcome = bot.GateFailed
	r.Cause = &bot.Cause{Sentence: "gate e2e-test-abn failed: pipeline 31 failed", Environment: "abn", Gate: "e2e-test-abn", Link: "https://gitlab.example.com/qa/abn/-/pipelines/31", Verdict: true}
	return r
}

func releaseOfStages() *bot.Run {
	r := ended(putBack(brought(release(), 2), 2), bot.RolledBack, "4 services of lup put back and verified")
	r.Scope, r.Backs[0].Change.Bumps, r.Backs[0].Seen = bot.ScopeStage, r.Backs[0].Change.Bumps[4:], r.Backs[0].Seen[1:]
	r.Cause = &bot.Cause{Sentence: "gate e2e-test-lup failed", Environment: "lup", Gate: "e2e-test-lup", Verdict: true}
	return r
}

func releaseAsking() *bot.Run {
	r := brought(release(), 2)
	r.State, r.Reason = bot.Gated, "gate go-live of prd waits for people: 1 approval to be given by bob, eve"
	r.Stages[2].Gates[0].Since = clock
	return r
}

func releaseHanded() *bot.Run {
	r := brought(release(), 1)
	r.State, r.Reason = bot.Proposed, "!12 of env/mda waits for a person to merge it"
	r.Stages[0].Delivery.Told, r.Stages[0].Delivery.Seen, r.Stages[0].Delivery.Landed = true, nil, ""
	r.Stages[0].Gates[0] = bot.GateState{Name: "e2e-test-abn"}
	return r
}

func undoing() *bot.Run {
	r := brought(release(), 3)
	r.Undoes, r.By, r.Cause = "0193f2a0-0000-7000-8000-000000000001", "bob", &bot.Cause{Sentence: "bob undoes run 0193f2a0-0000-7000-8000-000000000001 (wrong prices)"}
	return r
}

func releaseOfHostiles() *bot.Run {
	r := releasedAmidWarnings()
	r.By, r.Force = "@all", "/close\n@here [x](https://evil.example.com) `y` | <b>"
	r.Warnings[2] = "\n/merge | @channel"
	return r
}

func undone() *bot.Run {
	return ended(putBack(undoing(), 3), bot.RolledBack, "4 services of abn, 4 services of lup, 4 services of prd put back and verified")
}

// asks returns events of a run, the newest of which asks people for something.
func asks(r *bot.Run) []bot.Event {
	events := history(r, 6)
	events[5].Asks, events[5].Environment = true, r.Stages[r.Stage].Plan.Environment
	return events
}

// returned returns events of a run that has ended, the newest of which says that a person
// has brought its version back.
func returned(r *bot.Run) []bot.Event {
	events := asks(r)
	events[5].Reason = "2026.11.3 stands in abn again (kv), although this run has put it back: a person has brought it back by hand; the newest commit there is 01234567 by mallory"
	return events
}

func TestReleaseMessages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind   bot.MessageKind
		run    *bot.Run
		events []bot.Event
	}{
		"start":       {bot.MessageStart, release(), nil},
		"success":     {bot.MessageFinish, released(), nil},
		"warned":      {bot.MessageFinish, releasedAmidWarnings(), nil},
		"rolled-back": {bot.MessageFinish, releaseRolledBack(), nil},
		"one-stage":   {bot.MessageFinish, releaseOfStages(), nil},
		"approval":    {bot.MessageCall, releaseAsking(), asks(releaseAsking())},
		"merge":       {bot.MessageCall, releaseHanded(), asks(releaseHanded())},
		"undo-start":  {bot.MessageStart, undoing(), nil},
		"undone":      {bot.MessageFinish, undone(), nil},
		"hostile":     {bot.MessageFinish, releaseOfHostiles(), nil},
		"returned":    {bot.MessageCall, releaseRolledBack(), returned(releaseRolledBack())},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.events == nil {
				test.events = history(test.run, 6)
			}
			m := bot.Message{Run: exampleID, Kind: test.kind, Channel: "chat", Seq: 6}
			text := newText(m, test.run, test.events, runURL)
			golden(t, "chat-release-"+name+".json", indented(t, rocketMessage{Text: chatEscape(text.Title), Thread: text.Reply, Attachments: attachments(text)}))
		})
	}
}

func TestReleaseNotes(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*bot.Run{
		"start": release(), "warned": releasedAmidWarnings(), "rolled-back": releaseRolledBack(), "approval": releaseAsking(), "undone": undone(),
		"hostile": releaseOfHostiles(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := note(r, "", asks(r), runURL)
			golden(t, "note-release-"+name+".md", got)
			for line := range strings.Lines(got) {
				if strings.HasPrefix(strings.TrimLeft(line, " \t"), "/") {
					t.Errorf("a line begins with a slash: %q", line)
				}
			}
		})
	}
}

// A call says what became of it when it comes late.
func TestLateCalls(t *testing.T) {
	t.Parallel()
	answered := releaseAsking()
	answered.Stages[2].Gates[0].Outcome = bot.GatePassed
	landed := releaseHanded()
	landed.State = bot.Merged
	gone := releaseHanded()
	gone.State = bot.Cancelled
	resumed := stalled()
	resumed.State = bot.Synced
	tests := []struct {
		run  *bot.Run
		asks bot.State // where the run was when it asked
		want string
	}{
		{answered, bot.Gated, "Somebody has seen to it: the run is gated now."},
		{landed, bot.Proposed, "Somebody has seen to it: the run is merged now."},
		{gone, bot.Proposed, "That was before the run ended: cancelled."},
		{resumed, bot.Stalled, "Somebody has seen to it: the run is synced now."},
	}
	for _, test := range tests {
		events := asks(test.run)
		events[5].State = test.asks
		text := newText(bot.Message{Run: exampleID, Kind: bot.MessageCall, Channel: "chat", Seq: 6}, test.run, events, runURL)
		if len(text.Lines) != 1 || text.Lines[0] != test.want || len(text.Commands) > 0 {
			t.Errorf("got %q and commands %q, want %q", text.Lines, text.Commands, test.want)
		}
	}
}

// However many services and warnings a run has, people can read its end.
func TestLongTextsStayReadable(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("service-%02d", i))
	}
	r := ended(putBack(brought(release(names...), 1), 1), bot.RolledBack, "60 services of abn put back and verified")
	r.Cause = &bot.Cause{Sentence: strings.Repeat("long ", 400)}
	for i := range 30 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("warning %d: %s", i, strings.Repeat("x", 2000)))
	}
	text := newText(bot.Message{Run: exampleID, Kind: bot.MessageFinish, Channel: "chat", Seq: 6}, r, history(r, 6), runURL)
	total := len([]rune(text.Title))
	for _, line := range text.Lines {
		total += len([]rune(line))
	}
	for _, f := range text.Fields {
		total += len([]rune(f.Value))
	}
	if total > 5000 {
		t.Errorf("the text has %d characters, want at most 5000", total)
	}
	all := strings.Join(text.Lines, "\n")
	for _, want := range []string{
		"Put back: abn service-00, ", "service-10 and 49 more (2026.11.2).", "Nothing to do: lup service-00, ", "; prd service-00, ",
		"Copied preview → live for abn: 10,000 objects, 4.0 GB.", "Warning: warning 0: xxx", "more lines on the page of the run",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("want %q in\n%s", want, all)
		}
	}
	if got := len(note(r, "", asks(r), runURL)); got > 100_000 {
		t.Errorf("the note has %d bytes", got)
	}
}
