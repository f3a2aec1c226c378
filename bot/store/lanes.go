package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lockstep/bot"
)

// Lanes returns every lane that a run ever waited in, by name.
func (s *Store) Lanes(ctx context.Context) ([]bot.LaneState, error) {
	all, err := lanes(ctx, s.db, laneColumns+` ORDER BY lane`)
	if err != nil {
		return nil, fmt.Errorf("lanes: %w", err)
	}
	everything := frozenWithAll(all)
	all = slices.DeleteFunc(all, func(l bot.LaneState) bool { return l.Lane == bot.Everything })
	for i := range all {
		all[i].All = everything
		if all[i].Waiting, err = waiting(ctx, s.db, all[i].Lane); err != nil {
			return nil, fmt.Errorf("lanes: %w", err)
		}
	}
	return all, nil
}

// Grant gives each free lane to the run that has waited longest, and returns the runs
// that got one. A run that puts another one back comes before all others, then the run
// that gave its lane to such a one. To these alone goes a frozen lane, and any other run
// that is held, or that the windows of its track keep waiting, keeps its place while
// others pass. launch starts the workflow of a run in the same transaction, tx, a *sql.Tx
// or pgx.Tx: either both happen or nothing does. A run that has its lane again has its
// workflow. An error stops at that lane; what was granted before it stays granted.
func (s *Store) Grant(ctx context.Context, now time.Time, launch func(ctx context.Context, tx any, run string) error) (granted []string, err error) {
	if err := s.thawDue(ctx, now); err != nil {
		return nil, err
	}
	free, err := lanes(ctx, s.db, laneColumns+` WHERE holder = '' AND EXISTS (
		SELECT 1 FROM runs WHERE runs.lane = lanes.lane AND `+mayBegin+` AND (runs.opens <= $1 OR runs.yielded > 0)) ORDER BY lane`, millis(now))
	if err != nil {
		return nil, fmt.Errorf("free lanes: %w", err)
	}
	for _, l := range free {
		var run string
		err := s.change(ctx, func(tx transaction) error {
			again, err := false, error(nil)
			if run, again, err = grant(ctx, tx, l.Lane, now); err != nil || run == "" || again {
				return err
			}
			return launch(ctx, tx.raw(), run)
		})
		if err != nil {
			return granted, fmt.Errorf("grant lane %q: %w", l.Lane, err)
		}
		if run != "" {
			granted = append(granted, run)
		}
	}
	return granted, nil
}

// grant gives the lane to the first of its waiting runs that may have it and returns
// that, and whether it had it before; "" when the lane is not to be had or nobody waits
// any more.
func grant(ctx context.Context, tx Tx, name string, now time.Time) (run string, again bool, err error) {
	free, err := tx.Exec(ctx, `UPDATE lanes SET revision = revision + 1 WHERE lane = $1 AND holder = ''`, name)
	if err != nil || free == 0 {
		return "", false, err
	}
	r, err := first(ctx, tx, name, now)
	if err != nil || r == nil {
		return "", false, err
	}
	if again = r.Yielded != nil; again {
		err = regain(ctx, tx, r, now)
	} else {
		err = update(ctx, tx, r)
	}
	if err != nil {
		return "", false, err // a conflict: it was cancelled or held at this moment
	}
	if _, err := tx.Exec(ctx, `UPDATE runs SET granted = $2 WHERE id = $1`, r.ID, millis(now)); err != nil {
		return "", false, err
	}
	_, err = tx.Exec(ctx, `UPDATE lanes SET holder = $2 WHERE lane = $1`, name, r.ID)
	return r.ID, again, err
}

// regain notes that a run goes on where it gave its lane to another.
func regain(ctx context.Context, tx Tx, r *bot.Run, now time.Time) error {
	e := r.Regain(now)
	return save(ctx, tx, r, e, bot.Messages(r, *e, nil), now)
}

// Yields returns the run that waits for a lane to put another one back, so that the
// holder may give it way; "" without one.
func (s *Store) Yields(ctx context.Context, lane string) (run string, err error) {
	_, err = s.db.One(ctx, `SELECT id FROM runs WHERE lane = $1 AND granted = 0 AND ended = 0 AND undoes <> '' ORDER BY created, id LIMIT 1`,
		[]any{lane}, &run)
	if err != nil {
		return "", fmt.Errorf("who waits for lane %q: %w", lane, err)
	}
	return run, nil
}

// Blocking returns the runs that hold a lane for which a run waits that puts another one
// back, each with that one.
func (s *Store) Blocking(ctx context.Context) (map[string]string, error) {
	behind := map[string]string{}
	err := s.db.Each(ctx, `SELECT lanes.holder, runs.id FROM lanes JOIN runs ON runs.lane = lanes.lane
		WHERE lanes.holder <> '' AND runs.granted = 0 AND runs.ended = 0 AND runs.undoes <> '' ORDER BY runs.created DESC, runs.id DESC`, nil, func(scan Scan) error {
		var holder, run string
		err := scan(&holder, &run)
		behind[holder] = run
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("who waits to put a run back: %w", err)
	}
	return behind, nil
}

// mayBegin selects the runs that wait for their lane and that nothing keeps from it.
const mayBegin = `runs.granted = 0 AND runs.ended = 0 AND (runs.undoes <> '' OR runs.yielded > 0 OR runs.held = 0 AND lanes.frozen = ''
	AND NOT EXISTS (SELECT 1 FROM lanes AS everything WHERE everything.lane = '` + bot.Everything + `' AND everything.frozen <> ''))`

// inOrder sorts the runs that wait for a lane: what puts things back, then who gave way
// to that, then those that have not begun.
const inOrder = `CASE WHEN undoes <> '' THEN 0 WHEN yielded > 0 THEN 1 ELSE 2 END, created, id`

// first returns the first run of the lane that may begin; nil without one. It notes for
// those that the windows of their track keep waiting until when they do.
func first(ctx context.Context, tx Tx, name string, now time.Time) (*bot.Run, error) {
	for {
		var run string
		found, err := tx.One(ctx, `SELECT runs.id FROM lanes JOIN runs ON runs.lane = lanes.lane
			WHERE lanes.lane = $1 AND `+mayBegin+` AND (runs.opens <= $2 OR runs.yielded > 0)
			ORDER BY `+inOrder+` LIMIT 1`, []any{name, millis(now)}, &run)
		if err != nil || !found {
			return nil, err
		}
		r, _, err := load(ctx, tx, run)
		if err != nil {
			return nil, err
		}
		if sentence, _ := r.Shut(now); sentence == "" || r.Yielded != nil {
			return r, nil
		}
		if _, err := tx.Exec(ctx, `UPDATE runs SET opens = $2 WHERE id = $1`, run, opens(r, now)); err != nil {
			return nil, err
		}
	}
}

// opens returns until when the windows of its track keep a run waiting, as it is stored:
// 0 while they are open. For one that they keep for good that is looked up each day.
func opens(r *bot.Run, now time.Time) int64 {
	sentence, at := r.Shut(now)
	switch {
	case sentence == "":
		return 0
	case at.IsZero():
		at = now.AddDate(0, 0, 1)
	}
	return millis(at)
}

// release takes the lane from a run that has settled or given way, and freezes it when a rollback
// failed. Why it was frozen before stays, but no end of that: a thaw has to see to both.
func release(ctx context.Context, tx Tx, r *bot.Run, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE lanes SET holder = '', revision = revision + 1 WHERE lane = $1 AND holder = $2`, r.Lane, r.ID); err != nil {
		return fmt.Errorf("release lane %q: %w", r.Lane, err)
	}
	if r.State != bot.RollbackFailed {
		return nil
	}
	l, err := lane(ctx, tx, r.Lane)
	if err != nil {
		return fmt.Errorf("freeze lane %q: %w", r.Lane, err)
	}
	reason, by, at := fmt.Sprintf("run %s: %s", r.ID, r.Reason), "lockstep", now
	if l.Frozen != "" {
		reason, by, at = l.Frozen+"; "+reason, l.By, l.Since
	}
	if _, err := tx.Exec(ctx, `UPDATE lanes SET frozen = $2, frozen_by = $3, frozen_at = $4, frozen_until = 0 WHERE lane = $1`,
		r.Lane, reason, by, millis(at)); err != nil {
		return fmt.Errorf("freeze lane %q: %w", r.Lane, err)
	}
	return nil
}

// enter makes sure that there is a row for the lane and keeps it from changing until
// the transaction ends, so that whoever asks for the same lane takes turns.
func enter(ctx context.Context, tx Tx, lane string) error {
	_, err := tx.Exec(ctx, `INSERT INTO lanes (lane, holder, revision, frozen, frozen_by, frozen_at, thawed, thawed_by, thawed_at)
		VALUES ($1, '', 1, '', '', 0, '', '', 0)
		ON CONFLICT (lane) DO UPDATE SET revision = lanes.revision + 1`, lane)
	return err
}

// lane reads one lane with its queue; the zero state for a lane that nobody entered.
func lane(ctx context.Context, tx Tx, name string) (bot.LaneState, error) {
	found, err := lanes(ctx, tx, laneColumns+` WHERE lane = $1 OR lane = '`+bot.Everything+`'`, name)
	if err != nil {
		return bot.LaneState{}, err
	}
	l := bot.LaneState{Lane: name}
	if i := slices.IndexFunc(found, func(l bot.LaneState) bool { return l.Lane == name }); i >= 0 {
		l = found[i]
	}
	l.All = frozenWithAll(found)
	l.Waiting, err = waiting(ctx, tx, name)
	return l, err
}

// laneColumns begins the queries of lanes.
const laneColumns = `SELECT lane, holder, frozen, frozen_by, frozen_at, frozen_until FROM lanes`

// frozenWithAll returns what freezes everything, if that is among lanes.
func frozenWithAll(lanes []bot.LaneState) *bot.Freeze {
	for _, l := range lanes {
		if f := l.Freeze(); l.Lane == bot.Everything && f != nil {
			f.All = true
			return f
		}
	}
	return nil
}

// lanes reads the lanes of a query, without their queues.
func lanes(ctx context.Context, tx Tx, query string, args ...any) ([]bot.LaneState, error) {
	var all []bot.LaneState
	err := tx.Each(ctx, query, args, func(scan Scan) error {
		var l bot.LaneState
		var since, until int64
		if err := scan(&l.Lane, &l.Holder, &l.Frozen, &l.By, &since, &until); err != nil {
			return err
		}
		l.Since, l.Until = moment(since), moment(until)
		all = append(all, l)
		return nil
	})
	return all, err
}

// waiting returns the runs that wait for the lane, in order.
func waiting(ctx context.Context, tx Tx, lane string) ([]string, error) {
	var runs []string
	err := tx.Each(ctx, `SELECT id FROM runs WHERE lane = $1 AND granted = 0 AND ended = 0 ORDER BY `+inOrder, []any{lane}, func(scan Scan) error {
		var run string
		if err := scan(&run); err != nil {
			return err
		}
		runs = append(runs, run)
		return nil
	})
	return runs, err
}
