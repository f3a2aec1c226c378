package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lockstep/bot"
	"lockstep/gitops"
)

// A gitServer serves the environment repository env/mda by git's own program, and
// counts what is asked of it.
type gitServer struct {
	url string

	mu  sync.Mutex
	did traffic
}

// traffic is what a server was asked for, and how much it answered.
type traffic struct{ requests, heads, commits, bytes int }

// readEnvironments are those of the repository, each with ten services that use the data.
var readEnvironments = []string{"abn", "dev", "int", "lup", "prd"}

// newGitServer makes a repository with so many services beside those that use the data,
// in each environment and in another directory, with two files each.
func newGitServer(t testing.TB, beside, elsewhere int) *gitServer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "env", "mda.git")
	run := func(stdin io.Reader, args ...string) string {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Stdin, git.Env = stdin, append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
		out, err := git.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", git, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run(nil, "init", "-q", "--bare", "-b", "main", dir)
	run(nil, "-C", dir, "config", "uploadpack.allowFilter", "true")
	load := &bytes.Buffer{}
	load.WriteString("commit refs/heads/main\ncommitter P <p@example.com> 1700000000 +0000\ndata 1\nx\n")
	readFiles(load, beside, elsewhere)
	run(load, "-C", dir, "fast-import", "--quiet")
	s := &gitServer{}
	server := httptest.NewServer(s.counted(&cgi.Handler{
		Path:       filepath.Join(run(nil, "--exec-path"), "git-http-backend"),
		Env:        []string{"GIT_PROJECT_ROOT=" + filepath.Dir(filepath.Dir(dir)), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull},
		InheritEnv: []string{"PATH"},
		Stderr:     io.Discard,
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// readFiles writes the files of newGitServer for fast-import. The helmfile leads to its
// services by a base and a nested one.
func readFiles(w io.Writer, beside, elsewhere int) {
	file := func(path, text string) { fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text) }
	service := func(in string, i int, text string) {
		file(fmt.Sprintf("%s-%04d/values.yaml", in, i), text+strings.Repeat(fmt.Sprintf("# %s %d\n", in, i), 40))
		file(fmt.Sprintf("%s-%04d/secrets.yaml", in, i), fmt.Sprintf("# %s %d\n", in, i))
	}
	file("helmfile.yaml", "bases: [common/environments.yaml]\nhelmfiles: ['apps/*.yaml']\n")
	file("common/environments.yaml", "environments: {abn: {}, dev: {}, int: {}, lup: {}, prd: {}}\n")
	releases := "releases:\n"
	for i := range 10 {
		releases += fmt.Sprintf("  - {name: mda-%04d, values: ['../environments/{{ .Environment.Name }}/mda-%04d/values.yaml']}\n", i, i)
	}
	file("apps/mda.yaml", releases)
	for _, environment := range readEnvironments {
		for i := range 10 {
			service("environments/"+environment+"/mda", i, "data:\n  version: 1.0.0\n")
		}
		for i := range beside {
			service("environments/"+environment+"/svc", i, "replicas: 1\n")
		}
	}
	for i := range elsewhere {
		service(fmt.Sprintf("charts/%02d/svc", i%100), i, "replicas: 1\n")
	}
}

// counted counts what backend is asked for.
func (s *gitServer) counted(backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the client went away
		}
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		answer := httptest.NewRecorder()
		backend.ServeHTTP(answer, req)
		s.mu.Lock()
		s.did.requests++
		s.did.heads += bytes.Count(body, []byte("command=ls-refs"))
		s.did.commits += bytes.Count(body, []byte("deepen 1"))
		s.did.bytes += len(body) + answer.Body.Len()
		s.mu.Unlock()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // a client that went away needs none
	})
}

// took returns what was asked for since it was called last.
func (s *gitServer) took() traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	did := s.did
	s.did = traffic{}
	return did
}

// opened returns repositories that know nothing of the server yet.
func (s *gitServer) opened() *repositories {
	return &repositories{url: s.url, token: func() string { return "" }}
}

// resolves finds the services of the first environments on a bot that knows the server,
// and returns what that took.
func (s *gitServer) resolves(t testing.TB, repos bot.Repos, kind string, environments int) traffic {
	t.Helper()
	s.took()
	b := &bot.Bot{Config: readTrack{kind, environments}, Repos: repos}
	if there, err := b.Stands(t.Context(), bot.Request{Track: "release", Package: "mda", Version: "1.0.0"}); !there || err != nil {
		t.Fatalf("stages by %s: %v, error %v, want all at 1.0.0", kind, there, err)
	}
	return s.took()
}

// A readTrack is a configuration whose services are found in one of the ways.
type readTrack struct {
	kind         string
	environments int
}

func (c readTrack) Track(string, string, gitops.Version) (bot.TrackPlan, error) {
	var plan bot.TrackPlan
	for _, environment := range readEnvironments[:c.environments] {
		t := bot.TrackStage{Plan: bot.StagePlan{Environment: environment, Repo: "env/mda", Branch: "main"}}
		switch c.kind {
		case "list":
			for i := range 10 {
				t.Plan.Services = append(t.Plan.Services, bot.Service{
					Name: fmt.Sprintf("mda-%04d", i), File: fmt.Sprintf("environments/%s/mda-%04d/values.yaml", environment, i), Key: "data.version",
				})
			}
		case "glob":
			t.Globs = []bot.Glob{{Pattern: "environments/" + environment + "/mda-*/values.yaml", Key: "data.version"}}
		case "helmfile":
			t.Helmfiles = []bot.Helmfile{{File: "helmfile.yaml", Environment: environment, Key: "data.version"}}
		}
		plan.Stages = append(plan.Stages, t)
	}
	return plan, nil
}

// The stages of a track cost one look at the head of their repository and one read,
// however many they are; where a helmfile leads on, one for each step. What they do not
// need is not fetched.
func TestTrackIsReadOnce(t *testing.T) {
	t.Parallel()
	small, large := newGitServer(t, 20, 0), newGitServer(t, 20, 1500)
	for _, test := range []struct {
		kind  string
		reads int
	}{{"list", 1}, {"glob", 1}, {"helmfile", 3}} {
		one := small.resolves(t, small.opened(), test.kind, 1)
		all := small.resolves(t, small.opened(), test.kind, len(readEnvironments))
		if all.heads != 1 || all.commits != test.reads || all.requests != one.requests {
			t.Errorf("%s: 5 stages took %+v, want one head, %d commits and as many requests as one stage, which took %+v", test.kind, all, test.reads, one)
		}
		more := large.resolves(t, large.opened(), test.kind, len(readEnvironments))
		if grown := more.bytes - all.bytes; more.requests != all.requests || grown > 4<<10 { // a tree beside the way may come along
			t.Errorf("%s: with 3000 files elsewhere it took %+v, without them %+v", test.kind, more, all)
		}
	}
}

// Whether the values of several services stand at a newer commit takes one read of it.
func TestNewerCommitIsReadOnce(t *testing.T) {
	t.Parallel()
	s := newGitServer(t, 0, 0)
	w := watcher{repos: s.opened()}
	head, err := w.repos.Head(t.Context(), "env/mda", "main")
	if err != nil {
		t.Fatal(err)
	}
	var d gitops.Deployment
	for i := range 4 {
		place := gitops.Place{Repo: "env/mda", File: fmt.Sprintf("environments/int/mda-%04d/values.yaml", i), Key: "data.version"}
		d.Services = append(d.Services, gitops.Target{Place: place, Version: "1.0.0"})
	}
	d.Services[2].File, d.Services[3].Version = "gone.yaml", "1.1.0"
	holds := w.holds(d)
	for i, want := range []bool{true, true, false, false} {
		if got, err := holds(t.Context(), "env/mda", head, d.Services[i]); got != want || err != nil {
			t.Errorf("target %d: %v, error %v, want %v", i, got, err, want)
		}
	}
	if did := s.took(); did.commits != 1 {
		t.Errorf("it took %+v, want one commit", did)
	}
}

// Where no file is of interest, none is read.
func TestCommitAlone(t *testing.T) {
	t.Parallel()
	s := newGitServer(t, 20, 0)
	repos := s.opened()
	head, err := repos.Head(t.Context(), "env/mda", "main")
	if err != nil {
		t.Fatal(err)
	}
	s.took()
	tree, err := repos.At(t.Context(), "env/mda", head)
	if err != nil || tree.Commit() != head {
		t.Fatalf("tree %v, error %v, want commit %s", tree, err, head)
	}
	if did := s.took(); did.requests != 1 || did.bytes > 1<<10 {
		t.Errorf("it took %+v", did)
	}
}

// Reads of a track of 5 environments with 10 services each, in a repository of 10,000
// files, by a bot that has begun just now and by one that knows the server.
func BenchmarkStart(b *testing.B) {
	s := newGitServer(b, 990, 0)
	for _, kind := range []string{"list", "glob", "helmfile"} {
		for _, known := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/known=%v", kind, known), func(b *testing.B) {
				repos := s.opened()
				if known {
					s.resolves(b, repos, kind, len(readEnvironments))
				}
				var did traffic
				for b.Loop() {
					if !known {
						repos = s.opened()
					}
					did = s.resolves(b, repos, kind, len(readEnvironments))
				}
				b.ReportMetric(float64(did.requests), "requests")
				b.ReportMetric(float64(did.bytes)/1024, "KiB")
			})
		}
	}
}
