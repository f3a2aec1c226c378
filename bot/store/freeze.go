package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// freeze keeps the lane from being granted, but to runs that put another one back, and
// its holder from its next stage, until it is thawed or until f.Until. The name
// bot.Everything is that of all lanes. An empty reason becomes "frozen by …".
// bot.ErrRefused when it is frozen already, or f.Until is not to come.
func freeze(ctx context.Context, tx Tx, name string, f bot.Freeze) error {
	if f.Reason == "" {
		f.Reason = "frozen by " + f.By
	}
	if !f.Until.IsZero() && !f.Until.After(f.At) {
		return refuse("the freeze would end at %s, which is past: name a time to come, or none", f.Until.UTC().Format("2006-01-02 15:04 MST"))
	}
	if err := enter(ctx, tx, name); err != nil {
		return fmt.Errorf("freeze lane %q: %w", name, err)
	}
	if err := thawDueLane(ctx, tx, name, f.At); err != nil {
		return err
	}
	all, err := lanes(ctx, tx, laneColumns+` WHERE lane = $1`, name)
	if err != nil {
		return fmt.Errorf("freeze lane %q: %w", name, err)
	}
	if frozen := all[0].Freeze(); frozen != nil {
		return refuse("%s is %s already; thaw it first", called(name), frozen)
	}
	if _, err := tx.Exec(ctx, `UPDATE lanes SET frozen = $2, frozen_by = $3, frozen_at = $4, frozen_until = $5 WHERE lane = $1`,
		name, f.Reason, f.By, millis(f.At), millis(f.Until)); err != nil {
		return fmt.Errorf("freeze lane %q: %w", name, err)
	}
	return nil
}

// thaw lets a frozen lane be granted again; who said so and why stays in the table. The
// name bot.Everything ends what freezes all lanes; a lane that is frozen by itself
// stays so. bot.ErrRefused when it is not frozen.
func thaw(ctx context.Context, tx Tx, name, by, reason string, now time.Time) error {
	thawed, err := unfreeze(ctx, tx, name, by, reason, now)
	if err != nil {
		return fmt.Errorf("thaw lane %q: %w", name, err)
	}
	if thawed {
		return nil
	}
	l, err := lane(ctx, tx, name)
	if err != nil {
		return fmt.Errorf("thaw lane %q: %w", name, err)
	}
	if l.All != nil && name != bot.Everything {
		return refuse("lane %s is not frozen by itself, everything is: %s", name, l.All.Thaw(name))
	}
	return refuse("%s is not frozen", called(name))
}

// called names a lane, or all of them.
func called(lane string) string {
	if lane == bot.Everything {
		return "everything"
	}
	return "lane " + lane
}

// unfreeze ends what freezes a lane by itself, and reports whether anything did.
func unfreeze(ctx context.Context, tx Tx, name, by, reason string, now time.Time) (bool, error) {
	thawed, err := tx.Exec(ctx, `UPDATE lanes
		SET frozen = '', frozen_by = '', frozen_at = 0, frozen_until = 0, thawed = $2, thawed_by = $3, thawed_at = $4, revision = revision + 1
		WHERE lane = $1 AND frozen <> ''`, name, reason, by, millis(now))
	return thawed > 0, err
}

// thawDue thaws the lanes whose freeze was to end by now.
func (s *Store) thawDue(ctx context.Context, now time.Time) error {
	due, err := lanes(ctx, s.db, laneColumns+` WHERE frozen_until > 0 AND frozen_until <= $1`, millis(now))
	if err != nil {
		return fmt.Errorf("freezes that end: %w", err)
	}
	for _, l := range due {
		if err := thawDueLane(ctx, s.db, l.Lane, now); err != nil {
			return err
		}
	}
	return nil
}

// thawDueLane thaws a lane if its freeze was to end by now.
func thawDueLane(ctx context.Context, tx Tx, name string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE lanes
		SET frozen = '', frozen_by = '', frozen_at = 0, frozen_until = 0, thawed = $2, thawed_by = $3, thawed_at = $4, revision = revision + 1
		WHERE lane = $1 AND frozen_until > 0 AND frozen_until <= $4`, name, "it was to end now", "lockstep", millis(now))
	if err != nil {
		return fmt.Errorf("thaw lane %q: %w", name, err)
	}
	return nil
}

// Frozen returns what keeps the holder of a lane from its next stage at now; nil when
// nothing does.
func (s *Store) Frozen(ctx context.Context, name string, now time.Time) (*bot.Freeze, error) {
	l, err := lane(ctx, s.db, name)
	if err != nil {
		return nil, fmt.Errorf("lane %q: %w", name, err)
	}
	if !l.Until.IsZero() && !l.Until.After(now) {
		l.Frozen = ""
	}
	if l.All != nil && !l.All.Until.IsZero() && !l.All.Until.After(now) {
		l.All = nil
	}
	return l.Freeze(), nil
}
