// Package watch answers one question: does this service, in this environment, run
// this version from this commit? Each file asks one kind of source, such as the
// pipeline that deploys, through small interfaces that it declares.
//
// The answers are a gitops.Seen, one for each service. What a source says that tells
// nothing about the data is gitops.Unsure; a source that does not answer is an error,
// but where each service is a source of its own it is Unsure. No watcher waits, keeps
// anything, or changes anything outside.
package watch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
)

// DefaultJob is the pattern of job names that is used when none is configured.
const DefaultJob = "deploy-{environment}-{service}"

// JobName returns the name of the job that deploys service to environment: pattern
// with {environment} and {service} replaced. A pattern without {service} names one
// job that deploys all services.
func JobName(pattern, environment, service string) string {
	return strings.NewReplacer("{environment}", environment, "{service}", service).Replace(pattern)
}

// A Source tells of an environment repository's pipelines and commits.
type Source interface {
	// Pipelines returns the pipelines that q selects, newest first.
	Pipelines(ctx context.Context, project string, q gitops.PipelineQuery) ([]gitops.Pipeline, error)
	// Jobs returns the jobs of a pipeline and of those that it started, of jobs
	// that were retried the latest only.
	Jobs(ctx context.Context, project string, pipeline int64) ([]gitops.Job, error)
	// Newer returns the commits of branch after commit, newest first.
	Newer(ctx context.Context, project, branch, commit string) ([]gitops.Commit, error)
}

// GitLab watches an environment that a GitLab pipeline deploys: the pipeline of the
// landed commit on the deployed branch, and in it one job per service.
type GitLab struct {
	Source Source

	// Holds reports whether the value of a target still stands at a commit. Nil
	// means that nobody can tell: then only the landed commit counts.
	Holds func(ctx context.Context, repo, commit string, t gitops.Target) (bool, error)

	// Job returns the exact name of the job that deploys a service; nil means
	// DefaultJob.
	Job func(environment, service string) string
}

// Services says of each service of d, in the order asked, whether it runs the
// version that d.Commit gave it. Where the commit's own job has not decided, newer
// commits count in which the value still stands. An error means that nobody could
// tell; it is never a verdict.
func (w GitLab) Services(ctx context.Context, d gitops.Deployment) (gitops.Seen, error) {
	seen, err := w.at(ctx, d, d.Commit)
	if err != nil {
		return nil, fmt.Errorf("watch commit %s of %q: %w", gitops.Short(d.Commit), d.Repo, err)
	}
	if w.Holds == nil || !slices.ContainsFunc(seen, undecided) {
		return seen, nil
	}
	newer, err := w.Source.Newer(ctx, d.Repo, d.Branch, d.Commit)
	if err != nil {
		return nil, fmt.Errorf("watch commits after %s of %q: %w", gitops.Short(d.Commit), d.Repo, err)
	}
	if len(newer) == 0 {
		return seen, nil
	}
	later := overtaken{watch: w, d: d, newer: newer, seen: map[string]gitops.Seen{}}
	for i, status := range seen {
		if seen[i], err = later.complete(ctx, i, status); err != nil {
			return nil, fmt.Errorf("watch commits after %s of %q: %w", gitops.Short(d.Commit), d.Repo, err)
		}
	}
	return seen, nil
}

// at says what the pipeline of one commit tells of each service.
func (w GitLab) at(ctx context.Context, d gitops.Deployment, commit string) (gitops.Seen, error) {
	pipelines, err := w.Source.Pipelines(ctx, d.Repo, gitops.PipelineQuery{Ref: d.Branch, SHA: commit})
	if err != nil {
		return nil, err
	}
	p, ok := deploying(pipelines, d.Branch, commit)
	if !ok {
		reason := fmt.Sprintf("no pipeline for commit %s on %s yet", gitops.Short(commit), d.Branch)
		return each(d, func(string) gitops.ServiceStatus { return gitops.ServiceStatus{Reason: reason} }), nil
	}
	jobs, err := w.Source.Jobs(ctx, d.Repo, p.ID)
	if err != nil {
		return nil, err
	}
	return each(d, func(service string) gitops.ServiceStatus {
		return tell(p, jobs, w.job(d.Environment, service))
	}), nil
}

// each answers for every service of d.
func each(d gitops.Deployment, answer func(service string) gitops.ServiceStatus) gitops.Seen {
	seen := make(gitops.Seen, 0, len(d.Services))
	for _, target := range d.Services {
		status := answer(target.Service)
		status.Service = target.Service
		seen = append(seen, status)
	}
	return seen
}

// job returns the name of the job that deploys service.
func (w GitLab) job(environment, service string) string {
	if w.Job == nil {
		return JobName(DefaultJob, environment, service)
	}
	return w.Job(environment, service)
}

// deploying returns the pipeline that deploys commit: the newest of a push to the
// branch, else the newest that something else started there. The same commit may
// also have the pipeline of a merge request, child pipelines, and one that GitLab
// made up to hold commit statuses: none of them deploys.
func deploying(pipelines []gitops.Pipeline, branch, commit string) (gitops.Pipeline, bool) {
	candidates := slices.DeleteFunc(slices.Clone(pipelines), func(p gitops.Pipeline) bool {
		switch p.Source {
		case gitops.SourceMergeReq, gitops.SourceChild, sourceExternal:
			return true
		}
		return p.Ref != branch || p.SHA != commit
	})
	if len(candidates) == 0 {
		return gitops.Pipeline{}, false
	}
	return slices.MinFunc(candidates, func(a, b gitops.Pipeline) int {
		return cmp.Or(
			cmp.Compare(rank(a.Source), rank(b.Source)),
			cmp.Compare(b.ID, a.ID),
		)
	}), true
}

// sourceExternal is the Source of a pipeline that holds statuses of other systems.
const sourceExternal = "external"

// rank orders the sources of pipelines: pushes come first.
func rank(source string) int {
	if source == gitops.SourcePush {
		return 0
	}
	return 1
}
