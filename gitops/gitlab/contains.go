package gitlab

import (
	"context"
	"net/http"
	"strings"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// unknownRef is in GitLab's answer to a question about a commit that it does not have.
const unknownRef = "Could not find ref"

// Contains reports whether branch of project holds commit id in its history. One that
// the project does not have is in no branch. It wraps gitops.ErrNotFound when there is
// no such branch.
func (c *Client) Contains(ctx context.Context, project, branch, id string) (bool, error) {
	in, err := c.contains(ctx, project, branch, id)
	return in, wrap(err, "look for commit %s in branch %q of %q", gitops.Short(id), branch, project)
}

// contains is Contains with errors that do not say what of. It names the branch to
// GitLab by its head, because a tag may have the branch's name.
func (c *Client) contains(ctx context.Context, project, name, id string) (bool, error) {
	b, err := c.tip(ctx, project, name)
	if err != nil || id == "" || b.Commit.ID == id {
		return err == nil && id != "", err
	}
	base, err := read[commit](ctx, c, projectPath(project)+"/repository/merge_base", &api.MergeBaseOptions{Ref: &[]string{id, b.Commit.ID}})
	switch {
	case status(err) == http.StatusBadRequest && strings.Contains(err.Error(), unknownRef):
		return false, nil
	case status(err) == http.StatusNotFound: // they have no ancestor in common
		return false, nil
	}
	return err == nil && base.ID == id, err
}
