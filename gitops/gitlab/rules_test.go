package gitlab

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"lockstep/fixtures"
	"lockstep/gitops"
)

// obstacles asks for what stands in the way, in one line.
func obstacles(t *testing.T, c *Client, push bool) string {
	t.Helper()
	found, err := c.Obstacles(t.Context(), env, "main", push)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(found, " | ")
}

// TestObstacles asks a GitLab under its rules, and holds the answer to what it then does.
func TestObstacles(t *testing.T) {
	t.Parallel()
	const nothing = ""
	bot := func(level int) func(*fixtures.GitLab) error {
		return func(g *fixtures.GitLab) error { return g.Member(env, "lockstep-bot", level) }
	}
	protect := func(branch string, merge, push int, users ...string) func(*fixtures.GitLab) error {
		return func(g *fixtures.GitLab) error { return g.Protect(env, branch, merge, push, users...) }
	}
	open := func(g *fixtures.GitLab) error { return g.Unprotect(env, "main") }
	rules := func(n int, branches ...string) func(*fixtures.GitLab) error {
		return func(g *fixtures.GitLab) error { return g.RequireApprovals(env, n, branches...) }
	}
	check := func(branches ...string) func(*fixtures.GitLab) error {
		return func(g *fixtures.GitLab) error { return g.RequireStatusCheck(env, "board", branches...) }
	}
	archive := func(g *fixtures.GitLab) error { return g.Archive(env, true) }
	for name, test := range map[string]struct {
		edition     string
		given       []func(*fixtures.GitLab) error
		merge, push string
	}{
		"as it is created": {"CE", nil, nothing, nothing},
		"not protected":    {"CE", []func(*fixtures.GitLab) error{open, bot(30)}, nothing, nothing},
		"a reporter": {
			"CE",
			[]func(*fixtures.GitLab) error{bot(20)},
			"the bot (user lockstep-bot) is Reporter (20) in env/mda and can push nothing: make it Developer (30)",
			"the bot (user lockstep-bot) is Reporter (20) in env/mda and can push nothing: make it Developer (30)",
		},
		"a stranger": {
			"CE",
			[]func(*fixtures.GitLab) error{bot(0)},
			"GitLab shows the bot (user lockstep-bot) no project env/mda: correct its path, or make the bot a member as Developer (30)",
			"GitLab shows the bot (user lockstep-bot) no project env/mda: correct its path, or make the bot a member as Developer (30)",
		},
		"archived": {"CE", []func(*fixtures.GitLab) error{archive}, "project env/mda is archived: unarchive it", "project env/mda is archived: unarchive it"},
		"nobody pushes": {
			"CE",
			[]func(*fixtures.GitLab) error{protect("main", 40, 0)},
			nothing,
			"branch main is protected: no role below Administrator may push: allow one that the bot has, or user lockstep-bot",
		},
		"who pushes may merge": {"CE", []func(*fixtures.GitLab) error{protect("main", 0, 40)}, nothing, nothing},
		"administrators alone": {
			"CE",
			[]func(*fixtures.GitLab) error{protect("main", 60, 60)},
			"branch main is protected: no role below Administrator may merge: allow one that the bot has, or user lockstep-bot",
			"branch main is protected: no role below Administrator may push: allow one that the bot has, or user lockstep-bot",
		},
		"a pattern forbids": {
			"CE",
			[]func(*fixtures.GitLab) error{open, protect("m*n", 0, 0)},
			"branch main is protected: no role below Administrator may merge: allow one that the bot has, or user lockstep-bot",
			"branch main is protected: no role below Administrator may push: allow one that the bot has, or user lockstep-bot",
		},
		"the mildest counts": {"CE", []func(*fixtures.GitLab) error{protect("main", 0, 0), protect("*", 40, 40)}, nothing, nothing},
		"other branches":     {"CE", []func(*fixtures.GitLab) error{open, protect("mai", 0, 0), protect("*x", 0, 0)}, nothing, nothing},
		"a developer may not see": {
			"CE",
			[]func(*fixtures.GitLab) error{bot(30)},
			"branch main is protected and GitLab does not let the bot, which is Developer (30), merge: give it the role Maintainer (40), or allow user lockstep-bot to merge",
			"branch main is protected and GitLab does not let the bot, which is Developer (30), push: give it the role Maintainer (40), or allow user lockstep-bot to push",
		},
		"developers may": {"CE", []func(*fixtures.GitLab) error{protect("main", 30, 30), bot(30)}, nothing, nothing},
		"developers may merge": {
			"CE",
			[]func(*fixtures.GitLab) error{protect("main", 30, 40), bot(30)},
			nothing,
			"branch main is protected and GitLab does not let the bot, which is Developer (30), push: give it the role Maintainer (40), or allow user lockstep-bot to push",
		},
		"by name":                 {"EE", []func(*fixtures.GitLab) error{protect("main", 0, 40, "lockstep-bot")}, nothing, nothing},
		"by name, as a developer": {"EE", []func(*fixtures.GitLab) error{protect("main", 0, 30, "lockstep-bot"), bot(30)}, nothing, nothing},
		"somebody else": {
			"EE",
			[]func(*fixtures.GitLab) error{protect("main", 0, 0, "operator")},
			"branch main is protected: no role below Administrator may merge: allow one that the bot has, or user lockstep-bot",
			"branch main is protected: no role below Administrator may push: allow one that the bot has, or user lockstep-bot",
		},
		"approvals": {
			"EE",
			[]func(*fixtures.GitLab) error{rules(2)},
			`approval rule "All Members" wants 2 approvals for branch main: limit that to other branches, or let the bot push to this one`,
			nothing,
		},
		"approvals for it, as a developer": {
			"EE",
			[]func(*fixtures.GitLab) error{protect("main", 30, 30), rules(1, "main"), bot(30)},
			`approval rule "All Members" wants 1 approval for branch main: limit that to other branches, or let the bot push to this one`,
			nothing,
		},
		"approvals elsewhere": {"EE", []func(*fixtures.GitLab) error{protect("release/*", 40, 40), rules(2, "release/*")}, nothing, nothing},
		"a status check": {
			"EE",
			[]func(*fixtures.GitLab) error{check("main")},
			`external status check "board" has to pass for branch main: limit it to other branches, or let merges go without it`,
			nothing,
		},
		"a status check elsewhere": {"EE", []func(*fixtures.GitLab) error{protect("other", 40, 40), check("other")}, nothing, nothing},
		"a status check that is not shown": {
			"EE",
			[]func(*fixtures.GitLab) error{protect("main", 30, 30), check(), bot(30)},
			"project env/mda merges only what all external status checks have passed, and does not show the bot which: make it Maintainer (40), or let merges go without them",
			nothing,
		},
		"several": {
			"EE",
			[]func(*fixtures.GitLab) error{protect("main", 0, 0), rules(1)},
			`branch main is protected: no role below Administrator may merge: allow one that the bot has, or user lockstep-bot | ` +
				`approval rule "All Members" wants 1 approval for branch main: limit that to other branches, or let the bot push to this one`,
			"branch main is protected: no role below Administrator may push: allow one that the bot has, or user lockstep-bot",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{Edition: test.edition})
			for _, switched := range test.given {
				if err := switched(g); err != nil {
					t.Fatal(err)
				}
			}
			if got := obstacles(t, c, false); got != test.merge {
				t.Errorf("merge: got %q, want %q", got, test.merge)
			}
			if got := obstacles(t, c, true); got != test.push {
				t.Errorf("push: got %q, want %q", got, test.push)
			}
		})
	}
}

// TestObstaclesAreWhatGitLabObeys: a merge goes through exactly when there are none, and
// the answer follows the rights at once.
func TestObstaclesAreWhatGitLabObeys(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{Edition: "EE"})
	mr := until(t, c, opened(t, g, c), mergeable)
	if err := g.Protect(env, "main", 0, 0); err != nil {
		t.Fatal(err)
	}
	if got := obstacles(t, c, false); got == "" {
		t.Error("protected: got no obstacle")
	}
	if err := c.Merge(t.Context(), mr); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("protected: got %v", err)
	}
	if err := errors.Join(g.Protect(env, "main", 40, 40), g.RequireApprovals(env, 1)); err != nil {
		t.Fatal(err)
	}
	if got := obstacles(t, c, false); got == "" {
		t.Error("approvals: got no obstacle")
	}
	if err := c.Merge(t.Context(), mr); !errors.Is(err, gitops.ErrConflict) {
		t.Errorf("approvals: got %v", err)
	}
	now, err := c.MergeRequest(t.Context(), env, mr.IID)
	if answer, _ := now.Mergeable(true); err != nil || answer != gitops.MergePerson {
		t.Errorf("approvals: got %+v, %v", now, err)
	}
	if err := g.RequireApprovals(env, 0); err != nil {
		t.Fatal(err)
	}
	if got := obstacles(t, c, false); got != "" {
		t.Errorf("afterwards: got %q", got)
	}
	if err := c.Merge(t.Context(), until(t, c, mr, mergeable)); err != nil {
		t.Error(err)
	}
}

// TestADeveloperAllowedByName: where GitLab shows the bot no protections, a merge request
// into the branch tells.
func TestADeveloperAllowedByName(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{Edition: "EE"})
	opened(t, g, c)
	if err := errors.Join(g.Protect(env, "main", 0, 0, "lockstep-bot"), g.Member(env, "lockstep-bot", 30)); err != nil {
		t.Fatal(err)
	}
	if got := obstacles(t, c, false); got != "" {
		t.Errorf("merge: got %q", got)
	}
	if got := obstacles(t, c, true); got == "" {
		t.Error("push: got nothing")
	}
	if err := g.Protect(env, "main", 0, 0); err != nil {
		t.Fatal(err)
	}
	if got := obstacles(t, c, false); got == "" {
		t.Error("no longer by name: got nothing")
	}
}

// project are the answers of a project of which the bot is a maintainer, with more; an
// empty one is not there.
func project(more map[string]string) map[string]string {
	answers := map[string]string{
		"user":                                  `{"id":7,"username":"bot"}`,
		"projects/env%2Fmda":                    `{"id":1,"archived":false,"merge_requests_access_level":"enabled"}`,
		"projects/env%2Fmda/members/all/7":      `{"id":7,"access_level":40}`,
		"projects/env%2Fmda/protected_branches": `[]`,
	}
	maps.Copy(answers, more)
	maps.DeleteFunc(answers, func(_, body string) bool { return body == "" })
	return answers
}

// TestObstaclesOfOtherEditions: what the simulated GitLab does not have.
func TestObstaclesOfOtherEditions(t *testing.T) {
	t.Parallel()
	const owners = `[{"name":"main","push_access_levels":[],"merge_access_levels":[{"access_level":40}],"code_owner_approval_required":true}]`
	const group = `[{"name":"main","push_access_levels":[{"access_level":40,"deploy_key_id":3}],"merge_access_levels":[{"access_level":40,"group_id":9}]}]`
	for name, test := range map[string]struct {
		answers map[string]string
		want    string
	}{
		"no licence": {map[string]string{"projects/env%2Fmda/approval_rules": "403"}, ""},
		"merge requests are off": {
			map[string]string{"projects/env%2Fmda": `{"merge_requests_access_level":"disabled"}`},
			"project env/mda has merge requests switched off: switch them on",
		},
		"no member of a public project": {
			map[string]string{"projects/env%2Fmda/members/all/7": ""},
			"the bot (user bot) is no member of env/mda: make it one, as Developer (30)",
		},
		"approvals without rules": {
			map[string]string{"projects/env%2Fmda": `{"approvals_before_merge":3}`, "projects/env%2Fmda/approval_rules": `[]`},
			"project env/mda wants 3 approvals before it merges: limit that to other branches, or let the bot push to this one",
		},
		"rules replace approvals": {
			map[string]string{
				"projects/env%2Fmda":                `{"approvals_before_merge":3}`,
				"projects/env%2Fmda/approval_rules": `[{"name":"QA","approvals_required":0}]`,
			},
			"",
		},
		"a rule for all protected branches": {
			map[string]string{"projects/env%2Fmda/approval_rules": `[
				{"name":"none","approvals_required":1,"applies_to_all_protected_branches":true,"protected_branches":[]},
				{"name":"this","approvals_required":1,"applies_to_all_protected_branches":true,"protected_branches":[{"name":"m*"}]},
				{"name":"untold","approvals_required":2,"applies_to_all_protected_branches":true}]`},
			`approval rule "this" wants 1 approval for branch main: limit that to other branches, or let the bot push to this one | ` +
				`approval rule "untold" wants 2 approvals for branch main: limit that to other branches, or let the bot push to this one`,
		},
		"code owners": {
			map[string]string{"projects/env%2Fmda/protected_branches": owners, "projects/env%2Fmda/repository/files/docs%2FCODEOWNERS": `{"size":7}`},
			"branch main wants the approval of the code owners in docs/CODEOWNERS: switch that off for the branch, or let the bot push to it",
		},
		"code owners without a file": {map[string]string{"projects/env%2Fmda/protected_branches": owners}, ""},
		"by its group": {
			map[string]string{"projects/env%2Fmda/protected_branches": group, "groups/9/members/7": `{"access_level":30}`},
			"",
		},
		"a group that is not its own": {
			map[string]string{"projects/env%2Fmda/protected_branches": group},
			"branch main is protected: no role below Administrator may merge: allow one that the bot has, or user bot",
		},
		"a group in which it is a guest": {
			map[string]string{"projects/env%2Fmda/protected_branches": group, "groups/9/members/7": `{"access_level":10}`},
			"branch main is protected: no role below Administrator may merge: allow one that the bot has, or user bot",
		},
		"an owner's branch": {
			map[string]string{"projects/env%2Fmda/protected_branches": `[{"name":"main","merge_access_levels":[{"access_level":50}]}]`},
			"branch main is protected: merging needs Owner (50), the bot is Maintainer (40): give it that role, or allow user bot to merge",
		},
		"checks that nobody waits for": {
			map[string]string{"projects/env%2Fmda/external_status_checks": `[{"name":"board"}]`},
			"",
		},
		"checks that there are not": {
			map[string]string{"projects/env%2Fmda": `{"only_allow_merge_if_all_status_checks_passed":true}`},
			"",
		},
	} {
		if got := obstacles(t, serve(t, routes(project(test.answers))), false); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// TestObstaclesFewRequests: one question for each kind of rule.
func TestObstaclesFewRequests(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	answer := routes(project(nil))
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	})
	for push, want := range map[bool]int32{false: 5, true: 4} { // the user included
		c.user, c.of = User{}, ""
		asked.Store(0)
		if got := obstacles(t, c, push); got != "" || asked.Load() != want {
			t.Errorf("push %v: got %q with %d requests, want %d", push, got, asked.Load(), want)
		}
	}
}

// TestObstaclesNobodyCanTell: an outage at any question is an error, never an answer.
func TestObstaclesNobodyCanTell(t *testing.T) {
	t.Parallel()
	full := project(map[string]string{
		"projects/env%2Fmda":                        `{"only_allow_merge_if_all_status_checks_passed":true}`,
		"projects/env%2Fmda/external_status_checks": `[]`,
		"projects/env%2Fmda/approval_rules":         `[]`,
		"projects/env%2Fmda/protected_branches":     `[{"name":"main","merge_access_levels":[{"group_id":9},{"access_level":0}],"code_owner_approval_required":true}]`,
		"groups/9/members/7":                        `{"access_level":40}`,
	})
	for path := range full {
		for _, status := range []int{http.StatusInternalServerError, http.StatusUnauthorized} {
			if path == "projects/env%2Fmda/external_status_checks" && status == http.StatusUnauthorized {
				continue // this one says 401 for "you may not see them"
			}
			answer := routes(full)
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/") == path {
					w.Header().Set("Retry-After", "60") // so that it is not asked again at once
					w.WriteHeader(map[bool]int{true: http.StatusServiceUnavailable, false: status}[status >= 500])
					return
				}
				answer(w, r)
			})
			found, err := c.Obstacles(t.Context(), env, "main", false)
			if err == nil || len(found) > 0 || errors.Is(err, gitops.ErrRefused) || errors.Is(err, gitops.ErrNotFound) {
				t.Errorf("%s %d: got %q, %v", path, status, found, err)
			}
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for pattern, branches := range map[string][2]string{ // those that it is about, those that it is not
		"main":      {"main", "mai main2 xmain"},
		"*":         {"main a/b", ""},
		"release/*": {"release/ release/1 release/1/2", "release xrelease/1"},
		"*-prod":    {"-prod eu-prod", "eu-prod2 prod"},
		"a*b*c":     {"abc axbyc abbc", "ac acb ab"},
		"a*a":       {"aa aba", "a"},
		"m.in":      {"m.in", "main"},
	} {
		for i, names := range branches {
			for _, name := range strings.Fields(names) {
				if got := covers(pattern, name); got != (i == 0) {
					t.Errorf("%s about %s: got %v", pattern, name, got)
				}
			}
		}
	}
}
