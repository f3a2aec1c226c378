package store

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"lockstep/bot"
)

// jsonInto reads JSON.
func jsonInto(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// nobody starts the workflows of runs.
func nobody(context.Context, any, string) error { return nil }

// A freeze with an end thaws by itself; until then it is refused a second time.
func TestFreezeEnds(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		f := bot.Freeze{By: "ada", Reason: "the fair", At: minute(0), Until: minute(60)}
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", At: minute(0), Until: minute(0)}); !errors.Is(err, bot.ErrRefused) {
			t.Errorf("an end that is past: got %v", err)
		}
		if err := s.Freeze(t.Context(), "integration", f); err != nil {
			t.Fatal(err)
		}
		err := s.Freeze(t.Context(), "integration", f)
		if !errors.Is(err, bot.ErrRefused) {
			t.Fatalf("got %v", err)
		}
		contains(t, err.Error(), "lane integration is frozen by ada until", "already; thaw it first")
		run := accepted(t, s, request("1"))[0]
		place, err := s.Place(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		contains(t, place, "next in lane integration, which is frozen by ada until", "the fair")
		for at, want := range map[int]bool{59: true, 60: false} {
			if got, err := s.Frozen(t.Context(), "integration", minute(at)); err != nil || (got != nil) != want {
				t.Errorf("at minute %d: got %v, %v", at, got, err)
			}
		}
		for _, tt := range []struct{ at, want int }{{59, 0}, {60, 1}} {
			got, err := s.Grant(t.Context(), minute(tt.at), nobody)
			if err != nil || len(got) != tt.want {
				t.Errorf("granted at minute %d: %q, %v, want %d", tt.at, got, err, tt.want)
			}
		}
		if l, err := s.Lanes(t.Context()); err != nil || l[0].Freeze() != nil || !l[0].Until.IsZero() {
			t.Errorf("got %+v, %v", l, err)
		}
		f.At, f.Until = minute(61), minute(62) // another one, which is over when the next comes
		if err := s.Freeze(t.Context(), "integration", f); err != nil {
			t.Fatal(err)
		}
		f.At, f.Until = minute(70), time.Time{}
		if err := s.Freeze(t.Context(), "integration", f); err != nil {
			t.Error(err)
		}
	})
}

// The red button freezes every lane but for rollbacks; released, it leaves those frozen
// that are by themselves.
func TestRedButton(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := ran(t, s, request("1"), 0, 1, good)
		if err := s.Freeze(t.Context(), bot.Everything, bot.Freeze{By: "ada", Reason: "fire", At: minute(2)}); err != nil {
			t.Fatal(err)
		}
		err := s.Freeze(t.Context(), bot.Everything, bot.Freeze{By: "bob", Reason: "fire", At: minute(2)})
		if !errors.Is(err, bot.ErrRefused) {
			t.Errorf("twice: got %v", err)
		}
		err = s.Thaw(t.Context(), "integration", "bob", "", minute(2))
		if !errors.Is(err, bot.ErrRefused) {
			t.Fatalf("thaw of one lane: got %v", err)
		}
		contains(t, err.Error(), "lockstep thaw --all")
		waits := asked(t, s, byAPI("2", "a"), 3)
		contains(t, waits.Sentence, "which is frozen with everything by ada: fire")
		if got, err := s.Grant(t.Context(), minute(3), nobody); err != nil || len(got) != 0 {
			t.Errorf("granted %q, %v", got, err)
		}
		undo := asked(t, s, undoing(done.ID, "u"), 4)
		if got, err := s.Grant(t.Context(), minute(4), nobody); err != nil || len(got) != 1 || got[0] != undo.Run {
			t.Errorf("granted %q, %v, want the rollback", got, err)
		}
		lanes, err := s.Lanes(t.Context())
		if err != nil || len(lanes) != 1 || lanes[0].All == nil || lanes[0].All.By != "ada" || !lanes[0].All.All {
			t.Errorf("got %+v, %v", lanes, err)
		}
		if f, err := s.Frozen(t.Context(), "another", minute(5)); err != nil || f == nil || f.Reason != "fire" {
			t.Errorf("another lane: got %v, %v", f, err)
		}
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "eva", Reason: "the fair", At: minute(5)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Thaw(t.Context(), bot.Everything, "ada", "", minute(6)); err != nil {
			t.Fatal(err)
		}
		if f, err := s.Frozen(t.Context(), "integration", minute(6)); err != nil || f == nil || f.Reason != "the fair" {
			t.Errorf("its own: got %v, %v", f, err)
		}
		err = s.Thaw(t.Context(), bot.Everything, "ada", "", minute(6))
		if !errors.Is(err, bot.ErrRefused) {
			t.Fatalf("released twice: got %v", err)
		}
		contains(t, err.Error(), "everything is not frozen")
	})
}

// A rollback that fails in a frozen lane takes the end of the freeze away.
func TestFailedRollbackKeepsALaneFrozen(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := began(t, s, request("1"), 0)
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", Reason: "the fair", At: minute(1), Until: minute(5)}); err != nil {
			t.Fatal(err)
		}
		finished(t, s, id, 2, worse)
		if _, err := s.Grant(t.Context(), minute(9), nobody); err != nil {
			t.Fatal(err)
		}
		l, err := s.Lanes(t.Context())
		if err != nil || l[0].Freeze() == nil || !l[0].Until.IsZero() {
			t.Fatalf("got %+v, %v", l, err)
		}
		contains(t, l[0].Frozen, "the fair; run "+id)
	})
}
