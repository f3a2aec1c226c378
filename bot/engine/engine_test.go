package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lockstep/bot"
	"lockstep/bot/store"
	"lockstep/gitops"
)

// way is the way of a run in these tests, from state to state.
var way = []bot.State{bot.Queued, bot.Started, bot.Prepared, bot.Proposed, bot.Merged, bot.Synced, bot.Gated, bot.Recorded, bot.Done}

// wayTrace is what the events of such a run say.
const wayTrace = "1 queued, 2 started, 3 prepared, 4 proposed, 5 merged, 6 synced, 7 gated, 8 recorded, 9 done"

// next moves a run one state on.
func next(_ context.Context, r *bot.Run) (bot.Outcome, error) {
	state := way[slices.Index(way, r.State)+1]
	return bot.Outcome{State: state, Reason: "it is " + string(state)}, nil
}

// wait leaves a run where it is.
func wait(reason string) (bot.Outcome, error) {
	return bot.Outcome{Pace: bot.Soon, Reason: reason}, nil
}

// quick are limits under which nobody waits long.
var quick = bot.Limits{Unknown: time.Hour, First: time.Millisecond, Longest: 10 * time.Millisecond, Person: 10 * time.Millisecond}

// slow are limits under which only a hint ends a wait.
var slow = bot.Limits{Unknown: time.Hour, First: time.Hour, Longest: time.Hour, Person: time.Hour}

// on runs test with the URL of a new SQLite database, and with that of a new
// PostgreSQL database when TEST_POSTGRES names a server.
func on(t *testing.T, test func(t *testing.T, url string)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(t.TempDir(), "lockstep.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, database(t))
	})
}

// database returns the URL of a new database on the server at TEST_POSTGRES.
func database(t *testing.T) string {
	t.Helper()
	server := os.Getenv("TEST_POSTGRES")
	if server == "" {
		t.Skip("TEST_POSTGRES names no server")
	}
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	name := "engine_" + strings.ToLower(rand.Text())
	execute(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	at.Path = "/" + name
	return at.String()
}

// execute runs one statement on the PostgreSQL database at url.
func execute(t *testing.T, url, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// A process is a store and an engine at work, as in one process.
type process struct {
	*Engine
	t     *testing.T
	store *store.Store
	end   context.CancelFunc
	ended chan error

	mu  sync.Mutex
	err error // how Run ended, once ended is closed
}

// begin opens the database at url and drives its runs until the test ends.
func begin(t *testing.T, url string, o Options) *process {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	o.Store, o.Poll = s, cmp.Or(o.Poll, 20*time.Millisecond)
	o.Channels = func(string) []string { return []string{"chat"} }
	if o.Step == nil {
		o.Step = next
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Limits == (bot.Limits{}) {
		o.Limits = quick
	}
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &process{Engine: e, t: t, store: s, end: end, ended: make(chan error)}
	go func() {
		defer close(p.ended)
		err := e.Run(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.err = errors.Join(err, s.Close())
	}()
	t.Cleanup(func() { p.stop() })
	return p
}

// stop ends the process in good order and returns how it ended.
func (p *process) stop() error {
	p.end()
	return p.result()
}

// result waits for the process to end by itself and returns how it ended.
func (p *process) result() error {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Fatal("the engine does not end")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// accept asks for a version in a lane and returns its run.
func (p *process) accept(lane, version string) string {
	p.t.Helper()
	answer, err := p.store.Accept(p.t.Context(), bot.Request{
		Key: lane + " " + version, Package: "mda", Track: lane, Lane: lane, Version: gitops.Version(version), Origin: bot.OriginTag,
	}, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	p.Wake()
	return answer.Run
}

// told lets ada give a command by itself and returns the answer.
func (p *process) told(c bot.Command) bot.Answer {
	p.t.Helper()
	c.By, c.At = "ada", time.Now()
	answers, err := p.Do(p.t.Context(), bot.Batch{Source: rand.Text(), Commands: []bot.Command{c}})
	if err != nil {
		p.t.Fatal(err)
	}
	return answers[0]
}

// does is told for a command that has to be possible.
func (p *process) does(c bot.Command) {
	p.t.Helper()
	if a := p.told(c); a.Refused {
		p.t.Fatalf("%s is refused: %s", c.Verb, a.Sentence)
	}
}

// read returns the run.
func (p *process) read(run string) *bot.Run {
	p.t.Helper()
	r, err := p.store.Run(p.t.Context(), run)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// await waits until the run is in state, and returns it then.
func (p *process) await(run string, state bot.State) *bot.Run {
	p.t.Helper()
	var r *bot.Run
	until(p.t, "run "+string(state), func() bool {
		select {
		case <-p.ended:
			p.t.Fatalf("the engine has ended: %v", p.result())
		default:
		}
		r = p.read(run)
		return r.State == state
	})
	return r
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// trace returns the numbers and states of the run's events.
func (p *process) trace(run string) string {
	p.t.Helper()
	events, err := p.store.Events(p.t.Context(), run)
	if err != nil {
		p.t.Fatal(err)
	}
	var steps []string
	for _, e := range events {
		steps = append(steps, fmt.Sprint(e.Seq, " ", e.State))
	}
	return strings.Join(steps, ", ")
}

func TestRunToItsEnd(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		p := begin(t, url, Options{})
		run := p.accept("integration", "1")
		p.await(run, bot.Done)
		if got := p.trace(run); got != wayTrace {
			t.Errorf("got %q, want %q", got, wayTrace)
		}
		lanes, err := p.store.Lanes(t.Context())
		if err != nil || len(lanes) != 1 || lanes[0].Holder != "" {
			t.Errorf("the lane is not free: %+v, %v", lanes, err)
		}
		due, err := p.store.Due(t.Context(), time.Now(), 10)
		if err != nil || len(due) != 1 || due[0].Kind != bot.MessageStart {
			t.Fatalf("got due %+v, %v, want the Start message", due, err)
		}
		if err := p.store.Sent(t.Context(), due[0].ID, due[0].Seq, time.Now()); err != nil {
			t.Fatal(err)
		}
		if due, err = p.store.Due(t.Context(), time.Now(), 10); err != nil || len(due) != 1 || due[0].Kind != bot.MessageFinish {
			t.Errorf("got due %+v, %v, want the Finish message", due, err)
		}
		if err := p.stop(); err != nil {
			t.Errorf("end: %v", err)
		}
	})
}

func TestLanesInOrderOneAtATime(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		holders := map[string]string{}
		begun := map[string][]string{}
		p := begin(t, url, Options{Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			if holder := holders[r.Lane]; holder != "" && holder != r.ID {
				t.Errorf("run %s and run %s are in lane %s", holder, r.ID, r.Lane)
			}
			holders[r.Lane] = r.ID
			if r.State == bot.Queued {
				begun[r.Lane] = append(begun[r.Lane], r.ID)
			}
			if r.State == bot.Recorded {
				holders[r.Lane] = ""
			}
			return next(ctx, r)
		}})
		asked := map[string][]string{}
		for i := range 20 {
			lane := fmt.Sprint("lane-", i%3)
			asked[lane] = append(asked[lane], p.accept(lane, fmt.Sprint(i)))
		}
		for _, runs := range asked {
			p.await(runs[len(runs)-1], bot.Done)
		}
		for lane, want := range asked {
			if got := begun[lane]; !slices.Equal(got, want) {
				t.Errorf("%s: began %q, want %q", lane, got, want)
			}
		}
	})
}

func TestStopAndStart(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		reached := make(chan struct{})
		var once sync.Once
		p := begin(t, url, Options{Limits: slow, Step: func(ctx context.Context, r *bot.Run) (bot.Outcome, error) {
			switch {
			case r.Lane == "waits" && r.State == bot.Merged:
				return wait("a job runs")
			case r.Lane == "works" && r.State == bot.Merged:
				once.Do(func() { close(reached) })
				<-ctx.Done()
				return bot.Outcome{}, ctx.Err()
			}
			return next(ctx, r)
		}})
		waits, works := p.accept("waits", "1"), p.accept("works", "1")
		<-reached
		until(t, "a job runs", func() bool { return p.read(waits).Reason == "a job runs" })
		if err := p.stop(); err != nil {
			t.Fatalf("stop: %v", err)
		}
		p = begin(t, url, Options{Limits: slow})
		if err := p.Hint(t.Context(), waits, ""); err != nil {
			t.Fatal(err)
		}
		p.await(works, bot.Done)
		if got := p.trace(works); got != wayTrace {
			t.Errorf("got %q, want %q", got, wayTrace)
		}
		p.await(waits, bot.Done)
	})
}

func TestBesideHasTheStoreToItsEnd(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		var p *process
		ready, begun := make(chan struct{}), make(chan struct{})
		ended := errors.New("the sender is broken")
		p = begin(t, url, Options{Beside: func(ctx context.Context) error {
			<-ready
			close(begun)
			<-ctx.Done()
			if _, err := p.store.Due(context.WithoutCancel(ctx), time.Now(), 1); err != nil {
				t.Errorf("the store while the engine stops: %v", err)
			}
			return ended
		}})
		close(ready)
		<-begun
		if err := p.stop(); !errors.Is(err, ended) {
			t.Errorf("got %v, want %v", err, ended)
		}
	})
}

// Whoever watches is told of each look for lanes that are free.
func TestLooksAreToldOf(t *testing.T) {
	on(t, func(t *testing.T, url string) {
		looks := make(chan time.Duration, 1)
		p := begin(t, url, Options{Poll: 5 * time.Millisecond, Looked: func(again time.Duration) {
			select {
			case looks <- again:
			default:
			}
		}})
		for range 3 {
			if again := <-looks; again != 5*time.Millisecond {
				t.Errorf("the next look is in %v", again)
			}
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
}
