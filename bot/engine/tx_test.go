package engine

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"lockstep/bot/store"
)

// poolTx returns the pool of s as a store.Tx, each statement by itself, as somebody
// else than the engine would write.
func poolTx(s *store.Store) store.Tx {
	if db := s.SQLite(); db != nil {
		return sqlTx{db}
	}
	return pgTx{s.Postgres()}
}

type sqlTx struct{ db *sql.DB }

func (t sqlTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (sqlTx) One(context.Context, string, []any, ...any) (bool, error) { panic("not needed") }

func (sqlTx) Each(context.Context, string, []any, func(store.Scan) error) error { panic("not needed") }

type pgTx struct{ pool *pgxpool.Pool }

func (t pgTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.pool.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (pgTx) One(context.Context, string, []any, ...any) (bool, error) { panic("not needed") }

func (pgTx) Each(context.Context, string, []any, func(store.Scan) error) error { panic("not needed") }

// mend puts back the table that a test took away.
func mend(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`ALTER TABLE elsewhere RENAME TO operation_outputs`); err != nil {
		t.Fatal(err)
	}
}
