package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"lockstep/bot"
)

// A Tx runs statements inside a transaction that somebody else commits. It is small
// so that the engine's transactions can be one as well. Placeholders are $1, $2 ….
type Tx interface {
	// Exec runs a statement and returns how many rows it changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// One scans the first row into dest; without a row it reports false.
	One(ctx context.Context, query string, args []any, dest ...any) (bool, error)
	// Each calls row once for each row, in order, until row returns an error.
	Each(ctx context.Context, query string, args []any, row func(Scan) error) error
}

// A Scan copies the columns of the current row into dest.
type Scan func(dest ...any) error

// A database is a pool of connections: Tx runs each statement by itself.
type database interface {
	Tx
	begin(ctx context.Context) (transaction, error)
}

// A transaction is one that the store commits itself.
type transaction interface {
	Tx
	raw() any // the *sql.Tx or pgx.Tx
	commit(ctx context.Context) error
	rollback(ctx context.Context)
}

// overtaken reports that err says nothing more than that somebody else was quicker.
func overtaken(err error) bool {
	if errors.Is(err, bot.ErrConflict) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return true
	}
	return false
}
