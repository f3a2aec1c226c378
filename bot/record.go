package bot

import (
	"context"
	"errors"

	"lockstep/gitops"
)

// record stores the version as the last good one of each environment that keeps one:
// only now, because only now the whole run has succeeded.
func (b *Bot) record(ctx context.Context, r *Run) (Outcome, error) {
	stored := 0
	for i := range r.Stages {
		s := &r.Stages[i]
		if s.Plan.Record == nil {
			continue
		}
		if !s.Recorded {
			return b.store(ctx, r, s)
		}
		stored++
	}
	if stored == 0 {
		return to(Recorded, "no environment of track %s records a last good version", r.Track), nil
	}
	return to(Recorded, "%s stored as last good version in %s", r.Version, count(stored, "parameter")), nil
}

// store writes one parameter, unless it holds the version already.
func (b *Bot) store(ctx context.Context, r *Run, s *Stage) (Outcome, error) {
	p := *s.Plan.Record
	value, version, err := b.Parameters.Read(ctx, p)
	if err != nil && !errors.Is(err, gitops.ErrNotFound) {
		return Outcome{}, err
	}
	if err == nil && value == string(r.Version) {
		s.Recorded = true
		return again("parameter %s holds %s", p.Name, r.Version), nil
	}
	_, err = b.Parameters.Write(ctx, p, string(r.Version), version)
	if errors.Is(err, gitops.ErrConflict) {
		return wait("parameter %s changed while we wrote it: looking again", p.Name), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	return again("parameter %s set to %s", p.Name, r.Version), nil
}

// finish removes what the run left behind and ends it.
func (b *Bot) finish(ctx context.Context, r *Run) (Outcome, error) {
	for i := range r.Stages {
		if o, left, err := b.tidy(ctx, &r.Stages[i].Delivery); left || err != nil {
			return o, err
		}
	}
	return to(Done, "%s runs in %s", r.Version, r.itinerary()), nil
}

// tidy removes the branch of a delivery if it still stands at our commit. left says
// that it did, and that the step has acted.
func (b *Bot) tidy(ctx context.Context, d *Delivery) (o Outcome, left bool, err error) {
	if d.Head == "" {
		return Outcome{}, false, nil
	}
	tip, err := b.Repos.Tip(ctx, d.Change.Repo, d.Change.Branch)
	switch {
	case errors.Is(err, gitops.ErrNotFound) || err == nil && tip.ID != d.Head:
		return Outcome{}, false, nil
	case err != nil:
		return Outcome{}, false, err
	}
	err = b.Repos.Delete(ctx, d.Change.Repo, d.Change.Branch, d.Head)
	switch {
	case errors.Is(err, gitops.ErrConflict):
		return wait("branch %s moved while we removed it: looking again", d.Change.Branch), true, nil
	case errors.Is(err, gitops.ErrRefused):
		d.Head = "" // nobody may remove it for us; it harms nothing
		return again("%v: it stays", err), true, nil
	case err != nil:
		return Outcome{}, false, err
	}
	return again("removed branch %s", d.Change.Branch), true, nil
}
