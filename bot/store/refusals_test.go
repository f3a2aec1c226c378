package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lockstep/bot"
)

// refusals returns what the audit log has of what was turned away.
func refusals(t *testing.T, s *Store, since time.Time) (lines []bot.AuditLine) {
	t.Helper()
	ok(t, s.Audit(t.Context(), since, time.Time{}, func(l bot.AuditLine) error {
		if l.Kind == bot.AuditRefusal {
			lines = append(lines, l)
		}
		return nil
	}))
	return lines
}

// turnedAway returns a refusal of a caller at a time.
func turnedAway(who, sentence string, at int) bot.Refusal {
	return bot.Refusal{
		At: minute(at), Last: minute(at), Times: 1, Known: who != "", Who: who, From: "192.0.2.1", What: "POST /api/v1/runs", Status: 403, Sentence: sentence,
	}
}

// The same refusals are one line for each hour, which counts them.
func TestRefusals(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		ok(t, s.KeepRefusals(t.Context(), []bot.Refusal{turnedAway("nightly", "no", 1), turnedAway("", "no", 2), turnedAway("nightly", "no", 3)}))
		ok(t, s.KeepRefusals(t.Context(), []bot.Refusal{turnedAway("nightly", "no", 5), turnedAway("nightly", "no", 61), turnedAway("", "never", 4)}))
		var got []string
		for _, l := range refusals(t, s, time.Time{}) {
			got = append(got, fmt.Sprintf("%s %s %s %d %s %t", l.At.Format("15:04"), l.Last.Format("15:04"), l.Who, l.Times, l.Sentence, l.Refused))
		}
		want := []string{
			"12:01 12:05 nightly 3 403: no true", "12:02 12:02  1 403: no true", "12:04 12:04  1 403: never true", "13:01 13:01 nightly 1 403: no true",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := refusals(t, s, minute(10)); len(got) != 1 || !got[0].At.Equal(minute(61)) {
			t.Errorf("from 12:10 on: got %+v", got)
		}
	})
}

// A flood fills neither the database nor the place of those who are known.
func TestRefusalsInAFlood(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for from := range 4 {
			var all []bot.Refusal
			for i := range mostRefusals {
				all = append(all, turnedAway("", fmt.Sprint("no ", from*mostRefusals+i), 1))
			}
			ok(t, s.KeepRefusals(t.Context(), all))
		}
		ok(t, s.KeepRefusals(t.Context(), []bot.Refusal{turnedAway("nightly", "no", 59)}))
		lines, times := refusals(t, s, time.Time{}), 0
		for _, l := range lines {
			times += l.Times
		}
		if len(lines) != mostRefusals+2 || times != 4*mostRefusals+1 {
			t.Errorf("got %d lines that count %d, want %d and %d", len(lines), times, mostRefusals+2, 4*mostRefusals+1)
		}
		if first, last := lines[0], lines[len(lines)-1]; first.What != "different requests" || first.Times != 3*mostRefusals || last.Who != "nightly" {
			t.Errorf("got %+v first and %+v last, want what is counted together and the one who is known", first, last)
		}
		ok(t, s.Sweep(t.Context(), minute(60)))
		if left := refusals(t, s, time.Time{}); len(left) != 0 {
			t.Errorf("%d lines are left after the hour was swept", len(left))
		}
	})
}
