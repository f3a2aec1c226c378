package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/gitops"
	"lockstep/gitops/gitlab"
	"lockstep/gitops/repo"
	"lockstep/gitops/watch"
)

// repositories serves bot.Repos: one repo.Repo for each project, made when it is
// first asked for.
type repositories struct {
	url    string // of GitLab
	token  func() string
	author bot.AuthorConfig

	metrics *web.Metrics

	mu   sync.Mutex
	open map[string]*repo.Repo
}

// of returns the repository of a project.
func (r *repositories) of(project string) *repo.Repo {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[string]*repo.Repo{}
	}
	if r.open[project] == nil {
		r.open[project] = &repo.Repo{
			URL: r.url + "/" + project + ".git", Project: project, Password: r.token,
			Author: r.author.Name, Email: r.author.Email,
		}
	}
	return r.open[project]
}

func (r *repositories) Head(ctx context.Context, project, branch string) (id string, err error) {
	defer r.timed("read", time.Now(), &err)
	return r.of(project).Head(ctx, branch)
}

func (r *repositories) Tip(ctx context.Context, project, branch string) (c gitops.Commit, err error) {
	defer r.timed("read", time.Now(), &err)
	return r.of(project).Tip(ctx, branch)
}

func (r *repositories) At(ctx context.Context, project, commit string, files ...string) (t bot.Tree, err error) {
	defer r.timed("read", time.Now(), &err)
	if len(files) == 0 {
		files = []string{""} // no file is called so; without any, all would be read
	}
	snapshot, err := r.of(project).At(ctx, commit, files...)
	if err != nil {
		return nil, err
	}
	all, err := snapshot.Files()
	if err != nil {
		return nil, err
	}
	return tree{snapshot, all}, nil
}

func (r *repositories) Commit(_ context.Context, base bot.Tree, c gitops.Change, files map[string][]byte) (string, error) {
	return r.of(c.Repo).Commit(base.(tree).Snapshot, c, files)
}

func (r *repositories) Push(ctx context.Context, base bot.Tree, c gitops.Change, files map[string][]byte, tip string) (id string, err error) {
	defer r.timed("write", time.Now(), &err)
	return r.of(c.Repo).Push(ctx, base.(tree).Snapshot, c, files, tip)
}

func (r *repositories) Delete(ctx context.Context, project, branch, tip string) (err error) {
	defer r.timed("write", time.Now(), &err)
	return r.of(project).Delete(ctx, branch, tip)
}

// tree serves bot.Tree.
type tree struct {
	*repo.Snapshot
	files []string // all that were asked for
}

func (t tree) Match(pattern string) ([]string, error) { return gitops.Match(t.files, pattern), nil }

func (t tree) Commit() string { return t.Snapshot.Commit.ID }

// watcher serves bot.Watcher with the jobs of GitLab pipelines, or by asking each
// service.
type watcher struct {
	gitlab *gitlab.Client
	repos  *repositories
	tokens *tokens
}

func (w watcher) Services(ctx context.Context, how bot.WatchPlan, d gitops.Deployment) (gitops.Seen, error) {
	if ask := how.HTTP; ask != nil {
		return watch.HTTP{URL: ask.URL, Field: ask.Field, Token: w.tokens.of(ask.Token)}.Services(ctx, d)
	}
	pipelines := watch.GitLab{
		Source: w.gitlab, Holds: w.holds(d),
		Job: func(environment, service string) string { return watch.JobName(how.Job, environment, service) },
	}
	return pipelines.Services(ctx, d)
}

// holds returns what reports whether the value of a target of d still stands at a commit.
// A value that cannot be read there does not stand. Each commit is read once, for all of
// d's services.
func (w watcher) holds(d gitops.Deployment) func(ctx context.Context, project, commit string, t gitops.Target) (bool, error) {
	var files []string
	for _, t := range d.Services {
		files = append(files, t.File)
	}
	read := map[string]bot.Tree{}
	return func(ctx context.Context, project, commit string, t gitops.Target) (bool, error) {
		if read[commit] == nil {
			tree, err := w.repos.At(ctx, project, commit, files...)
			if err != nil {
				return false, err
			}
			read[commit] = tree
		}
		data, err := read[commit].File(t.File)
		switch {
		case errors.Is(err, gitops.ErrNotFound), errors.Is(err, gitops.ErrRefused):
			return false, nil
		case err != nil:
			return false, err
		}
		version, err := gitops.Value(t.File, data, t.Key)
		return err == nil && version == t.Version, nil
	}
}

// now is the clock of the process, in UTC.
func now() time.Time { return time.Now().UTC() }
