package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"lockstep/bot"
)

func TestSaveConflict(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := accepted(t, s, request("1"))[0]
		granted(t, s)
		stale, err := s.Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		fresh := moved(t, s, id, bot.Started, "four services take part")
		if want := stale.Revision + 1; fresh.Revision != want {
			t.Errorf("revision: got %d, want %d", fresh.Revision, want)
		}
		err = saved(t.Context(), s, stale, bot.Outcome{State: bot.Failed, Reason: "late"})
		if !errors.Is(err, bot.ErrConflict) {
			t.Errorf("a stale save: got %v, want %v", err, bot.ErrConflict)
		}
		events, err := s.Events(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got := trace(events); got != "1 queued, 2 started" {
			t.Errorf("events: got %q", got)
		}
	})
}

// trace returns the numbers and states of events.
func trace(events []bot.Event) string {
	got := ""
	for i, e := range events {
		if i > 0 {
			got += ", "
		}
		got += fmt.Sprint(e.Seq, " ", e.State)
	}
	return got
}

func TestRunNotFound(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		if _, err := s.Run(t.Context(), "nobody"); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("run: got %v, want %v", err, bot.ErrNotFound)
		}
		if _, err := s.Place(t.Context(), "nobody"); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("place: got %v, want %v", err, bot.ErrNotFound)
		}
		if events, err := s.Events(t.Context(), "nobody"); err != nil || len(events) != 0 {
			t.Errorf("events: got %v, %v", events, err)
		}
	})
}

func TestRuns(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		other := request("9")
		other.Track, other.Lane = "release", "shared"
		runs := accepted(t, s, request("1"), request("2"), request("3"), other)
		granted(t, s)
		moved(t, s, runs[0], bot.Started, "started")
		for _, tt := range []struct {
			name   string
			filter bot.Filter
			want   []int
		}{
			{"all, newest first", bot.Filter{}, []int{3, 2, 1, 0}},
			{"track", bot.Filter{Track: "integration"}, []int{2, 1, 0}},
			{"lane", bot.Filter{Lane: "shared"}, []int{3}},
			{"state", bot.Filter{States: []bot.State{bot.Started}}, []int{0}},
			{"states and limit", bot.Filter{Track: "integration", States: []bot.State{bot.Started, bot.Queued}, Limit: 2}, []int{2, 1}},
			{"none", bot.Filter{States: []bot.State{bot.Done}}, nil},
		} {
			got, err := s.Runs(t.Context(), tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			var index []int
			for _, r := range got {
				index = append(index, slices.Index(runs, r.ID))
			}
			if !slices.Equal(index, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, index, tt.want)
			}
		}
		active, err := s.Active(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(active) != 2 || active[0].ID != runs[0] || active[1].ID != runs[3] {
			t.Errorf("active: got %+v", active)
		}
	})
}
