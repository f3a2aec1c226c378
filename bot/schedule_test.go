package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// scheduled returns a schedule that is ready.
func scheduled(t interface{ Fatal(...any) }, cron, zone string) *Schedule {
	s := &Schedule{Track: "integration", Name: "nightly", Cron: cron, Zone: zone}
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	return s
}

// walked returns for each of kinds the moments from begin to end in which a slot is due,
// found by looking at a clock on the wall again and again: what it shows for the first time,
// and what it leaves out.
func walked(begin, end time.Time, every time.Duration, zone string, kinds ...func(wall time.Time) bool) [][]time.Time {
	loc, _ := time.LoadLocation(zone)
	shown := wallOf(begin.Add(-4*time.Hour), loc) // the furthest that the clock has come
	due := make([][]time.Time, len(kinds))
	for t := begin.Add(-4 * time.Hour); t.Before(end); t = t.Add(every) {
		for wall := wallOf(t, loc); shown.Before(wall); {
			shown = shown.Add(every)
			for i, matches := range kinds {
				if n := len(due[i]); !t.Before(begin) && (n == 0 || !due[i][n-1].Equal(t)) && matches(shown) {
					due[i] = append(due[i], t)
				}
			}
		}
	}
	return due
}

// cronKinds are expressions with what they mean, said once more.
var cronKinds = []struct {
	cron    string
	matches func(wall time.Time) bool
}{
	{"30 2 * * *", func(w time.Time) bool { return w.Hour() == 2 && w.Minute() == 30 }},
	{"0 * * * *", func(w time.Time) bool { return w.Minute() == 0 }},
	{"*/15 * * * *", func(w time.Time) bool { return w.Minute()%15 == 0 }},
	{"15 1,2 * 3,4,10,11 Sun", func(w time.Time) bool {
		month := w.Month()
		return w.Minute() == 15 && (w.Hour() == 1 || w.Hour() == 2) && w.Weekday() == time.Sunday && (month == 3 || month == 4 || month == 10 || month == 11)
	}},
	{"0 3 1 * Mon", func(w time.Time) bool {
		return w.Minute() == 0 && w.Hour() == 3 && (w.Day() == 1 || w.Weekday() == time.Monday)
	}},
}

// Ten years of both time changes: every slot comes exactly once, in the order of time.
func TestScheduleTenYears(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			end := begin.AddDate(10, 0, 0)
			var kinds []func(time.Time) bool
			for _, kind := range cronKinds {
				kinds = append(kinds, kind.matches)
			}
			for i, want := range walked(begin, end, 15*time.Minute, zone, kinds...) {
				comes(t, scheduled(t, cronKinds[i].cron, zone), begin, end, want)
			}
		})
	}
}

// comes holds that the slots of s from begin to end are those of want, each with a name
// of its own.
func comes(t *testing.T, s *Schedule, begin, end time.Time, want []time.Time) {
	t.Helper()
	names := map[string]bool{}
	for at, i := begin.Add(-time.Second), 0; ; i++ {
		slot := s.Next(at)
		if at = slot.At; !at.Before(end) {
			if i != len(want) {
				t.Errorf("%s: got %d slots, want %d", s.Cron, i, len(want))
			}
			return
		}
		if i >= len(want) || !at.Equal(want[i]) || names[slot.Local] {
			t.Fatalf("%s, slot %d: got %s %s, want %s", s.Cron, i, slot.Local, at.UTC(), want[min(i, len(want)-1)])
		}
		names[slot.Local] = true
	}
}

// What is due is the newest slot, whenever one looks, and Next and Due agree.
func TestScheduleDueProperty(t *testing.T) {
	t.Parallel()
	changes := []time.Time{
		time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 3, 15, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC),
	}
	rapid.Check(t, func(r *rapid.T) {
		minutes := rapid.SliceOfNDistinct(rapid.IntRange(0, 59), 1, 4, rapid.ID).Draw(r, "minutes")
		hours := rapid.SliceOfNDistinct(rapid.IntRange(0, 23), 1, 12, rapid.ID).Draw(r, "hours")
		zone := rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"}).Draw(r, "zone")
		near := rapid.SampledFrom(changes).Draw(r, "change")
		s := scheduled(r, list(minutes)+" "+list(hours)+" * * *", zone)
		begin, end := near.Add(-30*time.Hour), near.Add(30*time.Hour)
		want := walked(begin, end, time.Minute, zone, func(w time.Time) bool {
			return slices.Contains(minutes, w.Minute()) && slices.Contains(hours, w.Hour())
		})[0]
		now := begin.Add(time.Duration(rapid.IntRange(1500*60, 2100*60).Draw(r, "now")) * time.Second)
		newest := -1
		for i, at := range want {
			if !at.After(now) {
				newest = i
			}
		}
		if newest < 0 || newest == len(want)-1 {
			r.Skip("the slots around it are out of sight")
		}
		due, found := s.Due(now)
		if !found || !due.At.Equal(want[newest]) {
			r.Fatalf("due at %s: got %s, want %s", now, due.At.UTC(), want[newest])
		}
		if next := s.Next(now).At; !next.Equal(want[newest+1]) {
			r.Fatalf("next after %s: got %s, want %s", now, next.UTC(), want[newest+1])
		}
		if again, _ := s.Due(due.At); again.Local != due.Local {
			r.Fatalf("due at %s: got %s", due.Local, again.Local)
		}
	})
}

// list writes numbers as a field of cron.
func list(numbers []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(numbers), "[]"), " ", ",")
}

func TestScheduleIdentity(t *testing.T) {
	t.Parallel()
	s := scheduled(t, "30 2 * * *", "Europe/Berlin")
	for _, tt := range []struct{ after, local, at string }{
		{"2026-11-29T12:00:00Z", "2026-11-30 02:30 Europe/Berlin", "2026-11-30T01:30:00Z"},
		{"2026-10-24T12:00:00Z", "2026-10-25 02:30 Europe/Berlin", "2026-10-25T00:30:00Z"}, // shown twice: the first
		{"2026-10-25T00:30:00Z", "2026-10-26 02:30 Europe/Berlin", "2026-10-26T01:30:00Z"},
		{"2026-03-28T12:00:00Z", "2026-03-29 03:00 Europe/Berlin", "2026-03-29T01:00:00Z"}, // left out: when that is done
	} {
		after, _ := time.Parse(time.RFC3339, tt.after)
		slot := s.Next(after)
		if slot.Local != tt.local || slot.At.UTC().Format(time.RFC3339) != tt.at {
			t.Errorf("after %s: got %s, %s", tt.after, slot.Local, slot.At.UTC())
		}
	}
	slot := s.Next(time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))
	if got, want := slot.Key(), "schedule integration nightly 2026-11-30 02:30 Europe/Berlin"; got != want {
		t.Errorf("key: got %q, want %q", got, want)
	}
}

// A leap day is found in any century.
func TestScheduleLeapDay(t *testing.T) {
	t.Parallel()
	s := scheduled(t, "0 0 29 2 *", "UTC")
	if at := s.Next(time.Date(2097, 1, 1, 0, 0, 0, 0, time.UTC)).At; at.Year() != 2104 {
		t.Errorf("got %s", at)
	}
}
