package store

import (
	"context"
	"sync"
	"testing"
	"time"

	"lockstep/bot"
)

// slotAt returns a slot of schedule nightly and the request that it makes.
func slotAt(day, version string) (bot.Slot, *bot.Request) {
	slot := bot.Slot{Track: "integration", Schedule: "nightly", Local: day + " 02:30 Europe/Berlin", At: noon, Version: "1"}
	q := request(version)
	q.Key, q.Origin, q.By = slot.Key(), bot.OriginSchedule, "nightly of integration"
	return slot, &q
}

// A slot is answered once, however many ask at the same time.
func TestSlotIsAnsweredOnce(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		slot, q := slotAt("2026-11-30", "1")
		var all sync.WaitGroup
		answers := make([]bot.Answer, 8)
		for i := range answers {
			all.Go(func() {
				var err error
				if answers[i], err = s.AnswerSlot(t.Context(), slot, q, noon); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		fresh := 0
		for _, a := range answers {
			if a.New {
				fresh++
			}
			if a.Run == "" || a.Run != answers[0].Run {
				t.Errorf("got %+v and %+v", a, answers[0])
			}
		}
		if fresh != 1 {
			t.Errorf("%d of them made a run, want 1", fresh)
		}
		got, found, err := s.Slot(t.Context(), slot)
		if err != nil || !found || got.Run != answers[0].Run || got.Version != "1" || !got.At.Equal(noon) || !got.Answered.Equal(noon) {
			t.Errorf("got %+v, %v, %v", got, found, err)
		}
	})
}

// What is refused, and what is not asked for, is kept as well; the last answer is shown.
func TestSlotsThatMakeNoRun(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		ran(t, s, request("1"), 0, 1, bad) // condemned
		slot, q := slotAt("2026-11-30", "1")
		for range 2 {
			if a, err := s.AnswerSlot(t.Context(), slot, q, minute(2)); err != nil || a.New || a.Run != "" {
				t.Fatalf("got %+v, %v", a, err)
			}
		}
		got, _, err := s.Slot(t.Context(), slot)
		if err != nil {
			t.Fatal(err)
		}
		contains(t, got.Sentence, "condemned")
		quiet, _ := slotAt("2026-12-01", "1")
		quiet.Sentence = "nothing to do"
		if a, err := s.AnswerSlot(t.Context(), quiet, nil, minute(3)); err != nil || a.Sentence != "nothing to do" {
			t.Errorf("got %+v, %v", a, err)
		}
		last, found, err := s.LastSlot(t.Context(), "integration", "nightly")
		if err != nil || !found || last.Local != quiet.Local || last.Sentence != "nothing to do" || last.Version != "1" {
			t.Errorf("got %+v, %v, %v", last, found, err)
		}
		if _, found, err := s.LastSlot(t.Context(), "release", "nightly"); found || err != nil {
			t.Errorf("another schedule: got %v, %v", found, err)
		}
	})
}

func TestNewestGood(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		newest := func(want string) {
			t.Helper()
			got := ""
			r, err := s.NewestGood(t.Context(), "integration", "mda")
			if r != nil {
				got = string(r.Version)
			}
			if err != nil || got != want {
				t.Errorf("newest good version: got %q, %v, want %q", got, err, want)
			}
		}
		back := func(version, want string) {
			t.Helper()
			got := ""
			r, err := s.PutBack(t.Context(), "integration", "mda", request(version).Version)
			if r != nil {
				got = r.Undoes
			}
			if err != nil || got != want {
				t.Errorf("version %s: put back is run %q, %v, want %q", version, got, err, want)
			}
		}
		newest("")
		ran(t, s, request("1"), 0, 1, good)
		second := ran(t, s, request("2"), 2, 3, good)
		ran(t, s, request("3"), 4, 5, bad)
		newest("2")
		back("2", "")
		undo := began(t, s, undoing(second.ID, "a"), 6)
		newest("1") // it is being put back
		back("2", second.ID)
		finished(t, s, undo, 7, ending{state: bot.RolledBack})
		newest("1")
		back("2", second.ID)
		ran(t, s, byAPI("2", "again"), 8, 9, good)
		newest("2")
		back("2", "")
	})
}

// A run that the windows of its track keep waiting keeps its place, says until when, and
// gets its lane when they are open; others pass meanwhile.
func TestWindowsKeepARunWaiting(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		q := request("1")
		q.Windows = new(bot.Windows)
		if err := jsonInto(`{"zone":"Europe/Berlin","allow":["Mon-Fri 14:00-15:00"]}`, q.Windows); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 11, 27, 14, 30, 0, 0, time.UTC) // Friday, half an hour too late
		grant := func(now time.Time, want ...string) {
			t.Helper()
			got, err := s.Grant(t.Context(), now, func(context.Context, any, string) error { return nil })
			if err != nil || len(got) != len(want) || len(want) == 1 && got[0] != want[0] {
				t.Errorf("granted at %s: %q, %v, want %q", now, got, err, want)
			}
		}
		first, err := s.Accept(t.Context(), q, at)
		if err != nil {
			t.Fatal(err)
		}
		closed := "next in lane integration; track integration: closed until Mon 2026-11-30 14:00 CET (windows of integration)"
		contains(t, first.Sentence, closed)
		s.now = func() time.Time { return at }
		if place, err := s.Place(t.Context(), first.Run); err != nil || place != closed {
			t.Errorf("got %q, %v, want %q", place, err, closed)
		}
		other := request("2")
		other.Track = "other"
		second, err := s.Accept(t.Context(), other, at.Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		grant(at.Add(time.Second), second.Run)
		monday := time.Date(2026, 11, 30, 13, 0, 0, 0, time.UTC)
		grant(monday) // the lane is held
		finished(t, s, second.Run, 1, refusedRun)
		grant(monday.Add(90 * time.Minute)) // it has closed again meanwhile
		tuesday := monday.AddDate(0, 0, 1)
		grant(tuesday.Add(-time.Second))
		grant(tuesday, first.Run)
	})
}
