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

// The newest slot of each schedule stays, however old it is: the schedule goes on from it.
func TestSweepOfSlots(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		slot := func(schedule string, at, answered int) {
			local := fmt.Sprint("minute ", at)
			_, err := s.AnswerSlot(t.Context(), bot.Slot{Track: "integration", Schedule: schedule, Local: local, At: minute(at), Sentence: "skipped"}, nil, minute(answered))
			ok(t, err)
		}
		slot("nightly", 1, 1)
		slot("nightly", 2, 3) // these two were answered together, after a time down
		slot("nightly", 3, 3)
		slot("weekly", 6, 6)
		slot("weekly", 9, 9)
		ok(t, s.Sweep(t.Context(), minute(5)))
		if got := rows(t, s, "slots"); got != 3 {
			t.Errorf("got %d slots, want one of nightly and two of weekly, of which one is young", got)
		}
		for schedule, want := range map[string]int{"nightly": 3, "weekly": 9} {
			last, found, err := s.LastSlot(t.Context(), "integration", schedule)
			if err != nil || !found || !last.At.Equal(minute(want)) {
				t.Errorf("%s: got %+v, %v, want that of minute %d", schedule, last, err, want)
			}
		}
	})
}
