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
	api *client
	was before

	mu  sync.Mutex
	log bytes.Buffer
}

// newScene starts a world and the server. tune may change the configuration before.
func newScene(t *testing.T, tune ...func(*bot.Config)) *scene {
	t.Helper()
	w, err := newWorld(t.TempDir(), worldOptions{Job: pace, Async: 2 * time.Millisecond, Wait: pace, Poll: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	s := &scene{T: t, world: w}
	cfg, err := bot.LoadConfig(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range tune {
		change(cfg)
	}
	s.api = &client{url: cfg.Server.URL, token: bot.NewSecret(apiToken), http: &http.Client{Timeout: 10 * time.Second}}
	s.tag(firstVersion)
	s.serve(cfg)
	s.observe()
	return s
}

// serve runs the server until the test ends, and waits until it has seen the tags that
// were there before: from then on every tag is news.
func (s *scene) serve(cfg *bot.Config) {
	s.Helper()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		log := slog.New(slog.NewTextHandler(s, nil))
		served <- serve(ctx, cfg, log, credentials.NewStaticCredentialsProvider("AKIADEMO", "demo", ""))
	}()
	s.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			s.Errorf("the server ended: %v", err)
		}
		if s.Failed() {
			s.Logf("calls: %v\n%s", s.Journal.Calls(), s.logged())
		}
	})
	s.await("the server to look for tags", func() bool {
		return strings.Contains(s.logged(), "tags that were there before start nothing") && s.api.get(s.Context(), "status", &web.Status{}) == nil
	})
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
	deadline := time.After(30 * time.Second)
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
	s.GitLab.Script(append(first, given.rules(s.world, s.was.Version, "", pace)...)...)
}

// tag lets the data team push the tag of a version.
func (s *scene) tag(version string) {
	s.Helper()
	if _, err := s.GitLab.Tag(dataProject, version); err != nil {
		s.Fatal(err)
	}
}

// play scripts a scenario, pushes its tag and waits for the expected end.
func (s *scene) play(given scenario) {
	s.Helper()
	s.script(given)
	s.tag(given.Version)
	s.ends(given)
}

// ends waits until people were told the end of a scenario and nothing more happens,
// and holds the outside against what must have become of it.
func (s *scene) ends(want scenario) {
	s.Helper()
	s.await("the Finish message of "+want.Version, func() bool { return s.finished(want.Version) })
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
	if err := s.api.post(s.Context(), kind+"/"+segment(name)+"/"+verb, web.Words{By: "olga", Reason: "the test says so"}, &web.Said{}); err != nil {
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

// edits lets a person commit a change of one file to the deployed branch, waits until
// it is deployed, and returns nothing but what the file holds then.
func (s *scene) edits(file, old, changed string) string {
	text, err := s.git("show", "main:"+file)
	if err != nil || !strings.Contains(text, old) {
		s.Errorf("edit %s: no %q in %q (%v)", file, old, text, err)
		return text
	}
	text = strings.Replace(text, old, changed, 1) + "\n"
	commit, err := s.GitLab.Commit(envProject, "main", "A person edits "+file, map[string]string{file: text})
	if err != nil {
		s.Errorf("edit %s: %v", file, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.NewTicker(time.Millisecond); time.Now().Before(deadline); <-tick.C {
		deployed := slices.ContainsFunc(s.GitLab.Pipelines(envProject), func(p fixtures.PipelineRecord) bool {
			return p.SHA == commit && p.Source == "push" && p.Status == "success"
		})
		if deployed {
			break
		}
	}
	return text
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
