package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lockstep/bot"
	"lockstep/gitops"
	"lockstep/gitops/gitlab"
)

// A use is what a configuration makes of one GitLab project.
type use struct {
	project  string
	branches []string     // deployed branches of an environment repository
	sources  []bot.Source // of a data project: what announces versions
	gates    []string     // names of the gates that are pipelines of it
}

// uses returns the GitLab projects that a configuration names, in order.
func uses(cfg *bot.Config) []use {
	all := map[string]*use{}
	of := func(project string) *use {
		if all[project] == nil {
			all[project] = &use{project: project}
		}
		return all[project]
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Environments)) {
		if e := cfg.Environments[name]; e.Repository != "" && !slices.Contains(of(e.Repository).branches, e.Branch) {
			of(e.Repository).branches = append(of(e.Repository).branches, e.Branch)
		}
	}
	for _, s := range cfg.Sources() {
		if s.Project != "" {
			of(s.Project).sources = append(of(s.Project).sources, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Tracks)) {
		for _, s := range cfg.Tracks[name].Stages {
			for _, g := range s.Gates {
				if p := g.Pipeline; p != nil && !slices.Contains(of(p.Project).gates, g.Name) {
					of(p.Project).gates = append(of(p.Project).gates, g.Name)
				}
			}
		}
	}
	var list []use
	for _, project := range slices.Sorted(maps.Keys(all)) {
		list = append(list, *all[project])
	}
	return list
}

// checkProject looks for a project, and at what the bot may do there.
func (o *outside) checkProject(ctx context.Context, cfg *bot.Config, u use) []checked {
	p, err := o.gitlab.Project(ctx, u.project)
	if err != nil {
		return []checked{verdict(u.project, err, "")}
	}
	access, err := o.gitlab.Access(ctx, u.project)
	if err != nil {
		return []checked{verdict(u.project, err, "")}
	}
	all := []checked{fine(u.project, "is there, default branch %s, the bot is %s", p.DefaultBranch, gitlab.Role(access.Level))}
	all = append(all, u.checkAccess(cfg, access)...)
	for _, branch := range u.branches {
		all = append(all, o.checkBranch(ctx, u.project, branch)...)
	}
	for _, s := range u.sources {
		all = append(all, o.checkTags(ctx, s)...)
	}
	return append(all, o.checkHooks(ctx, cfg, u)...)
}

// checkAccess says where the bot's role is too low. What keeps it from merging, the
// stages of the tracks say.
func (u use) checkAccess(cfg *bot.Config, a gitlab.Access) []checked {
	var all []checked
	low := func(say func(string, string, ...any) checked, level int, why string) {
		all = append(all, say(u.project, "the bot is %s and needs %s %s", gitlab.Role(a.Level), gitlab.Role(level), why))
	}
	switch {
	case len(u.branches) > 0 && a.Level < gitlab.Developer:
		low(bad, gitlab.Developer, "to push branches and open merge requests: give it that role")
	case len(u.gates) > 0 && a.Level < gitlab.Developer:
		low(bad, gitlab.Developer, "to start the pipelines of "+gatesOf(u.gates)+": give it that role")
	case len(u.gates) > 0 && !a.Variables:
		all = append(all, bad(u.project, "%s may set pipeline variables, the bot is %s, and %s cannot start without: choose Developer in Settings → CI/CD → Variables → Minimum role to use pipeline variables",
			cmp.Or(a.Needs, "nobody"), gitlab.Role(a.Level), gatesOf(u.gates)))
	}
	if cfg.GitLab.Statuses && len(u.sources) > 0 && a.Level < gitlab.Developer {
		low(aside, gitlab.Developer, "to show commit statuses: give it that role, or write gitlab.statuses: false")
	}
	return all
}

// gatesOf names gates: "gate smoke", "gates e2e and smoke".
func gatesOf(names []string) string {
	if len(names) == 1 {
		return "gate " + names[0]
	}
	return "gates " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// checkBranch says who could change a deployed branch past Lockstep.
func (o *outside) checkBranch(ctx context.Context, project, branch string) []checked {
	b, err := o.gitlab.Branch(ctx, project, branch)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return []checked{bad(project, "has no branch %s: create it, or correct branch of the environment", branch)}
	case err != nil:
		return []checked{verdict(project, err, "")}
	case !b.Protected:
		return []checked{aside(project, "branch %s is not protected, so every Developer can push versions past Lockstep: protect it, and allow the bot to merge", branch)}
	case b.DevelopersPush:
		return []checked{aside(project, "every Developer may push versions to branch %s past Lockstep: allow pushing to fewer in Settings → Repository → Protected branches", branch)}
	}
	return nil
}

// newestTags is how many tags are looked at for one that announces a version.
const newestTags = 100

// checkTags says when the newest tag that would announce a version is not protected where
// only protected ones count.
func (o *outside) checkTags(ctx context.Context, s bot.Source) []checked {
	if !s.Protected {
		return nil
	}
	tags, err := o.gitlab.Tags(ctx, s.Project, newestTags)
	if err != nil {
		return []checked{verdict(s.Project, err, "")}
	}
	for _, t := range tags {
		if _, err := s.Tagged(t.Name); err != nil {
			continue
		}
		if t.Protected {
			return nil
		}
		return []checked{aside(s.Project, "tag %s is not protected, and one like it would start nothing: protect the tags %s in Settings → Repository → Protected tags, or write protected: false for package %s",
			t.Name, strings.Replace(s.Name, "{version}", "*", 1), s.Package)}
	}
	return nil
}

// checkHooks says whether GitLab tells Lockstep what happens in a project. Without hooks
// Lockstep finds it out by looking, which takes longer.
func (o *outside) checkHooks(ctx context.Context, cfg *bot.Config, u use) []checked {
	hooks, seen, err := o.gitlab.Hooks(ctx, u.project)
	address := cfg.Server.URL + "/webhooks/gitlab"
	ours := slices.DeleteFunc(hooks, func(h gitlab.Hook) bool { return strings.TrimRight(h.URL, "/") != address })
	events := strings.Join(u.events(), ", ")
	switch {
	case err != nil:
		return []checked{verdict(u.project, err, "")}
	case !seen:
		return []checked{aside(u.project, "GitLab shows its hooks to Maintainers only, so nobody could tell: see in Settings → Webhooks that one leads to %s, with %s", address, events)}
	case len(ours) == 0:
		return []checked{aside(u.project, "no hook of it leads to %s, and what happens is found by looking: add one with %s, unless a group of it has one", address, events)}
	}
	if i := slices.IndexFunc(ours, gitlab.Hook.Disabled); i >= 0 {
		return []checked{bad(u.project, "its hook to %s is %s, because it was not answered well too often: see why in Settings → Webhooks → Edit → Recent events, and send a test from there, which enables it again",
			address, strings.ReplaceAll(ours[i].AlertStatus, "_", " "))}
	}
	var missing []string
	for _, event := range u.events() {
		if !slices.ContainsFunc(ours, func(h gitlab.Hook) bool { return sends(h, event) }) {
			missing = append(missing, event)
		}
	}
	if len(missing) > 0 {
		return []checked{aside(u.project, "its hook to %s does not send %s, which is found by looking: switch that on in Settings → Webhooks", address, strings.Join(missing, ", "))}
	}
	return []checked{fine(u.project, "its hook leads to %s and sends %s", address, events)}
}

// The events of hooks, as GitLab's settings call them.
const (
	eventPush     = "Push events"
	eventTag      = "Tag push events"
	eventComment  = "Comments"
	eventMerge    = "Merge request events"
	eventPipeline = "Pipeline events"
	eventRelease  = "Releases events"
)

// announcing are the events by which GitLab tells of an announcement.
var announcing = map[bot.Origin]string{
	bot.OriginTag: eventTag, bot.OriginRelease: eventRelease, bot.OriginPipeline: eventPipeline, bot.OriginPush: eventPush,
}

// events returns the events that Lockstep wants to hear of the project, in the order of
// GitLab's settings.
func (u use) events() []string {
	want := map[string]bool{}
	if len(u.branches) > 0 {
		want[eventComment], want[eventMerge], want[eventPipeline] = true, true, true
	}
	if len(u.gates) > 0 {
		want[eventPipeline] = true
	}
	for _, s := range u.sources {
		want[announcing[s.Origin]] = true
	}
	return slices.DeleteFunc([]string{eventPush, eventTag, eventComment, eventMerge, eventPipeline, eventRelease}, func(event string) bool { return !want[event] })
}

// sends reports that a hook sends an event.
func sends(h gitlab.Hook, event string) bool {
	switch event {
	case eventPush:
		return h.Push
	case eventTag:
		return h.TagPush
	case eventComment:
		return h.Notes
	case eventMerge:
		return h.MergeRequests
	case eventPipeline:
		return h.Pipelines
	case eventRelease:
		return h.Releases
	}
	panic(fmt.Sprintf("lockstep: unknown event %q of a hook", event))
}
