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
