package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lockstep/gitops"
)

// A refusal is why a run cannot start, for people. It is an answer, not an error of
// the outside.
type refusal string

func (r refusal) Error() string { return string(r) }

// start fixes the plan of a run that has its lane, and proves before anything is
// changed that every value can be edited exactly, that a rollback could be carried
// out, and that the version is there and complete.
func (b *Bot) start(ctx context.Context, r *Run) (Outcome, error) {
	if r.Undoes != "" {
		why, err := b.History.Overtaken(ctx, r)
		switch {
		case err != nil:
			return Outcome{}, fmt.Errorf("look up what came after run %s: %w", r.Undoes, err)
		case why != "":
			return r.refused(refusal(why)), nil
		}
		return to(Started, "holds lane %s; puts back run %s: %s", r.Lane, r.Undoes, r.itinerary()), nil
	}
	switch no, err := b.unfit(ctx, r); {
	case err != nil:
		return Outcome{}, err
	case no != "":
		return r.refused(no), nil
	}
	plan, err := b.Config.Track(r.Track, r.Package, r.Version)
	if err != nil {
		return r.refused(refusal(err.Error())), nil
	}
	stages, err := b.plan(ctx, r, plan)
	if err == nil {
		err = b.rollable(ctx, stages)
	}
	var no refusal
	switch {
	case errors.As(err, &no):
		return r.refused(no), nil
	case err != nil:
		return Outcome{}, err
	}
	if plan.Data != nil && !r.Whole.Done {
		return b.check(ctx, r, *plan.Data)
	}
	r.Data, r.Scope, r.Stages = plan.Data, plan.Scope, stages
	return to(Started, "holds lane %s; %s%s", r.Lane, r.itinerary(), r.complete()), nil
}

// unfit asks once more whether the version has finished the track that it has to have
// finished: that was so when the run was asked for, which may be long ago.
func (b *Bot) unfit(ctx context.Context, r *Run) (refusal, error) {
	if r.From == "" {
		return "", nil
	}
	why, err := b.History.Unfit(ctx, r)
	if err != nil {
		return "", fmt.Errorf("look up what became of %s on track %s: %w", r.Version, r.From, err)
	}
	return refusal(why), nil
}

// refused ends a run that cannot start.
func (r *Run) refused(no refusal) Outcome {
	r.Cause = &Cause{Sentence: no.Error()}
	return to(Refused, "%s", no)
}

// alreadyThere begins the reason of a run that was refused for want of anything to do.
const alreadyThere = "already there: "

// AlreadyThere reports that the run was refused because what it asked for stood everywhere.
func (r *Run) AlreadyThere() bool {
	return r.State == Refused && strings.HasPrefix(r.Reason, alreadyThere)
}

// plan resolves the stages of the run's track on the newest commits.
func (b *Bot) plan(ctx context.Context, r *Run, track TrackPlan) ([]Stage, error) {
	var stages []Stage
	there, trees := true, b.survey(track.Stages)
	for _, t := range track.Stages {
		same, err := b.resolve(ctx, trees, &t, r.Version)
		if err != nil {
			return nil, err
		}
		there = there && same
		s := Stage{Plan: t.Plan}
		for _, g := range t.Plan.Gates {
			s.Gates = append(s.Gates, GateState{Name: g.Name})
		}
		stages = append(stages, s)
	}
	if no := shared(stages); no != "" {
		return nil, no
	}
	if there {
		return nil, refusal(fmt.Sprintf(alreadyThere+"every service of track %s names %s", r.Track, r.Version))
	}
	return stages, nil
}

// shared refuses stages that share a value: one would be deployed with the other, and
// neither could be put back alone.
func shared(stages []Stage) refusal {
	first := map[gitops.Place]string{} // the environment that has each value
	for _, s := range stages {
		for _, service := range s.Plan.Services {
			if service.File == "" {
				continue
			}
			at := s.Plan.Place(service)
			other, taken := first[at]
			if taken && other != s.Plan.Environment {
				return refusal(fmt.Sprintf("environments %s and %s share the version of %s, %s in %s: give each its own values", other, s.Plan.Environment, service.Name, at.Key, at.File))
			}
			first[at] = s.Plan.Environment
		}
	}
	return ""
}

// Stands reports that what a request asks for stands everywhere on its track: a run
// would be refused as already there. What else would refuse it is for the run to say.
func (b *Bot) Stands(ctx context.Context, q Request) (bool, error) {
	plan, err := b.Config.Track(q.Track, q.Package, q.Version)
	if err != nil {
		return false, nil
	}
	trees := b.survey(plan.Stages)
	for _, t := range plan.Stages {
		there, err := b.resolve(ctx, trees, &t, q.Version)
		var no refusal
		switch {
		case errors.As(err, &no):
			return false, nil
		case err != nil || !there:
			return false, err
		}
	}
	return true, nil
}

// resolve finds the services of a stage and rehearses the edit of every value. It
// reports whether all of them, and the parameter that is deployed, name version.
func (b *Bot) resolve(ctx context.Context, trees *survey, t *TrackStage, version gitops.Version) (there bool, err error) {
	there = true
	if t.Plan.Repo != "" {
		tree, err := trees.of(ctx, t.Plan)
		if err != nil {
			return false, err
		}
		if err := t.discover(tree); err != nil {
			return false, err
		}
		if there, err = t.Plan.rehearse(tree, version); err != nil {
			return false, err
		}
	}
	sets, err := b.sets(ctx, t.Plan, version)
	return there && len(sets) == 0, err
}

// rollable refuses a run whose rollback could not be carried out without people.
func (b *Bot) rollable(ctx context.Context, stages []Stage) error {
	asked := map[string]bool{}
	for _, s := range stages {
		p := s.Plan
		if p.Repo == "" || p.Attended || asked[p.Repo] {
			continue
		}
		asked[p.Repo] = true
		obstacles, err := b.Rules.Obstacles(ctx, p.Repo, p.Branch, p.Pushed)
		if err != nil {
			return err
		}
		if len(obstacles) > 0 {
			return p.obstructed(obstacles)
		}
	}
	return nil
}

// obstructed says that a rollback could not be carried out without people.
func (p StagePlan) obstructed(obstacles []string) refusal {
	return refusal(fmt.Sprintf("environment %s: a rollback could not be carried out without people: %s; mend it, or write rollback.attended: true",
		p.Environment, strings.Join(obstacles, "; ")))
}

// newest returns the tree at the head of the deployed branch, as far as files lead.
func (b *Bot) newest(ctx context.Context, p StagePlan, files ...string) (Tree, error) {
	head, err := b.head(ctx, p)
	if err != nil {
		return nil, err
	}
	return b.Repos.At(ctx, p.Repo, head, files...)
}

// head returns the head of the deployed branch. One that does not exist is a refusal.
func (b *Bot) head(ctx context.Context, p StagePlan) (string, error) {
	head, err := b.Repos.Head(ctx, p.Repo, p.Branch)
	if errors.Is(err, gitops.ErrNotFound) {
		return "", refusal(fmt.Sprintf("environment %s: branch %s of %s does not exist", p.Environment, p.Branch, p.Repo))
	}
	return head, err
}

// rehearse edits every value in memory. It reports whether all stand at version.
func (p StagePlan) rehearse(tree Tree, version gitops.Version) (there bool, err error) {
	if len(p.Services) == 0 {
		return false, refusal(fmt.Sprintf("environment %s: no service found in %s", p.Environment, p.Repo))
	}
	there = true
	for _, s := range p.Services {
		if s.File == "" {
			continue
		}
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
