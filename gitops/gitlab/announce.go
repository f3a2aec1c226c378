package gitlab

import (
	"context"
	"encoding/base64"
	"fmt"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// maxFile is how many bytes File reads at most.
const maxFile = 64 << 10

// Tag reads one tag of project. It wraps gitops.ErrNotFound when there is none of that
// name.
func (c *Client) Tag(ctx context.Context, project, name string) (gitops.Tag, error) {
	t, err := read[tag](ctx, c, projectPath(project)+"/repository/tags/"+api.PathEscape(name), nil)
	return t.of(), wrap(err, "read tag %q of %q", name, project)
}

// A release is a release of a list.
type release struct {
	Tag      string `json:"tag_name"`
	Upcoming bool   `json:"upcoming_release"`
	Commit   struct {
		ID string `json:"id"`
	} `json:"commit"`
	Author struct {
		Username string `json:"username"`
	} `json:"author"`
	Links struct {
		Self string `json:"self"`
	} `json:"_links"`
}

// Releases returns the releases of project whose time came last or is to come, newest
// first, at most limit, which is at least 1.
func (c *Client) Releases(ctx context.Context, project string, limit int) ([]gitops.Release, error) {
	found, err := list[release](ctx, c, limit, projectPath(project)+"/releases", func(page api.ListOptions) any {
		return &api.ListReleasesOptions{ListOptions: page, OrderBy: api.Ptr("released_at"), Sort: api.Ptr("desc")}
	})
	if err != nil {
		return nil, wrap(err, "list releases of %q", project)
	}
	releases := make([]gitops.Release, 0, len(found))
	for _, f := range found {
		releases = append(releases, gitops.Release{
			Tag: f.Tag, Commit: f.Commit.ID, Author: f.Author.Username, Upcoming: f.Upcoming, Link: f.Links.Self,
		})
	}
	return releases, nil
}

// Succeeded returns the newest pipelines of project that have succeeded, newest first, at
// most limit, which is at least 1: those of a branch, or with "" the last one of each tag
// where that has succeeded.
func (c *Client) Succeeded(ctx context.Context, project, branch string, limit int) ([]gitops.Pipeline, error) {
	found, err := list[pipeline](ctx, c, limit, projectPath(project)+"/pipelines", func(page api.ListOptions) any {
		o := &api.ListProjectPipelinesOptions{
			ListOptions: page, OrderBy: api.Ptr("id"), Sort: api.Ptr("desc"),
			Ref: optional(branch), Status: api.Ptr(api.BuildStateValue(gitops.StatusSuccess)),
		}
		if branch == "" {
			o.Scope = api.Ptr("tags")
		}
		return o
	})
	if err != nil {
		return nil, wrap(err, "list successful pipelines of %q", project)
	}
	pipelines := make([]gitops.Pipeline, 0, len(found))
	for _, p := range found {
		pipelines = append(pipelines, p.of(project))
	}
	return pipelines, nil
}

// OfTag reports whether a pipeline ran for a tag. Lists do not say, and a tag may have the
// name of a branch. It wraps gitops.ErrNotFound.
func (c *Client) OfTag(ctx context.Context, project string, id int64) (bool, error) {
	p, err := read[struct {
		Tag bool `json:"tag"`
	}](ctx, c, pipelinePath(project, id), nil)
	return p.Tag, wrap(err, "read pipeline %d of %q", id, project)
}

// Head returns the commit that a branch of project points to. It wraps gitops.ErrNotFound
// when there is no such branch.
func (c *Client) Head(ctx context.Context, project, branch string) (string, error) {
	b, err := c.tip(ctx, project, branch)
	return b.Commit.ID, wrap(err, "read branch %q of %q", branch, project)
}

// File reads a small file of project at a commit. It wraps gitops.ErrNotFound when there
// is none, and gitops.ErrRefused when it has more than 64 KiB.
func (c *Client) File(ctx context.Context, project, commit, path string) ([]byte, error) {
	f, err := read[struct {
		Size    int64  `json:"size"`
		Content string `json:"content"` // base64
	}](ctx, c, projectPath(project)+"/repository/files/"+api.PathEscape(path), &api.GetFileOptions{Ref: &commit})
	if err == nil && f.Size > maxFile {
		err = fmt.Errorf("it has %d bytes, and may have %d: %w", f.Size, maxFile, gitops.ErrRefused)
	}
	var content []byte
	if err == nil {
		content, err = base64.StdEncoding.DecodeString(f.Content)
	}
	return content, wrap(err, "read %q of %q at %s", path, project, gitops.Short(commit))
}
