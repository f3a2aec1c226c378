package gitlab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

const (
	maxPipelines = 200                // of one answer of Pipelines
	clockSkew    = time.Minute        // how far GitLab's clock may be behind ours
	triggerAge   = 7 * 24 * time.Hour // how far back Trigger looks for its pipeline
)

// noVariables is in GitLab's answer to one who may set no variables of a pipeline.
const noVariables = "permissions to set pipeline variables"

// A pipeline is a pipeline of a list, or read by itself.
type pipeline struct {
	ID        int64         `json:"id"`
	SHA       string        `json:"sha"`
	Ref       string        `json:"ref"`
	Source    string        `json:"source"`
	Status    gitops.Status `json:"status"`
	Link      string        `json:"web_url"`
	CreatedAt time.Time     `json:"created_at"`
}

// of translates p, a pipeline of project.
func (p pipeline) of(project string) gitops.Pipeline {
	return gitops.Pipeline{
		Project: project, ID: p.ID, SHA: p.SHA, Ref: p.Ref, Source: p.Source,
		Status: p.Status, Link: p.Link, Created: p.CreatedAt,
	}
}

// pipelinePath returns where the API has a pipeline.
func pipelinePath(project string, id int64) string {
	return fmt.Sprintf("%s/pipelines/%d", projectPath(project), id)
}

// Pipelines returns the newest 200 pipelines of project that q selects, newest
// first. Child pipelines are among them only when q.Source asks for them.
func (c *Client) Pipelines(ctx context.Context, project string, q gitops.PipelineQuery) ([]gitops.Pipeline, error) {
	found, err := list[pipeline](ctx, c, maxPipelines, projectPath(project)+"/pipelines", func(page api.ListOptions) any {
		o := &api.ListProjectPipelinesOptions{
			ListOptions: page, OrderBy: api.Ptr("id"), Sort: api.Ptr("desc"),
			Ref: optional(q.Ref), SHA: optional(q.SHA), Source: optional(q.Source),
		}
		if !q.Since.IsZero() {
			o.UpdatedAfter = api.Ptr(q.Since.UTC())
		}
		return o
	})
	if err != nil {
		return nil, wrap(err, "list pipelines of %q", project)
	}
	pipelines := make([]gitops.Pipeline, 0, len(found))
	for _, p := range found {
		pipelines = append(pipelines, p.of(project))
	}
	return pipelines, nil
}

// Pipeline reads one pipeline of project. The error wraps gitops.ErrNotFound when
// there is none of that id.
func (c *Client) Pipeline(ctx context.Context, project string, id int64) (gitops.Pipeline, error) {
	p, err := read[pipeline](ctx, c, pipelinePath(project, id), nil)
	return p.of(project), wrap(err, "read pipeline %d of %q", id, project)
}

// Trigger returns the pipeline of ref that has variables, and creates it if there is
// none: variables[key] names it, and must be in no other pipeline. It looks back
// seven days. A project that lets the bot set no variables is gitops.ErrRefused, as is
// one that has no such ref or no job for it.
func (c *Client) Trigger(ctx context.Context, project, ref, key string, variables map[string]string) (gitops.Pipeline, error) {
	p, err := c.Triggered(ctx, project, ref, key, variables[key], time.Now().Add(-triggerAge))
	if !errors.Is(err, gitops.ErrNotFound) {
		return p, err
	}
	var set []*api.PipelineVariableOptions
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		set = append(set, &api.PipelineVariableOptions{Key: &name, Value: api.Ptr(variables[name])})
	}
	var created pipeline
	_, err = c.do(ctx, http.MethodPost, projectPath(project)+"/pipeline", &api.CreatePipelineOptions{Ref: &ref, Variables: &set}, &created)
	switch {
	case status(err) != http.StatusBadRequest:
	case strings.Contains(err.Error(), noVariables):
		err = fmt.Errorf("the project lets the bot set no variables: lower the minimum role for them in its Settings → CI/CD → Variables, or use inputs: %w", gitops.ErrRefused)
	default: // no such ref, or no job for it: asking again does not help
		err = fmt.Errorf("%v: %w", err, gitops.ErrRefused)
	}
	return created.of(project), wrap(err, "trigger pipeline of %q in %q", ref, project)
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
	variables, err := read[[]api.PipelineVariable](ctx, c, pipelinePath(p.Project, p.ID)+"/variables", nil)
	switch status(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return false, nil
	}
	has := func(v api.PipelineVariable) bool { return v.Key == key && v.Value == value }
	return slices.ContainsFunc(variables, has), wrap(err, "read variables of pipeline %d", p.ID)
}

// Cancel asks GitLab to cancel a pipeline. One that has settled or is being
// cancelled already is nil; jobs that run may still take a while to stop.
func (c *Client) Cancel(ctx context.Context, project string, id int64) error {
	p, err := read[pipeline](ctx, c, pipelinePath(project, id), nil)
	if err == nil && !p.Status.Settled() && p.Status != gitops.StatusCanceling {
		_, err = c.do(ctx, http.MethodPost, pipelinePath(project, id)+"/cancel", nil, nil)
	}
	return wrap(err, "cancel pipeline %d of %q", id, project)
}
