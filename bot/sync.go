package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep/gitops"
)

// sync watches every service of the current delivery. A broken service decides only
// when the others have settled too: the cause is then complete, and no old job can
// still win.
func (b *Bot) sync(ctx context.Context, r *Run) (Outcome, error) {
	d := r.Delivery()
	if o, busy, err := b.set(ctx, r, d); busy || err != nil {
		return o, err
	}
	if err := b.look(ctx, r, d); err != nil {
		return Outcome{}, err
	}
	seen := d.seen()
	limit := r.syncLimit(d)
	switch late := r.Clock.overdue(b.Now(), limit); {
	case seen.Count(gitops.NotYet) > 0 && late:
		return r.fail(Cause{
			Sentence: fmt.Sprintf("%s did not end within %s: %s", r.doing(d), limit, seen.Sentence(gitops.NotYet)), Link: seen.Link(gitops.NotYet),
			Environment: d.environments(), Verdict: true,
		}), nil
	case seen.Count(gitops.NotYet) > 0:
		return wait("%d of %d services run %s; %s", seen.Count(gitops.Running), len(seen), d.versions(), seen.Sentence(gitops.NotYet)), nil
	case seen.Count(gitops.Broken) > 0:
		return r.broken(d, seen), nil
	case seen.Count(gitops.Unsure) > 0:
		return b.unsure(ctx, r, d, seen)
	case len(seen) == 0:
		return to(Synced, "nothing is left to watch in %s%s", d.Change.Repo, r.leftovers()), nil
	}
	return to(Synced, "%s of %s run %s", count(len(seen), "service"), d.environments(), d.versions()).linked(d.Link), nil
}

// broken is the verdict on a delivery of which a service is broken.
func (r *Run) broken(d *Delivery, seen gitops.Seen) Outcome {
	return r.fail(Cause{
		Sentence: fmt.Sprintf("%s failed: %s", r.doing(d), seen.Sentence(gitops.Broken)), Link: seen.Link(gitops.Broken),
		Environment: d.environments(), Verdict: true,
	})
}

// syncLimit returns how long the slowest environment of the delivery may take.
func (r *Run) syncLimit(d *Delivery) time.Duration {
	var limit time.Duration
	for _, s := range r.Stages {
		if len(r.targets(s.Plan, d)) > 0 {
			limit = max(limit, s.Plan.SyncLimit)
		}
	}
	return limit
}

// unsure ends a look that told nothing about some services. On the way back those that
// people have changed since are left alone: nobody would ever tell of them.
func (b *Bot) unsure(ctx context.Context, r *Run, d *Delivery, seen gitops.Seen) (Outcome, error) {
	unknown := errors.New(seen.Sentence(gitops.Unsure))
	if r.Direction == Forward || d.bare() {
		return Outcome{}, unknown
	}
	head, err := b.Repos.Head(ctx, d.Change.Repo, d.Change.Target)
	if err != nil {
		return Outcome{}, err
	}
	changed, err := b.missed(ctx, d, head)
	switch {
	case err != nil:
		return Outcome{}, err
	case len(changed) == 0:
		return Outcome{}, unknown
	}
	r.leave(d, changed)
	return again("people have set other values after the rollback landed%s", r.leftovers()), nil
}

// look asks the watcher about each environment that the delivery brings values to.
func (b *Bot) look(ctx context.Context, r *Run, d *Delivery) error {
	var all []Sync
	for _, s := range r.Stages {
		targets := r.targets(s.Plan, d)
		if len(targets) == 0 {
			continue
		}
		seen, err := b.Watch.Services(ctx, s.Plan.Watch, gitops.Deployment{
			Repo: d.Change.Repo, Branch: d.Change.Target, Commit: d.Landed, Environment: s.Plan.Environment, Services: targets,
		})
		if err != nil {
			return err
		}
		all = append(all, Sync{s.Plan.Environment, seen})
	}
	d.Seen = all
	return nil
}

// targets returns which services of an environment the delivery has to reach: all of
// the stage while forward, and those that were put back on the way back.
func (r *Run) targets(p StagePlan, d *Delivery) []gitops.Target {
	var targets []gitops.Target
	if r.Direction == Forward {
		if p.Environment != r.Stages[r.Stage].Plan.Environment {
			return nil
		}
		for _, s := range p.Services {
			targets = append(targets, gitops.Target{Service: s.Name, Place: p.Place(s), Version: r.Version})
		}
		return targets
	}
	for _, s := range p.Services {
		if b, ok := d.bump(p.Environment, s); ok {
			targets = append(targets, gitops.Target{Service: s.Name, Place: b.Place, Version: b.To})
		}
	}
	return targets
}

// seen returns what was last seen of all services of the delivery.
func (d *Delivery) seen() gitops.Seen {
	var all gitops.Seen
	for _, s := range d.Seen {
		all = append(all, s.Services...)
	}
	return all
}

// doing says what the run does with its delivery: "deployment to int".
func (r *Run) doing(d *Delivery) string {
	if r.Direction == Back {
		return "rollback of " + d.environments()
	}
	return "deployment to " + d.environments()
}

// environments names the environments of the delivery: "abn and lup".
func (d *Delivery) environments() string {
	var names []string
	for _, s := range d.Seen {
		names = append(names, s.Environment)
	}
	return strings.Join(names, " and ")
}

// versions names the versions that the delivery sets, once each.
func (d *Delivery) versions() string {
	var names []string
	known := map[gitops.Version]bool{}
	for _, b := range d.bumps() {
		if !known[b.To] {
			known[b.To] = true
			names = append(names, string(b.To))
		}
	}
	if len(names) == 0 {
		return "the version"
	}
	return strings.Join(names, ", ")
}
