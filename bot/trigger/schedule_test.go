package trigger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"lockstep/bot"
	"lockstep/gitops"
)

// A calendar is everything that a Scheduler works with, in memory.
type calendar struct {
	now     time.Time
	slots   map[string]bot.Slot // by their key
	order   []bot.Slot          // as they were answered
	asked   []bot.Request
	tags    []gitops.Tag
	good    map[string]*bot.Run // by track
	back    *bot.Run
	there   bool
	away    error // what every question to GitLab answers, when set
	refuses string
}

func (c *calendar) Slot(_ context.Context, s bot.Slot) (bot.Slot, bool, error) {
	found, ok := c.slots[s.Key()]
	return found, ok, nil
}

func (c *calendar) LastSlot(_ context.Context, track, schedule string) (bot.Slot, bool, error) {
	for i := len(c.order) - 1; i >= 0; i-- {
		if s := c.order[i]; s.Track == track && s.Schedule == schedule {
			return s, true, nil
		}
	}
	return bot.Slot{}, false, nil
}

func (c *calendar) AnswerSlot(_ context.Context, s bot.Slot, q *bot.Request, now time.Time) (bot.Answer, error) {
	if old, ok := c.slots[s.Key()]; ok {
		return bot.Answer{Run: old.Run, Sentence: old.Sentence}, nil
	}
	answer := bot.Answer{Sentence: s.Sentence}
	if q != nil {
		c.asked = append(c.asked, *q)
		answer = bot.Answer{New: c.refuses == "", Refused: c.refuses != "", Sentence: c.refuses}
		if answer.New {
			answer.Run, answer.Sentence = fmt.Sprint("run-", len(c.asked)), "queued"
		}
	}
	s.Run, s.Sentence, s.Answered = answer.Run, answer.Sentence, now
	c.slots[s.Key()] = s
	c.order = append(c.order, s)
	return answer, nil
}

func (c *calendar) NewestGood(_ context.Context, track, _ string) (*bot.Run, error) {
	return c.good[track], nil
}

func (c *calendar) PutBack(context.Context, string, string, gitops.Version) (*bot.Run, error) {
	return c.back, nil
}

func (c *calendar) Tags(context.Context, string, int) ([]gitops.Tag, error) { return c.tags, c.away }

// scheduler returns a scheduler of the schedules of a configuration on c.
func (c *calendar) scheduler(t testing.TB, schedules string) *Scheduler {
	t.Helper()
	cfg, err := bot.ParseConfig("lockstep.yaml", []byte(`gitlab: {url: 'https://gitlab.example.com', token: 'env:TOKEN'}
packages: {mda: {version: '\d+', tags: {project: data/mda, name: 'v{version}'}}}
environments: {int: {repository: env/mda, services: [{name: kv, file: int/kv.yaml, key: version}]}}
tracks:
  integration:
    lane: all
    stages: [{environment: int}]
    schedules: [`+schedules+`]
  other: {lane: all, stages: [{environment: int}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	if c.slots == nil {
		c.slots, c.tags = map[string]bot.Slot{}, []gitops.Tag{{Name: "nightly"}, {Name: "v7"}, {Name: "v6"}}
	}
	return &Scheduler{
		Schedules: cfg.Schedules(), Store: c, Catalog: cfg, Tags: c, Wake: func() {},
		Stands: func(context.Context, bot.Request) (bool, error) { return c.there, c.away },
		Now:    func() time.Time { return c.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

const night = `{name: nightly, cron: 30 2 * * *, zone: Europe/Berlin}`

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// The slot before a schedule was known asks for nothing, the next one does, once.
func TestScheduleAsksOnce(t *testing.T) {
	t.Parallel()
	c := &calendar{now: at("2026-11-25T12:00:00Z")}
	l := c.scheduler(t, night)
	for _, now := range []string{
		"2026-11-25T12:00:00Z", "2026-11-26T01:29:59Z", "2026-11-26T01:30:00Z", "2026-11-26T01:30:00Z", "2026-11-26T01:31:00Z",
		"2026-11-25T23:00:00Z", "2026-11-26T01:30:30Z", // the clock was put back
	} {
		c.now = at(now)
		if _, err := l.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.asked) != 1 || len(c.order) != 2 {
		t.Fatalf("got %d requests and %d slots: %+v", len(c.asked), len(c.order), c.order)
	}
	q := c.asked[0]
	if q.Key != "schedule integration nightly 2026-11-26 02:30 Europe/Berlin" || q.Version != "7" || q.Origin != bot.OriginSchedule || q.By != "nightly of integration" || q.Lane != "all" {
		t.Errorf("got %+v", q)
	}
	if want := "not asked for: the schedule is new, and this was before it"; c.order[0].Sentence != want {
		t.Errorf("first slot: got %q, want %q", c.order[0].Sentence, want)
	}
}

// Where there is nothing to do, that is what became of the slot, and nobody asks.
func TestScheduleWithNothingToDo(t *testing.T) {
	t.Parallel()
	good := `{name: nightly, cron: 30 2 * * *, zone: Europe/Berlin, version: newest good of other}`
	for _, tt := range []struct {
		name, schedule string
		world          func(c *calendar)
		want           string // what became of the slot
		version        gitops.Version
	}{
		{"it stands", night, func(c *calendar) { c.there = true }, "nothing to do: mda 7 stands everywhere on track integration already", "7"},
		{"no tag", night, func(c *calendar) { c.tags = []gitops.Tag{{Name: "x"}} }, "nothing to do: no tag of data/mda announces a version of mda", ""},
		{"none went well", good, func(*calendar) {}, "nothing to do: no version of mda has ended well on track other", ""},
		{"no version any more", good, func(c *calendar) { c.good = map[string]*bot.Run{"other": {Version: "x"}} }, `nothing to do: version "x" is not valid for package "mda": it must match \d+`, ""},
		{
			"put back by hand", night, func(c *calendar) { c.back = &bot.Run{ID: "u1", Cause: &bot.Cause{Sentence: "ana undoes run r1"}} },
			"nothing to do: run u1 puts mda 7 back there (ana undoes run r1); to have it again, promote it", "7",
		},
	} {
		c := &calendar{now: at("2026-11-25T12:00:00Z")}
		l := c.scheduler(t, tt.schedule)
		tt.world(c)
		for _, now := range []string{"2026-11-25T12:00:00Z", "2026-11-26T01:30:00Z"} {
			c.now = at(now)
			if _, err := l.look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if last := c.order[len(c.order)-1]; len(c.asked) != 0 || last.Sentence != tt.want || last.Version != tt.version {
			t.Errorf("%s: got %+v and %d requests, want %q", tt.name, last, len(c.asked), tt.want)
		}
	}
}

// What is condemned is refused by the store, and that is what became of the slot.
func TestScheduleOfWhatIsRefused(t *testing.T) {
	t.Parallel()
	c := &calendar{now: at("2026-11-25T12:00:00Z"), refuses: "mda 7 is condemned"}
	l := c.scheduler(t, night)
	for _, now := range []string{"2026-11-25T12:00:00Z", "2026-11-26T01:30:00Z", "2026-11-26T01:31:00Z"} {
		c.now = at(now)
		if _, err := l.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if last := c.order[len(c.order)-1]; len(c.asked) != 1 || last.Sentence != c.refuses || last.Run != "" {
		t.Errorf("got %+v, and asked %d times", last, len(c.asked))
	}
}

// A GitLab that does not answer delays a slot; after ten minutes it was missed.
func TestScheduleWhileGitLabIsAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		catchUp, back string
		asked         int
	}{
		{"skip", "2026-11-26T01:39:00Z", 1}, {"skip", "2026-11-26T01:41:00Z", 0}, {"once", "2026-11-26T19:00:00Z", 1},
	} {
		c := &calendar{now: at("2026-11-25T12:00:00Z")}
		l := c.scheduler(t, strings.Replace(night, "}", ", catch_up: "+tt.catchUp+"}", 1))
		if _, err := l.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.now, c.away = at("2026-11-26T01:30:00Z"), errors.New("GitLab does not answer")
		if _, err := l.look(t.Context()); err == nil || len(c.order) != 1 {
			t.Errorf("got %v and %+v", err, c.order)
		}
		c.now, c.away = at(tt.back), nil
		if _, err := l.look(t.Context()); err != nil || len(c.asked) != tt.asked || len(c.order) != 2 {
			t.Errorf("%s at %s: got %v, %d requests, %+v", tt.catchUp, tt.back, err, len(c.asked), c.order)
		}
	}
}

// After a downtime that spans a change of the clocks, skip asks for nothing that was
// missed, and once for the newest slot alone.
func TestScheduleAfterDowntime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, down, up, newest string }{
		{"Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-29T03:00:00Z", "2026-03-29 03:00 Europe/Berlin"},
		{"Europe/Berlin", "2026-10-23T12:00:00Z", "2026-10-25T00:50:00Z", "2026-10-25 02:30 Europe/Berlin"},
		{"Europe/Berlin", "2026-10-25T00:29:00Z", "2026-10-25T01:45:00Z", "2026-10-25 02:30 Europe/Berlin"}, // up in the second of both
		{"America/New_York", "2026-03-06T12:00:00Z", "2026-03-08T08:00:00Z", "2026-03-08 03:00 America/New_York"},
		{"Australia/Lord_Howe", "2026-10-01T12:00:00Z", "2026-10-03T16:30:00Z", "2026-10-04 02:30 Australia/Lord_Howe"},
	} {
		for catchUp, want := range map[string]int{"skip": 0, "once": 1} {
			c := &calendar{now: at(tt.down)}
			l := c.scheduler(t, fmt.Sprintf(`{name: nightly, cron: 30 2 * * *, zone: %s, catch_up: %s}`, tt.zone, catchUp))
			if _, err := l.look(t.Context()); err != nil {
				t.Fatal(err)
			}
			for c.now = at(tt.up); c.now.Before(at(tt.up).Add(5 * time.Hour)); c.now = c.now.Add(time.Minute) {
				if _, err := l.look(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if last := c.order[len(c.order)-1]; len(c.asked) != want || len(c.order) != 2 || last.Local != tt.newest {
				t.Errorf("%s, %s: got %d requests and %+v, want %d for %s", tt.zone, catchUp, len(c.asked), c.order, want, tt.newest)
			}
		}
	}
}

// However the process stops and starts, and whatever the clock does, no slot is answered
// twice, every slot that is looked at in time is, and of those that were missed at most
// the newest.
func TestScheduleProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		cron := rapid.SampledFrom([]string{"30 2 * * *", "0 * * * *", "*/15 * * * *", "10,50 1-3 * * *"}).Draw(r, "cron")
		zone := rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}).Draw(r, "zone")
		catchUp := rapid.SampledFrom([]string{"skip", "once"}).Draw(r, "catch_up")
		begin := rapid.SampledFrom([]string{"2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z", "2026-10-02T20:00:00Z", "2026-10-31T20:00:00Z"}).Draw(r, "begin")
		c := &calendar{now: at(begin)}
		schedule := fmt.Sprintf(`{name: nightly, cron: '%s', zone: %s, catch_up: %s}`, cron, zone, catchUp)
		l := c.scheduler(t, schedule)
		met := map[string]bool{} // slots that it met in time
		for range rapid.IntRange(50, 300).Draw(r, "looks") {
			switch rapid.IntRange(0, 30).Draw(r, "act") {
			case 0: // down for some hours, and then another process
				c.now = c.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(r, "hours")) * time.Hour)
				l = c.scheduler(t, schedule)
			case 1: // the clock is put back
				c.now = c.now.Add(-time.Duration(rapid.IntRange(1, 180).Draw(r, "back")) * time.Minute)
			default:
				c.now = c.now.Add(time.Duration(rapid.IntRange(1, 9).Draw(r, "minutes")) * time.Minute)
			}
			slot, _ := l.Schedules[0].Due(c.now)
			if _, answered := c.slots[slot.Key()]; !answered && len(c.order) > 0 && c.now.Sub(slot.At) <= late {
				met[slot.Key()] = true
			}
			if _, err := l.look(t.Context()); err != nil {
				r.Fatal(err)
			}
		}
		asked := map[string]bool{}
		for _, q := range c.asked {
			if asked[q.Key] {
				r.Fatalf("%s was asked for twice", q.Key)
			}
			asked[q.Key] = true
			if catchUp == "skip" && !met[q.Key] {
				r.Fatalf("%s was missed, and asked for", q.Key)
			}
		}
		for key := range met {
			if !asked[key] {
				r.Fatalf("%s was not asked for", key)
			}
		}
	})
}

// It wakes at the slot itself.
func TestScheduleWakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &calendar{}
		l := c.scheduler(t, `{name: often, cron: '*/15 * * * *'}`)
		l.Now = time.Now // in the bubble it begins at midnight
		ctx, stop := context.WithTimeout(t.Context(), time.Hour+time.Minute)
		defer stop()
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
		if len(c.asked) != 4 {
			t.Fatalf("asked %d times, want 4", len(c.asked))
		}
		for _, s := range c.order[1:] {
			if !s.Answered.Equal(s.At) {
				t.Errorf("slot %s was answered at %s", s.Local, s.Answered)
			}
		}
	})
}
