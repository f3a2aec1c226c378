package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/gitops"
)

// enter brings stage i as far as the change that is to be made: its data is in its
// bucket, and the gates before it allow it. A freeze holds the run before it begins
// anything of the stage, and again before the change; closed windows hold the change.
func (b *Bot) enter(ctx context.Context, r *Run, i int) (Outcome, error) {
	if r.Undoes != "" {
		return to(Failed, "%s", r.Cause.Sentence), nil
	}
	supply := r.supplies(i) && !r.Stages[i].Supply.Done
	gated := r.State != Cleared && r.Stages[i].Plan.guarded()
	if !r.Stages[i].begun() || !supply && !gated {
		if o, held, err := b.frozen(ctx, r, i); held || err != nil {
			return o, err
		}
	}
	switch {
	case supply:
		return b.supply(ctx, r, i)
	case gated:
		return b.gate(ctx, r, i, true)
	}
	if o, held := b.shut(r, i); held {
		return o, nil
	}
	if o, lapsed, err := b.lapsed(ctx, r); lapsed || err != nil {
		return o, err
	}
	o, err := b.prepare(ctx, r, i)
	var no refusal
	if errors.As(err, &no) {
		return call("%s; mend it, then resume the run", no), nil
	}
	return o, err
}

// lapsed stops a run, before it changes anything more, whose version has not finished the
// other track any more that it has to have finished. It is refused while nothing of it has
// gone out; after that people say what becomes of what it wrote.
func (b *Bot) lapsed(ctx context.Context, r *Run) (o Outcome, lapsed bool, err error) {
	no, err := b.unfit(ctx, r)
	switch {
	case err != nil || no == "":
		return Outcome{}, false, err
	case !slices.ContainsFunc(r.Stages, func(s Stage) bool { return s.Delivery.Head != "" || s.Delivery.wrote() }):
		return r.refused(no), true, nil
	}
	return call("%s; cancel the run, which puts back what it wrote, or resume it when that has changed", no), true, nil
}

// prepare works out the bumps of stage i on the newest commit. A stage in which every
// value is new already has nothing to propose: the newest commit is watched instead.
func (b *Bot) prepare(ctx context.Context, r *Run, i int) (Outcome, error) {
	p := r.Stages[i].Plan
	sets, err := b.sets(ctx, p, r.Version)
	if err != nil {
		return Outcome{}, err
	}
	if p.Repo == "" {
		d := Delivery{Change: gitops.Change{Repo: p.home(), When: b.Now().UTC().Truncate(time.Second)}, Sets: sets}
		r.Stage, r.Stages[i].Delivery = i, d
		return to(Merged, "%s is deployed by parameter %s alone: nothing to propose", p.Environment, p.Deploy.Name), nil
	}
	tree, err := b.newest(ctx, p, p.reads()...)
	if err != nil {
		return Outcome{}, err
	}
	bumps, err := p.bumps(tree, r.Version)
	if err != nil {
		return Outcome{}, err
	}
	if o, busy, err := b.earlier(ctx, r, i, len(bumps) == 0); busy || err != nil {
		return o, err
	}
	old := r.Stages[i].Delivery
	d := Delivery{Change: r.change(p, bumps, b.Now()), Base: tree.Commit(), Looked: tree.Commit(), Sets: sets, Rebuilt: old.Rebuilt, Behind: old.Behind}
	if len(bumps) == 0 {
		d.Landed = tree.Commit()
		r.Stage, r.Stages[i].Delivery = i, d
		return to(Merged, "all %d services of %s name %s already in %.8s: nothing to propose", len(p.Services), p.Environment, r.Version, d.Landed), nil
	}
	if d.Head, err = b.commit(ctx, tree, d.Change); err != nil {
		return Outcome{}, err
	}
	r.Stage, r.Stages[i].Delivery = i, d
	return to(Prepared, "%s of %s to be set to %s", count(len(bumps), "value"), p.Environment, r.Version), nil
}

// earlier looks after the merge request of a delivery that stage i is about to build
// anew. One that has landed meanwhile is what the run wrote, and stays the delivery.
// One that is of no use any more is closed.
func (b *Bot) earlier(ctx context.Context, r *Run, i int, useless bool) (o Outcome, busy bool, err error) {
	d := &r.Stages[i].Delivery
	if d.Head == "" {
		return Outcome{}, false, nil
	}
	mr, err := b.Forge.Find(ctx, d.Change.Repo, d.Change.Branch)
	switch {
	case err != nil && !errors.Is(err, gitops.ErrNotFound):
		return Outcome{}, false, err
	case mr.State == gitops.Merged || mr.State == gitops.Locked:
		return r.proposed(d, mr), true, nil
	case useless:
		return b.withdraw(ctx, d, mr)
	}
	return Outcome{}, false, nil
}

// bumps returns what has to move in tree for every service to name version.
func (p StagePlan) bumps(tree Tree, version gitops.Version) ([]gitops.Bump, error) {
	var bumps []gitops.Bump
	for _, s := range p.Services {
		if s.File == "" {
			continue
		}
		now, err := p.value(tree, s)
		if err != nil {
			return nil, err
		}
		if now != version {
			bumps = append(bumps, gitops.Bump{Place: p.Place(s), Environment: p.Environment, Service: s.Name, From: now, To: version})
		}
	}
	return bumps, nil
}

// commit returns the id of the commit that would make change on tree.
func (b *Bot) commit(ctx context.Context, tree Tree, change gitops.Change) (string, error) {
	files, err := change.Apply(tree.File)
	var inexact *gitops.EditError
	switch {
	case errors.As(err, &inexact):
		return "", fmt.Errorf("%w: %v", gitops.ErrRefused, err)
	case err != nil:
		return "", err
	}
	return b.Repos.Commit(ctx, tree, change, files)
}

// change returns the forward change of a stage.
func (r *Run) change(p StagePlan, bumps []gitops.Bump, now time.Time) gitops.Change {
	c := gitops.Change{
		Repo: p.Repo, Target: p.Branch, Branch: fmt.Sprintf("lockstep/%s-%s", r.ID, p.Environment),
		Title: title("%s %s → %s (%s)", r.Package, r.Version, p.Environment, count(len(bumps), "service")),
		When:  now.UTC().Truncate(time.Second), Bumps: bumps,
	}
	c.Body = r.body(c)
	return c
}

// itinerary says where a run goes: "int: fbv, kv, mds, remo".
func (r *Run) itinerary() string {
	var parts []string
	for _, s := range r.Stages {
		var names []string
		for _, service := range s.Plan.Services {
			names = append(names, service.Name)
		}
		parts = append(parts, s.Plan.Environment+": "+strings.Join(names, ", "))
	}
	return strings.Join(parts, " → ")
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
