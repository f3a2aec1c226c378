package store

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// A run that is held keeps its place while others pass, and gets its lane when a person
// says so.
func TestHoldWhileWaiting(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		runs := accepted(t, s, request("1"), request("2"), request("3"))
		contains(t, commanded(t, s, bot.VerbHold, runs[0], "the fair", 1).Sentence,
			"run "+runs[0]+" is held by ana (the fair): it keeps its place in lane integration, and others pass")
		contains(t, commanded(t, s, bot.VerbHold, runs[0], "", 2).Sentence, "is held already by ana (the fair)")
		r := read(t, s, runs[0])
		want := "held by ana (the fair): say lockstep resume " + r.ID
		if r.State != bot.Queued || !strings.HasPrefix(r.Reason, want) {
			t.Errorf("got %s, %q, want %q…", r.State, r.Reason, want)
		}
		if got, err := s.Place(t.Context(), r.ID); err != nil || got != "next in lane integration, and others pass: "+want[:len("held by ana (the fair)")]+", say lockstep resume "+r.ID {
			t.Errorf("got place %q, %v", got, err)
		}
		if got := granted(t, s); !slices.Equal(got, runs[1:2]) {
			t.Fatalf("granted %q, want %q", got, runs[1])
		}
		moved(t, s, runs[1], bot.Done, "done")
		contains(t, commanded(t, s, bot.VerbResume, runs[0], "", 3).Sentence, "is not held any more, and waits for lane integration")
		contains(t, commanded(t, s, bot.VerbResume, runs[0], "", 4).Sentence, "is not stalled, it is queued, and nobody holds it")
		if got := granted(t, s); !slices.Equal(got, runs[:1]) {
			t.Errorf("granted %q, want %q, which waits longest", got, runs[0])
		}
		events, err := s.Events(t.Context(), runs[0])
		if err != nil || len(events) != 3 {
			t.Errorf("got %+v, %v, want three events", events, err)
		}
	})
}

// Words count in the order in which they are said, also before the run has seen them.
func TestHoldIsForetold(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := began(t, s, request("1"), 0)
		for i, tt := range []struct {
			verb bot.Verb
			want string
		}{
			{bot.VerbResume, "is not stalled, it is started"},
			{bot.VerbHold, "was told to hold"},
			{bot.VerbHold, "is held already by ana"},
			{bot.VerbResume, "was told to resume"},
			{bot.VerbResume, "is not stalled"},
			{bot.VerbHold, "was told to hold"},
			{bot.VerbCancel, "was told to cancel, and puts back"},
			{bot.VerbCancel, "was told to cancel by ana already"},
			{bot.VerbResume, "was told to cancel by ana already"},
		} {
			if got := commanded(t, s, tt.verb, id, "", i); got.Refused == strings.HasPrefix(tt.want, "was told to ") && !strings.HasSuffix(tt.want, "already") {
				t.Errorf("%d, %s: got %+v", i, tt.verb, got)
			} else {
				contains(t, got.Sentence, tt.want)
			}
		}
		moved(t, s, id, bot.Failed, "it was cancelled")
		contains(t, commanded(t, s, bot.VerbHold, id, "", 20).Sentence, "already")
		finished(t, s, id, 21, cancelled)
		contains(t, commanded(t, s, bot.VerbHold, id, "", 22).Sentence, "has ended: cancelled")
		undo := asked(t, s, undoing(staged(t, s, "2", 23).ID, "u"), 25).Run
		contains(t, commanded(t, s, bot.VerbHold, undo, "", 26).Sentence, "and that is not held")
	})
}

// yielded makes a run that holds its lane give it to another.
func yielded(t *testing.T, s *Store, id, to string, at int) *bot.Run {
	t.Helper()
	r := read(t, s, id)
	if err := savedAt(t.Context(), s, r, bot.Outcome{Pace: bot.Person, Yields: to, Reason: "gives its lane to run " + to}, minute(at)); err != nil {
		t.Fatal(err)
	}
	return r
}

// regrant grants the lanes and returns who got one, and whose workflow was started.
func regrant(t *testing.T, s *Store, at int) (got, launched []string) {
	t.Helper()
	got, err := s.Grant(t.Context(), minute(at), func(_ context.Context, _ any, run string) error {
		launched = append(launched, run)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, launched
}

// A run that has given way gets its lane before all but rollbacks, whatever keeps others
// from beginning, and goes on where it was.
func TestYield(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := staged(t, s, "1", 0)
		earlier := asked(t, s, request("2"), 2).Run // held: it has waited longest
		commanded(t, s, bot.VerbHold, earlier, "", 2)
		holder := began(t, s, request("3"), 3)
		moved(t, s, holder, bot.Stalled, "a person is needed")
		if to, err := s.Yields(t.Context(), "integration"); err != nil || to != "" {
			t.Fatalf("got %q, %v, want nobody", to, err)
		}
		undo := asked(t, s, undoing(done.ID, "u"), 4).Run
		if to, err := s.Yields(t.Context(), "integration"); err != nil || to != undo {
			t.Fatalf("got %q, %v, want %q", to, err, undo)
		}
		if behind, err := s.Blocking(t.Context()); err != nil || len(behind) != 1 || behind[holder] != undo {
			t.Errorf("got %q, %v, want that %q waits for %q", behind, err, undo, holder)
		}

		yielded(t, s, holder, undo, 5)
		if got, launched := regrant(t, s, 5); !slices.Equal(got, []string{undo}) || !slices.Equal(launched, got) {
			t.Fatalf("granted %q, launched %q, want %q", got, launched, undo)
		}
		commanded(t, s, bot.VerbResume, earlier, "", 6)
		ok(t, s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", Reason: "month end", At: minute(6)}))
		s.now = func() time.Time { return minute(65) }
		if got, err := s.Place(t.Context(), holder); err != nil || got != "next in lane integration, behind run "+undo+"; it has waited for 1h00m" {
			t.Errorf("got place %q, %v", got, err)
		}
		contains(t, commanded(t, s, bot.VerbResume, holder, "it is mended", 7).Sentence, "obeys when it has lane integration again, which run "+undo+" has")
		if w := read(t, s, holder).Word; w != nil {
			t.Errorf("it hears %+v while it has no lane", w)
		}

		finished(t, s, undo, 8, ending{state: bot.RolledBack})
		if got, launched := regrant(t, s, 9); !slices.Equal(got, []string{holder}) || len(launched) != 0 {
			t.Fatalf("granted %q, launched %q, want %q", got, launched, holder)
		}
		r := read(t, s, holder)
		if r.Yielded != nil || r.State != bot.Stalled || r.Reason != "a person is needed" || r.Word == nil || r.Word.Verb != bot.VerbResume {
			t.Errorf("got %+v", r)
		}
		l, err := s.Lanes(t.Context())
		if err != nil || l[0].Holder != holder || !slices.Equal(l[0].Waiting, []string{earlier}) {
			t.Errorf("got lanes %+v, %v", l, err)
		}
		if got, _ := regrant(t, s, 9); len(got) != 0 {
			t.Errorf("granted %q, which is held", got)
		}
	})
}

// A run that has given way before it began hears people at once, as one that waits.
func TestYieldBeforeItBegan(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := staged(t, s, "1", 0)
		holder := accepted(t, s, request("2"))[0]
		granted(t, s)
		undo := asked(t, s, undoing(done.ID, "u"), 4).Run
		commanded(t, s, bot.VerbHold, holder, "", 4)
		r := read(t, s, holder)
		r.Hold(*r.Word)
		ok(t, savedAt(t.Context(), s, r, bot.Outcome{Pace: bot.Person, Yields: undo, Reason: "gives way"}, minute(5)))
		regrant(t, s, 5)
		contains(t, commanded(t, s, bot.VerbResume, holder, "", 6).Sentence, "run "+holder+" is not held any more, and waits for lane integration")
		if got, launched := regrant(t, s, 6); len(got)+len(launched) != 0 {
			t.Errorf("granted %q, launched %q", got, launched)
		}
		contains(t, commanded(t, s, bot.VerbCancel, holder, "", 7).Sentence, "run "+holder+" is cancelled: it had not begun")
		if l, err := s.Lanes(t.Context()); err != nil || l[0].Holder != undo || len(l[0].Waiting) != 0 {
			t.Errorf("got lanes %+v, %v", l, err)
		}
	})
}

// A run that is saved while it has given way does not touch the lane of another.
func TestYieldIsSavedOnce(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := staged(t, s, "1", 0)
		holder := began(t, s, request("2"), 1)
		undo := asked(t, s, undoing(done.ID, "u"), 2).Run
		r := yielded(t, s, holder, undo, 3)
		stale := *r
		regrant(t, s, 3)
		ok(t, savedAt(t.Context(), s, r, bot.Outcome{Pace: bot.Person, Reason: "still waits"}, minute(4)))
		if l, err := s.Lanes(t.Context()); err != nil || l[0].Holder != undo {
			t.Errorf("got %+v, %v, want that run %s holds it", l, err, undo)
		}
		if err := savedAt(t.Context(), s, &stale, bot.Outcome{Pace: bot.Person, Reason: "late"}, minute(4)); err == nil {
			t.Error("a look from before was saved")
		}
	})
}
