package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// posted puts messages into the outbox.
func posted(t *testing.T, s *Store, messages ...bot.Message) {
	t.Helper()
	if err := post(t.Context(), s.db, messages, noon); err != nil {
		t.Fatal(err)
	}
}

// message returns the message of a run, kind and channel that event seq made due.
func message(run string, kind bot.MessageKind, channel string, seq int) bot.Message {
	return bot.Message{ID: fmt.Sprintf("%s/%s/%s", run, kind, channel), Run: run, Kind: kind, Channel: channel, Seq: seq}
}

// due fails the test unless exactly want is due at now, each as "id seq attempts begun".
func due(t *testing.T, s *Store, now time.Time, want ...string) {
	t.Helper()
	entries, err := s.Due(t.Context(), now, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprint(e.ID, " ", e.Seq, " ", e.Attempts, " ", e.Begun))
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("due: got %q, want %q", got, want)
	}
}

// ok fails the test when a call on the outbox failed.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOutbox(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		posted(t, s, message("r1", bot.MessageStart, "chat", 2), message("r1", bot.MessageStart, "mail", 2))
		posted(t, s, message("r1", bot.MessageFinish, "chat", 9), message("r2", bot.MessageStart, "chat", 2))
		due(t, s, noon.Add(-time.Second))
		due(t, s, noon, "r1/start/chat 2 0 false", "r1/start/mail 2 0 false", "r2/start/chat 2 0 false")

		ok(t, s.Sending(t.Context(), "r1/start/chat", noon))
		due(t, s, noon, "r1/start/chat 2 0 true", "r1/start/mail 2 0 false", "r2/start/chat 2 0 false")
		ok(t, s.Later(t.Context(), "r1/start/chat", noon.Add(time.Minute), "connection refused"))
		due(t, s, noon, "r1/start/mail 2 0 false", "r2/start/chat 2 0 false")
		due(t, s, noon.Add(time.Minute), "r1/start/mail 2 0 false", "r2/start/chat 2 0 false", "r1/start/chat 2 1 true")

		ok(t, s.Sent(t.Context(), "r1/start/chat", 2, noon))
		ok(t, s.Sent(t.Context(), "r1/start/mail", 2, noon))
		ok(t, s.Sent(t.Context(), "r2/start/chat", 2, noon))
		due(t, s, noon, "r1/finish/chat 9 0 false")
		posted(t, s, message("r1", bot.MessageStart, "chat", 3)) // once is once
		due(t, s, noon, "r1/finish/chat 9 0 false")
	})
}

// What mirrors a run is due again with each event, and its waits begin anew.
func TestOutboxMirrors(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for _, kind := range []bot.MessageKind{bot.MessageNote, bot.MessageLabel, bot.MessageStatus} {
			m := func(seq int) bot.Message { return message("r1", kind, "gitlab!"+string(kind), seq) }
			posted(t, s, m(3))
			ok(t, s.Later(t.Context(), m(3).ID, noon.Add(time.Hour), "GitLab answers 502"))
			due(t, s, noon)
			posted(t, s, m(4))
			due(t, s, noon, fmt.Sprintf("r1/%s/gitlab!%s 4 0 false", kind, kind))
			ok(t, s.Sent(t.Context(), m(4).ID, 4, noon))
		}
	})
}

func TestOutboxNote(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		note := func(seq int) bot.Message { return message("r1", bot.MessageNote, "env/mda!7", seq) }
		posted(t, s, note(3))
		ok(t, s.Sending(t.Context(), note(3).ID, noon))
		posted(t, s, note(5))
		due(t, s, noon, "r1/note/env/mda!7 5 0 true")
		ok(t, s.Sent(t.Context(), note(3).ID, 3, noon)) // it told no more than event 3
		due(t, s, noon, "r1/note/env/mda!7 5 0 false")
		ok(t, s.Sent(t.Context(), note(3).ID, 6, noon)) // it told event 6 already
		posted(t, s, note(5))
		due(t, s, noon)
		posted(t, s, note(7))
		due(t, s, noon, "r1/note/env/mda!7 7 0 false")
	})
}

// However much waits for one channel, or of one kind, it keeps nothing else from being due.
func TestOutboxLimitsEachQueue(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for i := range 5 {
			run := fmt.Sprint("r", i)
			posted(t, s, message(run, bot.MessageStart, "chat", 1), message(run, bot.MessageNote, fmt.Sprint("env/mda!", i), 1))
		}
		posted(t, s, message("s0", bot.MessageStart, "mail", 1), message("s0", bot.MessageLabel, "gitlab!label", 1))
		entries, err := s.Due(t.Context(), noon, 2)
		var got []string
		for _, e := range entries {
			got = append(got, e.ID)
		}
		want := "r0/note/env/mda!0 r0/start/chat r1/note/env/mda!1 r1/start/chat s0/label/gitlab!label s0/start/mail"
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
}

func TestOutboxLimit(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for i := range 5 {
			posted(t, s, message(fmt.Sprint("r", i), bot.MessageStart, "chat", 1))
		}
		entries, err := s.Due(t.Context(), noon, 3)
		if err != nil || len(entries) != 3 || entries[0].Run != "r0" {
			t.Errorf("got %+v, %v, want 3 entries from r0 on", entries, err)
		}
	})
}
