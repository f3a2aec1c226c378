package gitlab

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

const (
	maxJobs  = 1000 // of one pipeline
	maxDepth = 3    // of pipelines that start each other
)

// Jobs returns the jobs of a pipeline in the order of their creation, of jobs of one
// name the latest only, and after them the jobs of the child and downstream
// pipelines that they started, three levels deep. The jobs that start pipelines
// (bridges) are among them. Downstream pipelines that the bot may not see are left
// out.
func (c *Client) Jobs(ctx context.Context, project string, pipeline int64) ([]gitops.Job, error) {
	jobs, err := c.jobs(ctx, project, pipeline, maxDepth)
	if err != nil {
		return nil, wrap(c.why(err), "list jobs of pipeline %d of %q", pipeline, project)
	}
	return jobs, nil
}

// jobs is Jobs for a project by path or id, with depth levels below it.
func (c *Client) jobs(ctx context.Context, project any, pipeline int64, depth int) ([]gitops.Job, error) {
	found, err := all(maxJobs, func(page api.ListOptions) ([]*api.Job, *api.Response, error) {
		return c.client.Jobs.ListPipelineJobs(project, int(pipeline), &api.ListJobsOptions{ListOptions: page}, in(ctx))
	})
	if err != nil {
		return nil, err
	}
	bridges, err := all(maxJobs, func(page api.ListOptions) ([]*api.Bridge, *api.Response, error) {
		return c.client.Jobs.ListPipelineBridges(project, int(pipeline), &api.ListJobsOptions{ListOptions: page}, in(ctx))
	})
	if err != nil {
		return nil, err
	}
	var own, below []gitops.Job
	for _, j := range found {
		own = append(own, job(pipeline, j))
	}
	for _, b := range newest(bridges) {
		started, err := c.downstream(ctx, b, depth)
		if err != nil {
			return nil, err
		}
		own = append(own, bridge(pipeline, b, started))
		below = append(below, started...)
	}
	return append(latest(own), below...), nil
}

// downstream returns the jobs of the pipeline that b started; none when it has not
// started one yet, when we may not see it, or when it is too deep.
func (c *Client) downstream(ctx context.Context, b *api.Bridge, depth int) ([]gitops.Job, error) {
	if b.DownstreamPipeline == nil || depth == 0 {
		return nil, nil
	}
	jobs, err := c.jobs(ctx, b.DownstreamPipeline.ProjectID, int64(b.DownstreamPipeline.ID), depth-1)
	switch status(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return nil, nil
	}
	return jobs, err
}

// newest returns the last bridge of each name: a bridge that was retried has a
// pipeline of its own, which counts no more.
func newest(bridges []*api.Bridge) []*api.Bridge {
	slices.SortStableFunc(bridges, func(a, b *api.Bridge) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(b.ID, a.ID)) })
	return slices.CompactFunc(bridges, func(a, b *api.Bridge) bool { return a.Name == b.Name })
}

// latest returns the last job of each name, in the order of their creation.
func latest(jobs []gitops.Job) []gitops.Job {
	slices.SortStableFunc(jobs, func(a, b gitops.Job) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(b.ID, a.ID)) })
	jobs = slices.CompactFunc(jobs, func(a, b gitops.Job) bool { return a.Name == b.Name })
	slices.SortFunc(jobs, func(a, b gitops.Job) int { return cmp.Compare(a.ID, b.ID) })
	return jobs
}

// job translates a job of a pipeline.
func job(pipeline int64, j *api.Job) gitops.Job {
	return gitops.Job{
		ID: int64(j.ID), Name: j.Name, Stage: j.Stage, Status: gitops.Status(j.Status),
		FailureReason: j.FailureReason, AllowFailure: j.AllowFailure, Pipeline: pipeline, Link: j.WebURL,
	}
}

// bridge translates a bridge, given the jobs that it started. A bridge that waits
// for its pipeline fails for a reason that says nothing; it gets the reason of the
// job that failed, a script's before any other.
func bridge(pipeline int64, b *api.Bridge, started []gitops.Job) gitops.Job {
	j := gitops.Job{
		ID: int64(b.ID), Name: b.Name, Stage: b.Stage, Status: gitops.Status(b.Status),
		FailureReason: b.FailureReason, AllowFailure: b.AllowFailure, Pipeline: pipeline, Link: b.WebURL,
	}
	if j.Status != gitops.StatusFailed {
		return j
	}
	for _, s := range started {
		if s.Status == gitops.StatusFailed && !s.AllowFailure {
			j.FailureReason = s.FailureReason
			if s.FailureReason == gitops.FailureByScript {
				break
			}
		}
	}
	return j
}
