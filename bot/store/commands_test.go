package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// together does a batch that has to be done, and returns its answers.
func together(t *testing.T, s *Store, b bot.Batch) []bot.Answer {
	t.Helper()
	answers, err := s.Do(t.Context(), b, told)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// alone does one command, which has to be possible.
func alone(t *testing.T, s *Store, source string, c bot.Command) bot.Answer {
	t.Helper()
	return together(t, s, bot.Batch{Source: source, Commands: []bot.Command{c}})[0]
}

// promote returns the command that asks for a run of a version.
func promote(version string) bot.Command {
	q := byAPI(version, "")
	return bot.Command{Verb: bot.VerbPromote, By: "ana", From: "comment ops/env!1", At: minute(1), Request: &q}
}

// A batch is done once, whatever happens, and people are answered once.
func TestDoOnce(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		frozen := bot.Command{Verb: bot.VerbFreeze, By: "ana", At: minute(1), Lane: "integration", Reason: "month end"}
		b := bot.Batch{Source: "note ops/env!1#7", Reply: "ops/env!1#7", Commands: []bot.Command{promote("1"), frozen, promote("1")}}
		first := together(t, s, b)
		if !first[0].New || first[1].Refused || first[2].New || first[2].Run != first[0].Run {
			t.Fatalf("got %+v, want a run, a freeze, and one that joins", first)
		}
		again := together(t, s, b)
		for i := range first {
			if want := first[i].Sentence; again[i].New || again[i].Refused || again[i].Sentence != want {
				t.Errorf("command %d again: got %+v, want %q and nothing new", i, again[i], want)
			}
		}
		due, err := s.Due(t.Context(), minute(2).Add(24*365*100*time.Hour), 10)
		if err != nil || len(due) != 1 || due[0].ID != b.Source || due[0].Kind != bot.MessageReply || due[0].Channel != b.Reply {
			t.Errorf("got %+v, %v, want one reply", due, err)
		}
		records, err := s.Commands(t.Context(), b.Source)
		if err != nil || len(records) != 3 {
			t.Fatalf("got %+v, %v, want three records", records, err)
		}
		if r := records[1]; r.By != "ana" || r.Before != "not frozen" || !strings.HasPrefix(r.After, "frozen by ana") || r.Answer.Sentence != first[1].Sentence {
			t.Errorf("got %+v, want who froze it, and how it stood before and after", r)
		}
		if r := records[0]; r.Answer.Run != first[0].Run || r.Before != "" || r.After != "queued" {
			t.Errorf("got %+v, want the run that it made, and how that stands", r)
		}
	})
}

// A key stands for one command. What was refused is decided anew where the batch says so.
func TestDoAgain(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		resume := bot.Command{Verb: bot.VerbResume, By: "ana", At: minute(1), Run: asked(t, s, byAPI("1", "a"), 0).Run}
		for _, again := range []bool{false, true} {
			b := bot.Batch{Source: "api k", Commands: []bot.Command{resume}, Again: again}
			if a := together(t, s, b)[0]; !a.Refused || !strings.Contains(a.Sentence, "is not stalled, it is queued") {
				t.Errorf("again %t: got %+v, want a refusal", again, a)
			}
		}
		other := resume
		other.Verb = bot.VerbCancel
		if a := alone(t, s, "api k", other); !a.Refused || !strings.Contains(a.Sentence, "the same key stood for another command before (resume run") {
			t.Errorf("another command with the key: got %+v, want a refusal", a)
		}
		if a := alone(t, s, "api l", other); a.Refused || a.Run != resume.Run {
			t.Errorf("another key: got %+v", a)
		}
		b := bot.Batch{Source: "api k", Commands: []bot.Command{resume}, Again: true}
		if a := together(t, s, b)[0]; !a.Refused || !strings.Contains(a.Sentence, "has ended: cancelled") {
			t.Errorf("decided anew: got %+v, want that it has ended", a)
		}
		b.Again = false
		if a := together(t, s, b)[0]; !strings.Contains(a.Sentence, "has ended: cancelled") {
			t.Errorf("got %+v, want the last answer", a)
		}
	})
}

// A refused command that comes again is that of whoever sends it now, at the time of now:
// nobody speaks in the name of another who has used the same key.
func TestDoAgainByAnother(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := asked(t, s, byAPI("1", "a"), 0).Run
		resume := bot.Command{Verb: bot.VerbResume, By: "ana", From: "API token ana", At: minute(1), Run: run, Reason: "hers"}
		b := bot.Batch{Source: "api k", Commands: []bot.Command{resume}, Again: true}
		if a := together(t, s, b)[0]; !a.Refused {
			t.Fatalf("got %+v, want a refusal", a)
		}
		b.Commands[0].At = minute(2) // the same refusal once more is none of its own
		together(t, s, b)
		alone(t, s, "api l", bot.Command{Verb: bot.VerbHold, By: "ana", At: minute(2), Run: run})
		b.Commands[0].By, b.Commands[0].From, b.Commands[0].Reason, b.Commands[0].At = "eva", "API token eva", "mine", minute(3)
		if a := together(t, s, b)[0]; a.Refused {
			t.Fatalf("got %+v, want it done", a)
		}
		records, err := s.Commands(t.Context(), "api k")
		if err != nil || len(records) != 1 || records[0].By != "eva" || records[0].From != "API token eva" || records[0].Reason != "mine" || !records[0].At.Equal(minute(3)) {
			t.Errorf("got %+v, %v, want that eva did it", records, err)
		}
		var when []string
		if err := s.Audit(t.Context(), minute(0), time.Time{}, func(l bot.AuditLine) error {
			if l.Kind == bot.AuditCommand {
				when = append(when, fmt.Sprintf("%s %s at %d, refused %t", l.Who, l.What, int(l.At.Sub(noon).Minutes()), l.Refused))
			}
			return nil
		}); err != nil || strings.Join(when, ", ") != "ana resume at 1, refused true, ana hold at 2, refused false, eva resume at 3, refused false" {
			t.Errorf("the audit log has %q, %v", when, err)
		}
	})
}

// Who answers a gate is part of the answer: with the key of another one it is refused.
func TestDoAnswerOfAnother(t *testing.T) {
	t.Parallel()
	yes := bot.Command{Verb: bot.VerbConfirm, By: "ana", Run: "r", Gate: "go"}
	same, other := yes, yes
	same.By, other.By = "Ana", "eva"
	if differs(yes, same) || !differs(yes, other) {
		t.Errorf("ana and Ana differ: %t; ana and eva differ: %t", differs(yes, same), differs(yes, other))
	}
}

// What a command is for has to be there; else nothing of its batch is done or kept.
func TestDoUnknownRun(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for _, verb := range []bot.Verb{bot.VerbCancel, bot.VerbHold, bot.VerbResume, bot.VerbConfirm, bot.VerbDeny, bot.VerbRollback, bot.VerbRetry} {
			b := bot.Batch{Source: "api " + string(verb), Commands: []bot.Command{promote("1"), {Verb: verb, Run: "nobody", Gate: "go"}}}
			if _, err := s.Do(t.Context(), b, told); !errors.Is(err, bot.ErrNotFound) {
				t.Errorf("%s: got %v, want %v", verb, err, bot.ErrNotFound)
			}
			if records, err := s.Commands(t.Context(), b.Source); err != nil || len(records) != 0 {
				t.Errorf("%s: got %+v, %v, want nothing kept", verb, records, err)
			}
		}
		if runs, err := s.Runs(t.Context(), bot.Filter{}); err != nil || len(runs) != 0 {
			t.Errorf("got %+v, %v, want no run", runs, err)
		}
	})
}

// An answer that is known is kept, and nothing is done.
func TestDoKnown(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		c := promote("1")
		c.Known = &bot.Answer{Refused: true, Sentence: "ana needs to be a Developer of ops/env"}
		if a := alone(t, s, "note 1", c); a != *c.Known {
			t.Errorf("got %+v, want %+v", a, *c.Known)
		}
		if a := alone(t, s, "note 2", bot.Command{Verb: "destroy"}); !a.Refused || !strings.Contains(a.Sentence, `"destroy" is nothing that is done`) {
			t.Errorf("got %+v, want a refusal", a)
		}
		if runs, err := s.Runs(t.Context(), bot.Filter{}); err != nil || len(runs) != 0 {
			t.Errorf("got %+v, %v, want no run", runs, err)
		}
		if records, err := s.Commands(t.Context(), "note 1"); err != nil || len(records) != 1 || records[0].Answer != *c.Known || records[0].Known != nil {
			t.Errorf("got %+v, %v, want the answer", records, err)
		}
	})
}
