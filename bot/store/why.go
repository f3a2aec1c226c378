package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"lockstep/bot"
)

// How far Why looks: the first page of runs, those after it, and at most so many runs.
const (
	whyFirst = 20
	whyPage  = 250
	whyMost  = 5000
)

// Why says which version a service of an environment runs at a time, and why, by the log
// of events alone. A time that is zero, or to come, is now. At most 5,000 runs before that
// time are looked at, those that ended last first, and Looked says so where that was not
// enough.
func (s *Store) Why(ctx context.Context, spot bot.Spot) (bot.Why, error) {
	now := s.now()
	past := !spot.At.IsZero() && spot.At.Before(now)
	if !past {
		spot.At = now
	}
	w, logs, err := s.whyUntil(ctx, spot, past)
	if err == nil && past {
		w, err = s.whyAfter(ctx, w, logs)
	}
	if err != nil {
		return bot.Why{}, fmt.Errorf("why %s in %s: %w", spot.Service, spot.Environment, err)
	}
	return w, nil
}

// WhyWaits says in a sentence for what exactly a run waits; bot.ErrNotFound without it.
func (s *Store) WhyWaits(ctx context.Context, run string) (string, error) {
	r, err := s.Run(ctx, run)
	if err != nil {
		return "", err
	}
	place, err := s.Place(ctx, run)
	if err != nil {
		return "", err
	}
	return r.Awaits(place), nil
}

// whyUntil explains a spot by the runs that were asked for before its time: those that
// are under way, then those that have ended, the last first, for as long as it takes.
func (s *Store) whyUntil(ctx context.Context, spot bot.Spot, past bool) (bot.Why, bot.Logs, error) {
	logs := bot.Logs{Past: past}
	active, err := s.whyRuns(ctx, spot, `ended = 0 AND created + 0 <= $3 ORDER BY id`, millis(spot.At))
	if err != nil {
		return bot.Why{}, logs, err
	}
	logs.Runs = active.logs
	looked, last, size := 0, whyRuns{ended: math.MaxInt64}, whyFirst
	for {
		page, err := s.whyRuns(ctx, spot, `ended > 0 AND (ended, id) < ($3, $4) AND created + 0 <= $5 ORDER BY ended DESC, id DESC LIMIT $6`,
			last.ended, last.id, millis(spot.At), size)
		if err != nil {
			return bot.Why{}, logs, err
		}
		logs.Runs = append(logs.Runs, page.logs...)
		logs.Floor = moment(page.ended)
		if page.n < size {
			logs.Floor = time.Time{}
		}
		w, enough := bot.Explain(spot, logs)
		if looked += page.n; !enough && looked >= whyMost {
			logs.Looked = looked
			w, _ = bot.Explain(spot, logs)
			return w, logs, nil
		}
		if enough {
			return w, logs, nil
		}
		last, size = page, whyPage
	}
}

// whyAfter adds to w what a run did next: one that was under way then, or one that was
// asked for after it.
func (s *Store) whyAfter(ctx context.Context, w bot.Why, logs bot.Logs) (bot.Why, error) {
	last := whyRuns{id: "~", created: millis(w.At)} // after every id
	for looked, size := 0, whyFirst; looked < whyMost; size = whyPage {
		page, err := s.whyRuns(ctx, w.Spot, `(created, id) > ($3, $4) ORDER BY created, id LIMIT $5`, last.created, last.id, size)
		if err != nil {
			return bot.Why{}, err
		}
		logs.Runs = append(logs.Runs, page.logs...)
		w, _ = bot.Explain(w.Spot, logs)
		looked, last = looked+page.n, page
		if page.n < size || w.Later != nil && !moment(page.created).Before(w.Later.At) {
			return w, nil
		}
	}
	return w, nil
}

// A whyRuns is a page of runs: the logs of those that name the service and the
// environment, how many there were, and where the page ends.
type whyRuns struct {
	logs           []bot.RunLog
	n              int
	id             string
	ended, created int64
}

// whyRuns reads a page of runs. The bodies of those that name neither the service nor the
// environment stay in the database.
func (s *Store) whyRuns(ctx context.Context, spot bot.Spot, where string, args ...any) (whyRuns, error) {
	var page whyRuns
	args = append([]any{naming("environment", spot.Environment), naming("name", spot.Service)}, args...)
	err := s.db.Each(ctx, `SELECT id, ended, created, revision, CASE WHEN body LIKE $1 ESCAPE '!' AND body LIKE $2 ESCAPE '!' THEN body ELSE '' END
		FROM runs WHERE `+where, args, func(scan Scan) error {
		var revision int64
		var body string
		if err := scan(&page.id, &page.ended, &page.created, &revision, &body); err != nil {
			return err
		}
		page.n++
		if body == "" {
			return nil
		}
		r, err := decode(body, revision)
		page.logs = append(page.logs, bot.RunLog{Run: r})
		return err
	})
	if err != nil {
		return whyRuns{}, fmt.Errorf("runs: %w", err)
	}
	for i := range page.logs {
		if page.logs[i].Events, err = s.Events(ctx, page.logs[i].Run.ID); err != nil {
			return whyRuns{}, err
		}
	}
	return page, nil
}

// likely keeps a text from meaning more than itself in a LIKE with ! as its escape.
var likely = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// naming returns the pattern of the bodies that have a field with a value.
func naming(field, value string) string {
	text, err := json.Marshal(map[string]string{field: value})
	if err != nil {
		panic("store: " + err.Error())
	}
	return "%" + likely.Replace(strings.Trim(string(text), "{}")) + "%"
}
