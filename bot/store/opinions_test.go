package store

import (
	"errors"
	"testing"

	"lockstep/bot"
)

func TestOpinions(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := accepted(t, s, request("1"))[0]
		for _, tt := range []struct {
			environment, by string
			yes             bool
			reason, want    string // what the refusal says
		}{
			{"prd", "ada", true, "looks good", ""},
			{"prd", "ada", true, "again", ""},
			{"prd", " Ada", true, "", ""},
			{"prd", "ADA", false, "", "refused: ADA has said yes to gate go-live of prd already, and the first answer counts"},
			{"prd", "bob", false, "month end", ""},
			{"prd", "bob", true, "", "refused: bob has said no to gate go-live of prd already, and the first answer counts"},
			{"abn", "ada", false, "", ""},
		} {
			o := bot.Opinion{Gate: "go-live", By: tt.by, Yes: tt.yes, Reason: tt.reason, At: noon}
			err := s.Opine(t.Context(), id, tt.environment, o)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%+v: %v", tt, err)
			case tt.want != "" && (!errors.Is(err, bot.ErrRefused) || err.Error() != tt.want):
				t.Errorf("got %v, want %q", err, tt.want)
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
		if err := s.Opine(t.Context(), "nobody", "prd", bot.Opinion{Gate: "go-live", By: "ada"}); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("an unknown run: got %v, want %v", err, bot.ErrNotFound)
		}
	})
}

func TestOpinionsInOrder(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		id := accepted(t, s, request("1"))[0]
		for i, by := range []string{"zoe", "bob", "ada"} {
			if err := s.Opine(t.Context(), id, "prd", bot.Opinion{Gate: "go", By: by, Yes: true, At: minute(i)}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Opinions(t.Context(), id, "prd", "go")
		if err != nil || len(got) != 3 || got[0].By != "zoe" || got[2].By != "ada" {
			t.Errorf("got %+v, %v, want zoe, bob, ada", got, err)
		}
	})
}
