package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

const (
	maxJobs  = 1000 // of one pipeline
	maxDepth = 3    // of pipelines that start each other
)

// A job is a job of a pipeline, or a bridge: a job that starts another pipeline.
type job struct {
	ID            int64         `json:"id"`
	Name          string        `json:"name"`
	Stage         string        `json:"stage"`
	Status        gitops.Status `json:"status"`
	FailureReason string        `json:"failure_reason"`
	AllowFailure  bool          `json:"allow_failure"`
	Link          string        `json:"web_url"`
	Downstream    *struct {
		ID        int64 `json:"id"`
		ProjectID int64 `json:"project_id"`
	} `json:"downstream_pipeline"` // of a bridge that has started one
}

// Jobs returns the jobs of a pipeline in the order of their creation, of jobs of one
// name the latest only, and after them the jobs of the child and downstream
// pipelines that they started, three levels deep. Bridges are among them. Downstream
// pipelines that the bot may not see are left out.
func (c *Client) Jobs(ctx context.Context, project string, pipeline int64) ([]gitops.Job, error) {
	jobs, err := c.jobs(ctx, project, pipeline, maxDepth)
	return jobs, wrap(err, "list jobs of pipeline %d of %q", pipeline, project)
}

// jobs is Jobs for a project by path or id, with depth levels below it.
func (c *Client) jobs(ctx context.Context, project string, pipeline int64, depth int) ([]gitops.Job, error) {
	path := fmt.Sprintf("%s/pipelines/%d/", projectPath(project), pipeline)
	options := func(page api.ListOptions) any { return &api.ListJobsOptions{ListOptions: page} }
	found, err := list[job](ctx, c, maxJobs, path+"jobs", options)
	if err != nil {
		return nil, err
	}
	bridges, err := list[job](ctx, c, maxJobs, path+"bridges", options)
	if err != nil {
		return nil, err
	}
	var own, below []gitops.Job
	for _, j := range latest(append(found, bridges...)) {
		started, err := c.started(ctx, j, depth)
		if err != nil {
			return nil, err
		}
		own = append(own, j.in(pipeline, started))
		below = append(below, started...)
	}
	return append(own, below...), nil
}

// started returns the jobs of the pipeline that bridge j started; none when it has
// not started one yet, when the bot may not see it, or when it is too deep.
func (c *Client) started(ctx context.Context, j job, depth int) ([]gitops.Job, error) {
	if j.Downstream == nil || depth == 0 {
		return nil, nil
	}
	jobs, err := c.jobs(ctx, strconv.FormatInt(j.Downstream.ProjectID, 10), j.Downstream.ID, depth-1)
	switch status(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return nil, nil
	}
	return jobs, err
}

// latest returns the last job of each name, in the order of their creation. GitLab
// leaves out what was retried, but not what it is just about to retry.
func latest(jobs []job) []job {
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(b.ID, a.ID)) })
	jobs = slices.CompactFunc(jobs, func(a, b job) bool { return a.Name == b.Name })
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.ID, b.ID) })
	return jobs
}

// in translates j, a job of pipeline, given the jobs that it started, if any.
func (j job) in(pipeline int64, started []gitops.Job) gitops.Job {
	return gitops.Job{
		ID: j.ID, Name: j.Name, Stage: j.Stage, Status: j.Status, FailureReason: j.reason(started),
		AllowFailure: j.AllowFailure, Pipeline: pipeline, Link: j.Link,
	}
}

// reason says why j failed. A bridge that waits for its pipeline fails for a reason
// that says nothing; then it is the one of the job that failed there, a script's
// before any other.
func (j job) reason(started []gitops.Job) string {
	why := j.FailureReason
	if j.Status != gitops.StatusFailed {
		return why
	}
	for _, s := range started {
		if s.Status == gitops.StatusFailed && !s.AllowFailure && why != gitops.FailureByScript {
			why = s.FailureReason
		}
	}
	return why
}
