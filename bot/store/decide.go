package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"lockstep/bot"
)

// decide answers a request that was not here before, or was refused and comes again.
func decide(ctx context.Context, tx Tx, q bot.Request, now time.Time) (bot.Answer, error) {
	if q.Undoes != "" {
		return undo(ctx, tx, q, now)
	}
	open, err := underWay(ctx, tx, q.Track, q)
	if err != nil {
		return bot.Answer{}, err
	}
	for _, r := range open {
		switch {
		case r.Undoes != "":
		case !r.Cancellable():
			return refused("run %s is putting %s %s back on track %s: ask again when it has ended", r.ID, q.Package, q.Version, q.Track), nil
		default:
			return bot.Answer{Run: r.ID, Sentence: fmt.Sprintf("joins run %s, which already takes %s %s through track %s and is %s",
				r.ID, q.Package, q.Version, q.Track, r.State)}, nil
		}
	}
	if no, err := unfit(ctx, tx, q); err != nil || no.Refused {
		return no, err
	}
	c, condemned, err := condemnation(ctx, tx, q)
	switch {
	case err != nil:
		return bot.Answer{}, err
	case condemned && q.Force == "":
		return refusal(c), nil
	}
	r, err := newRun(q, now)
	if err != nil {
		return bot.Answer{}, err
	}
	why := ""
	if condemned {
		r.Force = q.Force
		why = fmt.Sprintf("; forced (%s) although run %s condemned it: %s", q.Force, c.Run, c.Reason)
	}
	if q.Supersede {
		if err := supersede(ctx, tx, r, now); err != nil {
			return bot.Answer{}, fmt.Errorf("supersede waiting runs: %w", err)
		}
	}
	return enqueue(ctx, tx, r, why)
}

// underWay returns the runs of the request's version on a track that have not ended, the
// oldest first, those that put a run back included.
func underWay(ctx context.Context, tx Tx, track string, q bot.Request) ([]bot.Run, error) {
	// Without ORDER BY: for its sake SQLite goes through all runs of the track.
	runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE package = $1 AND version = $2 AND track = $3 AND ended = 0`,
		[]any{q.Package, string(q.Version), track})
	slices.SortFunc(runs, func(a, b bot.Run) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return runs, err
}

// unfit refuses a version that has not finished the track well that it has to have
// finished before. The newest of its runs there that came to an end counts: one that
// failed after an earlier one went well has shown something new, and one that put it
// back has taken it away. What was cancelled, superseded or refused says nothing.
func unfit(ctx context.Context, tx Tx, q bot.Request) (no bot.Answer, err error) {
	if q.From == "" {
		return bot.Answer{}, nil
	}
	open, err := underWay(ctx, tx, q.From, q)
	if err != nil {
		return bot.Answer{}, err
	}
	ended, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE package = $1 AND version = $2 AND track = $3 AND ended > 0
		ORDER BY CASE WHEN state IN ('done', 'rolled back', 'rollback failed') THEN 0 ELSE 1 END, ended DESC, id DESC LIMIT 1`,
		[]any{q.Package, string(q.Version), q.From})
	if err != nil {
		return bot.Answer{}, err
	}
	undone := slices.ContainsFunc(open, func(r bot.Run) bool { return r.Undoes != "" })
	if len(ended) > 0 && ended[0].State == bot.Done && !undone {
		return bot.Answer{}, nil
	}
	return refused("%s %s may go through track %s once it has finished track %s well, and %s: ask again when it has",
		q.Package, q.Version, q.Track, q.From, became(append(open, ended...))), nil
}

// became says what became of a version on a track, from the run there that matters most.
func became(runs []bot.Run) string {
	if len(runs) == 0 {
		return "it was never there"
	}
	r := runs[0]
	cause := r.Reason
	if r.Cause != nil {
		cause = r.Cause.Sentence
	}
	switch {
	case r.Undoes != "" && !r.Settled():
		return fmt.Sprintf("run %s is to put it back there (%s)", r.ID, cause)
	case !r.Settled():
		return fmt.Sprintf("run %s there has not ended, it is %s", r.ID, r.State)
	case r.Undoes != "":
		return fmt.Sprintf("run %s has put it back there (%s)", r.ID, cause)
	}
	return fmt.Sprintf("run %s there ended as %s (%s)", r.ID, r.Result(), cause)
}

// newRun makes the run that a request asks for.
func newRun(q bot.Request, now time.Time) (*bot.Run, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	return &bot.Run{
		ID: id.String(), Key: q.Key, Track: q.Track, Lane: q.Lane, Package: q.Package, Version: q.Version,
		Origin: q.Origin, By: q.By, ByID: q.ByID, Link: q.Link, Undoes: q.Undoes, From: q.From, Windows: q.Windows, Tagged: q.Tagged(),
		State: bot.Queued, Created: now, Entered: now, Events: 1,
	}, nil
}

// enqueue stores a new run in the queue of its lane; why it is there ends the sentence.
func enqueue(ctx context.Context, tx Tx, r *bot.Run, why string) (bot.Answer, error) {
	l, err := lane(ctx, tx, r.Lane)
	if err != nil {
		return bot.Answer{}, err
	}
	at := len(l.Waiting)
	if r.Undoes != "" {
		if _, err := tx.One(ctx, `SELECT COUNT(*) FROM runs WHERE lane = $1 AND state = 'queued' AND granted = 0 AND undoes <> ''`, []any{r.Lane}, &at); err != nil {
			return bot.Answer{}, err
		}
	}
	l.Waiting = slices.Insert(l.Waiting, at, r.ID)
	where := place(l, r, r.Created)
	soon, err := estimate(ctx, tx, l, r, r.Created)
	if err != nil {
		return bot.Answer{}, err
	}
	r.Reason = "queued: " + where + why
	e := bot.Event{Run: r.ID, Seq: 1, At: r.Created, State: bot.Queued, Reason: r.Reason, Link: r.Link}
	if err := insert(ctx, tx, r, e); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Run: r.ID, New: true, Sentence: fmt.Sprintf("run %s is queued: %s%s%s", r.ID, where, soon, why)}, nil
}

// supersede ends the runs of the new run's track and package that still wait for their
// lane, but for those that put another run back.
func supersede(ctx context.Context, tx Tx, by *bot.Run, now time.Time) error {
	older, err := list(ctx, tx, `SELECT revision, body FROM runs
		WHERE lane = $1 AND track = $2 AND package = $3 AND state = 'queued' AND granted = 0 AND undoes = '' ORDER BY created, id`,
		[]any{by.Lane, by.Track, by.Package})
	if err != nil {
		return err
	}
	for _, r := range older {
		o := bot.Outcome{State: bot.Superseded, Reason: fmt.Sprintf("%s took its place in the queue: run %s", by.Version, by.ID)}
		if err := end(ctx, tx, &r, o, now, nil); err != nil {
			return err
		}
	}
	return nil
}
