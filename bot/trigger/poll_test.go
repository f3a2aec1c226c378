package trigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// project is a Forge in memory, the oldest tag first. It has only what a test gives it.
type project struct {
	Forge
	mu    sync.Mutex
	tags  []gitops.Tag
	fault error
	looks []int // the limit of each look
}

// tagged returns a project with tags.
func tagged(names ...string) *project {
	p := &project{}
	for _, name := range names {
		p.push(name)
	}
	return p
}

// push adds a tag.
func (p *project) push(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tags = append(p.tags, gitops.Tag{Name: name, Commit: commitOf(name), Protected: true})
}

// commitOf returns the commit of a tag.
func commitOf(name string) string { return fmt.Sprintf("%040x", name)[:40] }

func (p *project) Tags(_ context.Context, _ string, limit int) ([]gitops.Tag, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks = append(p.looks, limit)
	newest := slices.Clone(p.tags)
	slices.Reverse(newest)
	return newest[:min(limit, len(newest))], p.fault
}

// poll returns the Poll of the tags of p as a process that starts anew has it.
func poll(t *testing.T, text string, p Forge, s Store) *Poll {
	t.Helper()
	c := catalog(t, text)
	return Polls(c.Sources(), Poll{
		Forge: p, Catalog: c, Store: s, Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet,
	})[0]
}

// look looks once and fails the test where it cannot.
func look(t *testing.T, p *Poll) {
	t.Helper()
	if err := p.look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPollTakesWhatWasThereAsKnown(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), tagged("v2026.1.1", "latest", "v2026.1.2")
	p := poll(t, config, data, s)
	look(t, p)
	if got := versions(t, s); len(got) != 0 {
		t.Fatalf("the first look started %q", got)
	}
	data.push("v2026.1.4")
	data.push("v2026.1.3")
	look(t, p)
	look(t, p)
	want := []string{"integration 2026.1.4", "integration 2026.1.3"}
	if got := versions(t, s); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q, in the order of the tags", got, want)
	}
}

func TestPollFindsTheFirstTagOfAProject(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), tagged()
	p := poll(t, config, data, s)
	look(t, p)
	data.push("v2026.1.1")
	look(t, p)
	if got := versions(t, s); len(got) != 1 {
		t.Errorf("got %q, want one run", got)
	}
}

func TestPollFindsTheFirstTagThatWasPushedWhileNobodyLooked(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), tagged()
	look(t, poll(t, config, data, s))
	data.push("v2026.1.1")
	look(t, poll(t, config, data, s))
	if got := versions(t, s); len(got) != 1 {
		t.Errorf("got %q, want one run", got)
	}
}

func TestPollFindsWhatWasPushedWhileNobodyLooked(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), tagged("v2026.1.1")
	look(t, poll(t, config, data, s))
	data.push("v2026.1.2")
	look(t, poll(t, config, data, s))
	if got, want := versions(t, s), []string{"integration 2026.1.2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTrackThatIsNewStartsNoOldTags(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), tagged("v2026.1.1", "v2026.1.2")
	look(t, poll(t, config, data, s))
	p := poll(t, config+secondTrack, data, s)
	look(t, p)
	if got := versions(t, s); len(got) != 0 {
		t.Fatalf("the new track started %q", got)
	}
	data.push("v2026.1.3")
	look(t, p)
	if got, want := versions(t, s), []string{"integration 2026.1.3", "nightly 2026.1.3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTagThatComesIntoSightStartsNothing(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), tagged()
	for n := range maxTags + 20 {
		data.push(fmt.Sprintf("v2026.1.%d", n))
	}
	p := poll(t, config, data, s)
	look(t, p)
	data.tags = data.tags[:50] // people remove the newest tags
	look(t, p)
	if got := versions(t, s); len(got) != 0 {
		t.Errorf("started %q", got)
	}
	if want := []int{maxKnown, maxTags}; !slices.Equal(data.looks, want) {
		t.Errorf("looks read %v tags, want %v", data.looks, want)
	}
}

func TestHookAndPollAreOneRequest(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), tagged("v2026.1.1")
	p := poll(t, config, data, s)
	look(t, p)
	data.push("v2026.1.2")
	if w := post(hook(t, s), tagPush("data/mda", "v2026.1.2", data.tags[1].Commit)); w.Code != http.StatusAccepted {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	look(t, p)
	if got := versions(t, s); len(got) != 1 {
		t.Errorf("got %q, want one run", got)
	}
}

func TestPollFindsATagWithinOneInterval(t *testing.T) {
	t.Parallel()
	s := &counting{}
	data := tagged("v2026.1.1")
	synctest.Test(t, func(t *testing.T) {
		p := poll(t, config, data, s)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		synctest.Wait()
		data.push("v2026.1.2")
		time.Sleep(p.Every + p.Every/10)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if want := []string{"2026.1.1", "2026.1.2"}; !slices.Equal(s.accepted, want) {
		t.Errorf("accepted %q, want %q", s.accepted, want)
	}
}

// counting is a Store that keeps what it accepted, and has looked at everything before.
type counting struct {
	broken
	accepted []string
	answered []string // the keys of requests that keep their answers
}

func (c *counting) Baseline(context.Context, string, []bot.Request, time.Time) (bool, error) {
	return false, nil
}

func (c *counting) Answered(_ context.Context, q bot.Request) (bool, error) {
	return slices.Contains(c.answered, q.Key), nil
}

func (c *counting) Accept(_ context.Context, q bot.Request, _ time.Time) (bot.Answer, error) {
	c.answered = append(c.answered, q.Key)
	fresh := !slices.Contains(c.accepted, string(q.Version))
	if fresh {
		c.accepted = append(c.accepted, string(q.Version))
	}
	return bot.Answer{New: fresh}, nil
}

func TestPollSaysTroubleOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	data := tagged("v2026.1.1")
	p := poll(t, config, data, &counting{})
	p.Log = slog.New(slog.NewTextHandler(&log, nil))
	for _, fault := range []error{errors.New("no answer"), errors.New("no answer"), errors.New("token refused"), nil, nil} {
		data.fault = fault
		p.note(p.look(t.Context()))
	}
	for text, want := range map[string]int{"no answer": 1, "token refused": 1, "can be read again": 1} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q is logged %d times, want %d", text, got, want)
		}
	}
}

// moved is a Store for which every tag has moved.
type moved struct{ counting }

func (m *moved) Accept(_ context.Context, q bot.Request, _ time.Time) (bot.Answer, error) {
	m.answered = append(m.answered, q.Key)
	return bot.Answer{Refused: true, Sentence: q.Subject + " has moved"}, nil
}

func TestPollSaysRefusalOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	data := tagged("v2026.1.1")
	p := poll(t, config, data, &moved{})
	p.Log = slog.New(slog.NewTextHandler(&log, nil))
	look(t, p)
	data.push("v2026.1.2")
	look(t, p)
	for _, tag := range []string{"v2026.1.1", "v2026.1.2"} {
		if got := strings.Count(log.String(), "tag data/mda "+tag+" has moved"); got != 1 {
			t.Errorf("the refusal of %s is logged %d times, want once", tag, got)
		}
	}
}

func TestLookThatCouldNotBeStoredIsRepeated(t *testing.T) {
	t.Parallel()
	p := poll(t, config, tagged("v2026.1.1"), broken{})
	if err := p.look(t.Context()); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	s := &counting{}
	p.Store = s
	look(t, p)
	if len(s.accepted) != 1 {
		t.Errorf("accepted %q, want the tag", s.accepted)
	}
}
