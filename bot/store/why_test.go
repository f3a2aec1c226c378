package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// brings takes a version to kv in int in one minute, and puts it back in the next when
// the ending says so.
func brings(t *testing.T, s *Store, version string, begin int, e ending) *bot.Run {
	t.Helper()
	r := read(t, s, began(t, s, request(version), begin))
	bump := gitops.Bump{Place: gitops.Place{Repo: "env/mda", File: "kv.yaml", Key: "data.version"}, Environment: "int", Service: "kv", From: "old", To: r.Version}
	r.Stages = []bot.Stage{{
		Plan:     bot.StagePlan{Environment: "int", Repo: "env/mda", Services: []bot.Service{{Name: "kv", File: "kv.yaml", Key: "data.version"}}},
		Delivery: bot.Delivery{Change: gitops.Change{Repo: "env/mda", Bumps: []gitops.Bump{bump}}, Landed: "c1"},
	}}
	comes(t, s, r, begin, bot.Merged, bot.Synced)
	if e.state == bot.RolledBack {
		r.Cause = &bot.Cause{Sentence: e.cause}
		comes(t, s, r, begin+1, bot.Failed)
		r.Direction, r.Backs = bot.Back, []bot.Delivery{{
			Change: gitops.Change{Repo: "env/mda", Bumps: []gitops.Bump{bump.Inverse()}}, Landed: "c2",
		}}
		comes(t, s, r, begin+1, bot.Recalled, bot.Merged, bot.Synced)
	}
	comes(t, s, r, begin+1, e.state)
	return r
}

// comes saves that a run came to states, one after the other, at a minute.
func comes(t *testing.T, s *Store, r *bot.Run, at int, states ...bot.State) {
	t.Helper()
	for _, state := range states {
		if err := savedAt(t.Context(), s, r, bot.Outcome{State: state, Reason: "it is " + string(state)}, minute(at)); err != nil {
			t.Fatal(err)
		}
	}
}

// why returns what kv in int runs at a minute; below zero that is now.
func why(t *testing.T, s *Store, at int) bot.Why {
	t.Helper()
	spot := bot.Spot{Package: "mda", Service: "kv", Environment: "int"}
	if at >= 0 {
		spot.At = minute(at)
	}
	w, err := s.Why(t.Context(), spot)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWhy(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		s.now = func() time.Time { return minute(100) }
		if got := why(t, s, -1); got.Known() || got.Sentence != "Lockstep has never deployed mda to kv in int" || !got.At.Equal(minute(100)) {
			t.Errorf("got %+v", got)
		}
		one := brings(t, s, "1", 10, good)
		two := brings(t, s, "2", 20, bad)
		three := brings(t, s, "3", 30, good)
		waits := began(t, s, request("4"), 90)
		for _, tt := range []struct {
			at           int
			version, run string
			later        string
		}{
			{0, "", "", one.ID + " 1"},
			{9, "", "", one.ID + " 1"},
			{10, "1", one.ID, two.ID + " 2"},
			{20, "2", two.ID, two.ID + " old"},
			{21, "old", "", three.ID + " 3"},
			{30, "3", three.ID, ""},
			{95, "3", three.ID, ""},
			{-1, "3", three.ID, ""},
			{200, "3", three.ID, ""}, // to come: as now
		} {
			w := why(t, s, tt.at)
			later := ""
			if w.Later != nil {
				later = w.Later.Run + " " + string(w.Later.Version)
			}
			if string(w.Version) != tt.version || w.Run != tt.run || later != tt.later || w.Looked != 0 {
				t.Errorf("at minute %d: got %q by run %q, then %q; want %q by %q, then %q", tt.at, w.Version, w.Run, later, tt.version, tt.run, tt.later)
			}
		}
		if got := why(t, s, 21); got.Back == nil || got.Back.Run != two.ID || got.Back.From != "2" {
			t.Errorf("got %+v, want run %s to have put it back", got, two.ID)
		}
		sentence, err := s.WhyWaits(t.Context(), waits)
		if want := "run " + waits + " is started: started"; err != nil || sentence != want {
			t.Errorf("got %q, %v, want %q", sentence, err, want)
		}
		queued := asked(t, s, request("5"), 91).Run
		sentence, err = s.WhyWaits(t.Context(), queued)
		if want := "run " + queued + " waits for its lane: next in lane integration, behind run " + waits; err != nil || !strings.HasPrefix(sentence, want) {
			t.Errorf("got %q, %v, want %q", sentence, err, want)
		}
		if _, err := s.WhyWaits(t.Context(), "nobody"); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// What a person has brought back by hand throws doubt on what the log says.
func TestWhyAfterReturn(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		s.now = func() time.Time { return minute(100) }
		r := brings(t, s, "1", 10, bad)
		noted(t, s, r.ID, 20, back("int", "abn"), "int", "abn")
		contains(t, why(t, s, -1).Doubt, "1 stands in int again (kv, mds), although this run has put it back: a person has brought it back by hand")
		if got := why(t, s, 15).Doubt; got != "" {
			t.Errorf("before that: got doubt %q", got)
		}
	})
}

// The answer is found behind many runs of others, and given up after too many.
func TestWhyLooksFarBack(t *testing.T) {
	t.Parallel()
	s := opened(t, "sqlite:"+filepath.Join(t.TempDir(), "lockstep.db"))
	s.now = func() time.Time { return minute(100000) }
	one := brings(t, s, "1", 10, good)
	insertOthers(t, s, 0, 600)
	if w := why(t, s, -1); w.Run != one.ID || w.Looked != 0 {
		t.Errorf("behind 600 runs: got %+v", w)
	}
	insertOthers(t, s, 600, 6000)
	w := why(t, s, -1)
	if w.Known() || w.Looked < whyMost || w.Looked > whyMost+whyPage {
		t.Errorf("behind 6000 runs: got %+v", w)
	}
	contains(t, w.Sentence, "Lockstep has never deployed mda to kv in int, as far as the ", " runs before that tell, and no more were looked at")
	began := time.Now()
	if w := why(t, s, 11); w.Run != one.ID || w.Later != nil {
		t.Errorf("at minute 11: got %+v", w)
	}
	t.Logf("a time behind 6000 runs took %s", time.Since(began))
}

// insertOthers stores settled runs that have nothing to do with it, a minute each.
func insertOthers(t *testing.T, s *Store, from, to int) {
	t.Helper()
	_, err := s.db.Exec(t.Context(), `WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
		INSERT INTO runs (id, track, lane, package, version, state, created, granted, words, revision, body, ended)
		SELECT 'other-' || i, 'other', 'other', 'mda', '9', 'done', $3 + 60000 * i, 0, 0, 1, '{}', $3 + 60000 * i FROM n`,
		from, to-1, minute(100).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
}

// Names that mean something to LIKE or to JSON mean nothing but themselves.
func TestNaming(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"int": `%"name":"int"%`, "a_b%c!": `%"name":"a!_b!%c!!"%`, `"x\`: `%"name":"\"x\\"%`} {
		if got := naming("name", value); got != want {
			t.Errorf("naming(%q): got %s, want %s", value, got, want)
		}
	}
}

// The search goes along an index, newest first, and stops.
func TestWhyReadsNoWholeTable(t *testing.T) {
	t.Parallel()
	s := opened(t, "sqlite:"+filepath.Join(t.TempDir(), "lockstep.db"))
	s.db = planner{s.db, t}
	brings(t, s, "1", 10, bad)
	why(t, s, -1)
	s.now = func() time.Time { return minute(100) }
	why(t, s, 5)
}
