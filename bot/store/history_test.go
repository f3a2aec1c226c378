package store

import (
	"fmt"
	"strings"
	"testing"

	"lockstep/bot"
)

// TestStreak plays histories of a gate that may fail, the oldest first, and compares how
// often in a row it has not passed.
func TestStreak(t *testing.T) {
	t.Parallel()
	for history, want := range map[string]int{
		"":                          0,
		"passed":                    0,
		"allowed":                   1,
		"allowed allowed none":      3,
		"allowed passed none":       1,
		"allowed allowed passed":    0,
		"allowed open allowed":      2,
		"allowed refused allowed":   2,
		"allowed failed allowed":    1,
		"allowed must allowed":      1,
		"allowed undo allowed":      2,
		"passed other allowed":      1,
		"allowed passed-elsewhere":  1,
		"allowed passed-other-gate": 1,
	} {
		t.Run(history, func(t *testing.T) {
			on(t, func(t *testing.T, s *Store) {
				for i, word := range strings.Fields(history) {
					remembered(t, s, word, i)
				}
				r := read(t, s, began(t, s, request("now"), 1000))
				got, err := s.Streak(t.Context(), r, "lup", "e2e")
				if err != nil || got != want {
					t.Errorf("got %d, %v, want %d", got, err, want)
				}
			})
		})
	}
}

// remembered ends a run whose gate e2e of lup ended as word says.
func remembered(t *testing.T, s *Store, word string, i int) {
	t.Helper()
	q := request(fmt.Sprint(word, "-", i))
	if word == "undo" { // puts back a run, and knows of its gate what that run knew
		q = undoing(ran(t, s, request(fmt.Sprint("undone-", i)), 10*i, 10*i+1, good).ID, fmt.Sprint(i))
	}
	if word == "other" {
		q.Track = "other"
	}
	r := read(t, s, began(t, s, q, 10*i+5))
	gate, plan := bot.GateState{Name: "e2e"}, bot.GatePlan{Name: "e2e", AllowFailure: true}
	environment, state := "lup", bot.Done
	switch word {
	case "passed":
		gate.Outcome = bot.GatePassed
	case "allowed", "other":
		gate.Outcome = bot.GateAllowed
	case "none":
		gate.Outcome = bot.GateNone
	case "failed":
		gate.Outcome, state = bot.GateFailed, bot.RolledBack
	case "must":
		gate.Outcome, plan.AllowFailure, state = bot.GateNone, false, bot.RolledBack
	case "open":
		state = bot.RolledBack
	case "refused":
		state = bot.Refused
	case "undo":
		gate.Outcome, state = bot.GatePassed, bot.RolledBack
	case "passed-elsewhere":
		environment, gate.Outcome = "abn", bot.GatePassed
	case "passed-other-gate":
		gate.Name, plan.Name, gate.Outcome = "load", "load", bot.GatePassed
	}
	r.Stages = []bot.Stage{{Plan: bot.StagePlan{Environment: environment, Gates: []bot.GatePlan{plan}}, Gates: []bot.GateState{gate}}}
	if err := savedAt(t.Context(), s, r, bot.Outcome{State: state, Reason: "it ended"}, minute(10*i+6)); err != nil {
		t.Fatal(err)
	}
}

// What was undone since a run began is known, also to the run that puts that one back;
// what was undone before, and what came after, is not asked for.
func TestUndoneSince(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		undone := func(r *bot.Run) (text string) {
			t.Helper()
			past, err := s.Undone(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range past.Undone {
				text += fmt.Sprintf("%s of %s at %d; ", u.By, u.Run.Version, int(u.At.Sub(noon).Minutes()))
			}
			return text
		}
		before := staged(t, s, "1", 0)
		undo1 := restored(t, s, undoing(before.ID, "1"), 2, 3)
		first, second := staged(t, s, "2", 4), staged(t, s, "3", 6)
		holder := began(t, s, request("4"), 8)
		if got := undone(read(t, s, holder)); got != "" {
			t.Errorf("got %q before anything was undone since", got)
		}
		undo3 := asked(t, s, undoing(second.ID, "3"), 9).Run
		yielded(t, s, holder, undo3, 9)
		regrant(t, s, 9)
		finished(t, s, undo3, 10, ending{state: bot.RolledBack})
		regrant(t, s, 11) // the one that gave way has its lane again
		if got, want := undone(read(t, s, holder)), undo3+" of 3 at 10; "+undo1.ID+" of 1 at 3; "; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		undo2 := asked(t, s, undoing(first.ID, "2"), 12).Run
		yielded(t, s, holder, undo2, 12)
		regrant(t, s, 12)
		finished(t, s, undo2, 13, ending{state: bot.RollbackFailed})
		regrant(t, s, 14)
		finished(t, s, holder, 15, good)
		later := staged(t, s, "5", 16)
		restored(t, s, undoing(later.ID, "5"), 18, 19)
		undo4 := read(t, s, asked(t, s, undoing(holder, "4"), 20).Run)
		if got, want := undone(undo4), undo3+" of 3 at 10; "+undo2+" of 2 at 13; "+undo1.ID+" of 1 at 3; "; got != want {
			t.Errorf("the rollback: got %q, want %q", got, want)
		}
		if past, err := s.Undone(t.Context(), undo4); err != nil || !past.Begun.Equal(read(t, s, holder).Begun) || past.Begun.IsZero() {
			t.Errorf("got %s, %v, want when the run began that is put back", past.Begun, err)
		}
	})
}
