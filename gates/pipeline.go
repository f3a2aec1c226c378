package gates

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"lockstep/gitops"
)

// GateVariable is the pipeline variable by which a gate's pipeline is found again.
const GateVariable = "LOCKSTEP_GATE"

// Pipelines is what a pipeline gate asks of GitLab.
type Pipelines interface {
	// Trigger creates a pipeline with variables, or returns the one that exists
	// whose variable key has the same value.
	Trigger(ctx context.Context, project, ref, key string, variables map[string]string) (gitops.Pipeline, error)
	// Pipeline reads one pipeline.
	Pipeline(ctx context.Context, project string, id int64) (gitops.Pipeline, error)
	// Jobs returns the newest job of each name of a pipeline.
	Jobs(ctx context.Context, project string, pipeline int64) ([]gitops.Job, error)
}

// A Pipeline is a gate that is a GitLab pipeline of another project, such as a suite
// of tests. It passes when the pipeline succeeds and fails when a job's own program
// fails. A pipeline that was cancelled, skipped, waits for a person or lost its
// runner says nothing about the data.
type Pipeline struct {
	From      Pipelines
	Project   string            // path of the project
	Ref       string            // branch or tag to run
	Variables map[string]string // values may hold the placeholders of Subject.Expand
}

// Start triggers the pipeline, once per run, environment and gate. The ticket is the
// pipeline's id.
func (g Pipeline) Start(ctx context.Context, s Subject) (string, error) {
	variables := map[string]string{GateVariable: s.Key()}
	for name, value := range g.Variables {
		variables[name] = s.Expand(value)
	}
	p, err := g.From.Trigger(ctx, g.Project, g.Ref, GateVariable, variables)
	if err != nil {
		return "", fmt.Errorf("trigger pipeline of %s: %w", g.Project, err)
	}
	return strconv.FormatInt(p.ID, 10), nil
}

// Ask reads the pipeline.
func (g Pipeline) Ask(ctx context.Context, s Subject, ticket string) (Verdict, error) {
	id, err := strconv.ParseInt(ticket, 10, 64)
	if err != nil {
		return Verdict{}, fmt.Errorf("gate %s: ticket %q is no pipeline id", s.Gate, ticket)
	}
	p, err := g.From.Pipeline(ctx, g.Project, id)
	if err != nil {
		return Verdict{}, fmt.Errorf("read pipeline %d of %s: %w", id, g.Project, err)
	}
	name := fmt.Sprintf("pipeline %d of %s", p.ID, g.Project)
	switch p.Status {
	case gitops.StatusSuccess:
		return Verdict{Passed, name + " succeeded", p.Link}, nil
	case gitops.StatusFailed:
		return g.failed(ctx, p, name)
	case gitops.StatusCanceled, gitops.StatusSkipped:
		return Verdict{}, fmt.Errorf("%s was %s, which says nothing about the data: retry it in GitLab (%s)", name, p.Status, p.Link)
	case gitops.StatusManual:
		return Verdict{}, fmt.Errorf("%s waits for a person: start its manual job in GitLab (%s)", name, p.Link)
	}
	return Verdict{Pending, fmt.Sprintf("%s is %s", name, p.Status), p.Link}, nil
}

// failed tells a failure of the tests from a failure of the machines they ran on.
func (g Pipeline) failed(ctx context.Context, p gitops.Pipeline, name string) (Verdict, error) {
	jobs, err := g.From.Jobs(ctx, g.Project, p.ID)
	if err != nil {
		return Verdict{}, fmt.Errorf("read jobs of %s: %v", name, err)
	}
	why := "without a failed job"
	for _, j := range jobs {
		switch {
		case j.Status != gitops.StatusFailed || j.AllowFailure:
		case j.Blames():
			return Verdict{Failed, fmt.Sprintf("job %s of %s failed (%s)", j.Name, name, j.FailureReason), p.Link}, nil
		default:
			why = fmt.Sprintf("at job %s (%s)", j.Name, cmp.Or(j.FailureReason, "no reason given"))
		}
	}
	return Verdict{}, fmt.Errorf("%s failed %s, which says nothing about the data: retry it in GitLab (%s)", name, why, p.Link)
}
