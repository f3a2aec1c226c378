package gitlab

import (
	"errors"
	"testing"

	"lockstep/fixtures"
	"lockstep/gitops"
)

// tagStatus returns a status of the head of main, as that of a tag.
func tagStatus(t *testing.T, g *fixtures.GitLab, state gitops.Status) gitops.CommitStatus {
	t.Helper()
	sha, err := g.Tag(gate, "v1")
	if err != nil {
		t.Fatal(err)
	}
	return gitops.CommitStatus{
		Project: gate, Commit: sha, Ref: "v1", Name: "lockstep/int", State: state, Description: "it is " + string(state), Link: "https://lockstep.example.com/runs/1",
	}
}

func TestSetStatus(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	steps := []struct {
		state gitops.Status
		calls int
		now   string
	}{
		{gitops.StatusPending, 1, "pending"},
		{gitops.StatusPending, 1, "pending"},
		{gitops.StatusRunning, 2, "running"},
		{gitops.StatusRunning, 2, "running"},
		{gitops.StatusPending, 3, "running"}, // which GitLab refuses: it runs
		{gitops.StatusFailed, 4, "failed"},
		{gitops.StatusFailed, 4, "failed"},
		{gitops.StatusSuccess, 5, "success"}, // another one, after the end of the first
	}
	for i, step := range steps {
		if err := c.SetStatus(t.Context(), tagStatus(t, g, step.state)); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		all := g.Statuses(gate)
		if last := all[len(all)-1]; calls(g, "set commit status") != step.calls || last.State != step.now || last.Ref != "v1" || last.Name != "lockstep/int" {
			t.Errorf("step %d: %d calls and %+v, want %d and %s", i, calls(g, "set commit status"), last, step.calls, step.now)
		}
	}
	if all := g.Statuses(gate); len(all) != 2 || all[1].Description != "it is success" || all[1].TargetURL != "https://lockstep.example.com/runs/1" {
		t.Errorf("got %+v, want two statuses", all)
	}
}

func TestSetStatusLost(t *testing.T) {
	t.Parallel()
	for _, test := range twice {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{})
			breakOnce(g, "set commit status", test.fault, test.after)
			s := tagStatus(t, g, gitops.StatusSuccess)
			lost(t, g, "set commit status", c.SetStatus(t.Context(), s))
			if err := c.SetStatus(t.Context(), s); err != nil {
				t.Errorf("again: %v", err)
			}
			if all := g.Statuses(gate); len(all) != 1 {
				t.Errorf("got %+v, want one status", all)
			}
		})
	}
}

// The status of a merge request joins its own pipeline, and makes none where it has none.
func TestSetStatusOfMergeRequest(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	g.PipelineFaults(fixtures.PipelineFaults{Missing: true})
	mr := opened(t, g, c)
	s := gitops.CommitStatus{Project: env, Commit: mr.SHA, IID: mr.IID, Name: "lockstep/int", State: gitops.StatusSuccess}
	if err := c.SetStatus(t.Context(), s); err != nil || len(g.Statuses(env)) != 0 || len(g.Pipelines(env)) != 0 {
		t.Errorf("without a pipeline: %v, statuses %+v, pipelines %+v", err, g.Statuses(env), g.Pipelines(env))
	}
	g.PipelineFaults(fixtures.PipelineFaults{})
	s.Commit = change(t, g, branch, "2026.11.4")
	until(t, c, mr, func(mr gitops.MergeRequest) bool { return mr.HeadPipeline != nil && mr.SHA == s.Commit })
	before := len(g.Pipelines(env))
	if err := c.SetStatus(t.Context(), s); err != nil || len(g.Statuses(env)) != 1 || len(g.Pipelines(env)) != before {
		t.Errorf("with a pipeline: %v, statuses %+v, %d pipelines, want %d", err, g.Statuses(env), len(g.Pipelines(env)), before)
	}
	if err := c.SetStatus(t.Context(), s); err != nil || calls(g, "set commit status") != 1 {
		t.Errorf("again: %v, %d calls", err, calls(g, "set commit status"))
	}
}

func TestSetStatusRefused(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	g.Deny("set commit status")
	s := tagStatus(t, g, gitops.StatusPending)
	if err := c.SetStatus(t.Context(), s); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("without the right: got %v, want ErrRefused", err)
	}
	s.Project = "no/such"
	if err := c.SetStatus(t.Context(), s); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("in an unknown project: got %v, want ErrNotFound", err)
	}
}
