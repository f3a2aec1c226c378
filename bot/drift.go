package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
	"lockstep/rollback"
)

// A Drift is what Git, the parameters and the deployment say of one environment, and
// where they disagree.
type Drift struct {
	Environment string         `json:"environment"`
	Commit      string         `json:"commit,omitempty"` // the newest of the deployed branch; "" without a repository
	Services    []DriftService `json:"services,omitempty"`
	Deploy      *Held          `json:"deploy,omitempty"`   // the parameter that is deployed
	Record      *Held          `json:"record,omitempty"`   // the last good version
	Disagree    []string       `json:"disagree,omitempty"` // a sentence for each disagreement
	Unsure      []string       `json:"unsure,omitempty"`   // a sentence for each thing that nobody could tell
}

// A DriftService is one dependent: the version that it is to run, and what is known of
// that.
type DriftService struct {
	Name    string         `json:"name"`
	Version gitops.Version `json:"version"` // that its file names, or the parameter where it has none
	Known   gitops.Known   `json:"known"`
	Reason  string         `json:"reason"`
}

// A Held is a parameter with its value; "" when it does not exist.
type Held struct {
	Name  string         `json:"name"`
	Value gitops.Version `json:"value"`
}

// Drift compares what Git, the parameters and the deployment of each environment of a
// track say of a package, and changes nothing. A run that is under way drifts: it is
// not told from a mistake.
func (b *Bot) Drift(ctx context.Context, track, pkg string) ([]Drift, error) {
	plan, err := b.Config.Track(track, pkg, "0")
	if err != nil {
		return nil, err
	}
	var drifts []Drift
	trees := b.survey(plan.Stages)
	for _, t := range plan.Stages {
		d := Drift{Environment: t.Plan.Environment}
		err := b.drift(ctx, trees, t, &d)
		var no refusal
		switch {
		case errors.As(err, &no):
			d.Unsure = append(d.Unsure, no.Error())
		case err != nil:
			return nil, fmt.Errorf("environment %s: %w", d.Environment, err)
		}
		drifts = append(drifts, d)
	}
	return drifts, nil
}

// drift looks at one environment.
func (b *Bot) drift(ctx context.Context, trees *survey, t TrackStage, d *Drift) (err error) {
	if d.Deploy, err = b.held(ctx, t.Plan.Deploy); err != nil {
		return err
	}
	if d.Record, err = b.held(ctx, t.Plan.Record); err != nil {
		return err
	}
	if err := b.named(ctx, trees, &t, d); err != nil {
		return err
	}
	targets := make([]gitops.Target, len(d.Services))
	for i, s := range d.Services {
		targets[i] = gitops.Target{Service: s.Name, Place: t.Plan.Place(t.Plan.Services[i]), Version: s.Version}
	}
	seen, err := b.Watch.Services(ctx, t.Plan.Watch, gitops.Deployment{
		Repo: t.Plan.Repo, Branch: t.Plan.Branch, Commit: d.Commit, Environment: d.Environment, Services: targets,
	})
	if err != nil {
		d.Unsure = append(d.Unsure, fmt.Sprintf("what is deployed: %v", err))
	}
	for i, s := range seen {
		d.Services[i].Known, d.Services[i].Reason = s.Known, s.Reason
	}
	d.compare()
	return nil
}

// held reads a parameter, if there is one to read.
func (b *Bot) held(ctx context.Context, p *Parameter) (*Held, error) {
	if p == nil {
		return nil, nil
	}
	now, _, err := b.parameter(ctx, *p)
	return &Held{Name: p.Name, Value: now.Version}, err
}

// named finds the services of an environment and the version that each is to run.
func (b *Bot) named(ctx context.Context, trees *survey, t *TrackStage, d *Drift) error {
	var tree Tree
	if t.Plan.Repo != "" {
		var err error
		if tree, err = trees.of(ctx, t.Plan); err != nil {
			return err
		}
		if err := t.discover(tree); err != nil {
			return err
		}
		d.Commit = tree.Commit()
	}
	for _, s := range t.Plan.Services {
		found := DriftService{Name: s.Name}
		switch {
		case s.File == "":
			found.Version = d.Deploy.Value
		default:
			version, err := t.Plan.value(tree, s)
			if err != nil {
				return err
			}
			found.Version = version
		}
		d.Services = append(d.Services, found)
	}
	return nil
}

// compare notes where the parts of a drift disagree.
func (d *Drift) compare() {
	versions := map[gitops.Version][]string{}
	var order []gitops.Version
	for _, s := range d.Services {
		if versions[s.Version] == nil {
			order = append(order, s.Version)
		}
		versions[s.Version] = append(versions[s.Version], s.Name)
		switch {
		case s.Known == gitops.NotYet || s.Known == gitops.Broken:
			d.Disagree = append(d.Disagree, fmt.Sprintf("%s is to run %s: %s", s.Name, s.Version, s.Reason))
		case s.Known == gitops.Unsure && s.Reason != "":
			d.Unsure = append(d.Unsure, fmt.Sprintf("%s: %s", s.Name, s.Reason))
		}
	}
	if len(order) > 1 {
		var parts []string
		for _, v := range order {
			parts = append(parts, fmt.Sprintf("%s (%s)", v, strings.Join(versions[v], ", ")))
		}
		d.Disagree = append(d.Disagree, "the services name different versions: "+strings.Join(parts, ", "))
	}
	for _, held := range []*Held{d.Deploy, d.Record} {
		if held == nil || len(order) == 0 || len(order) == 1 && order[0] == held.Value {
			continue
		}
		value := "holds " + string(held.Value)
		if held.Value == "" {
			value = "does not exist"
		}
		d.Disagree = append(d.Disagree, fmt.Sprintf("parameter %s %s, the services name %s", held.Name, value, joined(order)))
	}
}

// joined lists versions.
func joined(versions []gitops.Version) string {
	var names []string
	for _, v := range versions {
		names = append(names, string(v))
	}
	return strings.Join(names, ", ")
}

// A Return is an environment in which services, or the parameter that deploys them, name
// a version again that its run has put back.
type Return struct {
	Environment string
	Services    []string // with the parameter by its name
	Commit      string   // the newest of the deployed branch; "" without a repository
	Author      string   // of that commit
}

// Returns finds where the version of a run that has put it back stands again, because
// a person brought it back by hand. What the run itself left alone does not count.
func (b *Bot) Returns(ctx context.Context, r *Run) ([]Return, error) {
	var written []TrackStage
	for _, s := range r.Stages {
		if s.Delivery.wrote() {
			written = append(written, TrackStage{Plan: s.Plan})
		}
	}
	var returns []Return
	trees := b.survey(written)
	for _, s := range r.Stages {
		if !s.Delivery.wrote() {
			continue
		}
		back := Return{Environment: s.Plan.Environment}
		if err := b.returnedFiles(ctx, r, trees, s.Plan, &back); err != nil {
			return nil, err
		}
		if err := b.returnedParameter(ctx, r, s, &back); err != nil {
			return nil, err
		}
		if len(back.Services) == 0 {
			continue
		}
		if s.Plan.Repo != "" {
			tip, err := b.Repos.Tip(ctx, s.Plan.Repo, s.Plan.Branch)
			if err != nil {
				return nil, err
			}
			back.Commit, back.Author = tip.ID, tip.Author
		}
		returns = append(returns, back)
	}
	return returns, nil
}

// returnedFiles adds the services whose files name the version again.
func (b *Bot) returnedFiles(ctx context.Context, r *Run, trees *survey, p StagePlan, back *Return) error {
	if p.Repo == "" {
		return nil
	}
	tree, err := trees.of(ctx, p)
	if err != nil {
		return err
	}
	for _, service := range p.Services {
		if service.File == "" || r.left(p.Environment, service.Name) {
			continue
		}
		now, err := stands(tree, p.Place(service))
		if err != nil {
			return err
		}
		if now.Version == r.Version {
			back.Services = append(back.Services, service.Name)
		}
	}
	return nil
}

// returnedParameter adds the parameter that the run has set, if it names the version
// again.
func (b *Bot) returnedParameter(ctx context.Context, r *Run, s Stage, back *Return) error {
	p := s.Plan.Deploy
	if p == nil || len(s.Delivery.Sets) == 0 || r.left(s.Plan.Environment, p.Name) {
		return nil
	}
	now, _, err := b.parameter(ctx, *p)
	if err == nil && now.Version == r.Version {
		back.Services = append(back.Services, p.Name)
	}
	return err
}

// left reports that the way back left a service alone.
func (r *Run) left(environment, service string) bool {
	return slices.ContainsFunc(r.Left, func(l rollback.Left) bool {
		return l.Bump.Environment == environment && l.Bump.Service == service
	})
}
