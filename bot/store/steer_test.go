package store

import (
	"context"
	"time"

	"lockstep/bot"
)

// What a command does is tested by itself, in a transaction of its own.

func (s *Store) Freeze(ctx context.Context, lane string, f bot.Freeze) error {
	return s.change(ctx, func(tx transaction) error { return freeze(ctx, tx, lane, f) })
}

func (s *Store) Thaw(ctx context.Context, lane, by, reason string, now time.Time) error {
	return s.change(ctx, func(tx transaction) error { return thaw(ctx, tx, lane, by, reason, now) })
}

func (s *Store) Say(ctx context.Context, run string, w bot.Word, channels func(track string) []string) error {
	return s.change(ctx, func(tx transaction) error { return say(ctx, tx, run, w, channels) })
}

func (s *Store) Opine(ctx context.Context, run, environment string, o bot.Opinion) (earlier, added bool, err error) {
	err = s.change(ctx, func(tx transaction) (err error) {
		earlier, added, err = opine(ctx, tx, run, environment, o)
		return err
	})
	return earlier, added, err
}
