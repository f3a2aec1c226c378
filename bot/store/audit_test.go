package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// audited returns the lines of the audit log in short.
func audited(t *testing.T, s *Store, since, until time.Time) []string {
	t.Helper()
	var lines []string
	err := s.Audit(t.Context(), since, until, func(l bot.AuditLine) error {
		lines = append(lines, fmt.Sprintf("%s %s: %s (%s > %s) %s", l.At.Format("15:04"), l.Kind, l.What, l.Before, l.After, l.Who))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Everything is there once, in order, with how things stood before and after.
func TestAudit(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		tag := accepted(t, s, request("1"))[0]
		s.now = func() time.Time { return minute(1) }
		made := alone(t, s, "api k", promote("2")).Run
		granted(t, s)
		r, err := s.Run(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := savedAt(t.Context(), s, r, bot.Outcome{State: bot.Started, Reason: "holds lane integration"}, minute(2)); err != nil {
			t.Fatal(err)
		}
		alone(t, s, "api l", bot.Command{Verb: bot.VerbCancel, By: "bob", From: "API", At: minute(3), Run: made, Reason: "wrong"})
		alone(t, s, "api m", bot.Command{Verb: bot.VerbFreeze, By: "bob", From: "API", At: minute(4), Lane: bot.Everything, Reason: "fire"})
		token := tokenOf(t, s, "nightly", minute(5))
		if _, err := s.RevokeToken(t.Context(), token.ID, "eve", minute(6)); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"12:00 request: ask for mda on integration ( > ) ",
			"12:00 decision: mda 1 on integration ( > queued) lockstep",
			"12:01 command: promote mda 2 on integration ( > queued) ana",
			"12:01 decision: mda 2 on integration ( > queued) lockstep",
			"12:02 decision: mda 1 on integration (queued > started) lockstep",
			"12:03 command: cancel (queued > cancelled) bob",
			"12:03 decision: mda 2 on integration (queued > cancelled) lockstep",
			"12:04 command: freeze everything (not frozen > frozen by bob: fire) bob",
			"12:05 token: make token nightly (" + token.ID + ") ( > counts) ana",
			"12:06 token: revoke token nightly (" + token.ID + ") (counts > revoked) eve",
		}
		if got := audited(t, s, time.Time{}, time.Time{}); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got := audited(t, s, minute(2), minute(5)); strings.Join(got, "\n") != strings.Join(want[4:8], "\n") {
			t.Errorf("from 12:02 on and before 12:05: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want[4:8], "\n"))
		}
		if got := audited(t, s, minute(6), time.Time{}); strings.Join(got, "\n") != want[9] {
			t.Errorf("from 12:06 on: got\n%s\nwant\n%s", strings.Join(got, "\n"), want[9])
		}
	})
}

// The log is read page by page, and nothing is lost or told twice between them, though
// much happens at once.
func TestAuditOfManyPages(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		const many = 2*auditPage + 7
		err := s.change(t.Context(), func(tx transaction) error {
			for i := range many {
				source := fmt.Sprintf("api %d", i)
				record := bot.CommandRecord{Source: source, Seq: 1, Command: bot.Command{Verb: bot.VerbThaw, At: minute(i / 400), Lane: source}}
				if _, known, err := taken(t.Context(), tx, bot.Batch{Source: source}, 1, record.Command); known || err != nil {
					return errors.Join(err, errors.New("it was there"))
				}
				if err := keep(t.Context(), tx, record); err != nil {
					return err
				}
				q := bot.Request{Key: source, Package: "mda", Track: fmt.Sprintf("t%d", i%3)}
				if err := remember(t.Context(), tx, q, bot.Answer{Sentence: "no"}, minute(i/400)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		seen, last := map[string]bool{}, time.Time{}
		err = s.Audit(t.Context(), time.Time{}, time.Time{}, func(l bot.AuditLine) error {
			if key := string(l.Kind) + l.What + l.From; seen[key] || l.At.Before(last) {
				return fmt.Errorf("%+v is told twice, or after what came later", l)
			} else {
				seen[key], last = true, l.At
			}
			return nil
		})
		if err != nil || len(seen) != 2*many {
			t.Errorf("got %d lines, %v, want %d", len(seen), err, 2*many)
		}
	})
}

// Whoever reads may stop, and is told of no trouble then but their own.
func TestAuditStops(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		accepted(t, s, request("1"), request("2"))
		enough, lines := errors.New("enough"), 0
		err := s.Audit(t.Context(), time.Time{}, time.Time{}, func(bot.AuditLine) error {
			lines++
			return enough
		})
		if !errors.Is(err, enough) || lines != 1 {
			t.Errorf("got %v after %d lines", err, lines)
		}
	})
}
