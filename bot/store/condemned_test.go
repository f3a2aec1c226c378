package store

import (
	"testing"

	"lockstep/bot"
)

func TestWhatCondemns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		end    ending
		undoes bool
		want   bool
	}{
		{"a gate failed", bad, false, true},
		{"a gate failed, and putting back as well", worse, false, true},
		{"people were silent", silent, false, false},
		{"a person cancelled", cancelled, false, false},
		{"a person cancelled, and putting back failed", inBetween, false, false},
		{"it went well", good, false, false},
		{"a person undid it", ending{state: bot.RolledBack}, true, false},
		{"a person undid it, and putting back failed", ending{state: bot.RollbackFailed}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, func(t *testing.T, s *Store) {
				q := request("1")
				if tt.undoes {
					q = undoing(ran(t, s, q, 0, 1, good).ID, "k")
				}
				r := ran(t, s, q, 2, 3, tt.end)
				got, err := s.Condemned(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := bot.Condemnation{Track: "integration", Package: "mda", Version: "1", Run: r.ID, Reason: tt.end.cause, At: minute(3)}
				switch {
				case !tt.want && len(got) != 0:
					t.Errorf("got %+v, want nothing", got)
				case tt.want && (len(got) != 1 || got[0] != want):
					t.Errorf("got %+v, want %+v", got, want)
				}
			})
		})
	}
}

func TestCondemnedUntilForced(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		first := ran(t, s, request("1"), 0, 1, bad)
		for _, key := range []string{"a", "a", "b"} {
			no := asked(t, s, byAPI("1", key), 2)
			if !no.Refused || no.Run != "" {
				t.Fatalf("got %+v, want a refusal", no)
			}
			contains(t, no.Sentence, "mda 1 is condemned on track integration by run "+first.ID+" (gate int-test failed: two tests are red)",
				"lockstep promote integration 1 --force REASON")
		}
		elsewhere := byAPI("1", "c")
		elsewhere.Track, elsewhere.Lane = "release", "release"
		accepted(t, s, request("2"), elsewhere)
		moved(t, s, granted(t, s)[0], bot.Done, "2 is there")

		forced := byAPI("1", "d")
		forced.Force = "the tests were wrong"
		answer := asked(t, s, forced, 3)
		contains(t, answer.Sentence, "is queued: next in lane integration; forced (the tests were wrong) although run "+first.ID+" condemned it: gate int-test failed")
		r := read(t, s, answer.Run)
		if r.Force != "the tests were wrong" || r.Reason != "queued: next in lane integration; forced (the tests were wrong) although run "+first.ID+" condemned it: gate int-test failed: two tests are red" {
			t.Errorf("got force %q, reason %q", r.Force, r.Reason)
		}
		granted(t, s)
		finished(t, s, r.ID, 4, bad)
		contains(t, asked(t, s, byAPI("1", "e"), 5).Sentence, "by run "+r.ID)

		forced.Key = "api f"
		ran(t, s, forced, 6, 7, good)
		if left, err := s.Condemned(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("after it went well: got %+v, %v, want nothing", left, err)
		}
		forced.Key = "api g"
		if r := ran(t, s, forced, 8, 9, good); r.Force != "" {
			t.Errorf("nothing was forced, but the run says %q", r.Force)
		}
	})
}

// A tag that was refused is not deployed by polling when its version is no longer
// condemned; a client that asks again is.
func TestRefusalOfATagStays(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		ran(t, s, byAPI("1", "a"), 0, 1, bad)
		no := asked(t, s, request("1"), 2)
		client := asked(t, s, byAPI("1", "b"), 2)
		if !no.Refused || !client.Refused {
			t.Fatalf("got %+v and %+v, want refusals", no, client)
		}
		forced := byAPI("1", "c")
		forced.Force = "the tests were wrong"
		ran(t, s, forced, 3, 4, good)
		if again := asked(t, s, request("1"), 5); again != no {
			t.Errorf("the tag again: got %+v, want %+v", again, no)
		}
		if again := asked(t, s, byAPI("1", "b"), 5); !again.New {
			t.Errorf("the client again: got %+v, want a run", again)
		}
	})
}

// Pushing a condemned tag once more starts nothing and says why. Polling that finds the
// tag hears of its run, as ever.
func TestCondemnedTagComesAgain(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		q := request("1")
		q.Announced = true
		r := ran(t, s, q, 0, 1, bad)
		again := asked(t, s, q, 2)
		if !again.Refused || again.New {
			t.Errorf("announced again: got %+v, want a refusal", again)
		}
		contains(t, again.Sentence, "is condemned", r.ID)
		q.Announced = false
		if found := asked(t, s, q, 3); found.Refused || found.Run != r.ID || found.New {
			t.Errorf("found by polling: got %+v, want run %s", found, r.ID)
		}
	})
}
