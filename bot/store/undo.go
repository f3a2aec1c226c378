package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"lockstep/bot"
)

// complete gives a request to put a run back the track, package, version and lane of
// that run. It refuses one for a run that is not there, of which nothing is kept.
func complete(ctx context.Context, tx Tx, q *bot.Request) (no bot.Answer, err error) {
	r, _, err := load(ctx, tx, q.Undoes)
	if errors.Is(err, bot.ErrNotFound) {
		return refused("there is no run %.100q to be put back", q.Undoes), nil
	}
	if err != nil {
		return bot.Answer{}, err
	}
	q.Track, q.Package, q.Version, q.Lane = r.Track, r.Package, r.Version, r.Lane
	return bot.Answer{}, nil
}

// undo answers a request to put a finished run back.
func undo(ctx context.Context, tx Tx, q bot.Request, now time.Time) (bot.Answer, error) {
	done, _, err := load(ctx, tx, q.Undoes)
	if err != nil {
		return bot.Answer{}, err
	}
	if answer, err := undone(ctx, tx, done); err != nil || answer.Sentence != "" {
		return answer, err
	}
	if sentence := settledOtherwise(done); sentence != "" {
		return refused("%s", sentence), nil
	}
	later, err := laterThan(ctx, tx, done)
	if err != nil {
		return bot.Answer{}, err
	}
	if later != nil {
		return refused("nothing to do: run %s has brought %s %s through track %s after run %s, and that stands; put run %s back first, or promote the version that you want",
			later.ID, later.Package, later.Version, later.Track, done.ID, later.ID), nil
	}
	r, err := newRun(q, now)
	if err != nil {
		return bot.Answer{}, err
	}
	r.Stages, r.Stage = done.Stages, max(len(done.Stages)-1, 0)
	r.Cause = &bot.Cause{Sentence: fmt.Sprintf("%s undoes run %s", cmp.Or(q.By, "somebody"), done.ID)}
	if q.Reason != "" {
		r.Cause.Sentence += " (" + q.Reason + ")"
	}
	return enqueue(ctx, tx, r, "; "+r.Cause.Sentence)
}

// undone answers a request to put a run back that another one is putting back, or has
// put back. One that was cancelled, or could not put it back, leaves the way free.
func undone(ctx context.Context, tx Tx, done *bot.Run) (bot.Answer, error) {
	runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE undoes = $1 AND undoes <> '' AND (ended = 0 OR state = 'rolled back')
		ORDER BY created DESC, id DESC LIMIT 1`, []any{done.ID})
	switch {
	case err != nil || len(runs) == 0:
		return bot.Answer{}, err
	case runs[0].Settled():
		return refused("nothing to do: run %s has put run %s back already", runs[0].ID, done.ID), nil
	}
	return bot.Answer{Run: runs[0].ID, Sentence: fmt.Sprintf("joins run %s, which already puts back run %s and is %s", runs[0].ID, done.ID, runs[0].State)}, nil
}

// settledOtherwise says why a run cannot be put back that is not done; "" when it is.
func settledOtherwise(r *bot.Run) string {
	switch r.State {
	case bot.Done:
		return ""
	case bot.RolledBack:
		return fmt.Sprintf("nothing to do: run %s has put back already what there was to be put back", r.ID)
	case bot.RollbackFailed:
		return fmt.Sprintf("run %s has tried to put things back and could not (%s): put them right by hand, then thaw lane %s", r.ID, r.Reason, r.Lane)
	case bot.Cancelled, bot.Superseded, bot.Refused:
		return fmt.Sprintf("nothing to do: run %s has ended as %s and left nothing behind", r.ID, r.State)
	}
	if !r.Cancellable() {
		return fmt.Sprintf("run %s has not ended, it is %s and puts back what there is to be put back", r.ID, r.State)
	}
	return fmt.Sprintf("run %s has not ended, it is %s: cancel it, which puts back what it wrote", r.ID, r.State)
}

// laterThan returns the newest run that has gone the same way after done and ended well,
// and that nobody has put back since; nil without one. Its values stand now: what done
// wrote stands nowhere any more, and a rollback by value would leave everything alone.
func laterThan(ctx context.Context, tx Tx, done *bot.Run) (*bot.Run, error) {
	runs, err := list(ctx, tx, `SELECT revision, body FROM runs
		WHERE track = $1 AND package = $2 AND ended >= $3 AND id > $4 AND state = 'done' AND NOT EXISTS (
			SELECT 1 FROM runs AS back WHERE back.undoes = runs.id AND back.undoes <> '' AND back.state = 'rolled back')
		ORDER BY ended DESC, id DESC LIMIT 1`, []any{done.Track, done.Package, ended(done), done.ID})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return &runs[0], nil
}
