package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"lockstep/bot"
)

// Run returns the run with its oldest word that no saved step has seen;
// bot.ErrNotFound without one. What is said to a run that has yielded is kept until it
// has its lane again.
func (s *Store) Run(ctx context.Context, id string) (*bot.Run, error) {
	r, _, err := load(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	if r.Yielded != nil {
		return r, nil
	}
	if r.Word, err = oldestWord(ctx, s.db, id); err != nil {
		return nil, fmt.Errorf("run %q: word: %w", id, err)
	}
	return r, nil
}

// Runs returns the runs that f selects, without their words, the newest first.
func (s *Store) Runs(ctx context.Context, f bot.Filter) ([]bot.Run, error) {
	where, args := conditions(f)
	limit := f.Limit
	if limit == 0 {
		limit = 50
	}
	args = append(args, limit)
	query := fmt.Sprintf(`SELECT revision, body FROM runs %s ORDER BY created DESC, id DESC LIMIT $%d`, where, len(args))
	runs, err := list(ctx, s.db, query, args)
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	return runs, nil
}

// conditions returns what f asks for as SQL with its arguments.
func conditions(f bot.Filter) (where string, args []any) {
	var terms []string
	place := func(value any) string {
		args = append(args, value)
		return fmt.Sprintf("$%d", len(args))
	}
	if f.Track != "" {
		terms = append(terms, "track = "+place(f.Track))
	}
	if f.Lane != "" {
		terms = append(terms, "lane = "+place(f.Lane))
	}
	if len(f.States) > 0 {
		var states []string
		for _, state := range f.States {
			states = append(states, place(string(state)))
		}
		terms = append(terms, "state IN ("+strings.Join(states, ", ")+")")
	}
	if terms == nil {
		return "", nil
	}
	return "WHERE " + strings.Join(terms, " AND "), args
}

// Active returns the runs that hold a lane, without their words, by lane.
func (s *Store) Active(ctx context.Context) ([]bot.Run, error) {
	runs, err := list(ctx, s.db, `SELECT runs.revision, runs.body FROM lanes JOIN runs ON runs.id = lanes.holder ORDER BY lanes.lane`, nil)
	if err != nil {
		return nil, fmt.Errorf("active runs: %w", err)
	}
	return runs, nil
}

// Events returns what was decided in a run, in order; none for an unknown run.
func (s *Store) Events(ctx context.Context, id string) ([]bot.Event, error) {
	var events []bot.Event
	err := s.db.Each(ctx, `SELECT body FROM events WHERE run = $1 ORDER BY seq`, []any{id}, func(scan Scan) error {
		var body string
		var e bot.Event
		if err := scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			return err
		}
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of run %q: %w", id, err)
	}
	return events, nil
}

// Save stores what became of a run in one step, in the engine's transaction: the run
// by compare-and-swap on r.Revision, which grows; its event, if there is one; and
// what people are to be told of it. r.Word, if set, counts as seen. A run that has
// settled gives up its lane, and one whose rollback failed freezes it; a verdict has
// condemned its version, a good end lifts that. One that has yielded gives it up as well
// and waits for it again.
//
// bot.ErrConflict means that the run was saved by somebody else since it was read, or
// that it is about to end well and was told to cancel since; the transaction must not be committed then, nor after any other error.
func (s *Store) Save(ctx context.Context, tx Tx, r *bot.Run, e *bot.Event, messages []bot.Message, now time.Time) error {
	if err := save(ctx, tx, r, e, messages, now); err != nil {
		return fmt.Errorf("save run %q: %w", r.ID, err)
	}
	return nil
}

// save is Save without its place in an error.
func save(ctx context.Context, tx Tx, r *bot.Run, e *bot.Event, messages []bot.Message, now time.Time) error {
	if err := update(ctx, tx, r); err != nil {
		return err
	}
	if e != nil {
		if err := insertEvent(ctx, tx, *e); err != nil {
			return err
		}
	}
	if err := post(ctx, tx, messages, now); err != nil {
		return err
	}
	if r.Word != nil {
		if err := wordSeen(ctx, tx, r.ID, r.Word.ID, now); err != nil {
			return err
		}
	}
	switch {
	case r.Yielded != nil:
		return release(ctx, tx, r, now)
	case !r.Settled():
		return nil
	}
	if err := notCancelled(ctx, tx, r); err != nil {
		return err
	}
	if err := judge(ctx, tx, r); err != nil {
		return err
	}
	if err := noteUndone(ctx, tx, r, now); err != nil {
		return err
	}
	if err := countEnd(ctx, tx, r); err != nil {
		return err
	}
	return release(ctx, tx, r, now)
}

// add appends an event to the log of a run that has settled, and stays as it is, at the
// time of the event. What it makes due is told on channels.
func add(ctx context.Context, tx Tx, r *bot.Run, e bot.Event, channels []string) error {
	r.Events++
	e.Run, e.Seq, e.State, e.Direction = r.ID, r.Events, r.State, r.Direction
	if err := update(ctx, tx, r); err != nil {
		return err
	}
	if err := insertEvent(ctx, tx, e); err != nil {
		return err
	}
	return post(ctx, tx, bot.Messages(r, e, channels), e.At)
}

// insert stores a new run with its first event.
func insert(ctx context.Context, tx Tx, r *bot.Run, e bot.Event) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO runs (id, track, lane, package, version, state, created, granted, ended, undoes, words, revision, body, opens)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, 0, $9, $10, $11)`,
		r.ID, r.Track, r.Lane, r.Package, string(r.Version), string(r.State), millis(r.Created), r.Undoes, r.Revision, string(body), opens(r, r.Created)); err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return insertEvent(ctx, tx, e)
}

// update stores r over the revision that it was read with.
func update(ctx context.Context, tx Tx, r *bot.Run) error {
	next := *r
	next.Revision++
	body, err := json.Marshal(next)
	if err != nil {
		return err
	}
	held, yielded := waits(r)
	changed, err := tx.Exec(ctx, `UPDATE runs SET state = $3, revision = $4, body = $5, ended = $6, held = $7, yielded = $8,
		granted = CASE WHEN CAST($8 AS BIGINT) > 0 THEN 0 ELSE granted END WHERE id = $1 AND revision = $2`,
		r.ID, r.Revision, string(r.State), next.Revision, string(body), ended(r), held, yielded)
	if err != nil {
		return err
	}
	if changed == 0 {
		return fmt.Errorf("revision %d: %w", r.Revision, bot.ErrConflict)
	}
	r.Revision = next.Revision
	return nil
}

// waits returns what keeps a run waiting, as it is stored.
func waits(r *bot.Run) (held, yielded int64) {
	if r.Held != nil {
		held = 1
	}
	if r.Yielded != nil {
		yielded = max(millis(r.Yielded.At), 1)
	}
	return held, yielded
}

// insertEvent appends to the log of a run.
func insertEvent(ctx context.Context, tx Tx, e bot.Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO events (run, seq, body, at) VALUES ($1, $2, $3, $4)`, e.Run, e.Seq, string(body), millis(e.At)); err != nil {
		return fmt.Errorf("event %d: %w", e.Seq, err)
	}
	return nil
}

// load reads a run without its word, and when it got its lane, zero while it waits.
func load(ctx context.Context, tx Tx, id string) (r *bot.Run, granted time.Time, err error) {
	var at, revision int64
	var body string
	found, err := tx.One(ctx, `SELECT granted, revision, body FROM runs WHERE id = $1`, []any{id}, &at, &revision, &body)
	if err != nil {
		return nil, granted, fmt.Errorf("run %q: %w", id, err)
	}
	if !found {
		return nil, granted, notFound(id)
	}
	if r, err = decode(body, revision); err != nil {
		return nil, granted, fmt.Errorf("run %q: %w", id, err)
	}
	return r, moment(at), nil
}

// list reads the runs of a query for their revisions and bodies.
func list(ctx context.Context, tx Tx, query string, args []any) ([]bot.Run, error) {
	var runs []bot.Run
	err := tx.Each(ctx, query, args, func(scan Scan) error {
		var revision int64
		var body string
		if err := scan(&revision, &body); err != nil {
			return err
		}
		r, err := decode(body, revision)
		if err != nil {
			return err
		}
		runs = append(runs, *r)
		return nil
	})
	return runs, err
}

// decode returns the run with that body and revision.
func decode(body string, revision int64) (*bot.Run, error) {
	var r bot.Run
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	r.Revision = revision
	return &r, nil
}
