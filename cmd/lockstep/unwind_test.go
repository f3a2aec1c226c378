package main

import (
	"testing"

	"lockstep/bot"
	"lockstep/bot/web"
)

// A release is held behind abn while the one before it is undone, which leaves alone what
// stands in abn now. Whatever puts the held one back after that does not bring back what
// people have had undone: its own cancel, or an undo of it when it has ended well.
func TestUndoneStaysUndone(t *testing.T) {
	t.Parallel()
	for _, verb := range []bot.Verb{bot.VerbCancel, bot.VerbResume} {
		t.Run(string(verb), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.play(released)
			first := s.report(released.Version).Run
			s.observe()
			s.script(later)
			s.at(moment{"trigger pipeline", 1, done}, func() {
				held := s.report(later.Version).Run
				if err := s.api.post(t.Context(), "runs/"+segment(held.ID)+"/hold", web.Words{By: "olga"}, &bot.Answer{}); err != nil {
					t.Error(err)
				}
			})
			if err := s.ask(t.Context(), s.api, later); err != nil {
				t.Fatal(err)
			}
			s.await("the release to rest behind abn", func() bool {
				r := s.report(later.Version).Run
				return r != nil && r.State == bot.Gated && r.Held != nil
			})
			held := s.report(later.Version).Run.ID
			s.types(typed{line: "rollback " + first.ID + " --by olga --reason prices", says: []string{"is queued"}})
			undo := s.reaches(released.Version, bot.RolledBack).Run
			s.stands(later.Version, "abn")
			s.stands(firstVersion, "prd")
			s.says("runs", held, string(verb))
			if verb == bot.VerbResume {
				s.reaches(later.Version, bot.Done)
				s.stands(later.Version, "abn", "lup", "prd")
				s.types(typed{line: "rollback " + held + " --by olga", says: []string{"is queued"}})
				s.reaches(later.Version, bot.RolledBack)
			} else {
				s.reaches(later.Version, bot.Cancelled)
			}
			s.stands(firstVersion, "abn", "lup", "prd")
			s.holds(firstVersion, "abn", "prd")
			s.sentence(later.Version, "; fbv, kv, mds, remo of abn to "+firstVersion+" and not to "+released.Version+", which was undone since by run "+undo.ID)
		})
	}
}
