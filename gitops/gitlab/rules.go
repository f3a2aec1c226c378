package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// maxRules is how many protected branches, approval rules and status checks of a
// project are read of each.
const maxRules = 1000

// Obstacles returns why the bot could not bring a change onto branch of project by
// itself, a clause with its cure for each: by a merge request, or with push by pushing
// to the branch. None means that no rule which GitLab shows the bot stands in the way.
// Pipelines that have to succeed and discussions that have to be resolved do not. It is
// asked anew each time, because rights change; an error means that nobody could tell.
func (c *Client) Obstacles(ctx context.Context, project, branch string, push bool) ([]string, error) {
	found, err := c.obstacles(ctx, project, branch, push)
	return found, wrap(err, "read what stands in the way to branch %q of %q", branch, project)
}

// obstacles is Obstacles with errors that do not say what of. First comes what would
// hide the rest.
func (c *Client) obstacles(ctx context.Context, project, branch string, push bool) ([]string, error) {
	me, err := c.User(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := read[settings](ctx, c, projectPath(project), nil)
	w := way{c, project, branch, push, me, rules}
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return clause("GitLab shows %s no project %s: correct its path, or make the bot a member as %s", w.bot(), project, role(developer)), nil
	case err != nil:
		return nil, err
	case rules.Archived:
		return clause("project %s is archived: unarchive it", project), nil
	case !push && rules.MergeRequests == "disabled":
		return clause("project %s has merge requests switched off: switch them on", project), nil
	}
	asked := []func(context.Context) ([]string, error){w.rights}
	if !push {
		asked = []func(context.Context) ([]string, error){w.checks, w.rights, w.approvals}
	}
	var all []string
	for _, ask := range asked {
		more, err := ask(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// settings are what a project's own answer says of its rules.
type settings struct {
	Archived      bool   `json:"archived"`
	MergeRequests string `json:"merge_requests_access_level"`                  // disabled, private, enabled
	Approvals     int    `json:"approvals_before_merge"`                       // where there are no approval rules; Enterprise only
	ChecksCount   bool   `json:"only_allow_merge_if_all_status_checks_passed"` // Enterprise only, since GitLab 15.5
}

// A way is what the bot would have to go to bring a change onto a branch.
type way struct {
	*Client
	project, branch string
	push            bool
	me              User
	rules           settings
}

// bot returns how people are told of the bot.
func (w way) bot() string { return fmt.Sprintf("the bot (user %s)", w.me.Username) }

// clause returns one obstacle.
func clause(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...)} }

// path returns where the API has something of the project.
func (w way) path(below string) string { return projectPath(w.project) + "/" + below }

// An approvalRule is one of a project's approval rules.
type approvalRule struct {
	Name     string `json:"name"`
	Required int    `json:"approvals_required"`
	Every    bool   `json:"applies_to_all_protected_branches"`
	limits
}

// limits are the protected branches that a rule is about.
type limits struct {
	Branches []struct {
		Name string `json:"name"`
	} `json:"protected_branches"` // none: every branch of the project
}

// concern reports that the rule is about branch.
func (l limits) concern(branch string) bool {
	return len(l.Branches) == 0 || l.name(branch)
}

// name reports that one of the protected branches is branch, or a pattern of it.
func (l limits) name(branch string) bool {
	for _, b := range l.Branches {
		if covers(b.Name, branch) {
			return true
		}
	}
	return false
}

// concern reports that the rule is about branch. One for all protected branches lists
// those that there are, which may be none.
func (r approvalRule) concern(branch string) bool {
	if r.Every && r.Branches != nil {
		return r.name(branch)
	}
	return r.limits.concern(branch)
}

// approvals asks how many people have to approve. The answers 403 and 404 say that this
// edition, or its licence, has no such rules.
func (w way) approvals(ctx context.Context) ([]string, error) {
	rules, err := list[approvalRule](ctx, w.Client, maxRules, w.path("approval_rules"), func(page api.ListOptions) any {
		return (*api.GetProjectApprovalRulesListsOptions)(&page)
	})
	if err != nil && !hidden(err) {
		return nil, err
	}
	const cure = "limit that to other branches, or let the bot push to this one"
	if len(rules) == 0 && w.rules.Approvals > 0 {
		return clause("project %s wants %s before it merges: %s", w.project, count(w.rules.Approvals, "approval"), cure), nil
	}
	var all []string
	for _, r := range rules {
		if r.Required > 0 && r.concern(w.branch) {
			all = append(all, clause("approval rule %q wants %s for branch %s: %s", r.Name, count(r.Required, "approval"), w.branch, cure)...)
		}
	}
	return all, nil
}

// A statusCheck is an outside system that is asked about merge requests.
type statusCheck struct {
	Name string `json:"name"`
	limits
}

// checks asks which outside systems have to agree. To who may not see them GitLab
// answers 401 as to a bad token, which the next question would then meet as well: so
// this one must not be the last.
func (w way) checks(ctx context.Context) ([]string, error) {
	if !w.rules.ChecksCount {
		return nil, nil
	}
	checks, err := list[statusCheck](ctx, w.Client, maxRules, w.path("external_status_checks"), func(page api.ListOptions) any { return &page })
	switch {
	case status(err) == http.StatusNotFound:
		return nil, nil
	case status(err) == http.StatusForbidden || status(err) == http.StatusUnauthorized:
		return clause("project %s merges only what all external status checks have passed, and does not show the bot which: make it %s, or let merges go without them",
			w.project, role(maintainer)), nil
	case err != nil:
		return nil, err
	}
	var all []string
	for _, s := range checks {
		if s.concern(w.branch) {
			all = append(all, clause("external status check %q has to pass for branch %s: limit it to other branches, or let merges go without it", s.Name, w.branch)...)
		}
	}
	return all, nil
}

// hidden reports that GitLab has no such thing, or none for the bot.
func hidden(err error) bool {
	return status(err) == http.StatusForbidden || status(err) == http.StatusNotFound
}

// count returns n things in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// The access levels that rules speak of.
const (
	developer  = 30
	maintainer = 40
	admin      = 60
)

// roles are the names of access levels.
var roles = map[int]string{
	5: "Minimal Access", 10: "Guest", 15: "Planner", 20: "Reporter", developer: "Developer", maintainer: "Maintainer",
	50: "Owner", admin: "Administrator",
}

// role returns an access level as people read it: Developer (30).
func role(level int) string { return fmt.Sprintf("%s (%d)", cmp.Or(roles[level], "level"), level) }

// covers reports that pattern, the name of a protected branch in which "*" stands for
// anything, is about branch.
func covers(pattern, branch string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == branch
	}
	first, last := parts[0], parts[len(parts)-1]
	rest, ok := strings.CutPrefix(branch, first)
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}
