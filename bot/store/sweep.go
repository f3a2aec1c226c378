package store

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch is how many rows Sweep removes in one transaction, so that nobody waits long
// for it.
const sweepBatch = 1000

// Sweep removes what nobody asks for any more: deliveries of hooks that came before a
// time, messages that were sent, requests that were turned away and slots of schedules
// that were answered before it, but the newest of each schedule, from which it goes on.
// The requests that those hooks brought and the runs that the messages tell of stay, so
// that neither comes twice.
func (s *Store) Sweep(ctx context.Context, before time.Time) error {
	for _, statement := range []string{
		`DELETE FROM deliveries WHERE delivery IN (SELECT delivery FROM deliveries WHERE at < $1 ORDER BY at LIMIT $2)`,
		`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE sent > 0 AND sent < $1 ORDER BY sent LIMIT $2)`,
		`DELETE FROM slots WHERE (track, schedule, slot) IN (SELECT track, schedule, slot FROM slots AS old WHERE answered < $1 AND EXISTS (
			SELECT 1 FROM slots AS newer WHERE newer.track = old.track AND newer.schedule = old.schedule AND newer.answered >= old.answered
				AND (newer.answered > old.answered OR newer.at > old.at)) ORDER BY answered LIMIT $2)`,
		`DELETE FROM refusals WHERE (hour, key) IN (SELECT hour, key FROM refusals WHERE hour < $1 ORDER BY hour LIMIT $2)`,
	} {
		for {
			removed, err := s.db.Exec(ctx, statement, millis(before), sweepBatch)
			if err != nil {
				return fmt.Errorf("remove old rows: %w", err)
			}
			if removed < sweepBatch {
				break
			}
		}
	}
	return nil
}
