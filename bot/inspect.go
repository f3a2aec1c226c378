package bot

import (
	"context"
	"errors"

	"lockstep/gitops"
)

// A Finding is what Inspect found out about one environment of a track.
type Finding struct {
	Environment string           `json:"environment"`
	Services    []ServiceFinding `json:"services,omitempty"`
	Problem     string           `json:"problem,omitempty"` // why a run could not start here; "" when it could
}

// A ServiceFinding is one dependent and what it names now.
type ServiceFinding struct {
	Service
	Version gitops.Version `json:"version"`
}

// Inspect reads what a run of a package on a track would start from, and changes
// nothing: the dependents of each stage, found as a run finds them, and the version
// that each names. A sentence about what would be refused is a Problem; an error means
// that it could not tell.
func (b *Bot) Inspect(ctx context.Context, track, pkg string) ([]Finding, error) {
	plan, err := b.Config.Track(track, pkg, "0")
	if err != nil {
		return nil, err
	}
	var findings []Finding
	trees := b.survey(plan.Stages)
	for _, t := range plan.Stages {
		f := Finding{Environment: t.Plan.Environment}
		err := b.inspect(ctx, trees, t, &f)
		var no refusal
		if err != nil && !errors.As(err, &no) {
			return nil, err
		}
		f.Problem = no.Error()
		findings = append(findings, f)
	}
	return findings, nil
}

// inspect reads one stage, and rehearses the edits of a run.
func (b *Bot) inspect(ctx context.Context, trees *survey, t TrackStage, f *Finding) error {
	var d Drift
	var err error
	if d.Deploy, err = b.held(ctx, t.Plan.Deploy); err != nil {
		return err
	}
	if err := b.named(ctx, trees, &t, &d); err != nil {
		return err
	}
	for i, s := range d.Services {
		f.Services = append(f.Services, ServiceFinding{t.Plan.Services[i], s.Version})
	}
	if _, err := b.resolve(ctx, trees, &t, "0"); err != nil {
		return err
	}
	return b.rollable(ctx, []Stage{{Plan: t.Plan}})
}
