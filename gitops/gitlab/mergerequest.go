package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// Find returns the merge request from branch of project, in whatever state: an open
// one before any other, then the newest. A branch of the same name in a fork does
// not count. It wraps gitops.ErrNotFound when there is none.
func (c *Client) Find(ctx context.Context, project, branch string) (gitops.MergeRequest, error) {
	found, err := c.list(ctx, project, &api.ListProjectMergeRequestsOptions{SourceBranch: &branch})
	if err != nil {
		return gitops.MergeRequest{}, fmt.Errorf("find merge request of branch %q in %q: %w", branch, project, err)
	}
	if len(found) == 0 {
		return gitops.MergeRequest{}, fmt.Errorf("find merge request of branch %q in %q: %w", branch, project, gitops.ErrNotFound)
	}
	best := found[0]
	if i := slices.IndexFunc(found, open); i >= 0 {
		best = found[i]
	}
	return c.MergeRequest(ctx, project, int64(best.IID))
}

// open reports that mr can still merge.
func open(mr *api.MergeRequest) bool {
	state := gitops.MergeRequestState(mr.State)
	return state == gitops.Opened || state == gitops.Locked
}

// list returns the newest hundred merge requests that o selects and whose source
// branch is in the project itself, newest first. GitLab's lists show no head
// pipeline and may show an old mergeability: read the one that matters by itself.
func (c *Client) list(ctx context.Context, project string, o *api.ListProjectMergeRequestsOptions) ([]*api.MergeRequest, error) {
	o.ListOptions = api.ListOptions{PerPage: perPage}
	o.OrderBy, o.Sort = api.Ptr("created_at"), api.Ptr("desc")
	found, _, err := c.client.MergeRequests.ListProjectMergeRequests(project, o, in(ctx))
	if err != nil {
		return nil, c.why(err)
	}
	return slices.DeleteFunc(found, func(mr *api.MergeRequest) bool {
		return mr.SourceProjectID != mr.TargetProjectID
	}), nil
}

// Open returns the open merge request from p.Branch into p.Target, and opens it if
// there is none. One that was open already is returned as it is, whatever its title
// and labels. GitLab will remove the branch when it merges.
func (c *Client) Open(ctx context.Context, p gitops.Proposal) (gitops.MergeRequest, error) {
	mr, err := c.proposed(ctx, p)
	if !errors.Is(err, gitops.ErrNotFound) {
		return mr, wrap(err, "open merge request of branch %q in %q", p.Branch, p.Repo)
	}
	created, err := c.create(ctx, p)
	if errors.Is(err, gitops.ErrConflict) {
		// Somebody opened it since we looked: another of us, or GitLab after an
		// answer that was lost.
		mr, err = c.proposed(ctx, p)
		return mr, wrap(err, "open merge request of branch %q in %q", p.Branch, p.Repo)
	}
	if err != nil {
		return gitops.MergeRequest{}, wrap(err, "open merge request of branch %q in %q", p.Branch, p.Repo)
	}
	return mergeRequest(p.Repo, created), nil
}

// proposed returns the open merge request of p, or gitops.ErrNotFound.
func (c *Client) proposed(ctx context.Context, p gitops.Proposal) (gitops.MergeRequest, error) {
	found, err := c.list(ctx, p.Repo, &api.ListProjectMergeRequestsOptions{
		SourceBranch: &p.Branch, TargetBranch: &p.Target, State: api.Ptr(string(gitops.Opened)),
	})
	if err != nil {
		return gitops.MergeRequest{}, err
	}
	if len(found) == 0 {
		return gitops.MergeRequest{}, gitops.ErrNotFound
	}
	return c.MergeRequest(ctx, p.Repo, int64(found[0].IID))
}

// create opens the merge request of p.
func (c *Client) create(ctx context.Context, p gitops.Proposal) (*api.MergeRequest, error) {
	o := &api.CreateMergeRequestOptions{
		Title: &p.Title, Description: &p.Description,
		SourceBranch: &p.Branch, TargetBranch: &p.Target,
		RemoveSourceBranch: api.Ptr(true),
	}
	if len(p.Labels) > 0 {
		o.Labels = api.Ptr(api.LabelOptions(p.Labels))
	}
	created, _, err := c.client.MergeRequests.CreateMergeRequest(p.Repo, o, in(ctx))
	if err != nil {
		return nil, c.why(err)
	}
	return created, nil
}

// MergeRequest reads one merge request as GitLab shows it now; reading also makes
// GitLab check whether it can be merged. It wraps gitops.ErrNotFound.
func (c *Client) MergeRequest(ctx context.Context, project string, iid int64) (gitops.MergeRequest, error) {
	mr, _, err := c.client.MergeRequests.GetMergeRequest(project, int(iid), nil, in(ctx))
	if err != nil {
		return gitops.MergeRequest{}, wrap(c.why(err), "read merge request !%d of %q", iid, project)
	}
	return mergeRequest(project, mr), nil
}

// Merge asks GitLab to merge mr while its head is mr.SHA, and to remove its branch.
// Nil means that GitLab accepted, not that it merged: only a merge request that is
// read as merged is. gitops.ErrConflict means "not as it stands now": read it again
// and decide again. gitops.ErrRefused means that the bot may not merge it.
func (c *Client) Merge(ctx context.Context, mr gitops.MergeRequest) error {
	if mr.SHA == "" {
		return fmt.Errorf("merge !%d of %q: GitLab does not show its head yet: %w", mr.IID, mr.Project, gitops.ErrConflict)
	}
	_, _, err := c.client.MergeRequests.AcceptMergeRequest(mr.Project, int(mr.IID), &api.AcceptMergeRequestOptions{
		SHA:                      &mr.SHA,
		ShouldRemoveSourceBranch: api.Ptr(true),
	}, in(ctx))
	if err == nil {
		return nil
	}
	switch why := c.why(err); status(err) {
	case http.StatusUnauthorized:
		return wrap(c.mayNotMerge(ctx, mr), "merge !%d of %q", mr.IID, mr.Project)
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnprocessableEntity:
		return fmt.Errorf("merge !%d of %q: %v: %w", mr.IID, mr.Project, why, gitops.ErrConflict)
	default:
		return wrap(why, "merge !%d of %q", mr.IID, mr.Project)
	}
}

// mayNotMerge explains a 401 on merging, which GitLab answers both for a token that
// it does not know and for a user who may not merge into the target branch.
func (c *Client) mayNotMerge(ctx context.Context, mr gitops.MergeRequest) error {
	me, err := c.askUser(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("user %q may not merge into %q: allow it in the project's protected branches, or let a person merge: %w",
		me.Username, mr.Target, gitops.ErrRefused)
}

// Close closes a merge request without merging it. One that is closed already is
// nil; one that has merged, or is just merging, is gitops.ErrConflict.
func (c *Client) Close(ctx context.Context, project string, iid int64) error {
	mr, err := c.MergeRequest(ctx, project, iid)
	if err != nil {
		return wrap(err, "close merge request")
	}
	if mr.State == gitops.Opened {
		answer, _, err := c.client.MergeRequests.UpdateMergeRequest(project, int(iid),
			&api.UpdateMergeRequestOptions{StateEvent: api.Ptr("close")}, in(ctx))
		if err != nil {
			return wrap(c.why(err), "close merge request !%d of %q", iid, project)
		}
		mr.State = gitops.MergeRequestState(answer.State)
	}
	if mr.State != gitops.Closed {
		return fmt.Errorf("close merge request !%d of %q: it is %s: %w", iid, project, mr.State, gitops.ErrConflict)
	}
	return nil
}

// Label adds and removes labels of a merge request. It writes only what changes
// something; a label in both lists is removed.
func (c *Client) Label(ctx context.Context, project string, iid int64, add, remove []string) error {
	mr, err := c.MergeRequest(ctx, project, iid)
	if err != nil {
		return wrap(err, "label merge request")
	}
	has := func(label string) bool { return slices.Contains(mr.Labels, label) }
	gone := func(label string) bool { return slices.Contains(remove, label) }
	plus := slices.DeleteFunc(slices.Clone(add), func(l string) bool { return has(l) || gone(l) })
	minus := slices.DeleteFunc(slices.Clone(remove), func(l string) bool { return !has(l) })
	if len(plus) == 0 && len(minus) == 0 {
		return nil
	}
	o := &api.UpdateMergeRequestOptions{}
	if len(plus) > 0 {
		o.AddLabels = api.Ptr(api.LabelOptions(plus))
	}
	if len(minus) > 0 {
		o.RemoveLabels = api.Ptr(api.LabelOptions(minus))
	}
	_, _, err = c.client.MergeRequests.UpdateMergeRequest(project, int(iid), o, in(ctx))
	return wrap(c.why(err), "label merge request !%d of %q", iid, project)
}

// mergeRequest translates a merge request that was read by itself.
func mergeRequest(project string, from *api.MergeRequest) gitops.MergeRequest {
	mr := gitops.MergeRequest{
		Project: project, IID: int64(from.IID), Link: from.WebURL,
		Title: from.Title, Description: from.Description, Labels: from.Labels,
		State:  gitops.MergeRequestState(from.State),
		Source: from.SourceBranch, Target: from.TargetBranch, SHA: from.SHA,
		Status: detailedStatus(from), HeadPipeline: headPipeline(project, from.HeadPipeline),
	}
	if from.MergedBy != nil {
		mr.MergedBy = from.MergedBy.Username
	}
	if from.ClosedBy != nil {
		mr.ClosedBy = from.ClosedBy.Username
	}
	if mr.State == gitops.Merged {
		// A fast-forward has neither a merge nor, without squashing, a squash commit.
		mr.Landed = cmp.Or(from.MergeCommitSHA, from.SquashCommitSHA, from.SHA)
	}
	return mr
}

// detailedStatus returns detailed_merge_status, or what GitLab before 15.6 shows of
// it in other fields, in the words of today.
func detailedStatus(from *api.MergeRequest) string {
	switch {
	case from.DetailedMergeStatus != "":
		return from.DetailedMergeStatus
	case from.Draft:
		return "draft_status"
	case !from.BlockingDiscussionsResolved:
		return "discussions_not_resolved"
	case from.MergeStatus == "can_be_merged":
		return "mergeable"
	case from.MergeStatus == "cannot_be_merged_recheck", from.MergeStatus == "cannot_be_merged_rechecking":
		return "checking"
	}
	return from.MergeStatus // unchecked, checking, cannot_be_merged
}

// headPipeline translates the pipeline of a merge request's head.
func headPipeline(project string, from *api.Pipeline) *gitops.Pipeline {
	if from == nil {
		return nil
	}
	p := pipeline(project, from)
	return &p
}

// wrap says what was being done when err came up; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
