package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/fixtures"
)

// pace is how long a job of a scene runs.
const pace = 10 * time.Millisecond

// A scene is a world with the server in it, in this process.
type scene struct {
	*testing.T
	*world
	cfg  *bot.Config
	api  *client
	was  before
	halt func() // stops the server that runs

	mu  sync.Mutex
	log bytes.Buffer
}

// newScene starts a world and the server. tune may change the configuration before.
func newScene(t *testing.T, tune ...func(*bot.Config)) *scene {
	t.Helper()
	s := openScene(t, worldOptions{})
	for _, change := range tune {
		change(s.cfg)
	}
	s.begin()
	return s
}

// openScene starts a world, quick and direct, without the server.
func openScene(t *testing.T, o worldOptions) *scene {
	t.Helper()
	o.Job, o.Async, o.Wait, o.Poll, o.Direct = pace, 2*time.Millisecond, 25*time.Millisecond, time.Second, true
	w, err := newWorld(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	s := &scene{T: t, world: w, halt: func() {}}
	s.rewrite()
	return s
}

// rewrite replaces texts of the configuration, each by the one after it, and reads it
// anew.
func (s *scene) rewrite(pairs ...string) {
	s.Helper()
	config, err := os.ReadFile(s.Config)
	if err != nil {
		s.Fatal(err)
	}
	text := string(config)
	for pair := range slices.Chunk(pairs, 2) {
		if strings.Count(text, pair[0]) != 1 {
			s.Fatalf("%q is %d times in the configuration, want once", pair[0], strings.Count(text, pair[0]))
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	if err := os.WriteFile(s.Config, []byte(text), fileMode); err != nil {
		s.Fatal(err)
	}
	if s.cfg, err = bot.LoadConfig(s.Config); err != nil {
		s.Fatal(err)
	}
}

// begin runs the server in the world, and waits until it has seen the tags that were
// there before: from then on every tag is news.
func (s *scene) begin() {
	s.Helper()
	s.api = &client{url: s.cfg.Server.URL, token: bot.NewSecret(apiToken), http: &http.Client{Timeout: 10 * time.Second}}
	s.Cleanup(func() {
		s.halt()
		if s.Failed() {
			s.Logf("calls: %v\n%s", s.Journal.Calls(), s.logged())
		}
	})
	s.tag(firstVersion)
	s.serve()
	s.await("the server to look for tags", func() bool {
		return strings.Contains(s.logged(), "what was there before starts nothing")
	})
	s.observe()
}

// serve runs the server, instead of the one that runs, until the test ends, and waits
// until it answers.
func (s *scene) serve() {
	s.Helper()
	s.halt()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		log := slog.New(slog.NewTextHandler(s, nil))
		served <- serve(ctx, s.cfg, log, credentials.NewStaticCredentialsProvider("AKIADEMO", "demo", ""))
	}()
	s.halt = sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil {
			s.Errorf("the server ended: %v", err)
		}
	})
	s.await("the server to answer", func() bool { return s.api.get(s.Context(), "status", &web.Status{}) == nil })
}

// Write keeps what the server logs.
func (s *scene) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *scene) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// await polls for a condition.
func (s *scene) await(what string, ok func() bool) {
	s.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			s.Fatalf("waited in vain for %s", what)
		}
	}
}

// observe notes what the outside shows now: what comes is compared with it.
func (s *scene) observe() {
	s.Helper()
	var err error
	if s.was, err = s.world.observe(); err != nil {
		s.Fatal(err)
	}
}

// script sets how the jobs of a scenario end, and no two deployments at the same
// moment. The rules given come first.
func (s *scene) script(given scenario, first ...fixtures.Rule) {
	s.GitLab.Script(append(first, given.rules(s.world, s.was, "", pace)...)...)
}

// tag lets the data team push the tag of a version.
func (s *scene) tag(version string) {
	s.Helper()
	if _, err := s.GitLab.Tag(dataProject, version); err != nil {
		s.Fatal(err)
	}
}

// play scripts a scenario, lets somebody ask for it and waits for the expected end.
func (s *scene) play(given scenario) {
	s.Helper()
	s.script(given)
	if err := s.ask(s.Context(), s.api, given); err != nil {
		s.Fatal(err)
	}
	s.ends(given)
}

// ends waits until people were told the end of a scenario and nothing more happens,
// and holds the outside against what must have become of it.
func (s *scene) ends(want scenario) {
	s.Helper()
	s.await("the Finish message of "+want.Version, func() bool {
		return slices.ContainsFunc(s.Chat.Messages()[s.was.Messages:], func(m fixtures.Message) bool { return isFinish(m, want) })
	})
	s.await("a note on every merge request", func() bool {
		return !slices.ContainsFunc(s.GitLab.MergeRequests(envProject), func(mr fixtures.MergeRequestRecord) bool {
			return len(s.GitLab.Notes(envProject, mr.IID)) == 0
		})
	})
	s.quiet()
	end, wrong := s.verify(want, s.was)
	if end != want.Want.End || len(wrong) > 0 {
		s.Errorf("mda %s ends as %q, want %q:\n%s", want.Version, end, want.Want.End, strings.Join(wrong, "\n"))
	}
	for _, mr := range s.GitLab.MergeRequests(envProject) {
		if notes := s.GitLab.Notes(envProject, mr.IID); len(notes) != 1 {
			s.Errorf("!%d has %d notes, want the one that edits itself", mr.IID, len(notes))
		}
	}
}

// told waits until people have been told what is meant: a run ends before its message
// has left.
func (s *scene) told(what string, meant func(fixtures.Message) bool) {
	s.Helper()
	s.await("people to be told "+what, func() bool { return slices.ContainsFunc(s.Chat.Messages(), meant) })
}

// quiet waits until the outside has received nothing for a while and no pipeline runs.
func (s *scene) quiet() {
	s.Helper()
	calls, since := -1, time.Now()
	s.await("the outside to become quiet", func() bool {
		if now := len(s.Journal.Calls()); now != calls || !s.settled() {
			calls, since = now, time.Now()
		}
		return time.Since(since) > 150*time.Millisecond
	})
}

// settled reports that no pipeline of the environment goes on by itself.
func (s *scene) settled() bool {
	return !slices.ContainsFunc(s.GitLab.Pipelines(envProject), func(p fixtures.PipelineRecord) bool {
		return p.Status == "pending" || p.Status == "running"
	})
}

// report returns the newest run of a version, as the server shows it.
func (s *scene) report(version string) (report web.RunReport) {
	s.Helper()
	for _, r := range s.runs() {
		if string(r.Version) != version {
			continue
		}
		if err := s.api.get(s.Context(), "runs/"+segment(r.ID), &report); err != nil {
			s.Fatal(err)
		}
		return report
	}
	return report
}

// runs returns all runs, the newest first.
func (s *scene) runs() []web.RunLine {
	s.Helper()
	var list web.RunList
	if err := s.api.get(s.Context(), "runs", &list); err != nil {
		s.Fatal(err)
	}
	return list.Runs
}

// reaches waits until the newest run of a version is in a state, and returns it.
func (s *scene) reaches(version string, state bot.State) (report web.RunReport) {
	s.Helper()
	s.await(fmt.Sprintf("%s to be %s", version, state), func() bool {
		report = s.report(version)
		return report.Run != nil && report.Run.State == state
	})
	return report
}

// says tells a run or a lane something by the API.
func (s *scene) says(kind, name, verb string) {
	s.Helper()
	if err := s.api.post(s.Context(), kind+"/"+segment(name)+"/"+verb, web.Words{By: "olga", Reason: "the test says so"}, &bot.Answer{}); err != nil {
		s.Fatal(err)
	}
}

// called waits until people were called to the run of a version, and returns the
// message and the run.
func (s *scene) called(version string) (text string, run *bot.Run) {
	s.Helper()
	run = s.reaches(version, bot.Stalled).Run
	s.await("a call", func() bool {
		for _, m := range s.Chat.Messages() {
			if isCall(m) && strings.Contains(said(m), version) {
				text = said(m)
			}
		}
		return text != ""
	})
	return text, run
}

// An edit is a person's change of one file.
type edit struct{ file, old, changed string }

// edits lets a person commit changes to the deployed branch, and waits until they are
// deployed. It may be called while a request is served, so it ends no test.
func (s *scene) edits(changes ...edit) {
	for _, e := range changes {
		text, err := s.git("show", "main:"+e.file)
		if err != nil || !strings.Contains(text, e.old) {
			s.Errorf("edit %s: no %q in\n%s\n(%v)", e.file, e.old, text, err)
			return
		}
		text = strings.Replace(text, e.old, e.changed, 1) + "\n"
		commit, err := s.GitLab.Commit(envProject, "main", "Edit "+e.file, map[string]string{e.file: text})
		if err != nil {
			s.Errorf("edit %s: %v", e.file, err)
			return
		}
		s.deployed(commit)
	}
}

// deployed waits until the pipeline of a commit has succeeded.
func (s *scene) deployed(commit string) {
	late := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !slices.ContainsFunc(s.GitLab.Pipelines(envProject), func(p fixtures.PipelineRecord) bool {
		return p.SHA == commit && p.Source == "push" && p.Status == "success"
	}) {
		select {
		case <-tick.C:
		case <-late:
			s.Errorf("commit %s is not deployed", commit)
			return
		}
	}
}

// A moment is the n-th call of a name, before or after its effect.
type moment struct {
	call  string
	n     int
	phase phase
}

// A phase is on which side of a call's effect a moment is.
type phase string

const (
	arrives phase = "arrives"
	done    phase = "is done"
)

func (m moment) String() string { return fmt.Sprintf("%s %d %s", m.call, m.n, m.phase) }

// at lets something happen at a moment, while the bot waits for the answer.
func (s *scene) at(m moment, act func()) {
	var n atomic.Int32
	strike := func(c fixtures.Call) fixtures.Fault {
		if c.Name == m.call && int(n.Add(1)) == m.n {
			act()
		}
		return fixtures.Pass
	}
	if m.phase == arrives {
		s.Journal.Break(strike, nil)
	} else {
		s.Journal.Break(nil, strike)
	}
}

// stick keeps merge requests at a status, until it is "".
func (s *scene) stick(status string) {
	s.Helper()
	if err := s.GitLab.StuckMerge(envProject, status); err != nil {
		s.Fatal(err)
	}
}

// sentence waits until a decision on the newest run of a version says part.
func (s *scene) sentence(version, part string) {
	s.Helper()
	s.await(fmt.Sprintf("a sentence with %q", part), func() bool {
		return slices.ContainsFunc(s.report(version).Events, func(e bot.Event) bool { return strings.Contains(e.Reason, part) })
	})
}

// hook writes a pre-receive hook into the environment repository, which refuses pushes
// with a sentence; an empty sentence removes it.
func (s *scene) hook(sentence string) {
	s.Helper()
	path := filepath.Join(s.GitLab.Dir(envProject), "hooks", "pre-receive")
	if err := os.RemoveAll(path); err != nil || sentence == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+sentence+"' >&2\nexit 1\n"), 0o755); err != nil {
		s.Fatal(err)
	}
}
