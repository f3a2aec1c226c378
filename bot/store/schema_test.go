package store

import (
	"context"
	"fmt"
	"testing"

	"lockstep/bot"
)

// before brings an empty store back to version 1 of its tables.
func before(t *testing.T, s *Store) {
	t.Helper()
	for _, table := range []string{
		"runs", "events", "lanes", "requests", "subjects", "deliveries", "baselines", "words", "outbox",
		"condemned", "returns", "opinions", "slots", "commands", "tokens", "overruled", "refusals", "ends", "lockstep_schema",
	} {
		if _, err := s.db.Exec(t.Context(), "DROP TABLE "+table); err != nil {
			t.Fatal(err)
		}
	}
	err := s.change(t.Context(), func(tx transaction) error {
		if _, err := schemaVersion(t.Context(), tx); err != nil {
			return err
		}
		return migrateTo(t.Context(), tx, 1, migrations[0])
	})
	if err != nil {
		t.Fatal(err)
	}
}

// oldRow stores a run as version 1 of the tables did.
func oldRow(ctx context.Context, tx Tx, id string, state bot.State, at int) error {
	r := bot.Run{ID: id, Track: "integration", Lane: "integration", Package: "mda", Version: "1", State: state, Created: minute(at)}
	ended := ""
	if state.Settled() {
		ended = fmt.Sprintf(`,"ended":%q`, minute(at+1).Format("2006-01-02T15:04:05Z"))
	}
	body := fmt.Sprintf(`{"id":%q,"track":"integration","lane":"integration","package":"mda","version":"1","state":%q,"created":%q%s}`,
		id, state, r.Created.Format("2006-01-02T15:04:05Z"), ended)
	_, err := tx.Exec(ctx, `INSERT INTO runs (id, track, lane, package, version, state, created, granted, words, revision, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 3, $9)`, id, r.Track, r.Lane, r.Package, "1", string(state), millis(r.Created), millis(r.Created), body)
	return err
}

// Runs from before the tables had the time of their end are known to have ended.
func TestMigrateOldRuns(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		before(t, s)
		err := s.change(t.Context(), func(tx transaction) error {
			for i := range 700 { // more than a page
				id := fmt.Sprintf("old-%03d", i)
				if err := oldRow(t.Context(), tx, id, bot.Done, i); err != nil {
					return err
				}
				body := fmt.Sprintf(`{"run":%q,"seq":1,"at":%q,"state":"done","reason":"fine"}`, id, minute(i).Format("2006-01-02T15:04:05Z"))
				if _, err := tx.Exec(t.Context(), `INSERT INTO events (run, seq, body) VALUES ($1, 1, $2)`, id, body); err != nil {
					return err
				}
			}
			return oldRow(t.Context(), tx, "open", bot.Merged, 800)
		})
		if err == nil {
			err = s.migrate(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		var open, wrong int
		if _, err := s.db.One(t.Context(), `SELECT COUNT(*) FROM runs WHERE ended = 0`, nil, &open); err != nil || open != 1 {
			t.Errorf("%d runs have not ended, %v, want 1", open, err)
		}
		if _, err := s.db.One(t.Context(), `SELECT COUNT(*) FROM runs WHERE ended <> 0 AND ended <> created + 60000`, nil, &wrong); err != nil || wrong != 0 {
			t.Errorf("%d runs ended at another time, %v", wrong, err)
		}
		if _, err := s.db.One(t.Context(), `SELECT COUNT(*) FROM events JOIN runs ON runs.id = events.run WHERE events.at <> runs.created`, nil, &wrong); err != nil || wrong != 0 {
			t.Errorf("%d events were decided at another time, %v", wrong, err)
		}
		if answer := asked(t, s, byAPI("1", "a"), 900); answer.Run != "open" {
			t.Errorf("got %+v, want it to join the open run", answer)
		}
		if answer := asked(t, s, onward("1"), 900); !answer.New {
			t.Errorf("got %+v, want a run: version 1 went well before", answer)
		}
	})
}
