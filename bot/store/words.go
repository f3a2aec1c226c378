package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// say stores what a person tells a run at w.At, for its next step to see; w.ID is
// given here. A run that has not begun and waits for its lane obeys at once, and
// channels, the channels that hear of its track, are told of its end. One that has given
// its lane to a rollback obeys when it has it again.
//
// bot.ErrNotFound for an unknown run; bot.ErrRefused, with a sentence for the person,
// when the word makes no sense where the run stands.
func say(ctx context.Context, tx Tx, id string, w bot.Word, channels func(track string) []string) error {
	r, granted, err := load(ctx, tx, id)
	if err != nil {
		return err
	}
	said, err := unseen(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := foretell(r, said); err != nil {
		return err
	}
	if err := sensible(r, w.Verb); err != nil {
		return err
	}
	waits := r.State == bot.Queued && granted.IsZero()
	switch {
	case waits && w.Verb == bot.VerbCancel:
		return cancel(ctx, tx, r, w, channels(r.Track))
	case waits && len(said) == 0:
		return waitOn(ctx, tx, r, w)
	}
	return insertWord(ctx, tx, id, w)
}

// foretell makes r what it will be when it has obeyed what was said to it before.
func foretell(r *bot.Run, said []bot.Word) error {
	for _, w := range said {
		switch {
		case r.Settled():
		case w.Verb == bot.VerbCancel && r.Cancellable():
			return refuse("run %s was told to cancel by %s already", r.ID, w.By)
		case w.Verb == bot.VerbHold && r.Holdable() == nil:
			r.Held = &bot.Hold{By: w.By, Reason: w.Reason, At: w.At}
		case w.Verb == bot.VerbResume && r.State == bot.Stalled:
			r.State, r.Held = r.Resume, nil
		case w.Verb == bot.VerbResume:
			r.Held = nil
		}
	}
	return nil
}

// sensible returns nil when the word means something where the run stands.
func sensible(r *bot.Run, verb bot.Verb) error {
	switch {
	case r.Settled():
		return refuse("run %s has ended: %s", r.ID, r.Result())
	case verb == bot.VerbHold:
		return r.Holdable()
	case verb == bot.VerbResume && r.State != bot.Stalled && r.Held == nil:
		return refuse("run %s is not stalled, it is %s, and nobody holds it: there is nothing to resume", r.ID, r.State)
	case verb == bot.VerbCancel && r.Undoes != "" && !r.Cancellable():
		return refuse("run %s is already putting back run %s: it cannot be cancelled any more", r.ID, r.Undoes)
	case verb == bot.VerbCancel && !r.Cancellable():
		return refuse("run %s is already putting back what it wrote: it cannot be cancelled any more", r.ID)
	case verb != bot.VerbResume && verb != bot.VerbCancel:
		return refuse("a run obeys %s, %s and %s, not %q", bot.VerbHold, bot.VerbResume, bot.VerbCancel, verb)
	}
	return nil
}

// waitOn holds a run that has not begun, or lets it begin again.
func waitOn(ctx context.Context, tx Tx, r *bot.Run, w bot.Word) error {
	var o bot.Outcome
	if w.Verb == bot.VerbHold {
		o = r.Hold(w)
		o.Reason += fmt.Sprintf("; it keeps its place in lane %s, and others pass", r.Lane)
	} else {
		o = r.Release(w)
	}
	applied := r.Apply(o, nil, w.At, bot.Limits{})
	return save(ctx, tx, r, applied.Event, bot.Messages(r, *applied.Event, nil), w.At)
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
	open, err := tx.One(ctx, `UPDATE runs SET words = words + 1 WHERE id = $1 AND ended = 0 RETURNING words`, []any{run}, &seq)
	if err == nil && !open {
		err = bot.ErrConflict // it ended at this moment
	}
	if err != nil {
		return fmt.Errorf("word for run %q: %w", run, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO words (run, seq, verb, said_by, reason, at, seen) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		run, seq, string(w.Verb), w.By, w.Reason, millis(w.At))
	if err != nil {
		return fmt.Errorf("word for run %q: %w", run, err)
	}
	return nil
}

// unseen returns what was said to the run and no saved step of it has seen, in order.
func unseen(ctx context.Context, tx Tx, run string) ([]bot.Word, error) {
	var said []bot.Word
	err := tx.Each(ctx, `SELECT seq, verb, said_by, reason, at FROM words WHERE run = $1 AND seen = 0 ORDER BY seq`, []any{run}, func(scan Scan) error {
		var w bot.Word
		var verb string
		var at int64
		if err := scan(&w.ID, &verb, &w.By, &w.Reason, &at); err != nil {
			return err
		}
		w.Verb, w.At = bot.Verb(verb), moment(at)
		said = append(said, w)
		return nil
	})
	return said, err
}

// oldestWord returns the oldest word that no saved step of the run has seen, or nil.
func oldestWord(ctx context.Context, tx Tx, run string) (*bot.Word, error) {
	said, err := unseen(ctx, tx, run)
	if err != nil || len(said) == 0 {
		return nil, err
	}
	return &said[0], nil
}

// notCancelled returns bot.ErrConflict when a run that is about to end well was told to
// cancel after its last step had read it: whoever said that was promised that it is put
// back, so the run has to look once more.
func notCancelled(ctx context.Context, tx Tx, r *bot.Run) error {
	if r.State != bot.Done {
		return nil
	}
	said, err := unseen(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	for _, w := range said {
		if w.Verb == bot.VerbCancel {
			return fmt.Errorf("%w: %s says cancel", bot.ErrConflict, w.By)
		}
	}
	return nil
}

// wordSeen notes that a saved step has seen a word, and has obeyed it if it could.
func wordSeen(ctx context.Context, tx Tx, run string, seq int64, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE words SET seen = $3 WHERE run = $1 AND seq = $2`, run, seq, millis(now)); err != nil {
		return fmt.Errorf("word %d: %w", seq, err)
	}
	return nil
}
