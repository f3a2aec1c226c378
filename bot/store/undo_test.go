package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/gitops"
)

// undoing returns the request of ana to put a run back.
func undoing(run, key string) bot.Request {
	return bot.Request{Key: "undo " + key, Origin: bot.OriginAPI, By: "ana", Reason: "wrong prices", Undoes: run}
}

// staged takes a version through int and abn, and ends its run well.
func staged(t *testing.T, s *Store, version string, begin int) *bot.Run {
	t.Helper()
	return through(t, s, request(version), begin, begin+1, "int", "abn")
}

// through takes a request through environments and ends its run well.
func through(t *testing.T, s *Store, q bot.Request, begin, end int, environments ...string) *bot.Run {
	t.Helper()
	r := read(t, s, began(t, s, q, begin))
	for _, name := range environments {
		r.Stages = append(r.Stages, bot.Stage{Plan: bot.StagePlan{Environment: name}})
	}
	r.Stage = len(environments) - 1
	if err := savedAt(t.Context(), s, r, bot.Outcome{State: bot.Done, Reason: "it is done"}, minute(end)); err != nil {
		t.Fatal(err)
	}
	return r
}

// elsewhere returns a request for a version on another track of the same lane.
func elsewhere(version string) bot.Request {
	q := request(version)
	q.Track = "release"
	return q
}

// restored takes a request to put a run back through its lane, and lets it put back a
// service.
func restored(t *testing.T, s *Store, q bot.Request, begin, end int) *bot.Run {
	t.Helper()
	r := read(t, s, began(t, s, q, begin))
	r.Direction = bot.Back
	r.Backs = []bot.Delivery{{Landed: "c1", Seen: []bot.Sync{{Environment: "int", Services: gitops.Seen{{Service: "kv"}}}}}}
	if err := savedAt(t.Context(), s, r, bot.Outcome{State: bot.RolledBack, Reason: "put back"}, minute(end)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestUndo(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := staged(t, s, "1", 0)
		answer := asked(t, s, undoing(done.ID, "a"), 5)
		if !answer.New || answer.Sentence != "run "+answer.Run+" is queued: next in lane integration; ana undoes run "+done.ID+" (wrong prices)" {
			t.Fatalf("got %+v", answer)
		}
		r := read(t, s, answer.Run)
		if r.Undoes != done.ID || r.Track != "integration" || r.Lane != "integration" || r.Package != "mda" || r.Version != "1" || r.By != "ana" {
			t.Errorf("got run %+v", r)
		}
		if len(r.Stages) != 2 || r.Stages[1].Plan.Environment != "abn" || r.Stage != 1 {
			t.Errorf("got stage %d of %+v", r.Stage, r.Stages)
		}
		if want := (bot.Cause{Sentence: "ana undoes run " + done.ID + " (wrong prices)"}); r.Cause == nil || *r.Cause != want {
			t.Errorf("got cause %+v, want %+v", r.Cause, want)
		}
		if again := asked(t, s, undoing(done.ID, "a"), 6); again.New || again.Run != r.ID {
			t.Errorf("the same request again: got %+v", again)
		}
		if joins := asked(t, s, undoing(done.ID, "b"), 6); joins.New || joins.Run != r.ID {
			t.Errorf("another request: got %+v, want it to join", joins)
		}
	})
}

// A run that was put back says so from then on, and what mirrors it is due again; people
// hear of that from the run that has done it. One that was left alone says nothing.
func TestUndoneRunSaysSo(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := read(t, s, began(t, s, request("1"), 0))
		done.Stages = []bot.Stage{{Plan: bot.StagePlan{Environment: "int"}}}
		done.Stages[0].Delivery.IID, done.Stages[0].Delivery.Change.Repo = 7, "env/mda"
		ok(t, savedAt(t.Context(), s, done, bot.Outcome{State: bot.Done, Reason: "it is done"}, minute(1)))
		ran(t, s, undoing(done.ID, "alone"), 2, 3, ending{state: bot.RolledBack})
		if r := read(t, s, done.ID); r.UndoneBy != "" || r.Revision != done.Revision {
			t.Fatalf("got that run %q has undone it, which has put nothing back", r.UndoneBy)
		}
		waiting, err := s.Due(t.Context(), minute(4), 10)
		for ; err == nil && len(waiting) > 0; waiting, err = s.Due(t.Context(), minute(4), 10) {
			for _, e := range waiting {
				ok(t, s.Sent(t.Context(), e.ID, e.Seq, minute(4)))
			}
		}
		ok(t, err)
		undo := restored(t, s, undoing(done.ID, "back"), 5, 6)
		r := read(t, s, done.ID)
		if r.UndoneBy != undo.ID || r.State != bot.Done || r.Result() != "success" || !r.Ended.Equal(minute(1)) {
			t.Errorf("got %s, %q, ended at %s, undone by %q, want that run %s has undone it", r.State, r.Result(), r.Ended, r.UndoneBy, undo.ID)
		}
		events, err := s.Events(t.Context(), done.ID)
		last := events[len(events)-1]
		if want := "run " + undo.ID + " has put this run back (ana undoes run " + done.ID + " (wrong prices)): put back"; err != nil || last.Reason != want || !last.At.Equal(minute(6)) || len(events) != r.Events {
			t.Errorf("got %+v, %v, want %q", last, err, want)
		}
		var about []string
		waiting, err = s.Due(t.Context(), minute(7), 10)
		ok(t, err)
		for _, e := range waiting {
			if e.Run == done.ID {
				about = append(about, e.Channel)
			}
		}
		if want := []string{"gitlab!label", "env/mda!7"}; !slices.Equal(about, want) {
			t.Errorf("due are %q, want %q", about, want)
		}
	})
}

func TestUndoRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, s *Store) string // returns the run that is to be put back
		want    string
	}{
		{"unknown", func(*testing.T, *Store) string { return "nobody" }, `there is no run "nobody" to be put back`},
		{"queued", func(t *testing.T, s *Store) string { return accepted(t, s, request("1"))[0] }, "has not ended, it is queued: cancel it, which puts back what it wrote"},
		{"under way", func(t *testing.T, s *Store) string { return began(t, s, request("1"), 0) }, "has not ended, it is started: cancel it"},
		{"on its way back", func(t *testing.T, s *Store) string {
			id := began(t, s, request("1"), 0)
			moved(t, s, id, bot.Failed, "it failed")
			return id
		}, "has not ended, it is failed and puts back"},
		{"rolled back", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, bad).ID }, "nothing to do: run "},
		{"rollback failed", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, worse).ID }, "put them right by hand, then thaw lane integration"},
		{"cancelled", func(t *testing.T, s *Store) string { return ran(t, s, request("1"), 0, 1, cancelled).ID }, "ended as cancelled and left nothing behind"},
		{"already undone", func(t *testing.T, s *Store) string {
			done := ran(t, s, request("1"), 0, 1, good)
			restored(t, s, undoing(done.ID, "a"), 2, 3)
			return done.ID
		}, "has put run "},
		{"a newer one stands", func(t *testing.T, s *Store) string {
			done := staged(t, s, "1", 0)
			staged(t, s, "2", 2)
			return done.ID
		}, "has brought mda 2 through track integration after run "},
		{"a newer one stands in one of its environments", func(t *testing.T, s *Store) string {
			done := staged(t, s, "1", 0)
			through(t, s, elsewhere("2"), 2, 3, "abn", "prd")
			for i := range 25 { // more than a page
				through(t, s, elsewhere(fmt.Sprint(3+i)), 4+i, 4+i, "prd")
			}
			return done.ID
		}, "has brought mda 2 through track release after run "},
		{"one that was asked for earlier and went later", func(t *testing.T, s *Store) string {
			waits := accepted(t, s, request("2"))[0]
			ok(t, s.Say(t.Context(), waits, bot.Word{Verb: bot.VerbHold, By: "ada", At: noon}, told))
			done := staged(t, s, "1", 1)
			ok(t, s.Say(t.Context(), waits, bot.Word{Verb: bot.VerbResume, By: "ada", At: minute(2)}, told))
			granted(t, s)
			r := read(t, s, waits)
			r.Stages = done.Stages
			ok(t, savedAt(t.Context(), s, r, bot.Outcome{State: bot.Done, Reason: "it is done"}, minute(4)))
			return done.ID
		}, "has brought mda 2 through track integration after run "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, func(t *testing.T, s *Store) {
				id := tt.prepare(t, s)
				for range 2 {
					no := asked(t, s, undoing(id, "k"), 10)
					if !no.Refused || no.New {
						t.Fatalf("got %+v, want a refusal", no)
					}
					contains(t, no.Sentence, tt.want, id)
				}
				if l, err := s.Lanes(t.Context()); err != nil || slices.ContainsFunc(l, func(l bot.LaneState) bool { return l.Lane == "" }) {
					t.Errorf("got lanes %+v, %v", l, err)
				}
			})
		})
	}
}

// What stood in the way of undoing a run does not stand there for ever, and the same
// request is heard again.
func TestUndoAfterAll(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		between func(t *testing.T, s *Store, done string)
	}{
		{"one in other environments", func(t *testing.T, s *Store, _ string) {
			through(t, s, elsewhere("2"), 2, 3, "prd")
		}},
		{"one of another package", func(t *testing.T, s *Store, _ string) {
			q := elsewhere("2")
			q.Package = "other"
			through(t, s, q, 2, 3, "int", "abn")
		}},
		{"a newer one that failed", func(t *testing.T, s *Store, _ string) { ran(t, s, request("2"), 2, 3, bad) }},
		{"a newer one that was undone", func(t *testing.T, s *Store, done string) {
			newer := staged(t, s, "2", 2)
			contains(t, asked(t, s, undoing(done, "k"), 4).Sentence, "run "+newer.ID+" has brought")
			restored(t, s, undoing(newer.ID, "newer"), 4, 5)
		}},
		{"an undo that left everything alone", func(t *testing.T, s *Store, done string) {
			ran(t, s, undoing(done, "first"), 2, 3, ending{state: bot.RolledBack})
		}},
		{"an undo that was cancelled", func(t *testing.T, s *Store, done string) {
			answer := asked(t, s, undoing(done, "first"), 2)
			if err := said(t.Context(), s, answer.Run, bot.VerbCancel); err != nil {
				t.Fatal(err)
			}
		}},
		{"an undo that failed", func(t *testing.T, s *Store, done string) {
			ran(t, s, undoing(done, "first"), 2, 3, ending{state: bot.RollbackFailed})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, func(t *testing.T, s *Store) {
				done := staged(t, s, "1", 0)
				tt.between(t, s, done.ID)
				if answer := asked(t, s, undoing(done.ID, "k"), 10); !answer.New {
					t.Errorf("got %+v, want a run", answer)
				}
			})
		})
	}
}

// A run that goes forward and one that puts the same version back never join.
func TestUndoAndForwardStayApart(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := ran(t, s, request("1"), 0, 1, good)
		undo := asked(t, s, undoing(done.ID, "a"), 2)
		forward := asked(t, s, byAPI("1", "b"), 3)
		if !forward.New || forward.Run == undo.Run {
			t.Fatalf("got %+v, want a run of its own", forward)
		}
		if again := asked(t, s, undoing(done.ID, "c"), 4); again.Run != undo.Run {
			t.Errorf("got %+v, want it to join run %s", again, undo.Run)
		}
		if again := asked(t, s, byAPI("1", "d"), 4); again.Run != forward.Run {
			t.Errorf("got %+v, want it to join run %s", again, forward.Run)
		}
	})
}

func TestUndoGoesFirst(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		one, two := staged(t, s, "1", 0), staged(t, s, "2", 2)
		holder := began(t, s, request("3"), 4)
		waits := asked(t, s, request("4"), 5).Run
		contains(t, asked(t, s, undoing(one.ID, "one"), 6).Sentence, "run "+two.ID+" has brought")
		undo := asked(t, s, undoing(two.ID, "two"), 6)
		contains(t, undo.Sentence, "next in lane integration, behind run "+holder)
		newest := request("5")
		newest.Supersede = true
		last := asked(t, s, newest, 7).Run
		for id, want := range map[string]bot.State{waits: bot.Superseded, undo.Run: bot.Queued, last: bot.Queued} {
			if r := read(t, s, id); r.State != want {
				t.Errorf("run %s is %s, want %s", id, r.State, want)
			}
		}
		if l, err := s.Lanes(t.Context()); err != nil || fmt.Sprint(l[0].Waiting) != fmt.Sprint([]string{undo.Run, last}) {
			t.Errorf("got lanes %+v, %v", l, err)
		}
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", Reason: "the disk is full", At: noon}); err != nil {
			t.Fatal(err)
		}
		finished(t, s, holder, 8, cancelled)
		for id, want := range map[string]string{
			undo.Run: "next in lane integration", last: "2nd in lane integration, which is frozen by ada: the disk is full",
		} {
			if got, err := s.Place(t.Context(), id); err != nil || got != want {
				t.Errorf("got place %q, %v, want %q", got, err, want)
			}
		}
		if got := granted(t, s); !slices.Equal(got, []string{undo.Run}) {
			t.Errorf("granted %q in the frozen lane, want %q", got, undo.Run)
		}
		finished(t, s, undo.Run, 9, ending{state: bot.RolledBack})
		if got := granted(t, s); len(got) != 0 {
			t.Errorf("granted %q in the frozen lane, want nothing", got)
		}
	})
}

// A grant that fails leaves a frozen lane as it was.
func TestUndoIsOneWithLaunch(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := ran(t, s, request("1"), 0, 1, good)
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", Reason: "", At: noon}); err != nil {
			t.Fatal(err)
		}
		undo := asked(t, s, undoing(done.ID, "a"), 2).Run
		broken := errors.New("the engine is broken")
		if _, err := s.Grant(t.Context(), noon, func(context.Context, any, string) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
		if got := granted(t, s); !slices.Equal(got, []string{undo}) {
			t.Errorf("got %q, want %q", got, undo)
		}
	})
}

// A lane that is frozen while a rollback fails in it keeps both reasons.
func TestUndoThatFailsInAFrozenLane(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := ran(t, s, request("1"), 0, 1, good)
		if err := s.Freeze(t.Context(), "integration", bot.Freeze{By: "ada", Reason: "month end", At: noon}); err != nil {
			t.Fatal(err)
		}
		undo := ran(t, s, undoing(done.ID, "a"), 2, 3, ending{state: bot.RollbackFailed})
		l, err := s.Lanes(t.Context())
		if want := "month end; run " + undo.ID + ": it is rollback failed"; err != nil || l[0].Frozen != want || l[0].By != "ada" || !l[0].Since.Equal(noon) {
			t.Errorf("got %+v, %v, want it frozen by ada: %s", l, err, want)
		}
	})
}

// What an undo was asked for may have been done, or made pointless, while it waited.
func TestUndoThatWasOvertaken(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := staged(t, s, "1", 0)
		holder := began(t, s, elsewhere("2"), 2)
		undo := read(t, s, asked(t, s, undoing(done.ID, "a"), 3).Run)
		if why, err := s.Overtaken(t.Context(), undo); err != nil || why != "" {
			t.Fatalf("got %q, %v, want nothing", why, err)
		}
		r := read(t, s, holder)
		r.Stages = done.Stages[1:]
		ok(t, savedAt(t.Context(), s, r, bot.Outcome{State: bot.Done, Reason: "it is done"}, minute(4)))
		why, err := s.Overtaken(t.Context(), undo)
		if want := "nothing to do: run " + holder + " has brought mda 2 through track release after run " + done.ID; err != nil || !strings.HasPrefix(why, want) {
			t.Errorf("got %q, %v, want %q…", why, err, want)
		}
		granted(t, s)
		ok(t, savedAt(t.Context(), s, read(t, s, undo.ID), bot.Outcome{State: bot.Refused, Reason: why}, minute(5)))
		restored(t, s, undoing(holder, "b"), 6, 7)
		if again := asked(t, s, undoing(done.ID, "c"), 8); !again.New {
			t.Errorf("got %+v, want a run", again)
		}
	})
}
