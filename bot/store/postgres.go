package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// openPostgres connects to the server at url, whose password appears in no error.
func openPostgres(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	config.MaxConns = max(config.MaxConns, connections)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return &Store{db: postgresPool{postgresTx{on: pool}, pool}, postgres: pool}, nil
}

// A postgresRunner is what *pgxpool.Pool and pgx.Tx have in common.
type postgresRunner interface {
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// A postgresTx is a Tx on PostgreSQL.
type postgresTx struct{ on postgresRunner }

func (t postgresTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.on.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (t postgresTx) One(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	err := t.on.QueryRow(ctx, query, args...).Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (t postgresTx) Each(ctx context.Context, query string, args []any, row func(Scan) error) error {
	rows, err := t.on.Query(ctx, query, args...)
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

// A postgresPool is the database of a Store on PostgreSQL.
type postgresPool struct {
	postgresTx
	pool *pgxpool.Pool
}

func (p postgresPool) begin(ctx context.Context) (transaction, error) {
	tx, err := p.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return postgresChange{postgresTx{on: tx}, tx}, nil
}

// A postgresChange is a transaction of the store's own on PostgreSQL.
type postgresChange struct {
	postgresTx
	tx pgx.Tx
}

func (c postgresChange) raw() any                         { return c.tx }
func (c postgresChange) commit(ctx context.Context) error { return c.tx.Commit(ctx) }
func (c postgresChange) rollback(ctx context.Context)     { c.tx.Rollback(ctx) }
