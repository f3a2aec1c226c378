package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// Say stores what a person tells a run at w.At, for its next step to see; w.ID is
// given here. A run that still waits for its lane is cancelled at once, and channels,
// the channels that hear of its track, are told.
//
// bot.ErrNotFound for an unknown run; bot.ErrRefused, with a sentence for the person,
// when the word makes no sense where the run stands.
func (s *Store) Say(ctx context.Context, id string, w bot.Word, channels func(track string) []string) error {
	return s.change(ctx, func(tx transaction) error { return say(ctx, tx, id, w, channels) })
}

// say is Say in a transaction.
func say(ctx context.Context, tx Tx, id string, w bot.Word, channels func(track string) []string) error {
	r, granted, err := load(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := sensible(r, w.Verb); err != nil {
		return err
	}
	if r.State == bot.Queued && granted.IsZero() {
		return cancel(ctx, tx, r, w, channels(r.Track))
	}
	return insertWord(ctx, tx, id, w)
}

// sensible returns nil when the word means something where the run stands.
func sensible(r *bot.Run, verb bot.Verb) error {
	switch {
	case r.Settled():
		return refuse("run %s has ended: %s", r.ID, r.Result())
	case verb == bot.VerbResume && r.State != bot.Stalled:
		return refuse("run %s is not stalled, it is %s: there is nothing to resume", r.ID, r.State)
	case verb == bot.VerbCancel && !r.Cancellable():
		return refuse("run %s is already putting back what it wrote: it cannot be cancelled any more", r.ID)
	case verb != bot.VerbResume && verb != bot.VerbCancel:
		return refuse("a run obeys %s and %s, not %q", bot.VerbResume, bot.VerbCancel, verb)
	}
	return nil
}

// cancel ends a run that has no lane yet. Nothing was written, so nothing goes back.
func cancel(ctx context.Context, tx Tx, r *bot.Run, w bot.Word, channels []string) error {
	reason := fmt.Sprintf("cancelled by %s while it waited", w.By)
	if w.Reason != "" {
		reason += " (" + w.Reason + ")"
	}
	r.Cancel = true
	return end(ctx, tx, r, bot.Outcome{State: bot.Cancelled, Reason: reason}, w.At, channels)
}

// end moves a run that has no lane yet to a state in which it has settled. A grant
// changes the revision, so one that comes at the same moment is a conflict.
func end(ctx context.Context, tx Tx, r *bot.Run, o bot.Outcome, now time.Time, channels []string) error {
	applied := r.Apply(o, nil, now, bot.Limits{})
	return save(ctx, tx, r, applied.Event, bot.Messages(r, *applied.Event, channels), now)
}

// insertWord appends a word to those that the run is still to see.
func insertWord(ctx context.Context, tx Tx, run string, w bot.Word) error {
	var seq int64
	if _, err := tx.One(ctx, `UPDATE runs SET words = words + 1 WHERE id = $1 RETURNING words`, []any{run}, &seq); err != nil {
		return fmt.Errorf("word for run %q: %w", run, err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO words (run, seq, verb, said_by, reason, at, seen) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		run, seq, string(w.Verb), w.By, w.Reason, millis(w.At))
	if err != nil {
		return fmt.Errorf("word for run %q: %w", run, err)
	}
	return nil
}

// oldestWord returns the oldest word that no saved step of the run has seen, or nil.
func oldestWord(ctx context.Context, tx Tx, run string) (*bot.Word, error) {
	var w bot.Word
	var verb string
	var at int64
	found, err := tx.One(ctx, `SELECT seq, verb, said_by, reason, at FROM words WHERE run = $1 AND seen = 0 ORDER BY seq LIMIT 1`,
		[]any{run}, &w.ID, &verb, &w.By, &w.Reason, &at)
	if err != nil || !found {
		return nil, err
	}
	w.Verb, w.At = bot.Verb(verb), moment(at)
	return &w, nil
}

// wordSeen notes that a saved step has seen a word, and has obeyed it if it could.
func wordSeen(ctx context.Context, tx Tx, run string, seq int64, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE words SET seen = $3 WHERE run = $1 AND seq = $2`, run, seq, millis(now)); err != nil {
		return fmt.Errorf("word %d: %w", seq, err)
	}
	return nil
}
