package store

import (
	"fmt"
	"testing"
	"time"

	"lockstep/bot"
)

func TestSweep(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for i := range 3 {
			if _, err := s.AcceptAll(t.Context(), fmt.Sprint("delivery ", i), nil, minute(i)); err != nil {
				t.Fatal(err)
			}
			posted(t, s, message(fmt.Sprint("r", i), bot.MessageStart, "chat", 1))
			ok(t, s.Sent(t.Context(), fmt.Sprintf("r%d/start/chat", i), 1, minute(i)))
		}
		posted(t, s, message("r3", bot.MessageStart, "chat", 1))
		ok(t, s.Sweep(t.Context(), minute(2)))
		for table, want := range map[string]int{"deliveries": 1, "outbox": 2} {
			if got := rows(t, s, table); got != want {
				t.Errorf("%s: got %d rows, want %d", table, got, want)
			}
		}
		due(t, s, noon.Add(time.Hour), "r3/start/chat 1 0 false")
	})
}

// More than a batch goes in one sweep.
func TestSweepInBatches(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		err := s.change(t.Context(), func(tx transaction) error {
			for i := range 2*sweepBatch + 1 {
				if _, err := tx.Exec(t.Context(), `INSERT INTO deliveries (delivery, at, answers) VALUES ($1, 1, '')`, fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		ok(t, err)
		ok(t, s.Sweep(t.Context(), noon))
		if got := rows(t, s, "deliveries"); got != 0 {
			t.Errorf("%d old deliveries stay", got)
		}
	})
}

// rows counts the rows of a table.
func rows(t *testing.T, s *Store, table string) int {
	t.Helper()
	var n int
	if _, err := s.db.One(t.Context(), `SELECT COUNT(*) FROM `+table, nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
