package gitlab

import (
	"context"
	"time"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// maxCommits is how many commits Newer returns at most.
const maxCommits = 100

// A Project is what a project's settings say about merging.
type Project struct {
	ID                   int64  `json:"id"`
	Path                 string `json:"path_with_namespace"`
	DefaultBranch        string `json:"default_branch"`
	HTTPURL              string `json:"http_url_to_repo"`                      // where git fetches and pushes
	SquashOption         string `json:"squash_option"`                         // never, always, default_on, default_off
	MergeMethod          string `json:"merge_method"`                          // merge, rebase_merge, ff
	PipelinesMustSucceed bool   `json:"only_allow_merge_if_pipeline_succeeds"` // GitLab merges only what a pipeline has verified
}

// Project reads a project. It wraps gitops.ErrNotFound, which GitLab also answers
// for a project that the bot has no right to see.
func (c *Client) Project(ctx context.Context, project string) (Project, error) {
	p, err := read[Project](ctx, c, projectPath(project), nil)
	return p, wrap(err, "read project %q", project)
}

// A commit is a commit of a list.
type commit struct {
	ID            string    `json:"id"`
	ParentIDs     []string  `json:"parent_ids"`
	Message       string    `json:"message"`
	AuthorName    string    `json:"author_name"`
	CommittedDate time.Time `json:"committed_date"`
}

// Newer returns the commits that have landed on branch after commit id, newest first,
// at most 100. Of a merge it returns the merge commit only: what came in by it never
// was the head of the branch.
func (c *Client) Newer(ctx context.Context, project, branch, id string) ([]gitops.Commit, error) {
	found, err := list[commit](ctx, c, maxCommits, projectPath(project)+"/repository/commits", func(page api.ListOptions) any {
		return &api.ListCommitsOptions{ListOptions: page, RefName: api.Ptr(id + ".." + branch), FirstParent: api.Ptr(true)}
	})
	if err != nil {
		return nil, wrap(err, "list commits of %q in %q after %s", branch, project, gitops.Short(id))
	}
	commits := make([]gitops.Commit, 0, len(found))
	for _, f := range found {
		commits = append(commits, gitops.Commit{
			ID: f.ID, Parents: f.ParentIDs, Message: f.Message, Author: f.AuthorName, When: f.CommittedDate,
		})
	}
	return commits, nil
}

// A tag is a tag of a list.
type tag struct {
	Name      string `json:"name"`
	Protected bool   `json:"protected"`
	Commit    struct {
		ID        string    `json:"id"`
		CreatedAt time.Time `json:"created_at"`
	} `json:"commit"`
	CreatedAt time.Time `json:"created_at"` // of an annotated tag, since GitLab 16.11
}

// Tags returns the tags of project that were updated last, newest first, at most
// limit, which is at least 1. Created is the time of the tag where GitLab knows it,
// else of the commit that it points to.
func (c *Client) Tags(ctx context.Context, project string, limit int) ([]gitops.Tag, error) {
	found, err := list[tag](ctx, c, limit, projectPath(project)+"/repository/tags", func(page api.ListOptions) any {
		return &api.ListTagsOptions{ListOptions: page, OrderBy: api.Ptr("updated"), Sort: api.Ptr("desc")}
	})
	if err != nil {
		return nil, wrap(err, "list tags of %q", project)
	}
	tags := make([]gitops.Tag, 0, len(found))
	for _, f := range found {
		tags = append(tags, f.of())
	}
	return tags, nil
}

// of translates t.
func (t tag) of() gitops.Tag {
	created := t.CreatedAt
	if created.IsZero() {
		created = t.Commit.CreatedAt
	}
	return gitops.Tag{Name: t.Name, Commit: t.Commit.ID, Protected: t.Protected, Created: created}
}
