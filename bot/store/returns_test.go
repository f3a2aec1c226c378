package store

import (
	"slices"
	"testing"

	"lockstep/bot"
)

// back are environments in which kv and mds name a version again.
func back(environments ...string) []bot.Return {
	var found []bot.Return
	for _, e := range environments {
		found = append(found, bot.Return{Environment: e, Services: []string{"kv", "mds"}, Commit: "0123456789abcdef", Author: "Bob"})
	}
	return found
}

// noted notes what was found and fails the test unless people are told of want.
func noted(t *testing.T, s *Store, run string, at int, found []bot.Return, want ...string) {
	t.Helper()
	got, err := s.NoteReturns(t.Context(), run, found, told, minute(at))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("at minute %d: told of %q, %v, want %q", at, got, err, want)
	}
}

func TestNoteReturns(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		r := ran(t, s, request("1"), 0, 1, bad)
		noted(t, s, r.ID, 2, nil)
		noted(t, s, r.ID, 3, back("int"), "int")
		noted(t, s, r.ID, 4, back("int"))
		noted(t, s, r.ID, 5, back("int", "abn"), "abn")
		noted(t, s, r.ID, 6, back("abn"))
		noted(t, s, r.ID, 7, back("abn", "int"), "int") // it was gone in between

		events, err := s.Events(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := trace(events), "1 queued, 2 started, 3 rolled back, 4 rolled back, 5 rolled back, 6 rolled back"; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		want := "1 stands in int again (kv, mds), although this run has put it back: a person has brought it back by hand; the newest commit there is 01234567 by Bob"
		if e := events[3]; e.Reason != want || !e.Asks || e.Environment != "int" || !e.At.Equal(minute(3)) {
			t.Errorf("got %+v, want %q", e, want)
		}
		after := read(t, s, r.ID)
		if after.Reason != r.Reason || after.State != r.State || after.Events != 6 || !after.Ended.Equal(minute(1)) {
			t.Errorf("the run has become %+v", after)
		}
	})
}

func TestNoteReturnOfParameter(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		r := ran(t, s, request("1"), 0, 1, bad)
		noted(t, s, r.ID, 2, []bot.Return{{Environment: "int", Services: []string{"/mda/int/deployed"}}}, "int")
		events, err := s.Events(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := "1 stands in int again (/mda/int/deployed), although this run has put it back: a person has brought it back by hand"
		if got := events[len(events)-1].Reason; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestNoteReturnsCallsPeople(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		r := ran(t, s, request("1"), 0, 1, bad)
		for _, id := range []string{r.ID + "/start/chat", r.ID + "/finish/chat"} {
			ok(t, s.Sent(t.Context(), id, 9, minute(2)))
		}
		noted(t, s, r.ID, 3, back("int"), "int")
		due(t, s, minute(4), r.ID+"/call/chat/4 4 0 false")
	})
}

// What a run of Lockstep's own has brought back, nobody has brought back by hand.
func TestNoteReturnsOfItsOwn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bring func(t *testing.T, s *Store)
		told  bool
	}{
		{"forced and under way", func(t *testing.T, s *Store) {
			q := byAPI("1", "f")
			q.Force = "because"
			began(t, s, q, 2)
		}, false},
		{"forced, and it has given its lane to a rollback", func(t *testing.T, s *Store) {
			done := staged(t, s, "0", 2)
			q := byAPI("1", "f")
			q.Force = "because"
			run := began(t, s, q, 4)
			yielded(t, s, run, asked(t, s, undoing(done.ID, "u"), 4).Run, 4)
		}, false},
		{"forced and still waiting", func(t *testing.T, s *Store) {
			q := byAPI("1", "f")
			q.Force = "because"
			accepted(t, s, q)
		}, true},
		{"done on another track", func(t *testing.T, s *Store) {
			q := byAPI("1", "f")
			q.Track = "release"
			ran(t, s, q, 2, 3, good)
		}, false},
		{"failed on another track", func(t *testing.T, s *Store) {
			q := byAPI("1", "f")
			q.Track = "release"
			ran(t, s, q, 2, 3, bad)
		}, true},
		{"another version", func(t *testing.T, s *Store) { ran(t, s, request("2"), 2, 3, good) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, func(t *testing.T, s *Store) {
				r := ran(t, s, request("1"), 0, 1, bad)
				tt.bring(t, s)
				got, err := s.NoteReturns(t.Context(), r.ID, back("int"), told, minute(5))
				if err != nil || (len(got) == 1) != tt.told {
					t.Errorf("told of %q, %v, want people told: %t", got, err, tt.told)
				}
			})
		})
	}
}
