package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"lockstep/bot"
)

func TestGrantInOrder(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		runs := accepted(t, s, request("1"), request("2"), request("3"))
		for i, run := range runs {
			if got := granted(t, s); !slices.Equal(got, []string{run}) {
				t.Fatalf("grant %d: got %q, want %q", i, got, run)
			}
			if got := granted(t, s); len(got) != 0 {
				t.Fatalf("granted a lane that is held: %q", got)
			}
			moved(t, s, run, bot.Done, "done")
		}
		if got := granted(t, s); len(got) != 0 {
			t.Errorf("granted %q, want nothing", got)
		}
	})
}

func TestGrantIsOneWithLaunch(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := accepted(t, s, request("1"))[0]
		broken := errors.New("the engine is broken")
		_, err := s.Grant(t.Context(), noon, func(context.Context, any, string) error { return broken })
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
		if l, _ := s.Lanes(t.Context()); l[0].Holder != "" || len(l[0].Waiting) != 1 {
			t.Errorf("the lane was granted without a workflow: %+v", l)
		}
		if got := granted(t, s); !slices.Equal(got, []string{run}) {
			t.Errorf("got %q, want %q", got, run)
		}
	})
}

func TestGrantAtTheSameTime(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		runs := accepted(t, s, request("1"), request("2"), request("3"))
		var launches sync.Map
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				got, err := s.Grant(t.Context(), noon, func(context.Context, any, string) error { return nil })
				if err != nil {
					t.Error(err)
				}
				for _, run := range got {
					if _, twice := launches.LoadOrStore(run, true); twice {
						t.Errorf("run %q was launched twice", run)
					}
				}
			})
		}
		all.Wait()
		for i, run := range runs {
			if _, launched := launches.Load(run); launched != (i == 0) {
				t.Errorf("run %d launched: %t", i, launched)
			}
		}
	})
}

func TestFreezeAndThaw(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		err := s.Thaw(t.Context(), "integration", "bob", "", noon)
		if !errors.Is(err, bot.ErrRefused) {
			t.Fatalf("thaw of a lane that is not frozen: got %v, want %v", err, bot.ErrRefused)
		}
		contains(t, err.Error(), "lane integration is not frozen")
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", Reason: "", At: noon}); err != nil {
			t.Fatal(err)
		}
		err = s.Freeze(t.Context(), "integration", bot.Freeze{By: "bob", Reason: "again", At: noon})
		if !errors.Is(err, bot.ErrRefused) {
			t.Errorf("freeze again: got %v, want %v", err, bot.ErrRefused)
		}
		run := accepted(t, s, request("1"))[0]
		if got := granted(t, s); len(got) != 0 {
			t.Errorf("a frozen lane was granted to %q", got)
		}
		l, err := s.Lanes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(l) != 1 || l[0].Frozen != "frozen by ada" || l[0].By != "ada" || !l[0].Since.Equal(noon) {
			t.Errorf("got lanes %+v", l)
		}
		if err := s.Thaw(t.Context(), "integration", "bob", "the disk is mended", noon); err != nil {
			t.Fatal(err)
		}
		if got := granted(t, s); !slices.Equal(got, []string{run}) {
			t.Errorf("after the thaw: got %q, want %q", got, run)
		}
	})
}
