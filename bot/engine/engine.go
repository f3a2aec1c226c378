// Package engine carries runs on, whatever happens to the process: a durable loop on
// DBOS for each run that holds a lane. One turn of the loop looks and acts (Step),
// saves what became of the run together with the record of having done so, and waits
// for a hint or a timer, until the run has settled. After a crash the loop takes the
// next turn; a step that had no record is done again.
//
// The loop keeps its shape for ever: "step", "save", a wait on "hints". It carries
// only the id of its run. So a newer program goes on with the runs of an older one,
// however much a step has changed.
//
// One process at a time works on a database: on SQLite the store's file lock keeps
// others away, on PostgreSQL they stand by until the lease is theirs. The database
// failing ends the process, never a run.
//
// It decides nothing about a run; that is Step's and Run.Apply's.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // lets DBOS use the store's SQLite
	"golang.org/x/sync/errgroup"

	"lockstep/bot"
	"lockstep/bot/store"
)

// What DBOS knows us by. These are stored with every workflow and never change: with
// any other name, version or executor the workflows in a database would be left lying.
const (
	application = "lockstep"
	version     = "1"
	executor    = "lockstep"
	workflow    = "run"
	queue       = "runs"
	hints       = "hints"
)

// patience is how long Run waits at its end for the steps that are under way.
const patience = 20 * time.Second

// Options say what an engine works with. Store and Step are required.
type Options struct {
	Store *store.Store

	// Step looks at the world, acts at most once and returns what it learned; see
	// bot.Bot.Step. It has to end soon after ctx, which ends when the process stops or
	// loses its lease. A panic in it stalls the run.
	Step func(ctx context.Context, r *bot.Run) (bot.Outcome, error)

	// Beside runs while this process is the active one, such as the sender of messages:
	// a standby must not send. It has to end soon after its ctx, and has ended before
	// the store's connections are closed. Its error ends Run. nil: nothing runs beside.
	Beside func(ctx context.Context) error

	// Looked is told each time that lanes were granted, or that nobody waits for one that is
	// free, with the wait until the next look. nil: nobody is told.
	Looked func(again time.Duration)

	Limits   bot.Limits                  // a zero field has the default that bot.Limits names
	Channels func(track string) []string // the channels that hear of a track's runs; nil: nobody hears
	Now      func() time.Time            // nil: time.Now
	Log      *slog.Logger                // nil: slog.Default()
	Poll     time.Duration               // how often it looks for lanes to grant and runs to begin; 0: 1 s
}

// An Engine drives the runs of one store.
type Engine struct {
	o      Options
	dbos   dbos.Context
	tables *dbos.DataSource  // the store's tables, in the same database as DBOS's own
	lease  *lease            // set before the first step
	asked  map[string]string // who was asked to give way to which rollback; serve's own
	wake   chan struct{}
	failed chan error
}

// Open prepares an engine and makes the tables that DBOS needs. It drives nothing
// before Run; Hint and Do work at once.
func Open(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{o: defaults(o), wake: make(chan struct{}, 1), failed: make(chan error, 1)}
	if err := e.open(ctx); err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	return e, nil
}

// defaults returns o with its zero fields filled in.
func defaults(o Options) Options {
	o.Limits.Unknown = cmp.Or(o.Limits.Unknown, time.Hour)
	o.Limits.First = cmp.Or(o.Limits.First, time.Second)
	o.Limits.Longest = cmp.Or(o.Limits.Longest, 30*time.Second)
	o.Limits.Person = cmp.Or(o.Limits.Person, 5*time.Minute)
	o.Log = cmp.Or(o.Log, slog.Default())
	o.Poll = cmp.Or(o.Poll, time.Second)
	if o.Channels == nil {
		o.Channels = func(string) []string { return nil }
	}
	if o.Beside == nil {
		o.Beside = func(context.Context) error { return nil }
	}
	if o.Looked == nil {
		o.Looked = func(time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// open makes the DBOS context with our workflow and queue. The context does not end
// with ctx, because DBOS takes that for the wish to cancel its workflows for good;
// only Shutdown leaves them to be recovered.
func (e *Engine) open(ctx context.Context) (err error) {
	e.dbos, err = dbos.NewContext(context.WithoutCancel(ctx), dbos.Config{
		AppName:            application,
		ApplicationVersion: version,
		ExecutorID:         executor,
		SQLiteSystemDB:     e.o.Store.SQLite(),
		SystemDBPool:       e.o.Store.Postgres(),
		Logger:             slog.New(quiet{e.o.Log.Handler()}),
	})
	if err != nil {
		return err
	}
	dbos.RegisterWorkflow(e.dbos, e.drive, dbos.WithWorkflowName(workflow), dbos.WithMaxRecoveryAttempts(math.MaxInt32))
	if _, err = dbos.RegisterQueue(e.dbos, queue,
		dbos.WithQueueBasePollingInterval(e.o.Poll), dbos.WithQueueOnConflict(dbos.QueueConflictAlwaysUpdate)); err != nil {
		return err
	}
	if db := e.o.Store.SQLite(); db != nil {
		e.tables, err = dbos.NewDataSource(e.dbos, db)
	} else {
		e.tables, err = dbos.NewDataSource(e.dbos, e.o.Store.Postgres())
	}
	return err
}

// Run drives runs until ctx ends, and returns nil then. On PostgreSQL it first waits
// until it is the one active process. It returns an error when it lost the lease or
// the database failed; what was under way goes on in the next process.
//
// At its end it closes the store's connections, so whatever else uses the store should
// have ended. It can be called once.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.run(ctx); err != nil {
		return fmt.Errorf("run engine: %w", err)
	}
	return nil
}

// run leads, serves and shuts down, in an order that never leaves two processes at work.
func (e *Engine) run(ctx context.Context) (err error) {
	e.lease, err = e.lead(ctx)
	switch {
	case ctx.Err() != nil && err != nil: // it stood by to the end
		return dbos.Shutdown(e.dbos, patience)
	case err != nil:
		return errors.Join(err, dbos.Shutdown(e.dbos, patience))
	}
	defer e.lease.release() // after Shutdown: nothing of ours writes any more
	if err := dbos.Launch(e.dbos); err != nil {
		return err
	}
	group, active := errgroup.WithContext(ctx)
	group.Go(func() error { return e.serve(active) })
	group.Go(func() error { return e.o.Beside(active) })
	return errors.Join(group.Wait(), dbos.Shutdown(e.dbos, patience))
}

// sweepEvery is how often what is old is removed.
const sweepEvery = time.Hour

// serve grants lanes until ctx ends or the engine cannot go on.
func (e *Engine) serve(ctx context.Context) error {
	poll, sweep := time.NewTicker(e.o.Poll), time.NewTicker(sweepEvery)
	defer poll.Stop()
	defer sweep.Stop()
	e.sweep(ctx)
	for {
		e.grant(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-e.lease.ctx.Done():
			return context.Cause(e.lease.ctx)
		case err := <-e.failed:
			return err
		case <-sweep.C:
			e.sweep(ctx)
		case <-e.wake:
		case <-poll.C:
		}
	}
}

// Workflows of runs that ended longer ago than keep are removed, at most batch at a
// time; the runs themselves stay in the store. Deliveries of hooks and messages that were
// sent stay there for keepTold.
const (
	keep     = 24 * time.Hour
	batch    = 200
	keepTold = 30 * 24 * time.Hour
)

// sweep removes what nobody asks for any more.
func (e *Engine) sweep(ctx context.Context) {
	e.sweepWorkflows()
	if err := e.o.Store.Sweep(ctx, e.o.Now().Add(-keepTold)); err != nil && ctx.Err() == nil {
		e.o.Log.Warn("old rows stay", "error", err)
	}
}

// sweepWorkflows removes what DBOS keeps of runs that ended long ago.
func (e *Engine) sweepWorkflows() {
	old, err := dbos.ListWorkflows(e.dbos, dbos.WithFilterName(workflow), dbos.WithFilterStatus(dbos.WorkflowStatusSuccess),
		dbos.WithFilterCompletedBefore(e.o.Now().Add(-keep)), dbos.WithFilterLimit(batch),
		dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err == nil && len(old) > 0 {
		runs := make([]string, len(old))
		for i, w := range old {
			runs[i] = w.ID
		}
		err = dbos.DeleteWorkflows(e.dbos, runs)
	}
	if err != nil {
		e.o.Log.Warn("old workflows stay", "error", err)
	}
}

// Wake makes the engine look at once for lanes to grant: a request was accepted.
// Without it the next poll would find out.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// Hint ends the wait of a run, so that it looks for itself. The same delivery again
// does nothing; an empty one always counts. A run that has no lane is nil as well.
func (e *Engine) Hint(_ context.Context, run, delivery string) error {
	var options []dbos.SendOption
	if delivery != "" {
		options = append(options, dbos.WithIdempotencyKey(delivery))
	}
	err := dbos.Send(e.dbos, run, delivery, hints, options...)
	if err != nil && !errors.Is(err, dbos.ErrNonExistentWorkflow) {
		return fmt.Errorf("hint run %q: %w", run, err)
	}
	return nil
}

// Do does what people and programs want done, and wakes the runs that it is for; see
// store.Store.Do. A run that cannot be woken sees it at its next look.
func (e *Engine) Do(ctx context.Context, b bot.Batch) ([]bot.Answer, error) {
	answers, err := e.o.Store.Do(ctx, b, e.o.Channels)
	if err != nil {
		return nil, err
	}
	e.Wake()
	for i, c := range b.Commands {
		switch {
		case answers[i].Refused:
		case c.Run != "":
			e.rouse(ctx, c.Run)
		case c.Lane != "":
			e.rouseHolders(ctx, c.Lane)
		}
	}
	return answers, nil
}

// rouse wakes a run for which something was stored. It will find that without, later.
func (e *Engine) rouse(ctx context.Context, run string) {
	if err := e.Hint(ctx, run, ""); err != nil {
		e.o.Log.Warn("a word was stored and its run cannot be woken", "run", run, "error", err)
	}
}

// rouseHolders wakes the run that holds a lane; that of every lane for bot.Everything.
func (e *Engine) rouseHolders(ctx context.Context, lane string) {
	active, err := e.o.Store.Active(ctx)
	if err != nil {
		e.o.Log.Warn("a lane was frozen or thawed and its holder cannot be woken", "lane", lane, "error", err)
	}
	for _, r := range active {
		if lane == bot.Everything || lane == r.Lane {
			e.rouse(ctx, r.ID)
		}
	}
}
