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

// home returns where the rollback of an environment is carried out: its repository, or
// its parameter where that alone is deployed.
func (p StagePlan) home() string {
	if p.Repo == "" {
		return p.Deployed().Repo
	}
	return p.Repo
}

// bare reports that a delivery needs no commit: a parameter alone holds the version.
func (d *Delivery) bare() bool { return strings.HasPrefix(d.Change.Repo, parameterRepo) }

// wrote reports that the delivery may have changed what is deployed.
func (d *Delivery) wrote() bool { return d.Landed != "" || d.bare() }

// bumps returns everything that a delivery moves, in the order written.
func (d *Delivery) bumps() []gitops.Bump { return slices.Concat(d.Change.Bumps, d.Sets) }

// sets returns what has to move for the parameter of an environment to name version.
func (b *Bot) sets(ctx context.Context, p StagePlan, version gitops.Version) ([]gitops.Bump, error) {
	if p.Deploy == nil {
		return nil, nil
	}
	value, _, err := b.Parameters.Read(ctx, *p.Deploy)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return nil, refusal(fmt.Sprintf("environment %s: parameter %s does not exist: create it with the version that is deployed now, which a rollback puts back", p.Environment, p.Deploy.Name))
	case err != nil:
		return nil, err
	case value == string(version):
		return nil, nil
	}
	return []gitops.Bump{{
		Place: p.Deployed(), Environment: p.Environment, Service: p.Deploy.Name, From: gitops.Version(value), To: version,
	}}, nil
}

// set writes the parameters of a delivery whose commit has landed. busy says that the
// step has acted, or has to look again.
func (b *Bot) set(ctx context.Context, r *Run, d *Delivery) (o Outcome, busy bool, err error) {
	for _, bump := range d.Sets {
		p := *r.environment(bump.Environment).Deploy
		now, version, err := b.parameter(ctx, p)
		switch {
		case err != nil:
			return Outcome{}, false, err
		case now.Version == bump.To && now.Missing == "":
			continue
		case now.Version == bump.From && now.Missing == "" && r.heldForward():
			o, err := b.unset(ctx, r, d)
			return o, true, err
		case now.Version == bump.From && now.Missing == "":
			o, err := b.write(ctx, r, p, bump.To, version)
			return o, true, err
		case r.Direction == Back:
			r.leave(d, []rollback.Left{{Bump: bump, Reason: now.String()}})
			return again("parameter %s is left alone: %s", p.Name, now), true, nil
		}
		return call("parameter %s was to go from %s to %s, but %s: put it right and resume the run, or cancel it", p.Name, bump.From, bump.To, now), true, nil
	}
	d.Set = true
	return Outcome{}, false, nil
}

// unset watches a delivery of which a parameter may not be written while the run is held.
// Only what is broken counts: a service may wait for the parameter.
func (b *Bot) unset(ctx context.Context, r *Run, d *Delivery) (Outcome, error) {
	if !d.bare() {
		if err := b.look(ctx, r, d); err != nil {
			return Outcome{}, err
		}
	}
	if seen := d.seen(); seen.Count(gitops.Broken) > 0 && seen.Count(gitops.NotYet) == 0 {
		return r.broken(d, seen), nil
	}
	r.Clock.start(b.Now()) // sync_limit runs when it is written
	return r.paused(), nil
}

// parameter reads what stands in a parameter, with the number of its version.
func (b *Bot) parameter(ctx context.Context, p Parameter) (rollback.Standing, int64, error) {
	value, version, err := b.Parameters.Read(ctx, p)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return rollback.Standing{Missing: "the parameter is gone"}, 0, nil
	case err != nil:
		return rollback.Standing{}, 0, err
	}
	return rollback.Standing{Version: gitops.Version(value)}, version, nil
}

// environment returns the plan of an environment of the run.
func (r *Run) environment(name string) StagePlan {
	for _, s := range r.Stages {
		if s.Plan.Environment == name {
			return s.Plan
		}
	}
	panic("bot: run " + r.ID + " has no environment " + name)
}
