package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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
	again, err := failedBack(ctx, tx, q, done)
	if err != nil {
		return bot.Answer{}, err
	}
	if sentence := settledOtherwise(done); sentence != "" && again == nil {
		return refused("%s", sentence), nil
	}
	if why, err := outdated(ctx, tx, done, ""); err != nil || why != "" {
		return bot.Answer{Refused: why != "", Sentence: why}, err
	}
	r, err := newRun(q, now)
	if err != nil {
		return bot.Answer{}, err
	}
	r.Stages, r.Stage = done.Stages, max(len(done.Stages)-1, 0)
	r.Cause = &bot.Cause{Sentence: fmt.Sprintf("%s undoes run %s", cmp.Or(q.By, "somebody"), done.ID)}
	if again != nil {
		r.TryAgain(again)
		r.Cause.Sentence = fmt.Sprintf("%s has run %s put back once more, after run %s could not", cmp.Or(q.By, "somebody"), done.ID, again.ID)
	}
	if q.Reason != "" {
		r.Cause.Sentence += " (" + q.Reason + ")"
	}
	return enqueue(ctx, tx, r, "; "+r.Cause.Sentence)
}

// failedBack returns the run whose rollback of done failed last, where the request wants
// it tried once more; nil without one.
func failedBack(ctx context.Context, tx Tx, q bot.Request, done *bot.Run) (*bot.Run, error) {
	if !q.Retry {
		return nil, nil
	}
	runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE undoes = $1 AND undoes <> '' AND state = 'rollback failed'
		ORDER BY ended DESC, id DESC LIMIT 1`, []any{done.ID})
	switch {
	case err != nil:
		return nil, err
	case len(runs) > 0:
		return &runs[0], nil
	case done.State == bot.RollbackFailed:
		return done, nil
	}
	return nil, nil
}

// undone answers a request to put a run back that another one is putting back, or has
// put back. One that was cancelled, could not put it back, or had left everything alone
// leaves the way free.
func undone(ctx context.Context, tx Tx, done *bot.Run) (bot.Answer, error) {
	runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE undoes = $1 AND undoes <> '' AND (ended = 0 OR state = 'rolled back')
		ORDER BY created DESC, id DESC`, []any{done.ID})
	if err != nil {
		return bot.Answer{}, err
	}
	for _, r := range runs {
		switch {
		case !r.Settled():
			return bot.Answer{Run: r.ID, Sentence: fmt.Sprintf("joins run %s, which already puts back run %s and is %s", r.ID, done.ID, r.State)}, nil
		case r.Restored():
			return refused("nothing to do: run %s has put run %s back already", r.ID, done.ID), nil
		}
	}
	return bot.Answer{}, nil
}

// outdated says why there is nothing to put back of a run that has ended, because of what
// other runs did since; "" when there may be. The run that asks, by, does not count.
func outdated(ctx context.Context, tx Tx, done *bot.Run, by string) (string, error) {
	back, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE undoes = $1 AND undoes <> '' AND state = 'rolled back' AND id <> $2
		ORDER BY ended DESC, id DESC`, []any{done.ID, by})
	if err != nil {
		return "", err
	}
	for _, r := range back {
		if r.Restored() {
			return fmt.Sprintf("nothing to do: run %s has put run %s back already", r.ID, done.ID), nil
		}
	}
	later, err := laterThan(ctx, tx, done)
	if err != nil || later == nil {
		return "", err
	}
	return fmt.Sprintf("nothing to do: run %s has brought %s %s through track %s after run %s, and that stands; put run %s back first, or promote the version that you want",
		later.ID, later.Package, later.Version, later.Track, done.ID, later.ID), nil
}

// Overtaken says why there is nothing left to do for r, which puts another run back,
// because of what other runs did while it waited; "" when there is.
func (s *Store) Overtaken(ctx context.Context, r *bot.Run) (string, error) {
	done, _, err := load(ctx, s.db, r.Undoes)
	if err != nil {
		return "", err
	}
	why, err := outdated(ctx, s.db, done, r.ID)
	if err != nil {
		return "", fmt.Errorf("what came after run %q: %w", done.ID, err)
	}
	return why, nil
}

// noteUndone adds to a run that r has put back, if it has put back any of it, that it has,
// and lets its merge requests and commits show that.
func noteUndone(ctx context.Context, tx Tx, r *bot.Run, now time.Time) error {
	if r.Undoes == "" || r.State != bot.RolledBack || !r.Restored() {
		return nil
	}
	done, _, err := load(ctx, tx, r.Undoes)
	if err != nil {
		return err
	}
	done.UndoneBy = r.ID
	return add(ctx, tx, done, bot.Event{
		At: now, Reason: fmt.Sprintf("run %s has put this run back (%s): %s", r.ID, r.Cause.Sentence, r.Reason),
	}, nil)
}

// settledOtherwise says why a run cannot be put back that is not done; "" when it is.
func settledOtherwise(r *bot.Run) string {
	switch r.State {
	case bot.Done:
		return ""
	case bot.RolledBack:
		return fmt.Sprintf("nothing to do: run %s has put back already what there was to be put back", r.ID)
	case bot.RollbackFailed:
		return fmt.Sprintf("run %s has tried to put things back and could not (%s): mend that and say lockstep retry %s, or put them right by hand, then thaw lane %s",
			r.ID, r.Reason, r.ID, r.Lane)
	case bot.Cancelled, bot.Superseded, bot.Refused:
		return fmt.Sprintf("nothing to do: run %s has ended as %s and left nothing behind", r.ID, r.State)
	}
	if r.Undoes != "" {
		return fmt.Sprintf("run %s itself puts run %s back: cancel it while it waits, if it is not to", r.ID, r.Undoes)
	}
	if !r.Cancellable() {
		return fmt.Sprintf("run %s has not ended, it is %s and puts back what there is to be put back", r.ID, r.State)
	}
	return fmt.Sprintf("run %s has not ended, it is %s: cancel it, which puts back what it wrote", r.ID, r.State)
}

// laterThan returns the newest run that has ended well after done, on whatever track, in an
// environment that done went through as well, and that nobody has put back since; nil
// without one. Its values stand there now, and a rollback by value leaves them alone.
// Tracks that share an environment share a lane.
func laterThan(ctx context.Context, tx Tx, done *bot.Run) (*bot.Run, error) {
	const page = 20
	for at, id := int64(math.MaxInt64), ""; ; {
		runs, err := list(ctx, tx, `SELECT revision, body FROM runs
			WHERE lane = $1 AND package = $2 AND granted > 0 AND ended > 0 AND state = 'done'
				AND (ended > $3 OR ended = $3 AND id > $4) AND (ended < $5 OR ended = $5 AND id < $6) AND NOT EXISTS (
				SELECT 1 FROM runs AS back WHERE back.undoes = runs.id AND back.undoes <> '' AND back.state = 'rolled back')
			ORDER BY ended DESC, id DESC LIMIT $7`, []any{done.Lane, done.Package, ended(done), done.ID, at, id, page})
		if err != nil || len(runs) == 0 {
			return nil, err
		}
		for i := range runs {
			if share(done, &runs[i]) {
				return &runs[i], nil
			}
		}
		last := runs[len(runs)-1]
		at, id = ended(&last), last.ID
	}
}

// share reports that there is an environment through which both runs went.
func share(a, b *bot.Run) bool {
	return slices.ContainsFunc(a.Stages, func(s bot.Stage) bool {
		return slices.ContainsFunc(b.Stages, func(o bot.Stage) bool { return o.Plan.Environment == s.Plan.Environment })
	})
}
