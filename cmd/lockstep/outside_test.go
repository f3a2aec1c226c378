package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
)

// Every hook is lost, or each arrives five times in any order: the same ends.
func TestHooks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults fixtures.HookFaults
		given  []scenario
	}{
		"lost":       {fixtures.HookFaults{Drop: true}, scenarios[:2]},
		"five times": {fixtures.HookFaults{Copies: 5, Shuffle: true}, scenarios[1:]},
	} {
		for _, given := range test.given {
			t.Run(name+"/"+given.Given, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				s.GitLab.HookFaults(test.faults)
				s.play(given)
			})
		}
	}
}

// works and fails are the runs that a fault is tried in: forward only, with a parameter
// to store, and forward and back.
var works, fails = scenarios[0], scenarios[1]

// faults are what the outside does wrong: from the beginning, and in the middle of a
// run, until it is mended.
var faults = []struct {
	name  string
	given []scenario
	begin func(*scene)
	mend  func(s *scene, version string) // nil: it ends by itself
}{
	{name: "every write is lost, then its answer", given: []scenario{works, fails}, begin: func(s *scene) {
		s.Journal.Break(once(fixtures.BadGateway), once(fixtures.Cut))
	}},
	{name: "every write is cut, then answered 502 when it is done", given: []scenario{fails}, begin: func(s *scene) {
		s.Journal.Break(once(fixtures.Cut), once(fixtures.BadGateway))
	}},
	{name: "every write is one too many", given: []scenario{works}, begin: func(s *scene) {
		s.Journal.Break(once(fixtures.TooMany), nil)
	}},
	{name: "GitLab refuses to merge, then takes long, and its pipelines are late", given: []scenario{fails}, begin: func(s *scene) {
		s.GitLab.Burst405(5)
		s.GitLab.LockedFor(100 * time.Millisecond)
		s.GitLab.PipelineFaults(fixtures.PipelineFaults{Late: 100 * time.Millisecond})
	}},
	{name: "mergeability takes long", given: []scenario{fails}, begin: func(s *scene) { s.stick("checking") }, mend: func(s *scene, version string) {
		s.sentence(version, "GitLab checks whether it can be merged")
		s.stick("")
	}},
	{name: "the token expires", given: []scenario{fails}, begin: func(s *scene) {
		s.at(moment{"trigger pipeline", 1, done}, func() { s.GitLab.ExpireToken(true) })
	}, mend: func(s *scene, version string) {
		s.sentence(version, "could not tell: ")
		s.GitLab.ExpireToken(false)
	}},
	{name: "parameters are throttled", given: []scenario{works}, begin: func(s *scene) { s.AWS.Throttle(4) }},
	{name: "the chat is down", given: []scenario{fails}, begin: func(s *scene) { s.Chat.Break("down") }, mend: func(s *scene, version string) {
		s.reaches(version, bot.RolledBack)
		s.Chat.Break("")
	}},
}

// Whatever the outside does wrong for a while, the run waits and ends right, and
// nothing has happened twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		for _, given := range fault.given {
			t.Run(fault.name+"/"+given.Given, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				s.script(given)
				fault.begin(s)
				s.tag(given.Version)
				if fault.mend != nil {
					fault.mend(s, given.Version)
				}
				s.ends(given)
				if got := len(s.GitLab.MergeRequests(envProject)); got != given.Want.Merges {
					t.Errorf("%d merge requests, want %d", got, given.Want.Merges)
				}
			})
		}
	}
}

// once breaks the first call of each name.
func once(fault fixtures.Fault) func(fixtures.Call) fixtures.Fault {
	var mu sync.Mutex
	broken := map[string]bool{}
	return func(c fixtures.Call) fixtures.Fault {
		mu.Lock()
		defer mu.Unlock()
		if name := c.Server + " " + c.Name; !broken[name] {
			broken[name] = true
			return fault
		}
		return fixtures.Pass
	}
}

// A head pipeline that is not that of the head verifies nothing: nothing is merged
// until GitLab shows the right one.
func TestStaleHeadPipeline(t *testing.T) {
	t.Parallel()
	given := works
	s := newScene(t)
	s.script(given)
	s.at(moment{"merge", 1, arrives}, func() {
		s.GitLab.PipelineFaults(fixtures.PipelineFaults{Stale: true})
		s.edits(edit{valuesFile("int", "kv"), firstVersion, "2026.10.9"})
	})
	s.tag(given.Version)
	s.await("the pipeline of the second head", func() bool { return s.verified() == 2 })
	s.sentence(given.Version, "there is no pipeline for its head")
	if s.merges() != 0 {
		t.Error("it was merged unverified")
	}
	s.GitLab.PipelineFaults(fixtures.PipelineFaults{})
	s.ends(given)
}

// verified returns how many pipelines of merge requests have succeeded.
func (s *scene) verified() (n int) {
	for _, p := range s.GitLab.Pipelines(envProject) {
		if p.Source == "merge_request_event" && p.Status == "success" {
			n++
		}
	}
	return n
}

// A job that says nothing about the data never causes a rollback: people are called,
// and when they have retried it the run goes on.
func TestUnknown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule    fixtures.Rule
		project string
	}{
		"deploy job cancelled": {fixtures.Rule{Job: "deploy-int-kv", Value: works.Version, Status: "canceled", Times: 1}, envProject},
		"gate without a runner": {fixtures.Rule{
			Job: "int-test", Status: "failed", Reason: "stuck_or_timeout_failure", Times: 1,
		}, gateProject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := works
			given.Want.Calls = 1
			s := newScene(t, func(c *bot.Config) { c.Waits.Unknown = 100 * time.Millisecond })
			s.script(given, test.rule)
			s.tag(given.Version)
			text, run := s.called(given.Version)
			if !strings.Contains(text, "nobody could tell") || !strings.Contains(text, test.rule.Job) && !strings.Contains(text, test.project) {
				t.Errorf("people are called with\n%s\nwant it to name what nobody could tell", text)
			}
			s.retries(test.project, test.rule.Job, test.rule.Status)
			s.says("runs", run.ID, "resume")
			s.ends(given)
		})
	}
}

// Where a repository refuses what the bot pushes, people are called with the server's
// own sentence, and nothing has changed.
func TestRepositoryRefuses(t *testing.T) {
	t.Parallel()
	const sentence = "GitLab: no changes before Monday"
	for name, test := range map[string]struct {
		refuse, allow func(*scene)
		says          string
	}{
		"by a hook":     {func(s *scene) { s.hook(sentence) }, func(s *scene) { s.hook("") }, sentence},
		"by its rights": {func(s *scene) { s.GitLab.Deny("push") }, func(s *scene) { s.GitLab.Allow("push") }, "You are not allowed to push code to this project:"},
		"to merge":      {func(s *scene) { s.GitLab.Deny("merge") }, func(s *scene) { s.GitLab.Allow("merge") }, "may not merge"},
		"gate pipeline": {func(s *scene) { s.GitLab.Deny("trigger pipeline") }, func(s *scene) { s.GitLab.Allow("trigger pipeline") }, "403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := works
			given.Want.Calls = 1
			s := newScene(t, func(c *bot.Config) { c.Waits.Unknown = 100 * time.Millisecond })
			s.script(given)
			test.refuse(s)
			s.tag(given.Version)
			text, run := s.called(given.Version)
			if !strings.Contains(text, test.says) {
				t.Errorf("people are called with\n%s\nwant it to say %q", text, test.says)
			}
			test.allow(s)
			s.says("runs", run.ID, "resume")
			s.ends(given)
		})
	}
}

// A values file that cannot be edited exactly is refused before anything is written.
func TestUneditable(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	given := works
	s.edits(edit{valuesFile("int", "kv"), "replicas: 2", "default: &version 2026.11.0"})
	s.edits(edit{valuesFile("int", "kv"), `version: "2026.11.0"`, "version: *version"})
	s.observe()
	s.tag(given.Version)
	run := s.reaches(given.Version, bot.Refused).Run
	s.await("a message", func() bool { return len(s.Chat.Messages()) > 0 })
	s.quiet()
	messages := s.Chat.Messages()
	if len(messages) != 1 || !strings.Contains(said(messages[0]), valuesFile("int", "kv")+":6:12") {
		t.Errorf("people were told %v, want one message that names %s:6:12", messages, valuesFile("int", "kv"))
	}
	for _, call := range s.Journal.Calls() {
		if call.Server != "chat" && call.Name != "set commit status" { // which tells people as well
			t.Errorf("the refused run (%s) made this call: %v", run.Reason, call)
		}
	}
	if head, err := s.head(); err != nil || head != s.was.Head {
		t.Errorf("the repository stands at %s, want %s (%v)", head, s.was.Head, err)
	}
}

// retries lets the operator retry a job that ended with a status.
func (s *scene) retries(project, job, status string) {
	s.Helper()
	for _, p := range s.GitLab.Pipelines(project) {
		for _, j := range p.Jobs {
			if j.Name != job || j.Status != status {
				continue
			}
			address := fmt.Sprintf("%s/api/v4/projects/%s/jobs/%d/retry", s.GitLab.URL(), segment(project), j.ID)
			request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, address, nil)
			if err != nil {
				s.Fatal(err)
			}
			request.Header.Set("PRIVATE-TOKEN", gitlabToken+"-operator")
			response, err := http.DefaultClient.Do(request)
			if err != nil || response.StatusCode != http.StatusCreated {
				s.Fatalf("retry job %s: %v (%v)", job, response, err)
			}
			response.Body.Close()
			return
		}
	}
	s.Fatalf("no job %s of %s is %s", job, project, status)
}
