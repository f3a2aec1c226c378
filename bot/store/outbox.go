package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// post puts messages into the outbox, due now. One that is there already stays as it
// is, but what mirrors a run that has a newer event is due again, with short waits.
func post(ctx context.Context, tx Tx, messages []bot.Message, now time.Time) error {
	for _, m := range messages {
		_, err := tx.Exec(ctx, `INSERT INTO outbox (id, run, kind, channel, seq, due, attempts, begun, sent, reason, since)
			VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, '', $6)
			ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, due = excluded.due, attempts = 0, sent = 0,
				since = CASE WHEN outbox.sent = 0 THEN outbox.since ELSE excluded.since END
			WHERE outbox.kind IN ('note', 'label', 'status') AND outbox.seq < excluded.seq`,
			m.ID, m.Run, string(m.Kind), m.Channel, m.Seq, millis(now))
		if err != nil {
			return fmt.Errorf("post message %q: %w", m.ID, err)
		}
	}
	return nil
}

// Due returns messages that are to be sent at the time now, those that have waited longest
// first: up to limit for each channel, and of each kind that has a queue of its own, so
// that one that is slow keeps no other waiting. Of one run and channel only the oldest
// unsent message is due, so that people read of a start before they read of its end.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]bot.Entry, error) {
	var entries []bot.Entry
	err := s.db.Each(ctx, `SELECT id, run, kind, channel, seq, attempts, begun FROM (
			SELECT id, run, kind, channel, seq, attempts, begun, due, ROW_NUMBER() OVER (
				PARTITION BY CASE WHEN kind IN ('note', 'label', 'status', 'reply') THEN kind ELSE 'channel ' || channel END
				ORDER BY due, run, seq, id) AS place
			FROM outbox WHERE sent = 0 AND due <= $1 AND NOT EXISTS (
				SELECT 1 FROM outbox AS older
				WHERE older.run = outbox.run AND older.channel = outbox.channel AND older.sent = 0 AND older.seq < outbox.seq)) AS waiting
		WHERE place <= $2 ORDER BY due, run, seq, id`, []any{millis(now), limit}, func(scan Scan) error {
		var e bot.Entry
		var kind string
		var begun int64
		if err := scan(&e.ID, &e.Run, &kind, &e.Channel, &e.Seq, &e.Attempts, &begun); err != nil {
			return err
		}
		e.Kind, e.Begun = bot.MessageKind(kind), begun != 0
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("due messages: %w", err)
	}
	return entries, nil
}

// Sending notes that an attempt to send a message begins. Until Sent, every later
// attempt may be a repeat, after a crash as well: Entry.Begun says so.
func (s *Store) Sending(ctx context.Context, id string, now time.Time) error {
	if _, err := s.db.Exec(ctx, `UPDATE outbox SET begun = $2 WHERE id = $1`, id, millis(now)); err != nil {
		return fmt.Errorf("begin message %q: %w", id, err)
	}
	return nil
}

// Sent notes that a message has arrived and tells everything up to event seq. A note
// for which a newer event came meanwhile stays due.
func (s *Store) Sent(ctx context.Context, id string, seq int, now time.Time) error {
	err := s.change(ctx, func(tx transaction) error {
		if _, err := tx.Exec(ctx, `UPDATE outbox SET begun = 0, attempts = 0, reason = '' WHERE id = $1`, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE outbox SET sent = $3 WHERE id = $1 AND seq <= $2`, id, seq, millis(now))
		return err
	})
	if err != nil {
		return fmt.Errorf("message %q sent: %w", id, err)
	}
	return nil
}

// Later notes that an attempt to send a message failed for reason, and that the next
// one is due at next.
func (s *Store) Later(ctx context.Context, id string, next time.Time, reason string) error {
	if _, err := s.db.Exec(ctx, `UPDATE outbox SET due = $2, attempts = attempts + 1, reason = $3 WHERE id = $1 AND sent = 0`,
		id, millis(next), reason); err != nil {
		return fmt.Errorf("put off message %q: %w", id, err)
	}
	return nil
}
