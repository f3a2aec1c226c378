// Package store keeps what Lockstep remembers: runs and their events, lanes, requests,
// condemned versions, words of people, answers to gates and the outbox, in tables of our
// own, on SQLite or on PostgreSQL, with one SQL text for both.
//
// Whatever changes several rows is one transaction. A run is saved by
// compare-and-swap on its revision, a lane is granted by compare-and-swap on its
// holder, and an answer that names a run is stored before it is given, so that the same
// request twice is one run.
//
// Times are milliseconds since 1970 in the tables; zero means "not yet". Everything
// that one filters by is a column, the rest of a run or an event is its JSON body.
//
// It decides nothing about a run that has its lane, starts no goroutine and, but for
// the ids of new runs and for how long one has waited, reads no clock.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"lockstep/bot"
)

// A Store is an open database. Its methods may be called at the same time.
type Store struct {
	db       database
	sqlite   *sql.DB       // nil on PostgreSQL
	postgres *pgxpool.Pool // nil on SQLite
	unlock   func() error  // gives up what keeps other processes away
	now      func() time.Time
}

// Open opens the database at url, "sqlite:PATH" or "postgres://…", and brings its
// tables up to date. A SQLite file and its directory are made when they are missing;
// the file belongs to one process at a time, so a second one gets an error.
func Open(ctx context.Context, url string) (*Store, error) {
	s, err := open(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.now = time.Now
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// open connects by the scheme of url.
func open(ctx context.Context, url string) (*Store, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, strings.TrimPrefix(rest, "//"))
	case "postgres", "postgresql":
		return openPostgres(ctx, url)
	}
	return nil, fmt.Errorf("unknown kind of database %q (have sqlite:PATH and postgres://…)", scheme)
}

// Close closes the database and lets another process have it. Closing one whose
// connections the engine has already closed is fine.
func (s *Store) Close() error {
	if s.postgres != nil {
		s.postgres.Close()
		return nil
	}
	if err := s.sqlite.Close(); err != nil {
		return fmt.Errorf("close store: %v", err)
	}
	return s.unlock()
}

// SQLite returns the one pool of connections, for the engine to share; nil on
// PostgreSQL.
func (s *Store) SQLite() *sql.DB { return s.sqlite }

// Postgres returns the one pool of connections, for the engine to share; nil on
// SQLite.
func (s *Store) Postgres() *pgxpool.Pool { return s.postgres }

// attempts is how often a change is tried when the database gives way to another.
const attempts = 10

// change runs do in a transaction and commits it when do returns nil. When the
// database or a compare-and-swap says that somebody else was quicker, all of it is
// done again on what stands then, so do keeps nothing of an earlier attempt.
func (s *Store) change(ctx context.Context, do func(tx transaction) error) error {
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, do)
		if attempt == attempts || !overtaken(err) {
			return err
		}
	}
}

// once runs do in one transaction.
func (s *Store) once(ctx context.Context, do func(tx transaction) error) error {
	tx, err := s.db.begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.rollback(context.WithoutCancel(ctx))
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// millis returns t as it is stored.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment returns the time that was stored as ms.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// notFound returns the error for a run that is not there.
func notFound(run string) error { return fmt.Errorf("run %q: %w", run, bot.ErrNotFound) }

// refuse returns a sentence for the person who asked.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", bot.ErrRefused, fmt.Sprintf(format, args...))
}
