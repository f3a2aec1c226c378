package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// figures returns what the store counts, a line for each, with times in minutes after noon.
func figures(t *testing.T, s *Store) string {
	t.Helper()
	f, err := s.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	minutes := func(at time.Time) string {
		if at.IsZero() {
			return "never"
		}
		return at.Sub(noon).String()
	}
	var lines []string
	line := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if f.Frozen {
		line("everything is frozen")
	}
	for _, l := range f.Lanes {
		line("lane %s frozen %v, active %d, waiting %d, stalled %d, held %d, waits %s, stalled %s", l.Lane, l.Frozen,
			l.Runs[bot.Active], l.Runs[bot.Waiting], l.Runs[bot.Halted], l.Runs[bot.OnHold], minutes(l.Waiting), minutes(l.Stalled))
	}
	for track, n := range f.Condemned {
		line("%s condemned %d", track, n)
	}
	for _, e := range f.Ends {
		span := e.Span.String()
		if e.Span == bot.Endless {
			span = "endless"
		}
		line("ended %s %s within %s: %d in %s", e.Track, e.Result, span, e.Runs, e.Took)
	}
	for _, b := range f.Outbox {
		line("outbox %s %q: %d since %s, %d tries", b.Queue, b.Channel, b.Waiting, minutes(b.Since), b.Tries)
	}
	return strings.Join(lines, "\n")
}

// counted fails the test unless the store counts these things and nothing else of that
// kind, which is how its lines begin.
func counted(t *testing.T, s *Store, kind string, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(figures(t, s)) {
		if strings.HasPrefix(line, kind) {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestFiguresOfLanes(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		counted(t, s, "")
		id := began(t, s, request("1"), 0)
		asked(t, s, request("2"), 3)
		asked(t, s, request("3"), 2)
		held := asked(t, s, request("4"), 1).Run
		counted(t, s, "lane", "lane integration frozen false, active 1, waiting 3, stalled 0, held 0, waits 1m0s, stalled never")
		commanded(t, s, bot.VerbHold, held, "the fair", 4)
		counted(t, s, "lane", "lane integration frozen false, active 1, waiting 2, stalled 0, held 1, waits 2m0s, stalled never")
		ok(t, savedAt(t.Context(), s, read(t, s, id), bot.Outcome{State: bot.Stalled, Reason: "!12 was closed"}, minute(7)))
		counted(t, s, "lane", "lane integration frozen false, active 0, waiting 2, stalled 1, held 1, waits 2m0s, stalled 7m0s")
		finished(t, s, id, 9, worse)
		counted(t, s, "lane", "lane integration frozen true, active 0, waiting 2, stalled 0, held 1, waits 2m0s, stalled never")
		counted(t, s, "integration", "integration condemned 1")
	})
}

// What gave its lane away waits from then on, and the red button is none of the lanes.
func TestFiguresOfYieldedAndFrozen(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		done := ran(t, s, request("1"), 0, 1, good)
		id := began(t, s, request("2"), 2)
		undo := asked(t, s, undoing(done.ID, "u"), 5).Run
		ok(t, savedAt(t.Context(), s, read(t, s, id), bot.Outcome{Yields: undo, Reason: "gives way"}, minute(6)))
		if _, err := s.db.Exec(t.Context(), `UPDATE runs SET created = created + 600000 WHERE id = $1`, undo); err != nil {
			t.Fatal(err)
		}
		alone(t, s, "f", bot.Command{Verb: bot.VerbFreeze, By: "ana", At: minute(7), Lane: bot.Everything, Reason: "fire"})
		counted(t, s, "everything", "everything is frozen")
		counted(t, s, "lane integration", "lane integration frozen false, active 0, waiting 2, stalled 0, held 0, waits 6m0s, stalled never")
	})
}

// Every end is counted once, by how long it took, also those of runs that never began.
func TestFiguresOfEnds(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		ran(t, s, request("1"), 0, 3, good)
		ran(t, s, request("2"), 10, 14, good)
		ran(t, s, request("3"), 20, 50, good)
		ran(t, s, request("4"), 60, 60+5000, bad)
		waiting := asked(t, s, request("5"), 6000).Run
		commanded(t, s, bot.VerbCancel, waiting, "", 6001)
		want := []string{
			"ended integration cancelled within 0s: 1 in 0s",
			"ended integration rolled back within endless: 1 in 83h20m0s",
			"ended integration success within 5m0s: 2 in 7m0s",
			"ended integration success within 40m0s: 1 in 30m0s",
		}
		counted(t, s, "ended", want...)
		if _, err := s.db.Exec(t.Context(), `DELETE FROM ends`); err != nil {
			t.Fatal(err)
		}
		ok(t, s.change(t.Context(), func(tx transaction) error { return fillEnds(t.Context(), tx) }))
		counted(t, s, "ended", want...)
	})
}

// A message waits since it was put there, however often it is tried and whatever is new
// about its run meanwhile.
func TestFiguresOfTheOutbox(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		post := func(at int, messages ...bot.Message) {
			t.Helper()
			ok(t, post(t.Context(), s.db, messages, minute(at)))
		}
		note := func(seq int) bot.Message { return message("r1", bot.MessageNote, "env/mda!12", seq) }
		post(0, message("r1", bot.MessageStart, "chat", 2), message("r1", bot.MessageStart, "mail", 2), note(2))
		post(3, message("r1", bot.MessageFinish, "chat", 9), note(9), message("r2", bot.MessageNote, "env/mda!13", 1))
		ok(t, s.Later(t.Context(), "r1/start/chat", minute(20), "connection refused"))
		ok(t, s.Later(t.Context(), "r1/start/chat", minute(30), "connection refused"))
		counted(t, s, "outbox",
			`outbox channel "chat": 2 since 0s, 2 tries`,
			`outbox channel "mail": 1 since 0s, 0 tries`,
			`outbox note "": 2 since 0s, 0 tries`)
		for _, sent := range []string{"r1/start/chat", "r1/start/mail", "r1/note/env/mda!12"} {
			ok(t, s.Sent(t.Context(), sent, 9, minute(31)))
		}
		counted(t, s, "outbox", `outbox channel "chat": 1 since 3m0s, 0 tries`, `outbox note "": 1 since 3m0s, 0 tries`)
		post(40, note(11))
		ok(t, s.Sent(t.Context(), "r2/note/env/mda!13", 9, minute(41)))
		counted(t, s, "outbox note", `outbox note "": 1 since 40m0s, 0 tries`)
	})
}
