package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// The lease is an advisory lock of PostgreSQL (14 or newer) on a connection of its
// own, which the server ends when it hears nothing for leaseTime. The active process
// says something every beatTime, and stops by its own clock when it could not.
const (
	leaseTime = 5 * time.Second
	beatTime  = time.Second
	leaseLock = 0x6c6f636b73746570 // "lockstep"
)

// errExpired says that the server was not heard in time, so that it may have given
// the lease to another process.
var errExpired = errors.New("the lease has expired: the database was not reached in time")

// A lease is the right to be the one process that works on a database.
type lease struct {
	ctx     context.Context // ends when the lease is lost; its cause says why
	release func()          // gives the lease to whoever stands by
}

// lead returns the lease. On PostgreSQL it stands by while another process has it; on
// SQLite the store's file lock has settled the matter. It returns ctx's error when ctx
// ends before.
func (e *Engine) lead(ctx context.Context) (*lease, error) {
	pool := e.o.Store.Postgres()
	if pool == nil {
		return &lease{ctx: context.Background(), release: func() {}}, nil
	}
	config := pool.Config().ConnConfig
	config.RuntimeParams["idle_session_timeout"] = strconv.FormatInt(leaseTime.Milliseconds(), 10)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	if err := e.standBy(ctx, conn); err != nil {
		conn.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("lease: %w", err)
	}
	return hold(conn), nil
}

// standBy returns when conn has the lock.
func (e *Engine) standBy(ctx context.Context, conn *pgx.Conn) error {
	tick := time.NewTicker(min(e.o.Poll, beatTime))
	defer tick.Stop()
	for told := false; ; told = true {
		var ours bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(leaseLock)).Scan(&ours); err != nil || ours {
			return err
		}
		if !told {
			e.o.Log.Info("another process is active: standing by")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// hold keeps the lease that conn has, until it is released.
func hold(conn *pgx.Conn) *lease {
	held, lose := context.WithCancelCause(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		beat(held, conn, lose)
	}()
	return &lease{ctx: held, release: func() {
		lose(errors.New("the lease was released"))
		<-stopped
		ctx, cancel := context.WithTimeout(context.Background(), leaseTime)
		defer cancel()
		conn.Close(ctx)
	}}
}

// beat tells the server that we are there, and ends held when it does not answer.
func beat(held context.Context, conn *pgx.Conn, lose context.CancelCauseFunc) {
	expired := time.AfterFunc(leaseTime, func() { lose(errExpired) })
	defer expired.Stop()
	tick := time.NewTicker(beatTime)
	defer tick.Stop()
	for {
		select {
		case <-held.Done():
			return
		case <-tick.C:
		}
		begun := time.Now()
		if _, err := conn.Exec(held, `SELECT 1`); err != nil {
			lose(fmt.Errorf("the lease is lost: %w", err))
			return
		}
		expired.Reset(leaseTime - time.Since(begun))
	}
}

// while returns ctx, ending with the lease as well.
func (l *lease) while(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(l.ctx, func() { cancel(context.Cause(l.ctx)) })
	return ctx, func() {
		unhook()
		cancel(nil)
	}
}
