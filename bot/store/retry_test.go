package store

import (
	"context"
	"strings"
	"testing"

	"lockstep/bot"
)

// commanded returns the answer to a command of ana's for a run.
func commanded(t *testing.T, s *Store, verb bot.Verb, run, reason string, at int) bot.Answer {
	t.Helper()
	source := strings.Join([]string{string(verb), run, reason, minute(at).String()}, " ")
	return alone(t, s, source, bot.Command{Verb: verb, By: "ana", From: "comment ops/env!1", At: minute(at), Run: run, Reason: reason})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, s *Store) string // returns the run that is retried
		reason  string
		want    string // the new run's answer, or the refusal
		refused bool
	}{
		{"cancelled", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, cancelled).ID }, "", "is queued: next in lane integration", false},
		{"refused", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, refusedRun).ID }, "", "is queued", false},
		{"rolled back in silence", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, silent).ID }, "", "is queued", false},
		{"superseded", func(t *testing.T, s *Store) string {
			id := accepted(t, s, request("1"))[0]
			newer := request("2")
			newer.Supersede = true
			asked(t, s, newer, 1)
			return id
		}, "", "is queued: 2nd in lane integration", false},
		{"condemned", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, bad).ID }, "", "say why it is to be deployed all the same: lockstep retry ", true},
		{"condemned, with a reason", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, bad).ID }, "the test was wrong", "forced (the test was wrong) although run ", false},
		{"condemned, and under way again", func(t *testing.T, s *Store) string {
			id := ran(t, s, request("1"), 0, 1, bad).ID
			forced := byAPI("1", "f")
			forced.Force = "because"
			asked(t, s, forced, 2)
			return id
		}, "", "joins run ", false},
		{"done", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, good).ID }, "", "has ended well", true},
		{"queued", func(t *testing.T, s *Store) string { return accepted(t, s, request("1"))[0] }, "", "has not ended, it is queued: there is nothing to retry", true},
		{"held", func(t *testing.T, s *Store) string {
			id := accepted(t, s, request("1"))[0]
			commanded(t, s, bot.VerbHold, id, "the fair", 1)
			return id
		}, "", "is under way and held by ana (the fair): say lockstep resume ", true},
		{"stalled", func(t *testing.T, s *Store) string {
			id := began(t, s, request("1"), 0)
			moved(t, s, id, bot.Stalled, "a person is needed")
			return id
		}, "", "has stalled: say lockstep resume ", true},
		{"put back", func(t *testing.T, s *Store) string {
			done := staged(t, s, "1", 0)
			return restored(t, s, undoing(done.ID, "u"), 2, 3).ID
		}, "", "nothing to do: run ", true},
		{"an undo that was cancelled", func(t *testing.T, s *Store) string {
			id := asked(t, s, undoing(staged(t, s, "1", 0).ID, "u"), 2).Run
			commanded(t, s, bot.VerbCancel, id, "", 3)
			return id
		}, "", "; ana undoes run ", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, func(t *testing.T, s *Store) {
				id := tt.prepare(t, s)
				answer := commanded(t, s, bot.VerbRetry, id, tt.reason, 10)
				if answer.Refused != tt.refused || answer.New == tt.refused && !strings.HasPrefix(answer.Sentence, "joins") {
					t.Fatalf("got %+v", answer)
				}
				contains(t, answer.Sentence, tt.want)
				if tt.refused {
					return
				}
				again := commanded(t, s, bot.VerbRetry, id, tt.reason, 10)
				if again.New || again.Run != answer.Run {
					t.Errorf("the same command again: got %+v", again)
				}
				if r := read(t, s, answer.Run); answer.New && (r.Version != "1" || r.Track != "integration" || r.By != "ana" || r.Origin != bot.OriginComment) {
					t.Errorf("got run %+v", r)
				}
			})
		})
	}
}

// What a version has to have finished first is asked for by a retry as well.
func TestRetryAsksWhereTheVersionComesFrom(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		ran(t, s, request("1"), 0, 1, good)
		id := ran(t, s, onward("1"), 2, 3, cancelled).ID
		ran(t, s, byAPI("1", "worse"), 4, 5, bad)
		no := commanded(t, s, bot.VerbRetry, id, "", 6)
		if !no.Refused {
			t.Fatalf("got %+v, want a refusal", no)
		}
		contains(t, no.Sentence, "once it has finished track integration well")
	})
}

// A rollback that failed is tried once more in the lane that it has frozen, by a run that
// goes on where the last one ended.
func TestRetryOfARollback(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		failed := read(t, s, began(t, s, request("1"), 0))
		failed.Stages, failed.Scope = []bot.Stage{{Plan: bot.StagePlan{Environment: "int"}}}, bot.ScopeStage
		failed.Backs = []bot.Delivery{{Landed: "c1", Seen: []bot.Sync{{Environment: "int"}}}}
		failed.Cause = &bot.Cause{Sentence: "int-test failed", Environment: "int", Verdict: true}
		ok(t, savedAt(t.Context(), s, failed, bot.Outcome{State: bot.RollbackFailed, Reason: "kv is broken"}, minute(1)))
		contains(t, commanded(t, s, bot.VerbRollback, failed.ID, "", 2).Sentence, "say lockstep retry "+failed.ID)

		first := commanded(t, s, bot.VerbRetry, failed.ID, "kv is mended", 3)
		contains(t, first.Sentence, "; ana has run "+failed.ID+" put back once more, after run "+failed.ID+" could not (kv is mended)")
		r := read(t, s, first.Run)
		if r.Undoes != failed.ID || r.Retries != failed.ID || r.Scope != bot.ScopeStage || r.Cause.Environment != "int" || r.Cause.Verdict ||
			len(r.Backs) != 1 || r.Backs[0].Landed != "c1" || r.Backs[0].Seen != nil {
			t.Errorf("got %+v", r)
		}
		if joins := commanded(t, s, bot.VerbRetry, failed.ID, "", 4); joins.New || joins.Run != r.ID {
			t.Errorf("got %+v, want it to join run %s", joins, r.ID)
		}
		if got := granted(t, s); len(got) != 1 || got[0] != r.ID {
			t.Fatalf("granted %q in the frozen lane, want %q", got, r.ID)
		}
		finished(t, s, r.ID, 5, ending{state: bot.RollbackFailed})

		for _, id := range []string{failed.ID, r.ID} { // whichever is named, the newest goes on
			second := read(t, s, commanded(t, s, bot.VerbRetry, id, "", 6).Run)
			if second.Undoes != failed.ID || second.Retries != r.ID {
				t.Errorf("got %+v, want it to go on after run %s", second, r.ID)
			}
		}
		second := granted(t, s)[0]
		r = read(t, s, second)
		r.Backs[0].Seen = []bot.Sync{{Environment: "int"}}
		ok(t, savedAt(t.Context(), s, r, bot.Outcome{State: bot.RolledBack, Reason: "put back"}, minute(8)))
		if f, err := s.Frozen(t.Context(), "integration", minute(9)); err != nil || f == nil {
			t.Errorf("the lane is thawed: %v, %v", f, err)
		}
		contains(t, commanded(t, s, bot.VerbRetry, failed.ID, "", 9).Sentence, "nothing to do: run "+second+" has put run "+failed.ID+" back already")
	})
}

// A rollback of a run that goes forward is a cancel; of one that is turned back already,
// or that puts another one back, it is refused.
func TestPutBack(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		waits := accepted(t, s, request("0"))[0]
		contains(t, commanded(t, s, bot.VerbRollback, waits, "wrong", 1).Sentence, "run "+waits+" is cancelled: it had not begun")
		if r := read(t, s, waits); r.State != bot.Cancelled || r.Reason != "cancelled by ana while it waited (wrong)" {
			t.Errorf("got %s, %s", r.State, r.Reason)
		}
		id := began(t, s, request("1"), 1)
		contains(t, commanded(t, s, bot.VerbRollback, id, "wrong", 2).Sentence, "run "+id+" was told to cancel, and puts back what it has written")
		if w := read(t, s, id).Word; w == nil || w.Verb != bot.VerbCancel || w.By != "ana" || w.Reason != "wrong" {
			t.Errorf("got word %+v", w)
		}
		contains(t, commanded(t, s, bot.VerbRollback, id, "", 3).Sentence, "was told to cancel by ana already")
		moved(t, s, id, bot.Failed, "cancelled")
		contains(t, commanded(t, s, bot.VerbRollback, id, "", 4).Sentence, "puts back what there is to be put back")
		finished(t, s, id, 5, cancelled)

		done := staged(t, s, "2", 6)
		undo := commanded(t, s, bot.VerbRollback, done.ID, "wrong", 8)
		if !undo.New || read(t, s, undo.Run).Undoes != done.ID {
			t.Fatalf("got %+v", undo)
		}
		contains(t, commanded(t, s, bot.VerbRollback, undo.Run, "", 9).Sentence, "itself puts run "+done.ID+" back: cancel it")
		if _, err := s.Grant(t.Context(), noon, func(context.Context, any, string) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
}
