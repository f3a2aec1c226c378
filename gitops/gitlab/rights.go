package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// A protection is a protected branch, or all whose names match a pattern.
type protection struct {
	Name       string  `json:"name"`
	Push       []grant `json:"push_access_levels"`
	Merge      []grant `json:"merge_access_levels"`
	CodeOwners bool    `json:"code_owner_approval_required"` // Enterprise only
}

// A grant lets a role, a user, a group or a deploy key in.
type grant struct {
	Level     int   `json:"access_level"`
	User      int64 `json:"user_id"`
	Group     int64 `json:"group_id"`
	DeployKey int64 `json:"deploy_key_id"`
}

// role reports that g is about everybody of its level.
func (g grant) role() bool { return g.User == 0 && g.Group == 0 && g.DeployKey == 0 }

// rights asks whether the bot may push or merge, as a member and under the branch's
// protection, and whether owners of code have a say in it.
func (w way) rights(ctx context.Context) ([]string, error) {
	member, err := read[struct {
		Level int `json:"access_level"`
	}](ctx, w.Client, w.path(fmt.Sprintf("members/all/%d", w.me.ID)), nil)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return clause("%s is no member of %s: make it one, as %s", w.bot(), w.project, role(developer)), nil
	case err != nil:
		return nil, err
	case member.Level < developer:
		return clause("%s is %s in %s and can push nothing: make it %s", w.bot(), role(member.Level), w.project, role(developer)), nil
	}
	all, err := list[protection](ctx, w.Client, maxRules, w.path("protected_branches"), func(page api.ListOptions) any {
		return &api.ListProtectedBranchesOptions{ListOptions: page}
	})
	if status(err) == http.StatusForbidden { // only maintainers may see them
		return w.unseen(ctx, member.Level)
	}
	all = slices.DeleteFunc(all, func(p protection) bool { return !covers(p.Name, w.branch) })
	if err != nil || len(all) == 0 {
		return nil, err
	}
	closed, err := w.closed(ctx, all, member.Level)
	if err != nil || w.push {
		return closed, err
	}
	owned, err := w.owned(ctx, all)
	return append(closed, owned...), err
}

// closed says why none of the protections of the branch lets the bot in. The mildest
// counts, and who may push may merge as well.
func (w way) closed(ctx context.Context, all []protection, level int) ([]string, error) {
	var grants []grant
	for _, p := range all {
		grants = append(grants, p.Push...)
		if !w.push {
			grants = append(grants, p.Merge...)
		}
	}
	if slices.ContainsFunc(grants, func(g grant) bool { return g.letsIn(w.me, level) }) {
		return nil, nil
	}
	for _, g := range grants {
		if in, err := w.isIn(ctx, g.Group); in || err != nil {
			return nil, err
		}
	}
	return clause("branch %s is protected: %s", w.branch, w.demand(grants, level)), nil
}

// letsIn reports that g is good for a user of that level, whatever groups it is in.
func (g grant) letsIn(u User, level int) bool {
	return g.User == u.ID || g.role() && g.Level > 0 && level >= g.Level
}

// isIn reports that the bot is a member of a group itself, as GitLab wants it of a group
// that is let in. No group has the number 0.
func (w way) isIn(ctx context.Context, group int64) (bool, error) {
	if group == 0 {
		return false, nil
	}
	member, err := read[struct {
		Level int `json:"access_level"`
	}](ctx, w.Client, fmt.Sprintf("groups/%d/members/%d", group, w.me.ID), nil)
	if hidden(err) {
		return false, nil
	}
	return member.Level >= developer, err
}

// demand says what the grants want that the bot has not, and how to mend it.
func (w way) demand(grants []grant, level int) string {
	doing, do := "merging", "merge"
	if w.push {
		doing, do = "pushing", "push"
	}
	lowest := admin
	for _, g := range grants {
		if g.role() && g.Level > 0 {
			lowest = min(lowest, g.Level)
		}
	}
	if lowest == admin {
		return fmt.Sprintf("no role below %s may %s: allow one that the bot has, or user %s", roles[admin], do, w.me.Username)
	}
	return fmt.Sprintf("%s needs %s, the bot is %s: give it that role, or allow user %s to %s", doing, role(lowest), role(level), w.me.Username, do)
}

// A tip is what everybody who reads the repository sees of a branch.
type tip struct {
	Protected       bool `json:"protected"`
	DevelopersMerge bool `json:"developers_can_merge"`
	DevelopersPush  bool `json:"developers_can_push"`
	CanPush         bool `json:"can_push"` // the bot
	Commit          struct {
		ID string `json:"id"`
	} `json:"commit"`
}

// tip reads a branch.
func (c *Client) tip(ctx context.Context, project, name string) (tip, error) {
	return read[tip](ctx, c, projectPath(project)+"/repository/branches/"+api.PathEscape(name), nil)
}

// unseen is what can be said of the branch's protection when the bot may not see it. A
// merge request into it, whosever, shows whether the bot might merge it.
func (w way) unseen(ctx context.Context, level int) ([]string, error) {
	b, err := w.tip(ctx, w.project, w.branch)
	if err != nil || !b.Protected || b.CanPush || !w.push && b.DevelopersMerge {
		return nil, err
	}
	if !w.push {
		if can, err := w.mayMergeAny(ctx); can || err != nil {
			return nil, err
		}
	}
	do := "merge"
	if w.push {
		do = "push"
	}
	return clause("branch %s is protected and GitLab does not let the bot, which is %s, %s: give it the role %s, or allow user %s to %s",
		w.branch, role(level), do, role(maintainer), w.me.Username, do), nil
}

// mayMergeAny reports that GitLab would let the bot merge the newest merge request into
// the branch, as far as rights go.
func (w way) mayMergeAny(ctx context.Context) (bool, error) {
	newest, err := read[[]mergeRequest](ctx, w.Client, w.path("merge_requests"), &api.ListProjectMergeRequestsOptions{
		ListOptions: api.ListOptions{PerPage: 1}, TargetBranch: &w.branch,
	})
	if err != nil || len(newest) == 0 {
		return false, err
	}
	mr, err := read[struct {
		User struct {
			CanMerge bool `json:"can_merge"`
		} `json:"user"`
	}](ctx, w.Client, mergeRequestPath(w.project, newest[0].IID), nil)
	return mr.User.CanMerge, err
}

// owned asks whether owners of code have to approve what is merged into the branch:
// where a protection says so and the repository names owners. Whether they own what
// the bot changes is not looked at.
func (w way) owned(ctx context.Context, all []protection) ([]string, error) {
	if !slices.ContainsFunc(all, func(p protection) bool { return p.CodeOwners }) {
		return nil, nil
	}
	for _, file := range []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"} {
		_, err := read[struct{}](ctx, w.Client, w.path("repository/files/"+api.PathEscape(file)), &api.GetFileOptions{Ref: &w.branch})
		switch {
		case err == nil:
			return clause("branch %s wants the approval of the code owners in %s: switch that off for the branch, or let the bot push to it", w.branch, file), nil
		case !errors.Is(err, gitops.ErrNotFound):
			return nil, err
		}
	}
	return nil, nil
}
