package gitlab

import (
	"context"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// maxCommits is how many commits Newer returns at most.
const maxCommits = 100

// A Project is what a project's settings say about merging.
type Project struct {
	ID                   int64
	Path                 string // path with namespace
	DefaultBranch        string
	HTTPURL              string // where git fetches and pushes
	SquashOption         string // never, always, default_on, default_off
	MergeMethod          string // merge, rebase_merge, ff
	PipelinesMustSucceed bool   // GitLab merges only what a pipeline has verified
}

// Project reads a project. It wraps gitops.ErrNotFound, which GitLab also answers
// for a project that the bot has no right to see.
func (c *Client) Project(ctx context.Context, project string) (Project, error) {
	p, _, err := c.client.Projects.GetProject(project, nil, in(ctx))
	if err != nil {
		return Project{}, wrap(c.why(err), "read project %q", project)
	}
	return Project{
		ID: int64(p.ID), Path: p.PathWithNamespace, DefaultBranch: p.DefaultBranch, HTTPURL: p.HTTPURLToRepo,
		SquashOption: string(p.SquashOption), MergeMethod: string(p.MergeMethod),
		PipelinesMustSucceed: p.OnlyAllowMergeIfPipelineSucceeds,
	}, nil
}

// Newer returns the commits that have landed on branch after commit, newest first,
// at most 100. Of a merge it returns the merge commit only: what came in by it never
// was the head of the branch.
func (c *Client) Newer(ctx context.Context, project, branch, commit string) ([]gitops.Commit, error) {
	found, _, err := c.client.Commits.ListCommits(project, &api.ListCommitsOptions{
		ListOptions: api.ListOptions{PerPage: maxCommits},
		RefName:     api.Ptr(commit + ".." + branch),
		FirstParent: api.Ptr(true),
	}, in(ctx))
	if err != nil {
		return nil, wrap(c.why(err), "list commits of %q in %q after %s", branch, project, gitops.Short(commit))
	}
	commits := make([]gitops.Commit, 0, len(found))
	for _, f := range found {
		commits = append(commits, gitops.Commit{
			ID: f.ID, Parents: f.ParentIDs, Message: f.Message, Author: f.AuthorName, When: moment(f.CommittedDate),
		})
	}
	return commits, nil
}

// Tags returns the tags of project that were updated last, newest first, at most
// limit. Created is the time of the commit that a tag points to.
func (c *Client) Tags(ctx context.Context, project string, limit int) ([]gitops.Tag, error) {
	found, err := all(limit, func(page api.ListOptions) ([]*api.Tag, *api.Response, error) {
		return c.client.Tags.ListTags(project, &api.ListTagsOptions{
			ListOptions: page, OrderBy: api.Ptr("updated"), Sort: api.Ptr("desc"),
		}, in(ctx))
	})
	if err != nil {
		return nil, wrap(c.why(err), "list tags of %q", project)
	}
	tags := make([]gitops.Tag, 0, len(found))
	for _, f := range found {
		tag := gitops.Tag{Name: f.Name, Protected: f.Protected}
		if f.Commit != nil {
			tag.Commit, tag.Created = f.Commit.ID, moment(f.Commit.CreatedAt)
		}
		tags = append(tags, tag)
	}
	return tags, nil
}
