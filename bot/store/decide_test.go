package store

import (
	"testing"

	"lockstep/bot"
)

// onward returns the request for a version on track release, which it may take once it
// has finished track integration.
func onward(version string) bot.Request {
	q := byAPI(version, "release "+version)
	q.Track, q.Lane, q.From = "release", "release", "integration"
	return q
}

func TestFrom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, s *Store)
		want    string // what the refusal says; "": it is accepted
	}{
		{"never there", func(*testing.T, *Store) {}, "it was never there"},
		{"another version", func(t *testing.T, s *Store) { ran(t, s, request("2"), 0, 1, good) }, "it was never there"},
		{"another package", func(t *testing.T, s *Store) {
			q := request("1")
			q.Package = "other"
			ran(t, s, q, 0, 1, good)
		}, "it was never there"},
		{"queued", func(t *testing.T, s *Store) { accepted(t, s, request("1")) }, "there has not ended, it is queued"},
		{"under way", func(t *testing.T, s *Store) { began(t, s, request("1"), 0) }, "there has not ended, it is started"},
		{
			"failed", func(t *testing.T, s *Store) { ran(t, s, request("1"), 0, 1, bad) },
			"there ended as failed, rolled back (gate int-test failed: two tests are red)",
		},
		{"people were silent", func(t *testing.T, s *Store) { ran(t, s, request("1"), 0, 1, silent) }, "there ended as failed, rolled back"},
		{"cancelled", func(t *testing.T, s *Store) { ran(t, s, request("1"), 0, 1, cancelled) }, "there ended as cancelled (cancelled by ada)"},
		{"well", func(t *testing.T, s *Store) { ran(t, s, request("1"), 0, 1, good) }, ""},
		{"well, then failed", func(t *testing.T, s *Store) {
			ran(t, s, request("1"), 0, 1, good)
			ran(t, s, byAPI("1", "again"), 2, 3, bad)
		}, "there ended as failed, rolled back"},
		{"failed, then forced and well", func(t *testing.T, s *Store) {
			ran(t, s, request("1"), 0, 1, bad)
			q := byAPI("1", "again")
			q.Force = "because"
			ran(t, s, q, 2, 3, good)
		}, ""},
		{"well, then nothing came of another", func(t *testing.T, s *Store) {
			ran(t, s, request("1"), 0, 1, good)
			ran(t, s, byAPI("1", "again"), 2, 3, refusedRun)
			ran(t, s, byAPI("1", "once more"), 4, 5, cancelled)
			began(t, s, byAPI("1", "now"), 6)
		}, ""},
		{"well, then undone", func(t *testing.T, s *Store) {
			done := ran(t, s, request("1"), 0, 1, good)
			ran(t, s, undoing(done.ID, "u"), 2, 3, ending{state: bot.RolledBack})
		}, "has put it back there (ana undoes run "},
		{"well, then about to be undone", func(t *testing.T, s *Store) {
			done := ran(t, s, request("1"), 0, 1, good)
			began(t, s, undoing(done.ID, "u"), 2)
		}, "is to put it back there (ana undoes run "},
		{"well, undone, and well again", func(t *testing.T, s *Store) {
			done := ran(t, s, request("1"), 0, 1, good)
			ran(t, s, undoing(done.ID, "u"), 2, 3, ending{state: bot.RolledBack})
			ran(t, s, byAPI("1", "again"), 4, 5, good)
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, func(t *testing.T, s *Store) {
				tt.prepare(t, s)
				answer := asked(t, s, onward("1"), 10)
				if answer.Refused != (tt.want != "") {
					t.Fatalf("got %+v, want it refused: %t", answer, tt.want != "")
				}
				if tt.want != "" {
					contains(t, answer.Sentence, "mda 1 may go through track release once it has finished track integration well, and ", tt.want, ": ask again when it has")
				}
			})
		})
	}
}

// What became of a version after it was accepted is found when its run asks again.
func TestUnfitSince(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := ran(t, s, request("1"), 0, 1, good)
		r := read(t, s, asked(t, s, onward("1"), 2).Run)
		if why, err := s.Unfit(t.Context(), r); r.From != "integration" || why != "" || err != nil {
			t.Fatalf("from %q: got %q, %v", r.From, why, err)
		}
		ran(t, s, undoing(done.ID, "u"), 3, 4, ending{state: bot.RolledBack})
		why, err := s.Unfit(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		contains(t, why, "once it has finished track integration well", "has put it back there")
	})
}

// A refusal that time can end does not outlive it, and its key is still one run.
func TestFromWithTheSameKey(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := began(t, s, request("1"), 0)
		contains(t, asked(t, s, onward("1"), 1).Sentence, "run "+id+" there has not ended")
		finished(t, s, id, 2, good)
		first, second := asked(t, s, onward("1"), 3), asked(t, s, onward("1"), 4)
		if !first.New || second.New || second.Run != first.Run {
			t.Errorf("got %+v, then %+v, want one run", first, second)
		}
	})
}

func TestJoinsAcrossLanes(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := accepted(t, s, request("1"))[0]
		renamed := byAPI("1", "a")
		renamed.Lane = "other"
		if answer := asked(t, s, renamed, 1); answer.New || answer.Run != id {
			t.Errorf("got %+v, want it to join run %s in the lane that the track had before", answer, id)
		}
	})
}
