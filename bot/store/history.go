package store

import (
	"context"
	"fmt"

	"lockstep/bot"
)

// lookBack is how many earlier runs Streak looks at.
const lookBack = 50

// Streak returns how many of the last finished runs of r's track and package in a row, r
// not counted, went on although the gate of the environment did not pass; see
// bot.History. A run that ended before its gate had an outcome says nothing about the
// gate: it neither counts nor breaks the row. No more than the last 50 runs are read.
func (s *Store) Streak(ctx context.Context, r *bot.Run, environment, gate string) (int, error) {
	runs, err := list(ctx, s.db, `SELECT revision, body FROM runs
		WHERE track = $1 AND package = $2 AND ended > 0 AND granted > 0 AND undoes = '' AND id <> $3
		ORDER BY ended DESC, id DESC LIMIT $4`, []any{r.Track, r.Package, r.ID, lookBack})
	if err != nil {
		return 0, fmt.Errorf("earlier runs of track %q: %w", r.Track, err)
	}
	streak := 0
	for i := range runs {
		allowed, known := wentOn(&runs[i], environment, gate)
		switch {
		case allowed:
			streak++
		case known:
			return streak, nil
		}
	}
	return streak, nil
}

// wentOn reports that a run went on although its gate did not pass. known is false when
// the gate has no outcome there.
func wentOn(r *bot.Run, environment, gate string) (allowed, known bool) {
	for _, s := range r.Stages {
		if s.Plan.Environment != environment {
			continue
		}
		for n, g := range s.Gates {
			if g.Name != gate || g.Outcome == bot.GateOpen {
				continue
			}
			may := n < len(s.Plan.Gates) && s.Plan.Gates[n].AllowFailure
			return g.Outcome == bot.GateAllowed || g.Outcome == bot.GateNone && may, true
		}
	}
	return false, false
}

// Unfit says why the version of r may not go through its track now, because of what
// became of it on the track that it has to have finished before; "" when it may.
func (s *Store) Unfit(ctx context.Context, r *bot.Run) (string, error) {
	no, err := unfit(ctx, s.db, bot.Request{Track: r.Track, Package: r.Package, Version: r.Version, From: r.From})
	if err != nil {
		return "", fmt.Errorf("runs of %s %s on track %q: %w", r.Package, r.Version, r.From, err)
	}
	return no.Sentence, nil
}

// Undone returns what other runs of the package have put back since r began, or since the
// run began that r puts back; see bot.History. One that tried and failed counts as well:
// people want what it was to put back to be gone. Runs that only waited have undone nothing.
func (s *Store) Undone(ctx context.Context, r *bot.Run) (bot.Past, error) {
	past, err := undoneSince(ctx, s.db, r)
	if err != nil {
		return bot.Past{}, fmt.Errorf("what was undone of package %q since run %q began: %w", r.Package, r.ID, err)
	}
	return past, nil
}

// undoneSince is Undone without its place in an error.
func undoneSince(ctx context.Context, tx Tx, r *bot.Run) (bot.Past, error) {
	first := r
	if r.Undoes != "" {
		var err error
		if first, _, err = load(ctx, tx, r.Undoes); err != nil {
			return bot.Past{}, err
		}
	}
	past := bot.Past{Begun: first.Begun}
	const undone = ` FROM runs AS back JOIN runs AS done ON done.id = back.undoes WHERE back.package = $1 AND back.undoes <> ''
		AND back.state IN ('rolled back', 'rollback failed') AND done.ended > 0 AND done.ended <= $2`
	var lately int64
	args := []any{r.Package, millis(past.Begun)}
	some, err := tx.One(ctx, `SELECT back.ended`+undone+` AND back.ended >= $2 LIMIT 1`, args, &lately)
	if err != nil || !some {
		return past, err // what was undone earlier still, nobody could have deployed over
	}
	err = tx.Each(ctx, `SELECT back.id, back.ended, done.revision, done.body`+undone+` ORDER BY done.ended DESC, done.id DESC, back.ended DESC, back.id DESC`,
		args, func(scan Scan) error {
			var u bot.Undone
			var at, revision int64
			var body string
			if err := scan(&u.By, &at, &revision, &body); err != nil {
				return err
			}
			u.At = moment(at)
			u.Run, err = decode(body, revision)
			past.Undone = append(past.Undone, u)
			return err
		})
	return past, err
}
