package engine

import (
	"context"
	"errors"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"lockstep/bot/store"
)

// A storeTx is a transaction of DBOS as the store takes it.
type storeTx struct{ tx dbos.Tx }

var _ store.Tx = storeTx{}

func (t storeTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.tx.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t storeTx) One(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	err := t.tx.QueryRow(ctx, query, args...).Scan(dest...)
	if errors.Is(err, dbos.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (t storeTx) Each(ctx context.Context, query string, args []any, row func(store.Scan) error) error {
	rows, err := t.tx.Query(ctx, query, args...)
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
