package trigger

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"lockstep/bot"
)

// How often a Returns looks when it is not told, and at how many of the newest condemned
// versions: each costs a read of the branches that its run has deployed.
const (
	returnsEvery  = 10 * time.Minute
	mostCondemned = 20
)

// A ReturnStore knows which versions are condemned, and notes where they stand again.
type ReturnStore interface {
	// Condemned returns what is condemned, the newest first.
	Condemned(ctx context.Context) ([]bot.Condemnation, error)
	// Run returns a run.
	Run(ctx context.Context, id string) (*bot.Run, error)
	// NoteReturns notes where the version of a run stands again, has people told on
	// channels of what is new in that, and returns those environments. The same again
	// tells nobody; an environment that is not found any more is forgotten.
	NoteReturns(ctx context.Context, run string, found []bot.Return, channels func(track string) []string, now time.Time) (told []string, err error)
}

// A Returns looks now and then whether a person has brought a condemned version back by
// hand, and has people told of it once. It leaves what it finds alone.
//
// It looks only at runs that have put everything back and verified it: where that failed,
// what stands is for people to put right, and nobody can tell what they meant.
type Returns struct {
	Every    time.Duration // 10 minutes when 0
	Store    ReturnStore
	Find     func(ctx context.Context, r *bot.Run) ([]bot.Return, error) // see bot.Bot.Returns
	Channels func(track string) []string                                 // the channels that hear of a track's runs
	Now      func() time.Time
	Log      *slog.Logger
	Looked   func(again time.Duration) // as in Poll

	trouble string // what went wrong at the last look; said once
}

// Run looks until ctx ends, and returns nil then.
func (l *Returns) Run(ctx context.Context) error {
	every := l.Every
	if every == 0 {
		every = returnsEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := l.look(ctx); ctx.Err() == nil {
			l.note(err)
			looked(l.Looked, err, every)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// note says what is wrong when it begins to be wrong.
func (l *Returns) note(err error) {
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if trouble != l.trouble && err != nil {
		l.Log.Warn("look for condemned versions that were brought back; will look again", "error", err)
	}
	l.trouble = trouble
}

// look looks at the newest condemned versions. One that nobody can tell anything of does
// not keep it from the others; the last error is returned.
func (l *Returns) look(ctx context.Context) error {
	condemned, err := l.Store.Condemned(ctx)
	if err != nil {
		return err
	}
	for _, c := range condemned[:min(len(condemned), mostCondemned)] {
		if failed := l.lookAt(ctx, c); failed != nil {
			err = failed
		}
	}
	return err
}

// lookAt looks at one condemned version.
func (l *Returns) lookAt(ctx context.Context, c bot.Condemnation) error {
	r, err := l.Store.Run(ctx, c.Run)
	if err != nil || r.State != bot.RolledBack {
		return err
	}
	found, err := l.Find(ctx, r)
	if err != nil {
		return fmt.Errorf("%s %s, condemned by run %s: %w", c.Package, c.Version, c.Run, err)
	}
	told, err := l.Store.NoteReturns(ctx, c.Run, found, l.Channels, l.Now())
	for _, environment := range told {
		l.Log.Warn("a condemned version was brought back by hand", "run", c.Run, "version", c.Version, "environment", environment)
	}
	return err
}
