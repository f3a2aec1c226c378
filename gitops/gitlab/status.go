package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// maxStatuses is how many statuses of a commit are searched for the bot's own.
const maxStatuses = 500

// A commitStatus is a status of a commit, as GitLab lists it.
type commitStatus struct {
	ID     int64         `json:"id"`
	Ref    string        `json:"ref"`
	Status gitops.Status `json:"status"`
	Author User          `json:"author"`
}

// SetStatus makes the bot's status of that name on a commit have s.State. One that has it
// already stays as it is, whatever it says: GitLab refuses the same state again, and
// after the end of a status adds another one.
//
// With s.IID the status goes into the pipeline of that merge request. Where that has none
// of exactly this commit nothing is set, because GitLab would make a pipeline for it.
func (c *Client) SetStatus(ctx context.Context, s gitops.CommitStatus) error {
	return wrap(c.setStatus(ctx, s), "set status %q of %s in %q", s.Name, gitops.Short(s.Commit), s.Project)
}

// setStatus is SetStatus with errors that do not say what of.
func (c *Client) setStatus(ctx context.Context, s gitops.CommitStatus) error {
	o := struct {
		api.SetCommitStatusOptions
		Pipeline *int64 `json:"pipeline_id,omitempty"`
	}{SetCommitStatusOptions: api.SetCommitStatusOptions{
		State: api.BuildStateValue(s.State), Name: &s.Name, Description: &s.Description, TargetURL: optional(s.Link), Ref: optional(s.Ref),
	}}
	if s.IID != 0 {
		pipeline, err := c.ownPipeline(ctx, s)
		if err != nil || pipeline == nil {
			return err
		}
		o.Pipeline = &pipeline.ID
	}
	now, err := c.ownStatus(ctx, s)
	if err != nil || now == s.State {
		return err
	}
	_, err = c.do(ctx, http.MethodPost, fmt.Sprintf("%s/statuses/%s", projectPath(s.Project), s.Commit), &o, nil)
	if status(err) == http.StatusBadRequest && strings.Contains(err.Error(), "Cannot transition status") {
		return nil // somebody was quicker, or it cannot be there from where it is
	}
	return err
}

// ownPipeline returns the pipeline of the merge request itself that ran for the commit;
// nil without one.
func (c *Client) ownPipeline(ctx context.Context, s gitops.CommitStatus) (*pipeline, error) {
	mr, err := read[mergeRequest](ctx, c, mergeRequestPath(s.Project, s.IID), nil)
	if err != nil || mr.HeadPipeline == nil || mr.HeadPipeline.SHA != s.Commit || mr.HeadPipeline.Ref == mr.TargetBranch {
		return nil, err
	}
	return mr.HeadPipeline, nil
}

// ownStatus returns the state of the bot's newest status of that name; "" without one.
func (c *Client) ownStatus(ctx context.Context, s gitops.CommitStatus) (gitops.Status, error) {
	me, err := c.User(ctx)
	if err != nil {
		return "", err
	}
	path := fmt.Sprintf("%s/repository/commits/%s/statuses", projectPath(s.Project), s.Commit)
	found, err := list[commitStatus](ctx, c, maxStatuses, path, func(page api.ListOptions) any {
		return &api.GetCommitStatusesOptions{ListOptions: page, Name: &s.Name, Ref: optional(s.Ref)}
	})
	if err != nil {
		return "", err
	}
	var newest commitStatus
	for _, f := range found {
		if f.Author.ID == me.ID && f.ID > newest.ID {
			newest = f
		}
	}
	return newest.Status, nil
}
