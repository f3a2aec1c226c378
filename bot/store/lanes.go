package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// Lanes returns every lane that a run ever waited in, by name.
func (s *Store) Lanes(ctx context.Context) ([]bot.LaneState, error) {
	all, err := lanes(ctx, s.db, `SELECT lane, holder, frozen, frozen_by, frozen_at FROM lanes ORDER BY lane`)
	if err != nil {
		return nil, fmt.Errorf("lanes: %w", err)
	}
	for i := range all {
		if all[i].Waiting, err = waiting(ctx, s.db, all[i].Lane); err != nil {
			return nil, fmt.Errorf("lanes: %w", err)
		}
	}
	return all, nil
}

// Grant gives each free lane to the run that has waited longest, a run that puts another
// one back before all others, and returns the runs that got one. A frozen lane goes to
// such a run alone. launch starts the run's workflow in the same transaction, tx, a
// *sql.Tx or pgx.Tx: either both happen or nothing does. An error stops at that lane;
// what was granted before it stays granted.
func (s *Store) Grant(ctx context.Context, now time.Time, launch func(ctx context.Context, tx any, run string) error) (granted []string, err error) {
	free, err := lanes(ctx, s.db, `SELECT lane, holder, frozen, frozen_by, frozen_at FROM lanes
		WHERE holder = '' AND EXISTS (
			SELECT 1 FROM runs WHERE runs.lane = lanes.lane AND runs.state = 'queued' AND runs.granted = 0 AND (lanes.frozen = '' OR runs.undoes <> ''))
		ORDER BY lane`)
	if err != nil {
		return nil, fmt.Errorf("free lanes: %w", err)
	}
	for _, l := range free {
		var run string
		err := s.change(ctx, func(tx transaction) (err error) {
			if run, err = grant(ctx, tx, l.Lane, now); err != nil || run == "" {
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
// that; "" when the lane is not to be had or nobody waits any more.
func grant(ctx context.Context, tx Tx, name string, now time.Time) (string, error) {
	free, err := tx.Exec(ctx, `UPDATE lanes SET revision = revision + 1 WHERE lane = $1 AND holder = ''`, name)
	if err != nil || free == 0 {
		return "", err
	}
	var run string
	found, err := tx.One(ctx, `SELECT runs.id FROM lanes JOIN runs ON runs.lane = lanes.lane
		WHERE lanes.lane = $1 AND runs.state = 'queued' AND runs.granted = 0 AND (lanes.frozen = '' OR runs.undoes <> '')
		ORDER BY CASE WHEN runs.undoes = '' THEN 1 ELSE 0 END, runs.created, runs.id LIMIT 1`, []any{name}, &run)
	if err != nil || !found {
		return "", err
	}
	changed, err := tx.Exec(ctx, `UPDATE runs SET granted = $2, revision = revision + 1 WHERE id = $1 AND state = 'queued' AND granted = 0`, run, millis(now))
	if err != nil {
		return "", err
	}
	if changed == 0 { // cancelled at this moment
		return "", fmt.Errorf("run %q: %w", run, bot.ErrConflict)
	}
	_, err = tx.Exec(ctx, `UPDATE lanes SET holder = $2 WHERE lane = $1`, name, run)
	return run, err
}

// release takes the lane from a run that has settled, and freezes it when a rollback
// failed. Why it was frozen before stays: a thaw has to see to both.
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
	if _, err := tx.Exec(ctx, `UPDATE lanes SET frozen = $2, frozen_by = $3, frozen_at = $4 WHERE lane = $1`, r.Lane, reason, by, millis(at)); err != nil {
		return fmt.Errorf("freeze lane %q: %w", r.Lane, err)
	}
	return nil
}

// Freeze keeps the lane from being granted, but to runs that put another one back, until
// it is thawed; its holder goes on. An empty reason becomes "frozen by …". bot.ErrRefused when the lane is frozen already.
func (s *Store) Freeze(ctx context.Context, name, by, reason string, now time.Time) error {
	if reason == "" {
		reason = "frozen by " + by
	}
	return s.change(ctx, func(tx transaction) error {
		if err := enter(ctx, tx, name); err != nil {
			return fmt.Errorf("freeze lane %q: %w", name, err)
		}
		l, err := lane(ctx, tx, name)
		if err != nil {
			return fmt.Errorf("freeze lane %q: %w", name, err)
		}
		if l.Frozen != "" {
			return refuse("lane %s is frozen already: %s", name, l.Frozen)
		}
		_, err = tx.Exec(ctx, `UPDATE lanes SET frozen = $2, frozen_by = $3, frozen_at = $4 WHERE lane = $1`, name, reason, by, millis(now))
		return err
	})
}

// Thaw lets a frozen lane be granted again; who said so and why stays in the table.
// bot.ErrRefused when the lane is not frozen.
func (s *Store) Thaw(ctx context.Context, name, by, reason string, now time.Time) error {
	thawed, err := s.db.Exec(ctx, `UPDATE lanes
		SET frozen = '', frozen_by = '', frozen_at = 0, thawed = $2, thawed_by = $3, thawed_at = $4, revision = revision + 1
		WHERE lane = $1 AND frozen <> ''`, name, reason, by, millis(now))
	if err != nil {
		return fmt.Errorf("thaw lane %q: %w", name, err)
	}
	if thawed == 0 {
		return refuse("lane %s is not frozen", name)
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
	found, err := lanes(ctx, tx, `SELECT lane, holder, frozen, frozen_by, frozen_at FROM lanes WHERE lane = $1`, name)
	if err != nil || len(found) == 0 {
		return bot.LaneState{Lane: name}, err
	}
	found[0].Waiting, err = waiting(ctx, tx, name)
	return found[0], err
}

// lanes reads the lanes of a query, without their queues.
func lanes(ctx context.Context, tx Tx, query string, args ...any) ([]bot.LaneState, error) {
	var all []bot.LaneState
	err := tx.Each(ctx, query, args, func(scan Scan) error {
		var l bot.LaneState
		var since int64
		if err := scan(&l.Lane, &l.Holder, &l.Frozen, &l.By, &since); err != nil {
			return err
		}
		l.Since = moment(since)
		all = append(all, l)
		return nil
	})
	return all, err
}

// waiting returns the runs that wait for the lane, in order.
func waiting(ctx context.Context, tx Tx, lane string) ([]string, error) {
	var runs []string
	err := tx.Each(ctx, `SELECT id FROM runs WHERE lane = $1 AND state = 'queued' AND granted = 0
		ORDER BY CASE WHEN undoes = '' THEN 1 ELSE 0 END, created, id`, []any{lane}, func(scan Scan) error {
		var run string
		if err := scan(&run); err != nil {
			return err
		}
		runs = append(runs, run)
		return nil
	})
	return runs, err
}
