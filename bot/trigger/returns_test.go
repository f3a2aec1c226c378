package trigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
)

// A dock is a store of condemned versions in these tests.
type dock struct {
	condemned []bot.Condemnation
	states    map[string]bot.State
	noted     []string // what was noted, each as "run: environments"
	fault     error
}

func (d *dock) Condemned(context.Context) ([]bot.Condemnation, error) { return d.condemned, d.fault }

func (d *dock) Run(_ context.Context, id string) (*bot.Run, error) {
	return &bot.Run{ID: id, State: d.states[id]}, nil
}

func (d *dock) NoteReturns(_ context.Context, run string, found []bot.Return, _ func(string) []string, _ time.Time) (told []string, err error) {
	for _, f := range found {
		told = append(told, f.Environment)
	}
	d.noted = append(d.noted, fmt.Sprintf("%s: %s", run, strings.Join(told, " ")))
	return told, nil
}

// condemn makes a run the one that condemned a version.
func (d *dock) condemn(run string, state bot.State) {
	d.condemned = append(d.condemned, bot.Condemnation{Package: "mda", Version: "1", Run: run})
	if d.states == nil {
		d.states = map[string]bot.State{}
	}
	d.states[run] = state
}

// returnsOf returns a Returns on d that finds version 1 in int again, except that of run
// "gone", and cannot tell of run "unknown". Its log is in the buffer.
func returnsOf(d *dock) (*Returns, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return &Returns{
		Store: d, Now: func() time.Time { return clock }, Log: slog.New(slog.NewTextHandler(log, nil)),
		Channels: func(string) []string { return nil },
		Find: func(_ context.Context, r *bot.Run) ([]bot.Return, error) {
			switch r.ID {
			case "gone":
				return nil, nil
			case "unknown":
				return nil, errors.New("connection refused")
			}
			return []bot.Return{{Environment: "int", Services: []string{"kv"}}}, nil
		},
	}, log
}

func TestReturnsLook(t *testing.T) {
	t.Parallel()
	d := &dock{}
	d.condemn("unknown", bot.RolledBack)
	d.condemn("stands", bot.RolledBack)
	d.condemn("failed", bot.RollbackFailed) // nobody knows what people have put there
	d.condemn("gone", bot.RolledBack)
	l, _ := returnsOf(d)
	err := l.look(t.Context())
	if err == nil || !strings.Contains(err.Error(), "mda 1, condemned by run unknown: connection refused") {
		t.Errorf("got %v", err)
	}
	if want := []string{"stands: int", "gone: "}; !slices.Equal(d.noted, want) {
		t.Errorf("noted %q, want %q", d.noted, want)
	}
}

func TestReturnsLooksAtTheNewest(t *testing.T) {
	t.Parallel()
	d := &dock{}
	for i := range mostCondemned + 5 {
		d.condemn(fmt.Sprint("run ", i), bot.RolledBack)
	}
	l, _ := returnsOf(d)
	if err := l.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.noted) != mostCondemned || d.noted[0] != "run 0: int" {
		t.Errorf("noted %q, want the first %d", d.noted, mostCondemned)
	}
}

// It looks at once and then now and then, and says once what is wrong.
func TestReturnsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &dock{}
		d.condemn("stands", bot.RolledBack)
		d.condemn("unknown", bot.RolledBack)
		l, log := returnsOf(d)
		ctx, stop := context.WithTimeout(t.Context(), 25*time.Minute)
		defer stop()
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(d.noted) != 3 {
			t.Errorf("looked %d times in 25 minutes, want 3", len(d.noted))
		}
		if got := strings.Count(log.String(), "connection refused"); got != 1 {
			t.Errorf("said %d times what is wrong, want once:\n%s", got, log)
		}
		d.fault = errors.New("the store is away")
		if err := l.look(t.Context()); !errors.Is(err, d.fault) {
			t.Errorf("got %v, want %v", err, d.fault)
		}
	})
}
