package store

import (
	"context"
	"fmt"

	"lockstep/bot"
)

// Condemned returns what is condemned now, the newest first.
func (s *Store) Condemned(ctx context.Context) ([]bot.Condemnation, error) {
	all, err := condemnations(ctx, s.db, `SELECT track, package, version, run, reason, at FROM condemned ORDER BY at DESC, run DESC`)
	if err != nil {
		return nil, fmt.Errorf("condemned versions: %w", err)
	}
	return all, nil
}

// judge notes what the end of a run says about its version on its track: a verdict that
// turned it back condemns it, a good end lifts that.
//
// A run that puts a finished one back condemns nothing, however it ends. A person asked
// for it, for reasons that may have nothing to do with the version (the time of day, the
// wrong track), and a verdict on the way back speaks of the version that comes back. The
// same holds for a cancel.
func judge(ctx context.Context, tx Tx, r *bot.Run) error {
	switch {
	case r.State == bot.Done:
		return lift(ctx, tx, r)
	case r.Undoes != "" || r.Cancel || r.Cause == nil || !r.Cause.Verdict:
		return nil
	case r.State == bot.RolledBack || r.State == bot.RollbackFailed:
		return condemn(ctx, tx, r)
	}
	return nil
}

// condemn notes that the run has condemned its version. A later run that does so too,
// because it was forced, takes the place of the earlier one.
func condemn(ctx context.Context, tx Tx, r *bot.Run) error {
	_, err := tx.Exec(ctx, `INSERT INTO condemned (track, package, version, run, reason, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (track, package, version) DO UPDATE SET run = excluded.run, reason = excluded.reason, at = excluded.at`,
		r.Track, r.Package, string(r.Version), r.ID, r.Cause.Sentence, ended(r))
	if err != nil {
		return fmt.Errorf("condemn %s %s: %w", r.Package, r.Version, err)
	}
	return nil
}

// lift ends what is said against the version of a run.
func lift(ctx context.Context, tx Tx, r *bot.Run) error {
	if _, err := tx.Exec(ctx, `DELETE FROM condemned WHERE track = $1 AND package = $2 AND version = $3`,
		r.Track, r.Package, string(r.Version)); err != nil {
		return fmt.Errorf("lift what condemns %s %s: %w", r.Package, r.Version, err)
	}
	return nil
}

// condemnation returns what condemns the version that a request asks for, if anything
// does.
func condemnation(ctx context.Context, tx Tx, q bot.Request) (c bot.Condemnation, found bool, err error) {
	all, err := condemnations(ctx, tx, `SELECT track, package, version, run, reason, at FROM condemned WHERE track = $1 AND package = $2 AND version = $3`,
		q.Track, q.Package, string(q.Version))
	if err != nil || len(all) == 0 {
		return bot.Condemnation{}, false, err
	}
	return all[0], true, nil
}

// condemnations reads the rows of a query.
func condemnations(ctx context.Context, tx Tx, query string, args ...any) ([]bot.Condemnation, error) {
	var all []bot.Condemnation
	err := tx.Each(ctx, query, args, func(scan Scan) error {
		var c bot.Condemnation
		var at int64
		if err := scan(&c.Track, &c.Package, &c.Version, &c.Run, &c.Reason, &at); err != nil {
			return err
		}
		c.At = moment(at)
		all = append(all, c)
		return nil
	})
	return all, err
}

// refusal says no to the version, and how to have it all the same.
func refusal(c bot.Condemnation) bot.Answer {
	return refused("%s %s is condemned on track %s by run %s (%s): to deploy it all the same, give a reason: lockstep promote %s %s --force REASON",
		c.Package, c.Version, c.Track, c.Run, c.Reason, c.Track, c.Version)
}
