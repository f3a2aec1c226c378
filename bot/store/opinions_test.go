package store

import (
	"testing"

	"lockstep/bot"
)

func TestOpinions(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := accepted(t, s, request("1"))[0]
		for _, tt := range []struct {
			environment, by string
			yes             bool
			reason          string
			added, earlier  bool
		}{
			{"prd", "ada", true, "looks good", true, false},
			{"prd", "ada", true, "again", false, true},
			{"prd", " Ada", true, "", false, true},
			{"prd", "ADA", false, "", false, true},
			{"prd", "bob", false, "month end", true, false},
			{"prd", "bob", true, "", false, false},
			{"abn", "ada", false, "", true, false},
		} {
			o := bot.Opinion{Gate: "go-live", By: tt.by, Yes: tt.yes, Reason: tt.reason, At: noon}
			earlier, added, err := s.Opine(t.Context(), id, tt.environment, o)
			if err != nil || added != tt.added || earlier != tt.earlier {
				t.Errorf("%+v: got added %t, earlier %t, %v", tt, added, earlier, err)
			}
		}
		got, err := s.Opinions(t.Context(), id, "prd", "go-live")
		want := []bot.Opinion{
			{Gate: "go-live", By: "ada", Yes: true, Reason: "looks good", At: noon},
			{Gate: "go-live", By: "bob", Reason: "month end", At: noon},
		}
		if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		if got, err := s.Opinions(t.Context(), id, "prd", "other"); err != nil || len(got) != 0 {
			t.Errorf("another gate: got %+v, %v, want none", got, err)
		}
	})
}

func TestOpinionsInOrder(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := accepted(t, s, request("1"))[0]
		for i, by := range []string{"zoe", "bob", "ada"} {
			if _, _, err := s.Opine(t.Context(), id, "prd", bot.Opinion{Gate: "go", By: by, Yes: true, At: minute(i)}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Opinions(t.Context(), id, "prd", "go")
		if err != nil || len(got) != 3 || got[0].By != "zoe" || got[2].By != "ada" {
			t.Errorf("got %+v, %v, want zoe, bob, ada", got, err)
		}
	})
}
