package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lockstep/bot"
)

// mostRefusals is how many refusals of an hour are kept one by one: of those who are known,
// and of strangers. The rest is counted in one more row of each.
const mostRefusals = 60

// KeepRefusals adds what was turned away to what is kept of its hour.
func (s *Store) KeepRefusals(ctx context.Context, all []bot.Refusal) error {
	err := s.change(ctx, func(tx transaction) error {
		for _, r := range all {
			if err := keepRefusal(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep %d refusals: %w", len(all), err)
	}
	return nil
}

// keepRefusal adds one refusal to the row of the same ones, or makes that.
func keepRefusal(ctx context.Context, tx Tx, r bot.Refusal) error {
	added, err := tx.Exec(ctx, `UPDATE refusals SET times = times + $3, last = CASE WHEN last < $4 THEN $4 ELSE last END WHERE hour = $1 AND key = $2`,
		millis(r.Hour()), r.Key(), int64(r.Times), millis(r.Last))
	if err != nil || added > 0 {
		return err
	}
	known, rows := int64(0), 0
	if r.Known {
		known = 1
	}
	if _, err := tx.One(ctx, `SELECT COUNT(*) FROM refusals WHERE hour = $1 AND known = $2`, []any{millis(r.Hour()), known}, &rows); err != nil {
		return err
	}
	if other := r.Other(); rows >= mostRefusals && other.Key() != r.Key() {
		return keepRefusal(ctx, tx, other)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO refusals (hour, key, known, at, last, times, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (hour, key) DO UPDATE SET times = refusals.times + excluded.times`,
		millis(r.Hour()), r.Key(), known, millis(r.At), millis(r.Last), int64(r.Times), string(body))
	return err
}

// auditRefusals reads what was turned away.
func (s *Store) auditRefusals(since time.Time) func(context.Context) ([]bot.AuditLine, bool, error) {
	at, key := millis(since), ""
	return func(ctx context.Context) (lines []bot.AuditLine, more bool, err error) {
		err = s.db.Each(ctx, `SELECT at, key, last, times, body FROM refusals WHERE (at, key) > ($1, $2) ORDER BY at, key LIMIT $3`,
			[]any{at, key, auditPage}, func(scan Scan) error {
				var last int64
				var body string
				var r bot.Refusal
				if err := scan(&at, &key, &last, &r.Times, &body); err != nil {
					return err
				}
				times := r.Times
				if err := json.Unmarshal([]byte(body), &r); err != nil {
					return fmt.Errorf("refusal %q: %w", key, err)
				}
				r.Times, r.Last = times, moment(last)
				lines = append(lines, r.Audit())
				return nil
			})
		return lines, len(lines) == auditPage, err
	}
}
