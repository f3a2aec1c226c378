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

// A refusal is why a run cannot start, for people. It is an answer, not an error of
// the outside.
type refusal string

func (r refusal) Error() string { return string(r) }

// start fixes the plan of a run that has its lane, and proves that every value can
// be edited exactly before anything is changed.
func (b *Bot) start(ctx context.Context, r *Run) (Outcome, error) {
	stages, err := b.plan(ctx, r)
	var no refusal
	switch {
	case errors.As(err, &no):
		r.Cause = &Cause{Sentence: no.Error()}
		return to(Refused, "%s", no), nil
	case err != nil:
		return Outcome{}, err
	}
	r.Stages = stages
	return to(Started, "holds lane %s; %s", r.Lane, r.itinerary()), nil
}

// plan resolves the stages of the run's track on the newest commits.
func (b *Bot) plan(ctx context.Context, r *Run) ([]Stage, error) {
	track, err := b.Config.Track(r.Track, r.Package, r.Version)
	if err != nil {
		return nil, refusal(err.Error())
	}
	var stages []Stage
	there := true
	for _, t := range track.Stages {
		tree, err := b.newest(ctx, t.Plan)
		if err != nil {
			return nil, err
		}
		if err := t.discover(tree); err != nil {
			return nil, err
		}
		same, err := t.Plan.rehearse(tree, r.Version)
		if err != nil {
			return nil, err
		}
		there = there && same
		stages = append(stages, Stage{Plan: t.Plan})
	}
	if there {
		return nil, refusal(fmt.Sprintf("already there: every service of track %s names %s", r.Track, r.Version))
	}
	return stages, nil
}

// newest returns the tree at the head of the deployed branch.
func (b *Bot) newest(ctx context.Context, p StagePlan) (Tree, error) {
	head, err := b.Repos.Head(ctx, p.Repo, p.Branch)
	if errors.Is(err, gitops.ErrNotFound) {
		return nil, refusal(fmt.Sprintf("environment %s: branch %s of %s does not exist", p.Environment, p.Branch, p.Repo))
	}
	if err != nil {
		return nil, err
	}
	return b.Repos.At(ctx, p.Repo, head)
}

// discover adds the services that the stage's globs find in tree. A listed service
// keeps its own file and key.
func (t *TrackStage) discover(tree Tree) error {
	if len(t.Globs) == 0 {
		return nil
	}
	files, err := tree.Files()
	if err != nil {
		return err
	}
	for _, glob := range t.Globs {
		found, err := gitops.Dependents(files, glob.Pattern)
		if err != nil {
			return refusal(fmt.Sprintf("environment %s: %v", t.Plan.Environment, err))
		}
		for _, d := range found {
			if !slices.ContainsFunc(t.Plan.Services, func(s Service) bool { return s.Name == d.Service }) {
				t.Plan.Services = append(t.Plan.Services, Service{Name: d.Service, File: d.File, Key: glob.Key})
			}
		}
	}
	if len(t.Plan.Services) == 0 {
		return refusal(fmt.Sprintf("environment %s: no service found: no file of %s matches %s", t.Plan.Environment, t.Plan.Repo, t.Globs[0].Pattern))
	}
	return nil
}

// rehearse edits every value in memory. It reports whether all stand at version.
func (p StagePlan) rehearse(tree Tree, version gitops.Version) (there bool, err error) {
	if len(p.Services) == 0 {
		return false, refusal(fmt.Sprintf("environment %s: no service found in %s", p.Environment, p.Repo))
	}
	there = true
	for _, s := range p.Services {
		now, err := p.value(tree, s)
		if err != nil {
			return false, err
		}
		data, err := tree.File(s.File)
		if err != nil {
			return false, err
		}
		if _, err := gitops.Edit(s.File, data, s.Key, now, version); err != nil {
			return false, refusal(fmt.Sprintf("service %s: %v", s.Name, err))
		}
		there = there && now == version
	}
	return there, nil
}

// value reads the version of one service. What cannot be read exactly is a refusal.
func (p StagePlan) value(tree Tree, s Service) (gitops.Version, error) {
	data, err := tree.File(s.File)
	if errors.Is(err, gitops.ErrNotFound) {
		return "", refusal(fmt.Sprintf("service %s: %s has no file %s at %.8s", s.Name, p.Repo, s.File, tree.Commit()))
	}
	if errors.Is(err, gitops.ErrRefused) {
		return "", refusal(fmt.Sprintf("service %s: %v", s.Name, err))
	}
	if err != nil {
		return "", err
	}
	version, err := gitops.Value(s.File, data, s.Key)
	if err != nil {
		return "", refusal(fmt.Sprintf("service %s: %v", s.Name, err))
	}
	return version, nil
}

// prepare works out the bumps of stage i on the newest commit. A stage in which every
// value is new already has nothing to propose: the newest commit is watched instead.
func (b *Bot) prepare(ctx context.Context, r *Run, i int) (Outcome, error) {
	p := r.Stages[i].Plan
	tree, err := b.newest(ctx, p)
	var bumps []gitops.Bump
	if err == nil {
		bumps, err = p.bumps(tree, r.Version)
	}
	var no refusal
	if errors.As(err, &no) {
		return call("%s; mend it, then resume the run", no), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	if o, busy, err := b.earlier(ctx, r, i, len(bumps) == 0); busy || err != nil {
		return o, err
	}
	old := r.Stages[i].Delivery
	d := Delivery{Change: r.change(p, bumps, b.Now()), Base: tree.Commit(), Looked: tree.Commit(), Rebuilt: old.Rebuilt, Behind: old.Behind}
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
