package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"lockstep/bot"
)

// A look is what one step learned, as it is recorded before it is saved.
type look struct {
	Run     packed      `json:"run"`            // with the facts that the step noted; nil when it could not be read
	Word    *bot.Word   `json:"word,omitempty"` // what the step saw of people's words
	Outcome bot.Outcome `json:"outcome"`
	Error   string      `json:"error,omitempty"` // why nobody could tell; then Outcome is empty
}

// A turn is what became of a run in one turn of its loop, as it is recorded.
type turn struct {
	State bot.State     `json:"state"`
	After time.Duration `json:"after"` // how long to wait for a hint
}

// drive is the workflow of a run.
func (e *Engine) drive(ctx dbos.Context, run string) (string, error) {
	for hinted := false; ; {
		t, err := e.turn(ctx, run, hinted)
		if err != nil {
			return "", e.leave(ctx, run, err)
		}
		if t.State.Settled() {
			e.Wake()
			return string(t.State), nil
		}
		hinted = false
		if t.After > 0 {
			if hinted, err = listen(ctx, t.After); err != nil {
				return "", e.leave(ctx, run, err)
			}
		}
	}
}

// turn takes one step and saves it. An error means that DBOS could not record it.
func (e *Engine) turn(ctx dbos.Context, run string, hinted bool) (turn, error) {
	seen, err := dbos.RunAsStep(ctx, func(ctx context.Context) (look, error) {
		seen := e.look(ctx, run, hinted)
		if e.lease.ctx.Err() != nil {
			<-ctx.Done() // it was cut short, and the engine is about to stop: nothing is recorded
		}
		return seen, nil
	}, dbos.WithStepName("step"))
	if err != nil {
		return turn{}, fmt.Errorf("step: %w", err)
	}
	// From here a crash is harmless: the step is recorded, and is saved next time.
	var event *bot.Event // nil when this turn was already saved before a crash
	t, err := dbos.RunAsTransaction(ctx, e.tables, func(ctx context.Context, tx dbos.Tx) (t turn, err error) {
		t, event, err = e.save(ctx, storeTx{tx}, seen)
		return t, err
	}, dbos.WithStepName("save"))
	switch {
	case err == nil:
		e.tell(seen.Run.Run, event)
		if seen.Outcome.Yields != "" {
			e.Wake()
		}
		return t, nil
	case unrecorded(ctx, err):
		return turn{}, fmt.Errorf("save: %w", err)
	}
	// Nothing was saved and that is recorded: read the run again and take the step again.
	e.o.Log.Error("a step was not saved", "run", run, "error", err)
	return turn{After: e.o.Limits.First}, nil
}

// unrecorded reports that err is of DBOS itself, not of what it ran: the database
// failed or the process stops.
func unrecorded(ctx context.Context, err error) bool {
	var own *dbos.Error
	return ctx.Err() != nil || errors.As(err, &own)
}

// look reads the run and takes its step. A hint makes its waits short again.
func (e *Engine) look(ctx context.Context, run string, hinted bool) look {
	ctx, stop := e.lease.while(ctx)
	defer stop()
	r, err := e.o.Store.Run(ctx, run)
	if err != nil {
		return look{Error: fmt.Sprintf("read run: %v", err)}
	}
	if hinted {
		r.Waits = 0
	}
	seen := look{Run: packed{r}, Word: r.Word}
	if r.Settled() {
		return seen
	}
	if seen.Outcome, err = e.step(ctx, r); err != nil {
		seen.Outcome, seen.Error = bot.Outcome{}, err.Error()
	}
	return seen
}

// step takes the step; a panic in it becomes a call for a person.
func (e *Engine) step(ctx context.Context, r *bot.Run) (o bot.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			e.o.Log.Error("a step panicked", "run", r.ID, "state", r.State, "panic", p, "stack", string(debug.Stack()))
			o, err = bot.Outcome{
				State: bot.Stalled, Pace: bot.Person,
				Reason: fmt.Sprintf("Lockstep itself made a mistake after %q: %v", r.State, p),
			}, nil
		}
	}()
	return e.o.Step(ctx, r)
}

// save applies what a step learned and stores it. The run of the look stays as it is,
// so that a transaction that has to begin again finds it unchanged.
func (e *Engine) save(ctx context.Context, tx storeTx, seen look) (turn, *bot.Event, error) {
	var unknown error
	if seen.Error != "" {
		unknown = errors.New(seen.Error)
	}
	if seen.Run.Run == nil {
		return turn{}, nil, unknown
	}
	r, now := *seen.Run.Run, e.o.Now()
	if r.Settled() {
		return turn{State: r.State}, nil, nil
	}
	r.Word = seen.Word
	applied := r.Apply(seen.Outcome, unknown, now, e.o.Limits)
	var messages []bot.Message
	if applied.Event != nil {
		messages = bot.Messages(&r, *applied.Event, e.o.Channels(r.Track))
	}
	if err := e.o.Store.Save(ctx, tx, &r, applied.Event, messages, now); err != nil {
		return turn{}, nil, err
	}
	return turn{State: r.State, After: applied.After}, applied.Event, nil
}

// tell logs an outcome that was saved, once.
func (e *Engine) tell(r *bot.Run, event *bot.Event) {
	if event == nil {
		return
	}
	e.o.Log.LogAttrs(context.Background(), slog.LevelInfo, event.Reason,
		slog.String("run", r.ID), slog.String("track", r.Track), slog.String("package", r.Package), slog.String("version", string(r.Version)),
		slog.String("state", string(event.State)), slog.String("direction", string(event.Direction)), slog.String("environment", event.Environment))
}

// listen waits for a hint and reports whether one came.
func listen(ctx dbos.Context, after time.Duration) (hinted bool, err error) {
	_, err = dbos.Recv[string](ctx, hints, after)
	if errors.Is(err, dbos.ErrTimeout) && ctx.Err() == nil {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("wait: %w", err)
	}
	return true, nil
}

// leave gives a run up to the next process: what a workflow returns as an error would
// end the run for ever. So the engine stops, and the workflow stays in the database as
// one that is under way.
func (e *Engine) leave(ctx dbos.Context, run string, err error) error {
	if errors.Is(err, dbos.ErrConflictingWorkflowID) {
		return err // somebody else drives it already
	}
	if ctx.Err() == nil {
		select {
		case e.failed <- fmt.Errorf("run %q: %w", run, err):
		default: // the engine is about to stop anyway
		}
	}
	<-ctx.Done()
	return err
}
