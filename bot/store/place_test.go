package store

import (
	"testing"
	"time"

	"lockstep/bot"
)

func TestPlace(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		runs := accepted(t, s, request("1"), request("2"), request("3"))
		place := func(want ...string) {
			t.Helper()
			for i, run := range runs {
				got, err := s.Place(t.Context(), run)
				if err != nil {
					t.Fatal(err)
				}
				if got != want[i] {
					t.Errorf("place of run %d: got %q, want %q", i, got, want[i])
				}
			}
		}
		place("next in lane integration", "2nd in lane integration, behind run "+runs[0], "3rd in lane integration, behind run "+runs[1])
		granted(t, s)
		place("", "next in lane integration, behind run "+runs[0], "2nd in lane integration, behind run "+runs[1])
		moved(t, s, runs[0], bot.RollbackFailed, "kv still runs 1")
		frozen := " in lane integration, which is frozen: run " + runs[0] + ": kv still runs 1"
		place("", "next"+frozen, "2nd"+frozen)
	})
}

func TestOrdinal(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 111: "111th", 102: "102nd"} {
		if got := ordinal(n); got != want {
			t.Errorf("ordinal(%d): got %q, want %q", n, got, want)
		}
	}
}

// A lane on which three runs took 10, 20 and 60 minutes.
func TestEstimate(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for i, took := range []int{60, 10, 20} {
			ran(t, s, request(string(rune('a'+i))), 100*i, 100*i+took, good)
		}
		ran(t, s, request("refused"), 310, 311, refusedRun)
		holder := began(t, s, request("1"), 400)
		second := asked(t, s, request("2"), 402)
		contains(t, second.Sentence, "next in lane integration, behind run "+holder+"; likely to start in about 18m")
		contains(t, read(t, s, second.Run).Reason, "queued: next in lane integration, behind run "+holder)
		third := asked(t, s, request("3"), 402).Run

		behind := "2nd in lane integration, behind run " + second.Run
		for _, tt := range []struct {
			at    int
			first string
			then  string
		}{
			{402, "; likely to start in about 18m", behind + "; likely to start in about 38m"},
			{410, "; it has waited for 8m; likely to start in about 10m", behind + "; it has waited for 8m; likely to start in about 30m"},
			{419, "; it has waited for 17m; likely to start in about 1m", behind + "; it has waited for 17m; likely to start in about 21m"},
			{600, "; it has waited for 3h; likely to start soon", behind + "; it has waited for 3h; likely to start in about 20m"},
		} {
			s.now = func() time.Time { return minute(tt.at) }
			for id, want := range map[string]string{second.Run: "next in lane integration, behind run " + holder + tt.first, third: tt.then} {
				if got, err := s.Place(t.Context(), id); err != nil || got != want {
					t.Errorf("at minute %d: got %q, %v, want %q", tt.at, got, err, want)
				}
			}
		}
		moved(t, s, holder, bot.Stalled, "a person is needed")
		s.now = func() time.Time { return minute(402) }
		if got, err := s.Place(t.Context(), third); err != nil || got != behind {
			t.Errorf("behind a holder that has stalled: got %q, %v, want %q", got, err, behind)
		}
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", Reason: "month end", At: noon}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Place(t.Context(), third); err != nil || got != "2nd in lane integration, which is frozen by ada: month end" {
			t.Errorf("in a frozen lane: got %q, %v", got, err)
		}
	})
}

// Only the last twenty runs of the lane count.
func TestEstimateForgets(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for i := range 25 {
			took := 5
			if i < 15 {
				took = 50
			}
			ran(t, s, request(string(rune('a'+i))), 100*i, 100*i+took, good)
		}
		began(t, s, request("1"), 3000)
		contains(t, asked(t, s, request("2"), 3000).Sentence, "likely to start in about 50m")
		s.now = func() time.Time { return minute(3000) }
		for i := range 5 {
			q := request(string(rune('A' + i)))
			q.Lane, q.Track = "other", "other"
			ran(t, s, q, 100*i, 100*i+1, good)
		}
		contains(t, asked(t, s, request("3"), 3000).Sentence, "likely to start in about 1h40m")
	})
}

func TestRough(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Minute: "1m", 25*time.Minute + 20*time.Second: "25m", 59*time.Minute + 40*time.Second: "1h00m", 70 * time.Minute: "1h10m",
		3*time.Hour + 20*time.Minute: "3h", 47 * time.Hour: "47h", 60 * time.Hour: "3 days",
	} {
		if got := rough(d); got != want {
			t.Errorf("rough(%s): got %q, want %q", d, got, want)
		}
	}
}
