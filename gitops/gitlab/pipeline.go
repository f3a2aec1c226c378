package gitlab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

const (
	maxPipelines = 200                // of one answer of Pipelines
	clockSkew    = time.Minute        // how far GitLab's clock may be behind ours
	triggerAge   = 7 * 24 * time.Hour // how far back Trigger looks for its pipeline
)

// Pipelines returns the newest 200 pipelines of project that q selects, newest
// first. Child pipelines are among them only when q.Source asks for them.
func (c *Client) Pipelines(ctx context.Context, project string, q gitops.PipelineQuery) ([]gitops.Pipeline, error) {
	o := &api.ListProjectPipelinesOptions{
		Ref: optional(q.Ref), SHA: optional(q.SHA), Source: optional(q.Source),
		OrderBy: api.Ptr("id"), Sort: api.Ptr("desc"),
	}
	if !q.Since.IsZero() {
		o.UpdatedAfter = api.Ptr(q.Since.UTC())
	}
	found, err := all(maxPipelines, func(page api.ListOptions) ([]*api.PipelineInfo, *api.Response, error) {
		o.ListOptions = page
		return c.client.Pipelines.ListProjectPipelines(project, o, in(ctx))
	})
	if err != nil {
		return nil, wrap(c.why(err), "list pipelines of %q", project)
	}
	pipelines := make([]gitops.Pipeline, 0, len(found))
	for _, p := range found {
		pipelines = append(pipelines, gitops.Pipeline{
			Project: project, ID: int64(p.ID), SHA: p.SHA, Ref: p.Ref, Source: p.Source,
			Status: gitops.Status(p.Status), Link: p.WebURL, Created: moment(p.CreatedAt),
		})
	}
	return pipelines, nil
}

// pipeline translates a pipeline that was read by itself.
func pipeline(project string, p *api.Pipeline) gitops.Pipeline {
	return gitops.Pipeline{
		Project: project, ID: int64(p.ID), SHA: p.SHA, Ref: p.Ref, Source: p.Source,
		Status: gitops.Status(p.Status), Link: p.WebURL, Created: moment(p.CreatedAt),
	}
}

// Pipeline reads one pipeline of project. It wraps gitops.ErrNotFound.
func (c *Client) Pipeline(ctx context.Context, project string, id int64) (gitops.Pipeline, error) {
	p, _, err := c.client.Pipelines.GetPipeline(project, int(id), in(ctx))
	if err != nil {
		return gitops.Pipeline{}, wrap(c.why(err), "read pipeline %d of %q", id, project)
	}
	return pipeline(project, p), nil
}

// Trigger returns the pipeline of ref that has variables, and creates it if there is
// none: variables[key] names it, and must be in no other pipeline. It looks back
// seven days. A project that lets nobody set variables is gitops.ErrRefused.
func (c *Client) Trigger(ctx context.Context, project, ref, key string, variables map[string]string) (gitops.Pipeline, error) {
	p, err := c.Triggered(ctx, project, ref, key, variables[key], time.Now().Add(-triggerAge))
	if !errors.Is(err, gitops.ErrNotFound) {
		return p, err
	}
	var set []*api.PipelineVariableOptions
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		set = append(set, &api.PipelineVariableOptions{Key: &name, Value: api.Ptr(variables[name])})
	}
	created, _, err := c.client.Pipelines.CreatePipeline(project, &api.CreatePipelineOptions{Ref: &ref, Variables: &set}, in(ctx))
	switch {
	case status(err) == http.StatusBadRequest:
		// No such ref, no pipeline for it, or variables are not allowed: asking again
		// does not help.
		return gitops.Pipeline{}, fmt.Errorf("trigger pipeline of %q in %q: %v: %w", ref, project, c.why(err), gitops.ErrRefused)
	case err != nil:
		return gitops.Pipeline{}, wrap(c.why(err), "trigger pipeline of %q in %q", ref, project)
	}
	return pipeline(project, created), nil
}

// Triggered returns the pipeline that a program created on ref since then, and that
// has value in its variable key; of several the oldest, so that all who ask agree.
// It allows GitLab's clock to be a minute late. It wraps gitops.ErrNotFound.
func (c *Client) Triggered(ctx context.Context, project, ref, key, value string, since time.Time) (gitops.Pipeline, error) {
	since = since.Add(-clockSkew)
	candidates, err := c.Pipelines(ctx, project, gitops.PipelineQuery{Ref: ref, Source: gitops.SourceAPI, Since: since})
	if err != nil {
		return gitops.Pipeline{}, wrap(err, "find pipeline with %s=%q", key, value)
	}
	for _, p := range slices.Backward(candidates) {
		if p.Created.Before(since) {
			continue
		}
		ours, err := c.hasVariable(ctx, p, key, value)
		if err != nil {
			return gitops.Pipeline{}, wrap(err, "find pipeline with %s=%q", key, value)
		}
		if ours {
			return p, nil
		}
	}
	return gitops.Pipeline{}, fmt.Errorf("find pipeline with %s=%q of %q in %q: %w", key, value, ref, project, gitops.ErrNotFound)
}

// hasVariable reports that p was created with value in its variable key. GitLab
// shows the variables of a pipeline to its creator and to maintainers only: one that
// it does not show is not ours.
func (c *Client) hasVariable(ctx context.Context, p gitops.Pipeline, key, value string) (bool, error) {
	variables, _, err := c.client.Pipelines.GetPipelineVariables(p.Project, int(p.ID), in(ctx))
	switch status(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return false, nil
	}
	if err != nil {
		return false, wrap(c.why(err), "read variables of pipeline %d", p.ID)
	}
	return slices.ContainsFunc(variables, func(v *api.PipelineVariable) bool {
		return v.Key == key && v.Value == value
	}), nil
}

// Cancel asks GitLab to cancel a pipeline. One that has settled or is being
// cancelled already is nil; jobs that run may still take a while to stop.
func (c *Client) Cancel(ctx context.Context, project string, id int64) error {
	p, _, err := c.client.Pipelines.GetPipeline(project, int(id), in(ctx))
	if err != nil {
		return wrap(c.why(err), "cancel pipeline %d of %q", id, project)
	}
	if s := gitops.Status(p.Status); s.Settled() || s == gitops.StatusCanceling {
		return nil
	}
	_, _, err = c.client.Pipelines.CancelPipelineBuild(project, int(id), in(ctx))
	return wrap(c.why(err), "cancel pipeline %d of %q", id, project)
}
