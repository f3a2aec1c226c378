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

// A mergeRequest is a merge request of a list, or read by itself.
type mergeRequest struct {
	IID                 int64                    `json:"iid"`
	Title               string                   `json:"title"`
	Description         string                   `json:"description"`
	Labels              []string                 `json:"labels"`
	State               gitops.MergeRequestState `json:"state"`
	SourceProjectID     int64                    `json:"source_project_id"`
	TargetProjectID     int64                    `json:"target_project_id"`
	SourceBranch        string                   `json:"source_branch"`
	TargetBranch        string                   `json:"target_branch"`
	SHA                 string                   `json:"sha"`
	MergeCommitSHA      string                   `json:"merge_commit_sha"`
	SquashCommitSHA     string                   `json:"squash_commit_sha"`
	MergeUser           *User                    `json:"merge_user"` // since GitLab 14.7
	MergedBy            *User                    `json:"merged_by"`  // deprecated since then
	ClosedBy            *User                    `json:"closed_by"`
	HeadPipeline        *pipeline                `json:"head_pipeline"` // not in lists
	Link                string                   `json:"web_url"`
	DetailedMergeStatus string                   `json:"detailed_merge_status"` // since GitLab 15.6
	MergeStatus         string                   `json:"merge_status"`
	Draft               bool                     `json:"draft"`
	Resolved            *bool                    `json:"blocking_discussions_resolved"`
}

// of translates mr, a merge request of project that was read by itself.
func (mr mergeRequest) of(project string) gitops.MergeRequest {
	to := gitops.MergeRequest{
		Project: project, IID: mr.IID, Link: mr.Link,
		Title: mr.Title, Description: mr.Description, Labels: mr.Labels,
		State: mr.State, Status: mr.detailedStatus(),
		Source: mr.SourceBranch, Target: mr.TargetBranch, SHA: mr.SHA,
		ClosedBy: name(mr.ClosedBy), MergedBy: cmp.Or(name(mr.MergeUser), name(mr.MergedBy)),
	}
	if mr.HeadPipeline != nil {
		to.HeadPipeline = api.Ptr(mr.HeadPipeline.of(project))
	}
	if mr.State == gitops.Merged {
		// A fast-forward has neither a merge nor, without squashing, a squash commit.
		to.Landed = cmp.Or(mr.MergeCommitSHA, mr.SquashCommitSHA, mr.SHA)
	}
	return to
}

// name returns the username, "" for nobody.
func name(user *User) string {
	if user == nil {
		return ""
	}
	return user.Username
}

// detailedStatus returns detailed_merge_status, or what GitLab before 15.6 shows of
// it in other fields, in the words of today.
func (mr mergeRequest) detailedStatus() string {
	switch {
	case mr.DetailedMergeStatus != "":
		return mr.DetailedMergeStatus
	case mr.Draft:
		return "draft_status"
	case mr.Resolved != nil && !*mr.Resolved:
		return "discussions_not_resolved"
	}
	switch mr.MergeStatus {
	case "can_be_merged":
		return "mergeable"
	case "cannot_be_merged_recheck", "cannot_be_merged_rechecking":
		return "checking"
	}
	return mr.MergeStatus // unchecked, checking, cannot_be_merged
}

// mergeRequestPath returns where the API has a merge request.
func mergeRequestPath(project string, iid int64) string {
	return fmt.Sprintf("%s/merge_requests/%d", projectPath(project), iid)
}

// Find returns the merge request from branch of project, in whatever state: an open
// one before any other, then the newest. A branch of the same name in a fork does
// not count. It wraps gitops.ErrNotFound when there is none.
func (c *Client) Find(ctx context.Context, project, branch string) (gitops.MergeRequest, error) {
	mr, err := c.search(ctx, project, &api.ListProjectMergeRequestsOptions{SourceBranch: &branch})
	return mr, wrap(err, "find merge request of branch %q in %q", branch, project)
}

// search returns the best of the newest hundred merge requests that o selects and
// that come from the project itself. GitLab's lists show no head pipeline, and may
// show an old mergeability: the best is read again by itself.
func (c *Client) search(ctx context.Context, project string, o *api.ListProjectMergeRequestsOptions) (gitops.MergeRequest, error) {
	o.ListOptions = api.ListOptions{PerPage: perPage}
	o.OrderBy, o.Sort = api.Ptr("created_at"), api.Ptr("desc")
	found, err := read[[]mergeRequest](ctx, c, projectPath(project)+"/merge_requests", o)
	if err != nil {
		return gitops.MergeRequest{}, err
	}
	found = slices.DeleteFunc(found, func(mr mergeRequest) bool { return mr.SourceProjectID != mr.TargetProjectID })
	if len(found) == 0 {
		return gitops.MergeRequest{}, gitops.ErrNotFound
	}
	live := slices.IndexFunc(found, func(mr mergeRequest) bool {
		return mr.State == gitops.Opened || mr.State == gitops.Locked
	})
	return c.MergeRequest(ctx, project, found[max(live, 0)].IID)
}

// MergeRequest reads one merge request as GitLab shows it now; reading also makes
// GitLab check whether it can be merged. It wraps gitops.ErrNotFound.
func (c *Client) MergeRequest(ctx context.Context, project string, iid int64) (gitops.MergeRequest, error) {
	mr, err := read[mergeRequest](ctx, c, mergeRequestPath(project, iid), nil)
	return mr.of(project), wrap(err, "read merge request !%d of %q", iid, project)
}

// Open returns the open merge request from p.Branch into p.Target, and opens it if
// there is none. One that was open already is returned as it is, whatever its title
// and labels. GitLab will remove the branch when it merges.
func (c *Client) Open(ctx context.Context, p gitops.Proposal) (gitops.MergeRequest, error) {
	mr, err := c.proposed(ctx, p)
	if errors.Is(err, gitops.ErrNotFound) {
		mr, err = c.create(ctx, p)
	}
	if errors.Is(err, gitops.ErrConflict) { // somebody opened it since we looked
		mr, err = c.proposed(ctx, p)
	}
	return mr, wrap(err, "open merge request of branch %q in %q", p.Branch, p.Repo)
}

// proposed returns the open merge request of p, or gitops.ErrNotFound.
func (c *Client) proposed(ctx context.Context, p gitops.Proposal) (gitops.MergeRequest, error) {
	return c.search(ctx, p.Repo, &api.ListProjectMergeRequestsOptions{
		SourceBranch: &p.Branch, TargetBranch: &p.Target, State: api.Ptr(string(gitops.Opened)),
	})
}

// create opens the merge request of p; gitops.ErrConflict when there is one.
func (c *Client) create(ctx context.Context, p gitops.Proposal) (gitops.MergeRequest, error) {
	o := &api.CreateMergeRequestOptions{
		Title: &p.Title, Description: &p.Description,
		SourceBranch: &p.Branch, TargetBranch: &p.Target,
		RemoveSourceBranch: api.Ptr(true),
	}
	if len(p.Labels) > 0 {
		o.Labels = api.Ptr(api.LabelOptions(p.Labels))
	}
	var created mergeRequest
	_, err := c.do(ctx, http.MethodPost, projectPath(p.Repo)+"/merge_requests", o, &created)
	return created.of(p.Repo), err
}

// Merge asks GitLab to merge mr while its head is mr.SHA, and to remove its branch.
// Nil means that GitLab accepted, not that it merged: only a merge request that is
// read as merged is. gitops.ErrConflict means "not as it stands now": read it again
// and decide again. gitops.ErrRefused means that the bot may not merge it.
func (c *Client) Merge(ctx context.Context, mr gitops.MergeRequest) error {
	return wrap(c.merge(ctx, mr), "merge !%d of %q", mr.IID, mr.Project)
}

// merge is Merge with errors that do not say what of.
func (c *Client) merge(ctx context.Context, mr gitops.MergeRequest) error {
	if mr.SHA == "" {
		return fmt.Errorf("GitLab does not show its head yet: %w", gitops.ErrConflict)
	}
	var accepted mergeRequest // not looked at, but a proxy's page is no acceptance
	_, err := c.do(ctx, http.MethodPut, mergeRequestPath(mr.Project, mr.IID)+"/merge", &api.AcceptMergeRequestOptions{
		SHA: &mr.SHA, ShouldRemoveSourceBranch: api.Ptr(true),
	}, &accepted)
	switch status(err) {
	case http.StatusUnauthorized:
		return c.mayNotMerge(ctx, mr.Target)
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnprocessableEntity:
		return fmt.Errorf("%v: %w", err, gitops.ErrConflict)
	}
	return err
}

// mayNotMerge explains a 401 on merging, which GitLab answers both for a token that
// it does not know and for a user who may not merge into the target branch.
func (c *Client) mayNotMerge(ctx context.Context, target string) error {
	me, err := c.askUser(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("user %q may not merge into %q: allow it in the project's protected branches, or let a person merge: %w",
		me.Username, target, gitops.ErrRefused)
}

// Close closes a merge request without merging it. One that is closed already is
// nil; one that has merged, or is just merging, is gitops.ErrConflict.
func (c *Client) Close(ctx context.Context, project string, iid int64) error {
	path := mergeRequestPath(project, iid)
	mr, err := read[mergeRequest](ctx, c, path, nil)
	if err == nil && mr.State == gitops.Opened {
		_, err = c.do(ctx, http.MethodPut, path, &api.UpdateMergeRequestOptions{StateEvent: api.Ptr("close")}, &mr)
	}
	if err == nil && mr.State != gitops.Closed {
		err = fmt.Errorf("it is %s: %w", mr.State, gitops.ErrConflict)
	}
	return wrap(err, "close merge request !%d of %q", iid, project)
}

// Label adds and removes labels of a merge request. It writes only what changes
// something; a label in both lists is removed.
func (c *Client) Label(ctx context.Context, project string, iid int64, add, remove []string) error {
	path := mergeRequestPath(project, iid)
	mr, err := read[mergeRequest](ctx, c, path, nil)
	if err != nil {
		return wrap(err, "label merge request !%d of %q", iid, project)
	}
	has := func(label string) bool { return slices.Contains(mr.Labels, label) }
	var o api.UpdateMergeRequestOptions
	plus := slices.DeleteFunc(slices.Clone(add), func(l string) bool { return has(l) || slices.Contains(remove, l) })
	if len(plus) > 0 {
		o.AddLabels = api.Ptr(api.LabelOptions(plus))
	}
	minus := slices.DeleteFunc(slices.Clone(remove), func(l string) bool { return !has(l) })
	if len(minus) > 0 {
		o.RemoveLabels = api.Ptr(api.LabelOptions(minus))
	}
	if o == (api.UpdateMergeRequestOptions{}) {
		return nil
	}
	_, err = c.do(ctx, http.MethodPut, path, &o, nil)
	return wrap(err, "label merge request !%d of %q", iid, project)
}
