package store

import (
	"context"
	"encoding/json"
	"fmt"

	"lockstep/bot"
)

// A migration brings the tables from one version to the next.
type migration struct {
	statements []string
	fill       func(ctx context.Context, tx Tx) error // gives rows that are there their new columns; nil: none need it
}

// migrations are the versions of the tables, from 1. An entry that was released never
// changes; a new one is added at the end.
var migrations = []migration{{statements: []string{
	`CREATE TABLE runs (
		id       TEXT   NOT NULL PRIMARY KEY,
		track    TEXT   NOT NULL,
		lane     TEXT   NOT NULL,
		package  TEXT   NOT NULL,
		version  TEXT   NOT NULL,
		state    TEXT   NOT NULL,
		created  BIGINT NOT NULL,
		granted  BIGINT NOT NULL, -- when it got its lane
		words    BIGINT NOT NULL, -- how many words people said to it
		revision BIGINT NOT NULL,
		body     TEXT   NOT NULL
	)`,
	`CREATE INDEX runs_lane ON runs (lane, state, created)`,
	`CREATE INDEX runs_created ON runs (created)`,
	`CREATE TABLE events (
		run  TEXT   NOT NULL,
		seq  BIGINT NOT NULL,
		body TEXT   NOT NULL,
		PRIMARY KEY (run, seq)
	)`,
	`CREATE TABLE lanes (
		lane      TEXT   NOT NULL PRIMARY KEY,
		holder    TEXT   NOT NULL, -- the run that has it; '' when it is free
		revision  BIGINT NOT NULL,
		frozen    TEXT   NOT NULL, -- why; '' when it is not
		frozen_by TEXT   NOT NULL,
		frozen_at BIGINT NOT NULL,
		thawed    TEXT   NOT NULL, -- why it was thawed last
		thawed_by TEXT   NOT NULL,
		thawed_at BIGINT NOT NULL
	)`,
	`CREATE TABLE requests (
		key     TEXT   NOT NULL,
		package TEXT   NOT NULL,
		track   TEXT   NOT NULL,
		at      BIGINT NOT NULL,
		answer  TEXT   NOT NULL,
		PRIMARY KEY (key, package, track)
	)`,
	`CREATE TABLE subjects (
		subject   TEXT   NOT NULL PRIMARY KEY,
		commit_id TEXT   NOT NULL, -- where it pointed when it was first seen
		at        BIGINT NOT NULL
	)`,
	`CREATE TABLE deliveries (
		delivery TEXT   NOT NULL PRIMARY KEY,
		at       BIGINT NOT NULL,
		answers  TEXT   NOT NULL
	)`,
	`CREATE TABLE baselines (
		project TEXT   NOT NULL PRIMARY KEY,
		at      BIGINT NOT NULL
	)`,
	`CREATE TABLE words (
		run     TEXT   NOT NULL,
		seq     BIGINT NOT NULL,
		verb    TEXT   NOT NULL,
		said_by TEXT   NOT NULL,
		reason  TEXT   NOT NULL,
		at      BIGINT NOT NULL,
		seen    BIGINT NOT NULL, -- when a saved step had seen it
		PRIMARY KEY (run, seq)
	)`,
	`CREATE TABLE outbox (
		id       TEXT   NOT NULL PRIMARY KEY,
		run      TEXT   NOT NULL,
		kind     TEXT   NOT NULL,
		channel  TEXT   NOT NULL,
		seq      BIGINT NOT NULL,
		due      BIGINT NOT NULL,
		attempts BIGINT NOT NULL,
		begun    BIGINT NOT NULL, -- when the attempt began whose end is not known
		sent     BIGINT NOT NULL,
		reason   TEXT   NOT NULL  -- why the last attempt failed
	)`,
	`CREATE INDEX outbox_due ON outbox (sent, due)`,
	`CREATE INDEX outbox_run ON outbox (run, channel)`,
}}, {fill: fillEnded, statements: []string{
	`ALTER TABLE runs ADD COLUMN ended BIGINT NOT NULL DEFAULT 0`, // when it settled; 0 while it has not
	`ALTER TABLE runs ADD COLUMN undoes TEXT NOT NULL DEFAULT ''`, // the run that it puts back; '' for one that goes forward
	`DROP INDEX runs_lane`,
	`DROP INDEX runs_created`,
	`CREATE INDEX runs_created ON runs (created, id)`,
	`CREATE INDEX runs_track ON runs (track, created, id)`,
	`CREATE INDEX runs_lane ON runs (lane, created, id)`,
	`CREATE INDEX runs_state ON runs (state, created, id)`,
	`CREATE INDEX runs_version ON runs (package, version, track, ended)`,
	`CREATE INDEX runs_ended ON runs (track, package, ended)`,
	`CREATE INDEX runs_held ON runs (lane, ended) WHERE ended > 0 AND granted > 0`,
	`CREATE INDEX runs_undoes ON runs (undoes) WHERE undoes <> ''`,
	`CREATE TABLE condemned (
		track   TEXT   NOT NULL,
		package TEXT   NOT NULL,
		version TEXT   NOT NULL,
		run     TEXT   NOT NULL, -- that condemned it
		reason  TEXT   NOT NULL,
		at      BIGINT NOT NULL,
		PRIMARY KEY (track, package, version)
	)`,
	`CREATE INDEX condemned_at ON condemned (at)`,
	`CREATE TABLE returns (
		run         TEXT   NOT NULL, -- that put the version back
		environment TEXT   NOT NULL, -- where it stands again
		at          BIGINT NOT NULL,
		PRIMARY KEY (run, environment)
	)`,
	`CREATE TABLE opinions (
		run         TEXT   NOT NULL,
		environment TEXT   NOT NULL,
		gate        TEXT   NOT NULL,
		speaker     TEXT   NOT NULL, -- said_by in small letters: one person
		said_by     TEXT   NOT NULL,
		yes         BIGINT NOT NULL,
		reason      TEXT   NOT NULL,
		at          BIGINT NOT NULL,
		PRIMARY KEY (run, environment, gate, speaker)
	)`,
	`CREATE INDEX deliveries_at ON deliveries (at)`,
}}, {statements: []string{
	`ALTER TABLE lanes ADD COLUMN frozen_until BIGINT NOT NULL DEFAULT 0`, // when it thaws by itself; 0: somebody has to say so
	`ALTER TABLE runs ADD COLUMN opens BIGINT NOT NULL DEFAULT 0`,         // until when the windows of its track keep it waiting, as far as known
	`CREATE TABLE slots (
		track    TEXT   NOT NULL,
		schedule TEXT   NOT NULL,
		slot     TEXT   NOT NULL, -- what the clocks of its zone show, and the zone
		at       BIGINT NOT NULL,
		version  TEXT   NOT NULL, -- what was asked for; '' for nothing
		run      TEXT   NOT NULL, -- that serves it; '' for none
		sentence TEXT   NOT NULL, -- what became of it
		answered BIGINT NOT NULL,
		PRIMARY KEY (track, schedule, slot)
	)`,
	`CREATE INDEX slots_answered ON slots (track, schedule, answered, at)`,
}}, {fill: fillEvents, statements: []string{
	`ALTER TABLE events ADD COLUMN at BIGINT NOT NULL DEFAULT 0`, // when it was decided
	`CREATE INDEX runs_settled ON runs (ended, id)`,
	`CREATE INDEX events_at ON events (at, run, seq)`,
	`ALTER TABLE runs ADD COLUMN held BIGINT NOT NULL DEFAULT 0`,    // 1 while a person holds it
	`ALTER TABLE runs ADD COLUMN yielded BIGINT NOT NULL DEFAULT 0`, // when it gave its lane to a rollback; 0 while it has not
	`CREATE INDEX slots_old ON slots (answered)`,
	`CREATE INDEX runs_waiting ON runs (lane, created, id) WHERE granted = 0 AND ended = 0`,
	`CREATE INDEX requests_at ON requests (at, key)`,
	`CREATE TABLE commands (
		source TEXT   NOT NULL, -- the batch that it came with
		seq    BIGINT NOT NULL, -- within that, from 1
		at     BIGINT NOT NULL,
		body   TEXT   NOT NULL,
		PRIMARY KEY (source, seq)
	)`,
	`CREATE INDEX commands_at ON commands (at, source, seq)`,
	`CREATE TABLE tokens (
		id      TEXT   NOT NULL PRIMARY KEY, -- the part of the token that is no secret
		hash    TEXT   NOT NULL,             -- SHA-256 of the token, in hex
		name    TEXT   NOT NULL,             -- who speaks with it
		scopes  TEXT   NOT NULL,             -- in order, with a space between
		made_by TEXT   NOT NULL,
		made    BIGINT NOT NULL,
		expires BIGINT NOT NULL,
		revoked BIGINT NOT NULL,             -- when; 0 while it counts
		revoked_by TEXT NOT NULL,
		used    BIGINT NOT NULL              -- when it was used last, to the minute; 0 for never
	)`,
}}, {statements: []string{
	`CREATE TABLE overruled (
		source TEXT   NOT NULL, -- of a command that was refused, and decided anew in another way
		seq    BIGINT NOT NULL,
		at     BIGINT NOT NULL,
		body   TEXT   NOT NULL, -- as it was refused
		PRIMARY KEY (source, seq, at)
	)`,
	`CREATE INDEX overruled_at ON overruled (at, source, seq)`,
	`CREATE TABLE refusals (
		hour  BIGINT NOT NULL, -- in which they were
		key   TEXT   NOT NULL, -- of those that are counted as one
		known BIGINT NOT NULL, -- 1 where it is known who was turned away
		at    BIGINT NOT NULL, -- the first
		last  BIGINT NOT NULL,
		times BIGINT NOT NULL,
		body  TEXT   NOT NULL,
		PRIMARY KEY (hour, key)
	)`,
	`CREATE INDEX refusals_at ON refusals (at, key)`,
}}, {fill: fillEnds, statements: []string{
	`ALTER TABLE outbox ADD COLUMN since BIGINT NOT NULL DEFAULT 0`, // since when it waits to be sent
	`UPDATE outbox SET since = due WHERE sent = 0`,
	`CREATE TABLE ends (
		track  TEXT   NOT NULL,
		result TEXT   NOT NULL,
		span   BIGINT NOT NULL, -- the milliseconds that none of these runs exceeded; 0: they never began
		runs   BIGINT NOT NULL,
		took   BIGINT NOT NULL, -- milliseconds, all of them together
		PRIMARY KEY (track, result, span)
	)`,
}}, {statements: []string{
	`ALTER TABLE opinions ADD COLUMN said_id BIGINT NOT NULL DEFAULT 0`, // of the account in GitLab; 0: not known
}}}

// migrationLock is the advisory lock under which PostgreSQL's tables are made, so
// that two processes that start together do not make them at once.
const migrationLock = 0x6c6f636b74626c73

// migrate brings the tables up to date. A database from a newer program is refused.
func (s *Store) migrate(ctx context.Context) error {
	return s.change(ctx, func(tx transaction) error {
		if s.postgres != nil {
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
				return fmt.Errorf("migrate: lock: %w", err)
			}
		}
		version, err := schemaVersion(ctx, tx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if version > len(migrations) {
			return fmt.Errorf("migrate: the tables have version %d, this program knows %d: use the newer program", version, len(migrations))
		}
		for i, m := range migrations[version:] {
			if err := migrateTo(ctx, tx, version+i+1, m); err != nil {
				return fmt.Errorf("migrate to version %d: %w", version+i+1, err)
			}
		}
		return nil
	})
}

// schemaVersion returns the version of the tables; 0 when there are none.
func schemaVersion(ctx context.Context, tx Tx) (int, error) {
	if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS lockstep_schema (version BIGINT NOT NULL)`); err != nil {
		return 0, err
	}
	var version int
	_, err := tx.One(ctx, `SELECT COALESCE(MAX(version), 0) FROM lockstep_schema`, nil, &version)
	return version, err
}

// migrateTo makes one version of the tables and notes that it is made.
func migrateTo(ctx context.Context, tx Tx, version int, m migration) error {
	for _, statement := range m.statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if m.fill != nil {
		if err := m.fill(ctx, tx); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO lockstep_schema (version) VALUES ($1)`, version)
	return err
}

// fillEnded gives runs that had settled before there was a column for it the time when
// they did.
func fillEnded(ctx context.Context, tx Tx) error {
	const page = 500 // a transaction of PostgreSQL runs no other statement while rows are read
	for last := ""; ; {
		runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE id > $1 ORDER BY id LIMIT $2`, []any{last, page})
		if err != nil || len(runs) == 0 {
			return err
		}
		for _, r := range runs {
			if _, err := tx.Exec(ctx, `UPDATE runs SET ended = $2 WHERE id = $1`, r.ID, ended(&r)); err != nil {
				return err
			}
		}
		last = runs[len(runs)-1].ID
	}
}

// fillEnds counts the runs that had ended before they were counted.
func fillEnds(ctx context.Context, tx Tx) error {
	const page = 500
	for last := ""; ; {
		runs, err := list(ctx, tx, `SELECT revision, body FROM runs WHERE ended > 0 AND id > $1 ORDER BY id LIMIT $2`, []any{last, page})
		if err != nil || len(runs) == 0 {
			return err
		}
		for i := range runs {
			if err := countEnd(ctx, tx, &runs[i]); err != nil {
				return err
			}
		}
		last = runs[len(runs)-1].ID
	}
}

// ended returns when a run settled, as it is stored; 0 while it has not.
func ended(r *bot.Run) int64 {
	if !r.Settled() {
		return 0
	}
	return max(millis(r.Ended), 1)
}

// fillEvents gives events that were there before there was a column for it the time when
// they were decided.
func fillEvents(ctx context.Context, tx Tx) error {
	const page = 1000
	type row struct {
		run  string
		seq  int64
		body string
	}
	for last := (row{}); ; {
		var rows []row
		err := tx.Each(ctx, `SELECT run, seq, body FROM events WHERE run > $1 OR run = $1 AND seq > $2 ORDER BY run, seq LIMIT $3`,
			[]any{last.run, last.seq, page}, func(scan Scan) error {
				var r row
				err := scan(&r.run, &r.seq, &r.body)
				rows = append(rows, r)
				return err
			})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			var e bot.Event
			if err := json.Unmarshal([]byte(r.body), &e); err != nil {
				return fmt.Errorf("event %d of run %q: %w", r.seq, r.run, err)
			}
			if _, err := tx.Exec(ctx, `UPDATE events SET at = $3 WHERE run = $1 AND seq = $2`, r.run, r.seq, millis(e.At)); err != nil {
				return err
			}
		}
		last = rows[len(rows)-1]
	}
}
