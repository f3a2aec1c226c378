package gitlab

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/fixtures"
	"lockstep/gitops"
)

const (
	env    = "env/mda"
	gate   = "test/int"
	branch = "lockstep/r1-int"
	values = "environments/int/mds/values.yaml"
)

// world starts a GitLab with an environment repository and a gate project, and a
// client for it. The environment repository's merge requests have pipelines.
func world(t *testing.T, o fixtures.Options) (*fixtures.GitLab, *Client) {
	t.Helper()
	o.Dir, o.Token = t.TempDir(), "glpat-secret"
	g, err := fixtures.NewGitLab(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, p := range []fixtures.Project{
		{
			Path:  env,
			Files: map[string]string{values: "data:\n  version: 2026.11.2\n"},
			Deploys: []fixtures.Deploy{
				{Job: "deploy-int-mds", Service: "int/mds", File: values, Key: "data.version"},
			},
			MergeRequestJobs: []string{"lint"},
		},
		{Path: gate, Files: map[string]string{"README.md": "tests\n"}, APIJobs: []string{"test"}},
	} {
		if err := g.Create(p); err != nil {
			t.Fatal(err)
		}
	}
	return g, client(t, g.URL())
}

// client returns a client of the GitLab at address that is not slowed down.
func client(t *testing.T, address string) *Client {
	t.Helper()
	c, err := New(Options{URL: address, Token: func() string { return "glpat-secret" }, Rate: 10000})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// change makes a branch with a new version, as a person's push would.
func change(t *testing.T, g *fixtures.GitLab, branch, version string) (sha string) {
	t.Helper()
	sha, err := g.Commit(env, branch, "Set "+version, map[string]string{values: "data:\n  version: " + version + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// proposal returns what the bot would propose for branch.
func proposal(branch string) gitops.Proposal {
	return gitops.Proposal{
		Change:      gitops.Change{Repo: env, Target: "main", Branch: branch, Title: "Set data 2026.11.3 in int"},
		Description: "| service | from | to |\n\nLockstep-Run: r1",
		Labels:      []string{"lockstep", "data"},
	}
}

// opened opens a merge request with one new version.
func opened(t *testing.T, g *fixtures.GitLab, c *Client) gitops.MergeRequest {
	t.Helper()
	change(t, g, branch, "2026.11.3")
	mr, err := c.Open(t.Context(), proposal(branch))
	if err != nil {
		t.Fatal(err)
	}
	return mr
}

// eventually asks until the answer is yes, or the test fails.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not happen within 10 s")
		}
	}
}

// until reads mr again until it is as wanted, or the test fails.
func until(t *testing.T, c *Client, mr gitops.MergeRequest, wanted func(gitops.MergeRequest) bool) gitops.MergeRequest {
	t.Helper()
	eventually(t, func() bool {
		now, err := c.MergeRequest(t.Context(), mr.Project, mr.IID)
		if err != nil {
			t.Fatal(err)
		}
		mr = now
		return wanted(now)
	})
	return mr
}

// mergeable reports that mr may be merged now, pipelines included.
func mergeable(mr gitops.MergeRequest) bool {
	answer, _ := mr.Mergeable(true)
	return answer == gitops.MergeNow
}

// merged reports that mr is read as merged.
func merged(mr gitops.MergeRequest) bool { return mr.State == gitops.Merged }

// breakOnce makes the first call of that name go wrong, before or after its effect.
func breakOnce(g *fixtures.GitLab, name string, fault fixtures.Fault, after bool) {
	var done atomic.Bool
	once := func(call fixtures.Call) fixtures.Fault {
		if call.Name != name || done.Swap(true) {
			return fixtures.Pass
		}
		return fault
	}
	if after {
		g.Journal.Break(nil, once)
	} else {
		g.Journal.Break(once, nil)
	}
}

// calls counts how often the bot asked for the call of that name.
func calls(g *fixtures.GitLab, name string) int {
	n := 0
	for _, call := range g.Journal.Calls() {
		if call.Name == name {
			n++
		}
	}
	return n
}

// twice are the ways in which the answer of a write can be lost. The client must not
// repeat it by itself; doing it again must do it once.
var twice = []struct {
	name  string
	fault fixtures.Fault
	after bool
}{
	{"cut before", fixtures.Cut, false},
	{"cut after", fixtures.Cut, true},
	{"502 before", fixtures.BadGateway, false},
	{"502 after", fixtures.BadGateway, true},
	{"429 before", fixtures.TooMany, false},
}

// lost checks the error of a write whose answer was lost: nobody could tell.
func lost(t *testing.T, g *fixtures.GitLab, call string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error", call)
	}
	for _, known := range []error{gitops.ErrNotFound, gitops.ErrConflict, gitops.ErrRefused} {
		if errors.Is(err, known) {
			t.Errorf("%s: got %q, which claims to know", call, err)
		}
	}
	if n := calls(g, call); n != 1 {
		t.Errorf("%s was sent %d times, want 1", call, n)
	}
}
