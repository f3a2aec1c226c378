package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// Slot returns a slot of a schedule with what became of it; false when it has no answer.
func (s *Store) Slot(ctx context.Context, slot bot.Slot) (bot.Slot, bool, error) {
	found, err := slots(ctx, s.db, slotColumns+` WHERE track = $1 AND schedule = $2 AND slot = $3`, slot.Track, slot.Schedule, slot.Local)
	if err != nil || len(found) == 0 {
		return slot, false, wrapSlot(slot, err)
	}
	return found[0], true, nil
}

// LastSlot returns the slot of a schedule that was answered last; false without one.
func (s *Store) LastSlot(ctx context.Context, track, schedule string) (bot.Slot, bool, error) {
	found, err := slots(ctx, s.db, slotColumns+` WHERE track = $1 AND schedule = $2 ORDER BY answered DESC, at DESC LIMIT 1`, track, schedule)
	if err != nil || len(found) == 0 {
		return bot.Slot{}, false, wrapSlot(bot.Slot{Track: track, Schedule: schedule}, err)
	}
	return found[0], true, nil
}

// AnswerSlot stores a slot with what becomes of it, in one transaction: the answer to q,
// or slot.Sentence where nothing is asked for and q is nil. A slot that has an answer
// keeps it, and the answer is not New then.
func (s *Store) AnswerSlot(ctx context.Context, slot bot.Slot, q *bot.Request, now time.Time) (answer bot.Answer, err error) {
	err = s.change(ctx, func(tx transaction) (err error) {
		answer, err = answerSlot(ctx, tx, slot, q, now)
		return err
	})
	return answer, wrapSlot(slot, err)
}

// answerSlot is AnswerSlot in a transaction. The row of the slot comes first, so that
// another process that answers it meanwhile waits here.
func answerSlot(ctx context.Context, tx Tx, slot bot.Slot, q *bot.Request, now time.Time) (bot.Answer, error) {
	first, err := tx.Exec(ctx, `INSERT INTO slots (track, schedule, slot, at, version, run, sentence, answered)
		VALUES ($1, $2, $3, $4, $5, '', $6, $7) ON CONFLICT (track, schedule, slot) DO NOTHING`,
		slot.Track, slot.Schedule, slot.Local, millis(slot.At), string(slot.Version), slot.Sentence, millis(now))
	if err != nil {
		return bot.Answer{}, err
	}
	if first == 0 {
		old, err := slots(ctx, tx, slotColumns+` WHERE track = $1 AND schedule = $2 AND slot = $3`, slot.Track, slot.Schedule, slot.Local)
		if err != nil || len(old) == 0 {
			return bot.Answer{}, err
		}
		return bot.Answer{Run: old[0].Run, Sentence: old[0].Sentence}, nil
	}
	if q == nil {
		return bot.Answer{Sentence: slot.Sentence}, nil
	}
	answer, err := accept(ctx, tx, *q, now)
	if err != nil {
		return bot.Answer{}, err
	}
	_, err = tx.Exec(ctx, `UPDATE slots SET version = $4, run = $5, sentence = $6 WHERE track = $1 AND schedule = $2 AND slot = $3`,
		slot.Track, slot.Schedule, slot.Local, string(q.Version), answer.Run, answer.Sentence)
	return answer, err
}

// NewestGood returns the newest run of a package on a track that ended well and that
// nobody has put back or is putting back; nil without one.
func (s *Store) NewestGood(ctx context.Context, track, pkg string) (*bot.Run, error) {
	runs, err := list(ctx, s.db, `SELECT revision, body FROM runs
		WHERE track = $1 AND package = $2 AND ended > 0 AND state = 'done' AND NOT EXISTS (
			SELECT 1 FROM runs AS back WHERE back.undoes = runs.id AND back.undoes <> '' AND (back.ended = 0 OR back.state = 'rolled back'))
		ORDER BY ended DESC, id DESC LIMIT 1`, []any{track, pkg})
	if err != nil {
		return nil, fmt.Errorf("newest good version of track %q: %w", track, err)
	}
	if len(runs) == 0 {
		return nil, nil
	}
	return &runs[0], nil
}

// PutBack returns the run that has put a version back on a track, or is to, since it last
// ended well there; nil when it stands, or never was there.
func (s *Store) PutBack(ctx context.Context, track, pkg string, version gitops.Version) (*bot.Run, error) {
	runs, err := list(ctx, s.db, `SELECT revision, body FROM runs WHERE package = $1 AND version = $2 AND track = $3
		AND (state = 'done' OR undoes <> '' AND (ended = 0 OR state = 'rolled back')) ORDER BY created DESC, id DESC LIMIT 1`,
		[]any{pkg, string(version), track})
	if err != nil {
		return nil, fmt.Errorf("who put back %s %s on track %q: %w", pkg, version, track, err)
	}
	if len(runs) == 0 || runs[0].Undoes == "" {
		return nil, nil
	}
	return &runs[0], nil
}

// slotColumns begins the queries of slots.
const slotColumns = `SELECT track, schedule, slot, at, version, run, sentence, answered FROM slots`

// slots reads the slots of a query.
func slots(ctx context.Context, tx Tx, query string, args ...any) ([]bot.Slot, error) {
	var all []bot.Slot
	err := tx.Each(ctx, query, args, func(scan Scan) error {
		var s bot.Slot
		var version string
		var at, answered int64
		if err := scan(&s.Track, &s.Schedule, &s.Local, &at, &version, &s.Run, &s.Sentence, &answered); err != nil {
			return err
		}
		s.At, s.Version, s.Answered = moment(at), gitops.Version(version), moment(answered)
		all = append(all, s)
		return nil
	})
	return all, err
}

// wrapSlot names the slot that an error is about; nil stays nil.
func wrapSlot(slot bot.Slot, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("slot %s of schedule %s of track %s: %w", slot.Local, slot.Schedule, slot.Track, err)
}
