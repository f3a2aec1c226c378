package trigger

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
)

// Whoever watches is told of the looks that found out everything, and of no other.
func TestGoodLooksAreToldOf(t *testing.T) {
	t.Parallel()
	type looker = func(t *testing.T, broken bool, looked func(time.Duration)) func(context.Context) error
	for name, test := range map[string]struct {
		of    looker
		again time.Duration
	}{
		"tags": {func(t *testing.T, broken bool, looked func(time.Duration)) func(context.Context) error {
			data := tagged("v2026.1.1")
			if broken {
				data.fault = errAway
			}
			p := poll(t, config, data, &counting{})
			p.Every, p.Looked = 2*time.Minute, looked
			return p.Run
		}, 2 * time.Minute},
		"returns": {func(_ *testing.T, broken bool, looked func(time.Duration)) func(context.Context) error {
			d := &dock{}
			d.condemn("stands", bot.RolledBack)
			if broken {
				d.condemn("unknown", bot.RolledBack)
			}
			l, _ := returnsOf(d)
			l.Looked = looked
			return l.Run
		}, returnsEvery},
		"schedules": {func(t *testing.T, broken bool, looked func(time.Duration)) func(context.Context) error {
			c := &calendar{order: []bot.Slot{{Track: "integration", Schedule: "hourly"}}}
			l := c.scheduler(t, `{name: hourly, cron: '0 * * * *', catch_up: once}`)
			if broken {
				c.away = errAway
			}
			l.Now, l.Looked = time.Now, looked // in the bubble it begins at midnight
			return l.Run
		}, lookAgain},
		"comments": {func(t *testing.T, broken bool, looked func(time.Duration)) func(context.Context) error {
			p, f, _ := polling(t)
			if broken {
				f.broken = "comments"
			}
			p.Looked = looked
			return p.Run
		}, commentsEvery},
	} {
		for _, broken := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				run := test.of(t, broken, func(again time.Duration) {
					if told++; again != test.again {
						t.Errorf("%s: the next look is in %v, want %v", name, again, test.again)
					}
				})
				ctx, stop := context.WithTimeout(t.Context(), 25*time.Minute)
				defer stop()
				if err := run(ctx); err != nil {
					t.Error(err)
				}
				if least := int(20 * time.Minute / test.again); broken && told > 0 || !broken && told < least {
					t.Errorf("%s, broken %v: told of %d looks, want at least %d, or none when it is broken", name, broken, told, least)
				}
			})
		}
	}
}
