package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/bot"
)

// NoteReturns notes where the version that a run has put back was found to stand again,
// and returns the environments of which people are told now: those where it did not
// stand when they were noted last. For each, one transaction adds an event to the log of
// the run and a call for people on channels, the channels that hear of its track. Where
// it does not stand any more that is noted as well, so that the next time counts.
//
// A version that a run of its own has brought there since, forced or on another track, is
// not one that a person brought back. That run got its lane before it could deploy
// anything, so it is seen here whatever found was looked up from.
func (s *Store) NoteReturns(ctx context.Context, run string, found []bot.Return, channels func(track string) []string, now time.Time) (told []string, err error) {
	err = s.change(ctx, func(tx transaction) (err error) {
		told, err = noteReturns(ctx, tx, run, found, channels, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("note what stands again of run %q: %w", run, err)
	}
	return told, nil
}

// noteReturns is NoteReturns in a transaction.
func noteReturns(ctx context.Context, tx Tx, run string, found []bot.Return, channels func(track string) []string, now time.Time) (told []string, err error) {
	r, _, err := load(ctx, tx, run)
	if err != nil {
		return nil, err
	}
	if brought, err := broughtSince(ctx, tx, r); err != nil || brought {
		return nil, err
	}
	known, err := returned(ctx, tx, run)
	if err != nil {
		return nil, err
	}
	for _, environment := range known {
		if slices.ContainsFunc(found, func(f bot.Return) bool { return f.Environment == environment }) {
			continue
		}
		if _, err := tx.Exec(ctx, `DELETE FROM returns WHERE run = $1 AND environment = $2`, run, environment); err != nil {
			return nil, err
		}
	}
	for _, f := range found {
		if slices.Contains(known, f.Environment) {
			continue
		}
		if err := noteReturn(ctx, tx, r, f, channels(r.Track), now); err != nil {
			return nil, err
		}
		told = append(told, f.Environment)
	}
	return told, nil
}

// broughtSince reports that another run has deployed the version of r after r ended, or
// is about to.
func broughtSince(ctx context.Context, tx Tx, r *bot.Run) (bool, error) {
	var other string
	return tx.One(ctx, `SELECT id FROM runs WHERE package = $1 AND version = $2 AND undoes = '' AND (granted > 0 OR yielded > 0)
		AND (ended = 0 OR ended > $3 AND state = 'done') LIMIT 1`, []any{r.Package, string(r.Version), ended(r)}, &other)
}

// returned returns the environments where the version of a run was noted to stand again.
func returned(ctx context.Context, tx Tx, run string) ([]string, error) {
	var known []string
	err := tx.Each(ctx, `SELECT environment FROM returns WHERE run = $1`, []any{run}, func(scan Scan) error {
		var environment string
		err := scan(&environment)
		known = append(known, environment)
		return err
	})
	return known, err
}

// noteReturn adds a return to the log of its run, which has settled and stays as it is,
// and calls people.
func noteReturn(ctx context.Context, tx Tx, r *bot.Run, f bot.Return, channels []string, now time.Time) error {
	if _, err := tx.Exec(ctx, `INSERT INTO returns (run, environment, at) VALUES ($1, $2, $3)`, r.ID, f.Environment, millis(now)); err != nil {
		return err
	}
	e := bot.Event{
		At: now, Environment: f.Environment, Asks: true,
		Reason: fmt.Sprintf("%s stands in %s again (%s), although this run has put it back: a person has brought it back by hand",
			r.Version, f.Environment, strings.Join(f.Services, ", ")),
	}
	if f.Commit != "" {
		e.Reason += fmt.Sprintf("; the newest commit there is %.8s by %s", f.Commit, f.Author)
	}
	return add(ctx, tx, r, e, channels)
}
