package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

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

// store writes one parameter, unless it holds the version already. What it held is
// noted, and saved, before it is written: a cancel can then put it back.
func (b *Bot) store(ctx context.Context, r *Run, s *Stage) (Outcome, error) {
	p := *s.Plan.Record
	value, version, err := b.Parameters.Read(ctx, p)
	switch {
	case err != nil && !errors.Is(err, gitops.ErrNotFound):
		return Outcome{}, err
	case value == string(r.Version):
		s.Recorded = true
		return again("parameter %s holds %s", p.Name, r.Version), nil
	case s.Before == nil || *s.Before != value:
		s.Before = &value
		return again("parameter %s holds %s so far", p.Name, cmp.Or(value, "nothing")), nil
	}
	return b.write(ctx, r, p, r.Version, version)
}

// restore puts every parameter back that the run may have written and that still holds
// its version, but to nothing that was undone since. busy says that the step has acted, or
// has to look again.
func (b *Bot) restore(ctx context.Context, r *Run, past Past) (o Outcome, busy bool, err error) {
	for i := range r.Stages {
		s := &r.Stages[i]
		if s.Before == nil {
			continue
		}
		p := *s.Plan.Record
		own := swap{gitops.Version(*s.Before), r.Version, s.Delivery.Change.When}
		before, through := past.unwind(own, func(other *Run) (swap, bool) { return other.recordedOver(p) })
		value, version, err := b.Parameters.Read(ctx, p)
		switch {
		case err != nil && !errors.Is(err, gitops.ErrNotFound):
			return Outcome{}, false, err
		case value == string(r.Version) && before == r.Version && len(through) > 0:
			return call("parameter %s cannot go back to %s, which was undone since by run %s, and before that it held %s: set it by hand, then resume the run",
				p.Name, own.from, strings.Join(through, " and run "), before), true, nil
		case value == string(r.Version) && before != "":
			o, err := b.write(ctx, r, p, before, version)
			if len(through) > 0 && err == nil {
				o.Reason += fmt.Sprintf(", and not to %s, which was undone since by run %s", own.from, strings.Join(through, " and run "))
			}
			return o, true, err
		case value == string(r.Version):
			r.Warnings = append(r.Warnings, fmt.Sprintf("parameter %s did not exist before the run and still holds %s: remove it", p.Name, r.Version))
		}
		s.Before, s.Recorded = nil, false
	}
	return Outcome{}, false, nil
}

// write sets a parameter, provided that it is still at version.
func (b *Bot) write(ctx context.Context, r *Run, p Parameter, value gitops.Version, version int64) (Outcome, error) {
	wrote, err := b.Parameters.Write(ctx, p, string(value), version)
	switch {
	case errors.Is(err, gitops.ErrConflict) && wrote > 0:
		r.Warnings = append(r.Warnings, fmt.Sprintf("parameter %s was changed at the moment of our write, and %s stands over what somebody set: see version %d of its history", p.Name, value, wrote-1))
		return again("%v", err), nil
	case errors.Is(err, gitops.ErrConflict) && r.Clock.overdue(b.Now(), b.Limits.Unknown):
		return call("parameter %s has changed each time we wrote it, for %s now: find who else writes it, then resume the run", p.Name, b.Limits.Unknown), nil
	case errors.Is(err, gitops.ErrConflict):
		return wait("parameter %s changed while we wrote it: looking again", p.Name), nil
	case err != nil:
		return Outcome{}, err
	}
	return again("parameter %s set to %s", p.Name, value), nil
}

// finish removes what the run left behind and ends it.
func (b *Bot) finish(ctx context.Context, r *Run) (Outcome, error) {
	for i := range r.Stages {
		if o, left, err := b.tidy(ctx, &r.Stages[i].Delivery); left || err != nil {
			return o, err
		}
	}
	habits, err := b.habits(ctx, r)
	if err != nil {
		return Outcome{}, err
	}
	r.Warnings = append(r.Warnings, habits...)
	return to(Done, "%s runs in %s", r.Version, r.itinerary()), nil
}

// habits names the gates that were allowed to fail, and have been several times in a
// row: a warning that comes each time is no warning.
func (b *Bot) habits(ctx context.Context, r *Run) ([]string, error) {
	var habits []string
	for _, s := range r.Stages {
		for _, g := range s.Gates {
			if g.Outcome != GateAllowed && g.Outcome != GateNone {
				continue
			}
			before, err := b.History.Streak(ctx, r, s.Plan.Environment, g.Name)
			if err != nil {
				return nil, fmt.Errorf("look up gate %s in earlier runs: %w", g.Name, err)
			}
			if before > 0 {
				habits = append(habits, fmt.Sprintf("gate %s of %s has not passed in %d runs in a row", g.Name, s.Plan.Environment, before+1))
			}
		}
	}
	return habits, nil
}

// tidy removes the branch of a delivery if it still stands at our commit. left says
// that it did, and that the step has acted.
func (b *Bot) tidy(ctx context.Context, d *Delivery) (o Outcome, left bool, err error) {
	if d.Head == "" || d.direct() {
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
