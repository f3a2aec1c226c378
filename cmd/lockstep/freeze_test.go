package main

import (
	"bytes"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
)

// What an operator freezes starts no run, says until when and why, and goes on when it is
// thawed; the red button does so for everything.
func TestCommandsThatFreeze(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, command := range []typed{
		{line: "freeze --reason fair", code: 2, says: []string{"name a lane or a track, or write --all for everything"}},
		{line: "freeze release --all --reason fair", code: 2, says: []string{"name a lane, or write --all, not both"}},
		{line: "thaw", code: 2, says: []string{"name a lane or a track, or write --all for everything"}},
		{line: "freeze integration", code: 2, says: []string{"missing flags: --reason"}},
		{line: "freeze elsewhere --reason fair", code: 1, says: []string{`unknown lane or track "elsewhere": have integration`}},
		{line: "freeze integration --reason fair --until yesterday", code: 1, says: []string{`"until" must be a time such as`}},
		{line: "freeze integration --reason fair --until 2001-02-03", code: 1, says: []string{`"until" is past`}},
		{line: "thaw --all", code: 1, says: []string{"everything is not frozen"}},
		{line: "freeze --all --by olga --reason fire --until 2h", says: []string{"everything is frozen by olga until ", ": fire\n"}},
		{line: "freeze integration --by olga --reason fair", says: []string{"lane integration is frozen by olga: fair\n"}},
	} {
		command.types(t.Context(), t, s.Config)
	}
	s.tag(nextVersion)
	waiting := s.reaches(nextVersion, bot.Queued).Run.ID
	for _, command := range []typed{
		{line: "run " + waiting, says: []string{"\nwaits: next in lane integration, which is frozen by olga: fair"}},
		{line: "thaw integration --by olga", says: []string{"lane integration is thawed\n"}},
		{line: "run " + waiting, says: []string{"which is frozen with everything by olga until ", ": fire"}},
		{line: "status", says: []string{"  frozen by olga since ", " until ", ", with everything: fire\n  thaw it with: lockstep thaw --all\n"}},
		{line: "thaw integration", code: 1, says: []string{"everything is: lockstep thaw --all"}},
		{line: "thaw --all --by olga", says: []string{"everything is thawed"}},
	} {
		command.types(t.Context(), t, s.Config)
	}
	s.reaches(nextVersion, bot.Done)
	for _, command := range []typed{
		{line: "schedules", says: []string{"no schedule is configured"}},
		{line: "schedules --output json", says: []string{`{"schedules":[]}`}},
	} {
		command.types(t.Context(), t, s.Config)
	}
}

// The next times of a schedule are shown as the clocks of its zone do, also where they
// are changed.
func TestScheduleIsShown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	con := &console{out: &out}
	con.schedule(web.ScheduleReport{
		Track: "integration", Name: "nightly", Package: "mda", Cron: "30 2 * * *", Zone: "Europe/Berlin", Version: "latest",
		Next: []time.Time{time.Date(2026, 3, 28, 1, 30, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)},
		Last: &bot.Slot{Local: "2026-03-27 02:30 Europe/Berlin", Version: "7", Sentence: "run 1 is queued"},
	})
	want := `nightly of integration: mda latest at 30 2 * * * (Europe/Berlin)
  last  2026-03-27 02:30 Europe/Berlin: 7: run 1 is queued
  next  Sat 2026-03-28 02:30 CET
  next  Sun 2026-03-29 03:00 CEST
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}
