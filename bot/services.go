package bot

import (
	"context"
	"errors"
	"fmt"

	"lockstep/gitops"
)

// Dependents are the services of one environment that use a data package, as they stand
// at the newest commit.
type Dependents struct {
	Environment string         `json:"environment"`
	Repo        string         `json:"repository,omitempty"` // "" where a parameter alone is deployed
	Branch      string         `json:"branch,omitempty"`
	Commit      string         `json:"commit,omitempty"` // the newest of Branch
	Services    []Dependent    `json:"services"`
	Left        []gitops.Doubt `json:"left,omitempty"`    // releases that name a version and are not installed
	Doubts      []gitops.Doubt `json:"doubts,omitempty"`  // what was not understood of helmfiles
	Problem     string         `json:"problem,omitempty"` // why the services cannot be told; "" when they can

	tree Tree      // at Commit; nil without a repository
	plan StagePlan // with all services
}

// A Dependent is a service, how it was found, and the version that it names.
type Dependent struct {
	Service
	Parameter string         `json:"parameter,omitempty"` // that deploys a service without a file
	Version   gitops.Version `json:"version,omitempty"`   // "" with a problem
	Why       string         `json:"why"`
	Problem   string         `json:"problem,omitempty"` // why its value cannot be edited exactly
}

// Services finds the services of every environment of a track that use a package, at
// the newest commit of each environment repository, and changes nothing. What cannot be
// told is a Problem or a doubt; an error means that the outside did not answer.
func (b *Bot) Services(ctx context.Context, track, pkg string) ([]Dependents, error) {
	plan, err := b.Config.Track(track, pkg, "0")
	if err != nil {
		return nil, err
	}
	var all []Dependents
	trees := b.survey(plan.Stages)
	for _, t := range plan.Stages {
		d, err := b.dependents(ctx, t, trees)
		if err != nil {
			return nil, fmt.Errorf("environment %s: %w", t.Plan.Environment, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// dependents finds the services of one environment.
func (b *Bot) dependents(ctx context.Context, t TrackStage, trees *survey) (Dependents, error) {
	d := Dependents{Environment: t.Plan.Environment, Repo: t.Plan.Repo, Branch: t.Plan.Branch, Services: []Dependent{}}
	err := b.dependOn(ctx, t, &d, trees)
	var no refusal
	if errors.As(err, &no) {
		d.Problem, err = no.Error(), nil
	}
	return d, err
}

// dependOn fills in d. A refusal says why the services cannot be told.
func (b *Bot) dependOn(ctx context.Context, t TrackStage, d *Dependents, trees *survey) error {
	listed := t.Plan.Services
	if t.Plan.Repo != "" {
		tree, err := trees.of(ctx, t.Plan)
		if err != nil {
			return err
		}
		d.tree, d.Commit = tree, tree.Commit()
	}
	found, err := t.find(d.tree)
	if err != nil {
		return err
	}
	t.Plan.Services = found.Services
	d.plan, d.Left, d.Doubts = t.Plan, found.Left, found.Doubts
	for i, s := range found.Services {
		one, err := b.dependent(ctx, d, s)
		if err != nil {
			return err
		}
		one.Why = found.Why[i]
		d.Services = append(d.Services, one)
	}
	if doubt := found.hides(listed); doubt != nil {
		return t.hidden(doubt)
	}
	if len(found.Services) == 0 {
		return t.none()
	}
	return nil
}

// dependent reads what one service names.
func (b *Bot) dependent(ctx context.Context, d *Dependents, s Service) (Dependent, error) {
	one := Dependent{Service: s}
	if s.File == "" {
		now, _, err := b.parameter(ctx, *d.plan.Deploy)
		one.Parameter, one.Version, one.Problem = d.plan.Deploy.Name, now.Version, now.Missing
		return one, err
	}
	version, err := d.plan.value(d.tree, s)
	var no refusal
	if errors.As(err, &no) {
		one.Problem, err = no.Error(), nil
	}
	one.Version = version
	return one, err
}
