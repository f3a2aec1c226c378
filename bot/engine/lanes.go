package engine

import (
	"context"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// grant gives free lanes to those who wait: to a run that has not begun together with its
// workflow. One that has its lane again has a workflow, which is woken.
func (e *Engine) grant(ctx context.Context) {
	begun := map[string]bool{}
	granted, err := e.o.Store.Grant(ctx, e.o.Now(), func(ctx context.Context, tx any, run string) error {
		begun[run] = true
		return e.launch(ctx, tx, run)
	})
	for _, run := range granted {
		e.o.Log.Info("the run has its lane", "run", run)
		if !begun[run] {
			e.rouse(ctx, run)
		}
	}
	switch {
	case err == nil:
		e.o.Looked(e.o.Poll)
	case ctx.Err() == nil:
		e.o.Log.Error("lanes cannot be granted", "error", err)
	}
	e.makeWay(ctx)
}

// launch starts the workflow of a run in the transaction that grants its lane.
func (e *Engine) launch(_ context.Context, tx any, run string) error {
	_, err := dbos.Enqueue[string](e.dbos, queue, workflow, run,
		dbos.WithEnqueueWorkflowID(run), dbos.WithEnqueueTransaction(tx))
	return err
}

// makeWay lets each run that holds a lane for which a rollback waits look at once whether
// it can give way. Once is enough: before it waits again it looks by itself.
func (e *Engine) makeWay(ctx context.Context) {
	blocking, err := e.o.Store.Blocking(ctx)
	if err != nil {
		if ctx.Err() == nil {
			e.o.Log.Error("who has to give way to a rollback cannot be told", "error", err)
		}
		return
	}
	for holder, rollback := range blocking {
		if e.asked[holder] == rollback {
			continue
		}
		if err := e.Hint(ctx, holder, "lane of "+holder+" for "+rollback); err != nil {
			e.o.Log.Warn("a rollback waits and the holder of its lane cannot be woken", "run", holder, "rollback", rollback, "error", err)
			delete(blocking, holder)
		}
	}
	e.asked = blocking
}
