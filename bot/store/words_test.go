package store

import (
	"context"
	"errors"
	"testing"

	"lockstep/bot"
)

// told is a track's channels in these tests.
func told(string) []string { return []string{"chat"} }

// said says a word of ada's to a run.
func said(ctx context.Context, s *Store, run string, verb bot.Verb) error {
	return s.Say(ctx, run, bot.Word{Verb: verb, By: "ada", Reason: "because", At: noon}, told)
}

func TestSayRefuses(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := accepted(t, s, request("1"))[0]
		granted(t, s)
		if err := said(t.Context(), s, "nobody", bot.VerbCancel); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("an unknown run: got %v, want %v", err, bot.ErrNotFound)
		}
		for _, tt := range []struct {
			state bot.State
			verb  bot.Verb
			want  string
		}{
			{bot.Merged, bot.VerbResume, "is not stalled, it is merged"},
			{bot.Merged, "explode", `obeys hold, resume and cancel, not "explode"`},
			{bot.Failed, bot.VerbCancel, "already putting back"},
			{bot.Done, bot.VerbCancel, "has ended: success"},
		} {
			moved(t, s, run, tt.state, string(tt.state)+", then "+string(tt.verb))
			err := said(t.Context(), s, run, tt.verb)
			if !errors.Is(err, bot.ErrRefused) {
				t.Fatalf("%s of a run that is %s: got %v, want %v", tt.verb, tt.state, err, bot.ErrRefused)
			}
			contains(t, err.Error(), "refused: ", tt.want)
		}
	})
}

func TestSayInOrder(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := accepted(t, s, request("1"))[0]
		granted(t, s)
		moved(t, s, run, bot.Stalled, "nobody could tell")
		for _, verb := range []bot.Verb{bot.VerbResume, bot.VerbCancel} {
			if err := said(t.Context(), s, run, verb); err != nil {
				t.Fatal(err)
			}
		}
		for i, verb := range []bot.Verb{bot.VerbResume, bot.VerbCancel} {
			r, err := s.Run(t.Context(), run)
			if err != nil {
				t.Fatal(err)
			}
			want := bot.Word{ID: int64(i + 1), Verb: verb, By: "ada", Reason: "because", At: noon}
			if r.Word == nil || *r.Word != want {
				t.Fatalf("got word %+v, want %+v", r.Word, want)
			}
			if err := saved(t.Context(), s, r, bot.Outcome{State: bot.Merged, Reason: string(verb)}); err != nil {
				t.Fatal(err)
			}
		}
		if r, _ := s.Run(t.Context(), run); r.Word != nil {
			t.Errorf("a word that was seen is there again: %+v", r.Word)
		}
	})
}

func TestCancelWhileWaiting(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		runs := accepted(t, s, request("1"), request("2"))
		if err := said(t.Context(), s, runs[0], bot.VerbCancel); err != nil {
			t.Fatal(err)
		}
		r, err := s.Run(t.Context(), runs[0])
		if err != nil {
			t.Fatal(err)
		}
		if r.State != bot.Cancelled || r.Reason != "cancelled by ada while it waited (because)" || !r.Ended.Equal(noon) {
			t.Errorf("got %+v", r)
		}
		due, err := s.Due(t.Context(), noon, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) != 1 || due[0].Kind != bot.MessageFinish || due[0].Run != runs[0] || due[0].Channel != "chat" {
			t.Errorf("due: got %+v, want its Finish message", due)
		}
		if got := granted(t, s); len(got) != 1 || got[0] != runs[1] {
			t.Errorf("granted %q, want %q", got, runs[1])
		}
	})
}

// A cancel that is said while the last step of a run is under way is not lost: the run
// sees it before it ends well.
func TestCancelWhileTheLastStepEnds(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := began(t, s, request("1"), 0)
		last := read(t, s, run) // as the last step has read it
		ok(t, said(t.Context(), s, run, bot.VerbCancel))
		if err := saved(t.Context(), s, last, bot.Outcome{State: bot.Done, Reason: "it is done"}); !errors.Is(err, bot.ErrConflict) {
			t.Fatalf("got %v, want %v: it was cancelled", err, bot.ErrConflict)
		}
		r := read(t, s, run)
		if r.Settled() || r.Word == nil || r.Word.Verb != bot.VerbCancel {
			t.Fatalf("it is %s and hears %+v, want the cancel", r.State, r.Word)
		}
		ok(t, saved(t.Context(), s, r, bot.Outcome{State: bot.Failed, Reason: "cancelled by ada"}))
	})
}

// Other words have lost their meaning when a run has ended well, and keep it from nothing.
func TestHoldWhileTheLastStepEnds(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := began(t, s, request("1"), 0)
		last := read(t, s, run)
		ok(t, said(t.Context(), s, run, bot.VerbHold))
		ok(t, saved(t.Context(), s, last, bot.Outcome{State: bot.Done, Reason: "it is done"}))
	})
}
