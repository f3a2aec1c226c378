package store

import (
	"context"
	"fmt"
)

// migrations brings the tables from one version to the next. An entry that was
// released never changes; a new one is added at the end.
var migrations = [][]string{{
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
}}

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
		for i, statements := range migrations[version:] {
			if err := migrateTo(ctx, tx, version+i+1, statements); err != nil {
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

// migrateTo runs the statements of one version and notes that they were run.
func migrateTo(ctx context.Context, tx Tx, version int, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO lockstep_schema (version) VALUES ($1)`, version)
	return err
}
