package gates_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"lockstep/gates"
	"lockstep/gitops"
)

// A project is a gate project with one pipeline, in memory.
type project struct {
	pipeline  gitops.Pipeline
	jobs      []gitops.Job
	variables map[string]string // of the pipeline that was triggered
	triggered int
	err       error
}

func (p *project) Trigger(_ context.Context, _, _, key string, variables map[string]string) (gitops.Pipeline, error) {
	if p.err != nil {
		return gitops.Pipeline{}, p.err
	}
	if p.variables == nil || p.variables[key] != variables[key] {
		p.triggered++
		p.variables = maps.Clone(variables)
	}
	return p.pipeline, nil
}

func (p *project) Pipeline(context.Context, string, int64) (gitops.Pipeline, error) {
	return p.pipeline, p.err
}

func (p *project) Jobs(context.Context, string, int64) ([]gitops.Job, error) { return p.jobs, p.err }

var subject = gates.Subject{
	Run: "0193", Gate: "int-test", Track: "integration", Package: "mda", Environment: "int", Version: "1.1.0", Commit: "abc",
}

func TestPipelineStart(t *testing.T) {
	t.Parallel()
	p := &project{pipeline: gitops.Pipeline{ID: 42}}
	g := gates.Pipeline{From: p, Project: "qa/int-test", Ref: "main", Variables: map[string]string{"DATA": "{package}-{version}", "WHERE": "{environment}/{track}/{run}/{commit}"}}
	for range 2 { // the repeat begins nothing
		ticket, err := g.Start(t.Context(), subject)
		if err != nil || ticket != "42" {
			t.Fatalf("Start = %q, %v, want 42", ticket, err)
		}
	}
	want := map[string]string{"DATA": "mda-1.1.0", "WHERE": "int/integration/0193/abc", gates.GateVariable: "0193/int/int-test"}
	if p.triggered != 1 || !maps.Equal(p.variables, want) {
		t.Errorf("triggered %d times with %q, want once with %q", p.triggered, p.variables, want)
	}
	p.err = fmt.Errorf("%w: variables are not allowed", gitops.ErrRefused)
	if _, err := g.Start(t.Context(), subject); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("a refusal arrives as %v", err)
	}
}

func TestPipelineAsk(t *testing.T) {
	t.Parallel()
	job := func(status gitops.Status, reason string, allowed bool) gitops.Job {
		return gitops.Job{Name: "suite", Status: status, FailureReason: reason, AllowFailure: allowed}
	}
	tests := []struct {
		name   string
		status gitops.Status
		jobs   []gitops.Job
		err    error
		want   gates.Result
		says   string // in the reason, or in the error when want is "?"
	}{
		{"success", gitops.StatusSuccess, nil, nil, gates.Passed, "pipeline 42 of qa/int-test succeeded"},
		{"created", gitops.StatusCreated, nil, nil, gates.Pending, "is created"},
		{"waiting", gitops.StatusWaiting, nil, nil, gates.Pending, "is waiting_for_resource"},
		{"running", gitops.StatusRunning, nil, nil, gates.Pending, "is running"},
		{"canceling", gitops.StatusCanceling, nil, nil, gates.Pending, "is canceling"},
		{"a status of the future", "resting", nil, nil, gates.Pending, "is resting"},
		{"tests failed", gitops.StatusFailed, []gitops.Job{job(gitops.StatusFailed, "script_failure", false)}, nil, gates.Failed, "job suite of pipeline 42 of qa/int-test failed (script_failure)"},
		{"no job failed", gitops.StatusFailed, nil, nil, "?", "pipeline 42 of qa/int-test failed without a failed job, which says nothing about the data"},
		{"no reason given", gitops.StatusFailed, []gitops.Job{job(gitops.StatusFailed, "", false)}, nil, "?", "failed at job suite (no reason given), which says nothing about the data"},
		{"tests took too long", gitops.StatusFailed, []gitops.Job{job(gitops.StatusFailed, "job_execution_timeout", false)}, nil, gates.Failed, "job_execution_timeout"},
		{"runner failed", gitops.StatusFailed, []gitops.Job{job(gitops.StatusFailed, "runner_system_failure", false)}, nil, "?", "says nothing about the data"},
		{"runner and tests failed", gitops.StatusFailed, []gitops.Job{job(gitops.StatusFailed, "runner_system_failure", false), job(gitops.StatusFailed, "script_failure", false)}, nil, gates.Failed, "script_failure"},
		{"an allowed job failed, and a runner", gitops.StatusFailed, []gitops.Job{job(gitops.StatusFailed, "script_failure", true), job(gitops.StatusFailed, "stuck_or_timeout_failure", false)}, nil, "?", "stuck_or_timeout_failure"},
		{"cancelled", gitops.StatusCanceled, nil, nil, "?", "says nothing about the data"},
		{"skipped", gitops.StatusSkipped, nil, nil, "?", "says nothing about the data"},
		{"manual", gitops.StatusManual, nil, nil, "?", "waits for a person"},
		{"no answer", gitops.StatusSuccess, nil, errors.New("502"), "?", "502"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &project{pipeline: gitops.Pipeline{ID: 42, Status: test.status, Link: "https://gitlab/42"}, jobs: test.jobs, err: test.err}
			verdict, err := gates.Pipeline{From: p, Project: "qa/int-test"}.Ask(t.Context(), subject, "42")
			got, says := verdict.Result, verdict.Reason
			if err != nil {
				got, says = "?", err.Error()
			} else if verdict.Link != "https://gitlab/42" {
				t.Errorf("link %q", verdict.Link)
			}
			if got != test.want || !strings.Contains(says, test.says) {
				t.Errorf("got %q: %q, want %q: %q", got, says, test.want, test.says)
			}
		})
	}
	if _, err := (gates.Pipeline{}).Ask(t.Context(), subject, "none"); err == nil {
		t.Error("a ticket that is no id is taken")
	}
}
