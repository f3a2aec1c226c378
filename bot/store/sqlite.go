package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// connections is how many connections a pool may open. SQLite has one writer at a
// time whatever the number; PostgreSQL's listener and lease need one each.
const connections = 10

// openSQLite opens the file at path, which no other process may have open.
func openSQLite(ctx context.Context, path string) (*Store, error) {
	if path == "" {
		return nil, errors.New(`sqlite: no file named (write "sqlite:lockstep.db")`)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("sqlite: %v", err)
	}
	lock := flock.New(path + ".lock")
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("sqlite: lock %q: %v", lock.Path(), err)
	case !locked:
		return nil, fmt.Errorf("another lockstep uses %q: stop it first, or give this one a store of its own", path)
	}
	db, err := sql.Open("sqlite", sqliteDSN(path))
	if err == nil {
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections) // a new connection costs more than most queries: it reads the whole schema
		err = db.PingContext(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open %q: %v", path, err), lock.Unlock())
	}
	return &Store{db: sqlitePool{sqliteTx{on: db}, db}, sqlite: db, unlock: lock.Unlock}, nil
}

// sqliteDSN returns the name under which every connection of the pool gets the same
// settings: writers queue instead of failing, and a commit is on the disk.
func sqliteDSN(path string) string {
	settings := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings.Encode()
}

// A sqliteRunner is what *sql.DB and *sql.Tx have in common.
type sqliteRunner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// A sqliteTx is a Tx on SQLite.
type sqliteTx struct{ on sqliteRunner }

func (t sqliteTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.on.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t sqliteTx) One(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	err := t.on.QueryRowContext(ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (t sqliteTx) Each(ctx context.Context, query string, args []any, row func(Scan) error) error {
	rows, err := t.on.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A sqlitePool is the database of a Store on SQLite.
type sqlitePool struct {
	sqliteTx
	db *sql.DB
}

func (p sqlitePool) begin(ctx context.Context) (transaction, error) {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return sqliteChange{sqliteTx{on: tx}, tx}, nil
}

// A sqliteChange is a transaction of the store's own on SQLite.
type sqliteChange struct {
	sqliteTx
	tx *sql.Tx
}

func (c sqliteChange) raw() any                     { return c.tx }
func (c sqliteChange) commit(context.Context) error { return c.tx.Commit() }
func (c sqliteChange) rollback(context.Context)     { c.tx.Rollback() }
