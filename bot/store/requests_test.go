package store

import (
	"fmt"
	"sync"
	"testing"

	"lockstep/bot"
)

func TestAcceptOnce(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		first, err := s.Accept(t.Context(), request("1"), noon)
		if err != nil {
			t.Fatal(err)
		}
		if !first.New || first.Refused || first.Sentence != "run "+first.Run+" is queued: next in lane integration" {
			t.Errorf("got %+v", first)
		}
		second, err := s.Accept(t.Context(), request("1"), noon)
		if err != nil {
			t.Fatal(err)
		}
		if want := (bot.Answer{Run: first.Run, Sentence: first.Sentence}); second != want {
			t.Errorf("the same request again: got %+v, want %+v", second, want)
		}
		events, err := s.Events(t.Context(), first.Run)
		if err != nil {
			t.Fatal(err)
		}
		want := bot.Event{Run: first.Run, Seq: 1, At: noon, State: bot.Queued, Reason: "queued: next in lane integration"}
		if len(events) != 1 || events[0] != want {
			t.Errorf("got events %+v, want %+v", events, want)
		}
		r, err := s.Run(t.Context(), first.Run)
		if err != nil {
			t.Fatal(err)
		}
		if r.State != bot.Queued || r.Version != "1" || r.By != "ada" || r.Events != 1 || !r.Created.Equal(noon) || r.Word != nil {
			t.Errorf("got run %+v", r)
		}
	})
}

func TestAcceptOtherTrackWithSameKey(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		other := request("1")
		other.Track, other.Lane = "release", "release"
		if runs := accepted(t, s, request("1"), other); runs[0] == runs[1] {
			t.Errorf("one run for two tracks: %q", runs)
		}
	})
}

func TestAcceptJoins(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := accepted(t, s, request("1"))[0]
		again := request("1")
		again.Key = "api 42"
		answer, err := s.Accept(t.Context(), again, noon)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Run != run || answer.New {
			t.Errorf("got %+v, want it to join %s", answer, run)
		}
		contains(t, answer.Sentence, "joins run "+run, "mda 1", "integration", "queued")

		granted(t, s)
		moved(t, s, run, bot.Done, "it is done")
		again.Key, again.Origin = "api 43", bot.OriginAPI // people may ask for a version again
		if next := accepted(t, s, again)[0]; next == run {
			t.Error("joined a run that has ended")
		}
	})
}

// Whoever asks for a version that is on its way back would wait for nothing.
func TestAcceptDoesNotJoinTheWayBack(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := began(t, s, request("1"), 0)
		moved(t, s, run, bot.Failed, "it failed")
		again := byAPI("1", "again")
		no := asked(t, s, again, 1)
		if !no.Refused || no.Run != "" {
			t.Errorf("got %+v, want a refusal", no)
		}
		contains(t, no.Sentence, "run "+run+" is putting mda 1 back on track integration: ask again when it has ended")
		finished(t, s, run, 2, bad)
		again.Force = "mended"
		if answer := asked(t, s, again, 3); !answer.New {
			t.Errorf("the same request afterwards: got %+v", answer)
		}
	})
}

func TestAcceptMovedTag(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		first := request("1")
		first.Subject, first.Commit = "tag data/mda 1", "aaa"
		accepted(t, s, first)
		movedTag := first
		movedTag.Key, movedTag.Commit = "tag data/mda 1 bbb", "bbb"
		for range 2 {
			answer, err := s.Accept(t.Context(), movedTag, noon)
			if err != nil {
				t.Fatal(err)
			}
			if !answer.Refused || answer.New || answer.Run != "" {
				t.Errorf("got %+v, want a refusal", answer)
			}
			contains(t, answer.Sentence, "tag data/mda 1", "aaa", "bbb")
		}
		if runs, _ := s.Runs(t.Context(), bot.Filter{}); len(runs) != 1 {
			t.Errorf("got %d runs, want 1", len(runs))
		}
	})
}

func TestAcceptSupersedes(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		holder := accepted(t, s, request("1"))[0]
		granted(t, s)
		newest := request("4")
		newest.Supersede = true
		runs := accepted(t, s, request("2"), request("3"), newest)
		for i, want := range []bot.State{bot.Superseded, bot.Superseded, bot.Queued} {
			r, err := s.Run(t.Context(), runs[i])
			if err != nil {
				t.Fatal(err)
			}
			if r.State != want {
				t.Errorf("run of version %s: got %s, want %s", r.Version, r.State, want)
			}
			if want == bot.Superseded {
				contains(t, r.Reason, "4 took its place", runs[2])
			}
		}
		if r, _ := s.Run(t.Context(), holder); r.State != bot.Queued {
			t.Errorf("the run that holds the lane: got %s", r.State)
		}
		if l, _ := s.Lanes(t.Context()); len(l) != 1 || l[0].Holder != holder || fmt.Sprint(l[0].Waiting) != fmt.Sprint(runs[2:]) {
			t.Errorf("got lanes %+v", l)
		}
	})
}

func TestAcceptAllOnce(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		other := request("1")
		other.Track, other.Lane = "release", "release"
		first, err := s.AcceptAll(t.Context(), "delivery 1", []bot.Request{request("1"), other}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if len(first) != 2 || !first[0].New || !first[1].New {
			t.Fatalf("got %+v, want two new runs", first)
		}
		again, err := s.AcceptAll(t.Context(), "delivery 1", []bot.Request{request("2")}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) != 2 || again[0].Run != first[0].Run || again[0].New || again[1].Run != first[1].Run {
			t.Errorf("the same delivery again: got %+v, want the answers %+v", again, first)
		}
		if none, err := s.AcceptAll(t.Context(), "delivery 2", nil, noon); err != nil || len(none) != 0 {
			t.Errorf("an empty delivery: got %+v, %v", none, err)
		}
	})
}

func TestAcceptAtTheSameTime(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		answers := make([]bot.Answer, 20)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				q := request("1")
				if i%2 == 1 {
					q.Key = fmt.Sprint("api ", i)
				}
				delivered, err := s.AcceptAll(t.Context(), fmt.Sprint("delivery ", i/4), []bot.Request{q}, noon)
				if err != nil {
					t.Error(err)
					return
				}
				answers[i] = delivered[0]
			})
		}
		all.Wait()
		made := 0
		for _, answer := range answers {
			if answer.New {
				made++
			}
			if answer.Run != answers[0].Run {
				t.Errorf("got run %q, want %q", answer.Run, answers[0].Run)
			}
		}
		if made != 1 {
			t.Errorf("%d answers say that the run is new, want 1", made)
		}
	})
}

func TestBaseline(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		run := accepted(t, s, request("1"))[0]
		old := request("0")
		old.Subject, old.Commit = "tag data/mda 0", "aaa"
		known := []bot.Request{request("1"), old}
		for _, want := range []bool{true, false} {
			first, err := s.Baseline(t.Context(), "data/mda", known, noon)
			if err != nil || first != want {
				t.Fatalf("got %t, %v, want %t", first, err, want)
			}
			known = append(known, request("2"))
		}
		movedTag := old
		movedTag.Key, movedTag.Commit = "tag data/mda 0 bbb", "bbb"
		for _, tt := range []struct {
			q    bot.Request
			want bot.Answer
		}{
			{request("1"), bot.Answer{Run: run, Sentence: "run " + run + " is queued: next in lane integration"}},
			{old, bot.Answer{Before: true, Sentence: "it was there before Lockstep looked for the first time"}},
			{movedTag, bot.Answer{Refused: true, Sentence: "tag data/mda 0 stood for aaa and stands for bbb now: what it names must not move, so make a new one"}},
		} {
			answer, err := s.Accept(t.Context(), tt.q, noon)
			if err != nil {
				t.Fatal(err)
			}
			if answer != tt.want {
				t.Errorf("request %q: got %+v, want %+v", tt.q.Key, answer, tt.want)
			}
		}
		accepted(t, s, request("2"))

		// The first look was quicker than the hook of a new tag: the hook counts, once.
		old.Announced = true
		run = accepted(t, s, old)[0]
		if answer, err := s.Accept(t.Context(), old, noon); err != nil || answer.Run != run || answer.New {
			t.Errorf("announced again: got %+v, %v, want run %s", answer, err, run)
		}
	})
}
