package trigger

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/bot/store"
)

// clock is the time of all tests.
var clock = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)

const (
	config = `gitlab:
  url: https://gitlab.example.com
  token: env:GITLAB_TOKEN
packages:
  mda:
    version: '\d{4}\.\d+\.\d+'
    tags: {project: data/mda, name: 'v{version}', protected: false}
environments:
  int:
    repository: env/mda
    services:
      - {name: mds, file: int/mds.yaml, key: data.version}
tracks:
  integration:
    on: [tag]
    stages:
      - environment: int
        gates:
          - name: int-test
            pipeline: {project: qa/int-test}
`
	// secondTrack is a track that is added to config.
	secondTrack = `  nightly:
    lane: integration
    on: [tag]
    stages:
      - environment: int
`
)

// catalog returns the configuration with text.
func catalog(t *testing.T, text string) *bot.Config {
	t.Helper()
	c, err := bot.ParseConfig("lockstep.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openStore returns a store in a new directory.
func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// versions returns the versions that have runs, the oldest first.
func versions(t *testing.T, s *store.Store) []string {
	t.Helper()
	runs, err := s.Runs(t.Context(), bot.Filter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := len(runs) - 1; i >= 0; i-- {
		all = append(all, runs[i].Track+" "+string(runs[i].Version))
	}
	return all
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// broken is a Store that does not answer.
type broken struct{}

var errBroken = errors.New("disk is full")

func (broken) Accept(context.Context, bot.Request, time.Time) (bot.Answer, error) {
	return bot.Answer{}, errBroken
}

func (broken) AcceptAll(context.Context, string, []bot.Request, time.Time) ([]bot.Answer, error) {
	return nil, errBroken
}

func (broken) Baseline(context.Context, string, []bot.Request, time.Time) (bool, error) {
	return false, errBroken
}

func (broken) Answered(context.Context, bot.Request) (bool, error) { return false, errBroken }

func (broken) Active(context.Context) ([]bot.Run, error) { return nil, errBroken }
