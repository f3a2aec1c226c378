package store

import (
	"fmt"
	"strings"
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

// Who has asked for a run may not approve it under another name, nor may anybody answer
// twice; who has got a name that was another's is not that one.
func TestAnswersOfAccountsThatAreRenamed(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		q := request("1")
		q.By, q.ByID = "ana", 1
		id := began(t, s, q, 0)
		r := read(t, s, id)
		r.Stages = []bot.Stage{{
			Plan:  bot.StagePlan{Environment: "prd", Gates: []bot.GatePlan{{Name: "go", Approval: &bot.ApprovalGate{Count: 3, NotAuthor: true}}}},
			Gates: []bot.GateState{{Name: "go", Since: minute(1)}},
		}}
		ok(t, savedAt(t.Context(), s, r, bot.Outcome{State: bot.Cleared, Reason: "asks"}, minute(1)))
		for i, tt := range []struct {
			verb    bot.Verb
			by      string
			account int64
			want    string
		}{
			{bot.VerbConfirm, "anna", 1, "anna asked for the run, and somebody else has to approve it"},
			{bot.VerbConfirm, "ben", 2, "is confirmed by ben"},
			{bot.VerbConfirm, "benno", 2, "was confirmed by benno before: nothing is new"},
			{bot.VerbDeny, "benno", 2, "was confirmed by benno before, and the first answer counts"},
			{bot.VerbConfirm, "ben", 0, "was confirmed by ben before: nothing is new"},
			{bot.VerbConfirm, "ben", 3, "is confirmed by ben"},
			{bot.VerbConfirm, "ana", 4, "is confirmed by ana"},
			{bot.VerbConfirm, "ana", 0, "was confirmed by ana before: nothing is new"},
		} {
			c := bot.Command{Verb: tt.verb, By: tt.by, ByID: tt.account, At: minute(2 + i), Run: id, Environment: "prd", Gate: "go"}
			if got := alone(t, s, fmt.Sprint("api ", i), c).Sentence; !strings.Contains(got, tt.want) {
				t.Errorf("%s of %s, account %d: got %q, want %q", tt.verb, tt.by, tt.account, got, tt.want)
			}
		}
		all, err := s.Opinions(t.Context(), id, "prd", "go")
		var got []string
		for _, o := range all {
			got = append(got, fmt.Sprint(o.By, o.ByID))
		}
		if want := "ben2 ben3 ana4"; err != nil || strings.Join(got, " ") != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}
