package main

import (
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// A version that a gate has rolled back is refused on every path, with the run that
// condemned it, until somebody forces it with a reason. A good end lifts that.
func TestCondemned(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.script(fails)
	s.asks(fails.Version, "")
	s.ends(fails)
	by := s.report(fails.Version).Run.ID
	s.observe()
	condemned := "mda " + fails.Version + " is condemned on track integration by run " + by + " (gate int-test failed: "
	cure := "lockstep promote integration " + fails.Version + " --force REASON"
	s.types(typed{line: "promote integration " + fails.Version, code: 1, says: []string{condemned, cure}})
	if status, answer := s.asks(fails.Version, "nightly"); status != 409 || !answer.Refused || !strings.Contains(answer.Sentence, condemned) {
		t.Errorf("asked by the API: %d %+v, want it refused", status, answer)
	}
	s.tag(fails.Version)
	s.await("the tag to be refused", func() bool { return strings.Contains(s.logged(), condemned) })
	s.quiet()
	if head, err := s.head(); err != nil || head != s.was.Head || len(s.runs()) != 1 || len(s.Chat.Messages()) != s.was.Messages {
		t.Errorf("the repository stands at %s with %d runs, want %s with one (%v)", head, len(s.runs()), s.was.Head, err)
	}
	forced := fails
	forced.Rules, forced.Want = nil, works.Want
	forced.Want.Cause = []string{"Forced although the version is condemned: flaky"}
	for _, given := range []scenario{forced, works} { // another one in between, so that the next is news
		s.observe()
		s.script(given)
		line := "promote integration " + given.Version
		if given.Version == forced.Version {
			line += " --force flaky"
		}
		s.types(typed{line: line, says: []string{"is queued"}})
		s.ends(given)
	}
	s.types(typed{line: "promote integration " + fails.Version, says: []string{"is queued"}, not: "condemned"})
	s.await("the version to be there again", func() bool { return s.GitLab.Deployed("int/kv") == fails.Version })
}

// A condemned release is refused. A person who brings it back by hand is reported once,
// with the commit, and what they set is left alone.
func TestCondemnedReturns(t *testing.T) {
	t.Parallel()
	given := scenarios[5]
	s := newScene(t)
	s.play(given)
	by := s.report(given.Version).Run.ID
	s.types(typed{line: "promote release " + given.Version, code: 1, says: []string{"is condemned on track release by run " + by + " (gate e2e-test-abn failed: "}})
	reports := func() int {
		n := 0
		for _, m := range s.Chat.Messages() {
			if strings.Contains(said(m), given.Version+" stands in abn again (kv, mds), although this run has put it back: a person has brought it back by hand") {
				n++
			}
		}
		return n
	}
	bring := []edit{{valuesFile("abn", "kv"), firstVersion, given.Version}, {valuesFile("abn", "mds"), firstVersion, given.Version}}
	for n, change := range [][]edit{bring, nil} {
		s.edits(change...)
		head, err := s.head()
		if err != nil {
			t.Fatal(err)
		}
		s.serve() // it looks when it starts
		s.await("a report", func() bool { return reports() > 0 })
		s.quiet()
		if got := reports(); got != 1 {
			t.Errorf("at look %d people were told %d times, want once", n+1, got)
		}
		if now, err := s.head(); err != nil || now != head {
			t.Errorf("the repository stands at %s, want %s (%v)", now, head, err)
		}
	}
	if run := s.report(given.Version).Run; run.State != bot.RolledBack {
		t.Errorf("the run is %s, want it to stay rolled back", run.State)
	}
	s.told("who did it", func(m fixtures.Message) bool {
		return isCall(m) && m.Thread != "" && strings.Contains(said(m), "by Olga Operator")
	})
}

// A version that has not passed another track is refused on one that wants it, and goes
// when it has.
func TestFrom(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	s.rewrite("    supersede: none\n", "    from: integration\n")
	s.begin()
	promote := "promote release " + released.Version
	s.types(typed{line: promote, code: 1, says: []string{
		"mda " + released.Version + " may go through track release once it has finished track integration well, and it was never there: ask again when it has\n",
	}})
	s.quiet()
	s.stands(firstVersion, environments...)
	s.script(works)
	s.tag(released.Version)
	s.reaches(released.Version, bot.Done)
	s.quiet()
	s.observe()
	s.script(released)
	s.types(typed{line: promote, says: []string{"is queued"}})
	s.ends(released)
	s.stands(released.Version, environments...)
}
