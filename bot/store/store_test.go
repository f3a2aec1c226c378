package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lockstep/bot"
	"lockstep/gitops"
)

// noon is when things happen in these tests.
var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// on runs test on a new SQLite store, and on a new PostgreSQL store when TEST_POSTGRES
// names a server.
func on(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, opened(t, "sqlite:"+filepath.Join(t.TempDir(), "lockstep.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, opened(t, schema(t)))
	})
}

// opened returns the store at url, which is closed when the test ends.
func opened(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.now = func() time.Time { return noon }
	return s
}

// schema returns the URL of a new schema on the server at TEST_POSTGRES.
func schema(t *testing.T) string {
	t.Helper()
	server := os.Getenv("TEST_POSTGRES")
	if server == "" {
		t.Skip("TEST_POSTGRES names no server")
	}
	name := "store_" + strings.ToLower(rand.Text())
	run := func(statement string) {
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE SCHEMA " + name)
	t.Cleanup(func() { run("DROP SCHEMA " + name + " CASCADE") })
	separator := "?"
	if strings.Contains(server, "?") {
		separator = "&"
	}
	return server + separator + "search_path=" + name
}

// request returns a request for a version on track integration.
func request(version string) bot.Request {
	return bot.Request{
		Key: "tag data/mda " + version, Package: "mda", Track: "integration", Version: gitops.Version(version),
		Origin: bot.OriginTag, By: "ada", Lane: "integration",
	}
}

// accepted accepts requests and returns the runs that they made.
func accepted(t *testing.T, s *Store, requests ...bot.Request) []string {
	t.Helper()
	var runs []string
	for i, q := range requests {
		answer, err := s.Accept(t.Context(), q, noon.Add(time.Duration(i)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if !answer.New {
			t.Fatalf("request %q made no run: %s", q.Key, answer.Sentence)
		}
		runs = append(runs, answer.Run)
	}
	return runs
}

// granted lets the store grant its lanes and returns the runs that got one.
func granted(t *testing.T, s *Store) []string {
	t.Helper()
	runs, err := s.Grant(t.Context(), noon, func(context.Context, any, string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// moved saves that a run came to state for reason.
func moved(t *testing.T, s *Store, id string, state bot.State, reason string) *bot.Run {
	t.Helper()
	r, err := s.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := saved(t.Context(), s, r, bot.Outcome{State: state, Reason: reason}); err != nil {
		t.Fatal(err)
	}
	return r
}

// saved applies an outcome to a run and saves it with its messages.
func saved(ctx context.Context, s *Store, r *bot.Run, o bot.Outcome) error {
	return savedAt(ctx, s, r, o, noon)
}

// savedAt is saved at another time than noon.
func savedAt(ctx context.Context, s *Store, r *bot.Run, o bot.Outcome, now time.Time) error {
	applied := r.Apply(o, nil, now, bot.Limits{})
	return s.change(ctx, func(tx transaction) error {
		return s.Save(ctx, tx, r, applied.Event, bot.Messages(r, *applied.Event, []string{"chat"}), now)
	})
}

// minute returns a time after noon.
func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

// An ending is how a run ends in these tests.
type ending struct {
	state bot.State
	cause string // why it failed
	word  string // "verdict" when a gate or deployment failed, "cancel" when a person cancelled it
}

// endings are ways to end.
var (
	good       = ending{state: bot.Done}
	bad        = ending{bot.RolledBack, "gate int-test failed: two tests are red", "verdict"}
	worse      = ending{bot.RollbackFailed, "gate int-test failed: two tests are red", "verdict"}
	silent     = ending{bot.RolledBack, "gate go-live gave no result within 1h", ""}
	cancelled  = ending{bot.Cancelled, "cancelled by ada", "cancel"}
	inBetween  = ending{bot.RollbackFailed, "cancelled by ada", "cancel"}
	refusedRun = ending{bot.Refused, "already there", ""}
)

// ran takes a request through its lane: the run begins at one minute and ends at another.
func ran(t *testing.T, s *Store, q bot.Request, begin, end int, e ending) *bot.Run {
	t.Helper()
	id := began(t, s, q, begin)
	return finished(t, s, id, end, e)
}

// began returns the run of a request, which has its lane and has started.
func began(t *testing.T, s *Store, q bot.Request, begin int) string {
	t.Helper()
	answer, err := s.Accept(t.Context(), q, minute(begin))
	if err != nil || !answer.New {
		t.Fatalf("request %q made no run: %+v, %v", q.Key, answer, err)
	}
	if _, err := s.Grant(t.Context(), minute(begin), func(context.Context, any, string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	r := read(t, s, answer.Run)
	if err := savedAt(t.Context(), s, r, bot.Outcome{State: bot.Started, Reason: "started"}, minute(begin)); err != nil {
		t.Fatal(err)
	}
	return answer.Run
}

// finished ends a run.
func finished(t *testing.T, s *Store, id string, end int, e ending) *bot.Run {
	t.Helper()
	r := read(t, s, id)
	if e.cause != "" {
		r.Cause = &bot.Cause{Sentence: e.cause, Verdict: e.word == "verdict"}
	}
	r.Cancel = e.word == "cancel"
	if err := savedAt(t.Context(), s, r, bot.Outcome{State: e.state, Reason: "it is " + string(e.state)}, minute(end)); err != nil {
		t.Fatal(err)
	}
	return r
}

// read returns a run.
func read(t *testing.T, s *Store, id string) *bot.Run {
	t.Helper()
	r, err := s.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asked returns the answer to a request.
func asked(t *testing.T, s *Store, q bot.Request, at int) bot.Answer {
	t.Helper()
	answer, err := s.Accept(t.Context(), q, minute(at))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// byAPI returns the request of an API client for a version, under a key of its own.
func byAPI(version, key string) bot.Request {
	q := request(version)
	q.Key, q.Origin = "api "+key, bot.OriginAPI
	return q
}

// contains fails the test unless got holds each of want.
func contains(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("got %q, want it to hold %q", got, w)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, want string }{
		{"mysql://db", `unknown kind of database "mysql" (have sqlite:PATH and postgres://…)`},
		{"sqlite:", "no file named"},
		{"postgres://bob:hunter2@127.0.0.1:1/db?connect_timeout=1", "postgres: "},
		{"postgres://bob:hunter2@127.0.0.1:port/db", "postgres: "},
	} {
		_, err := Open(t.Context(), tt.url)
		if err == nil {
			t.Fatalf("opened %q", tt.url)
		}
		contains(t, err.Error(), "open store: ", tt.want)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %q", err)
		}
	}
}

func TestOpenOneProcessAtATime(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "new", "lock step?#%.db")
	first := opened(t, url)
	_, err := Open(t.Context(), url)
	if err == nil {
		t.Fatal("opened a store that is in use")
	}
	contains(t, err.Error(), "another lockstep uses", "lock step?#%.db", "stop it first")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	opened(t, url)
}

func TestOpenAgain(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		if err := s.migrate(t.Context()); err != nil {
			t.Fatalf("migrate again: %v", err)
		}
		if _, err := s.db.Exec(t.Context(), `INSERT INTO lockstep_schema (version) VALUES (99)`); err != nil {
			t.Fatal(err)
		}
		err := s.migrate(t.Context())
		if err == nil {
			t.Fatal("accepted the tables of a newer program")
		}
		contains(t, err.Error(), "version 99", "use the newer program")
	})
}

func TestChangeRepeatsWhenOvertaken(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		tries := 0
		err := s.change(t.Context(), func(transaction) error {
			if tries++; tries < 3 {
				return fmt.Errorf("late: %w", bot.ErrConflict)
			}
			return nil
		})
		if err != nil || tries != 3 {
			t.Errorf("got %v after %d tries, want nil after 3", err, tries)
		}
		broken := errors.New("broken")
		tries = 0
		err = s.change(t.Context(), func(transaction) error { tries++; return broken })
		if !errors.Is(err, broken) || tries != 1 {
			t.Errorf("got %v after %d tries, want %v after 1", err, tries, broken)
		}
	})
}
