package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/bot"
)

// A typed is a command line, and what must come of it.
type typed struct {
	line string   // words between spaces
	code int      // exit code
	says []string // what is printed, in parts: on standard output, or, after a refusal, on standard error
	not  string   // what is not printed
}

// types runs a command line and holds it against what must come of it.
func (want typed) types(ctx context.Context, t *testing.T, config string) {
	t.Helper()
	var out, refusal bytes.Buffer
	code := run(ctx, append(strings.Fields(want.line), "--config", config), &out, &refusal)
	said, silent := out.String(), refusal.String()
	if silent != "" && said == "" {
		said, silent = silent, said
	}
	if code != want.code || silent != "" {
		t.Errorf("lockstep %s: exit code %d, want %d\n%s%s", want.line, code, want.code, said, silent)
	}
	for _, part := range want.says {
		if !strings.Contains(said, part) {
			t.Errorf("lockstep %s prints\n%swant %q in it", want.line, said, part)
		}
	}
	if want.not != "" && strings.Contains(said, want.not) {
		t.Errorf("lockstep %s prints\n%swant no %q in it", want.line, said, want.not)
	}
}

// What an operator sees and says when a rollback failed and the next run waits.
func TestCommandsAtFrozenLane(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(scenarios[2])
	failed := s.report(scenarios[2].Version).Run.ID
	s.tag(nextVersion)
	waiting := s.reaches(nextVersion, bot.Queued).Run.ID
	const ended = "has ended: failed, rollback failed"
	for _, command := range []typed{
		{line: "status", says: []string{
			"integration\n  frozen by lockstep since ", "rollback of int failed: kv: ", "\n  thaw it with: lockstep thaw integration\n",
			"\n  1. mda " + nextVersion + " (" + waiting + "), asked for by a tag, pushed by data-team\n",
		}, not: "free"},
		{line: "status --output json", says: []string{`"waiting":[{"id":"` + waiting, `"frozen":[{"lane":"integration"`}},
		{line: "runs", says: []string{"RUN  ", waiting, failed, "  failed, rollback failed  "}},
		{line: "runs --output json", says: []string{`[{"id":"` + waiting, `{"id":"` + failed}},
		{line: "runs --state queued --track integration --lane integration --limit 1", says: []string{waiting}, not: "failed, rollback failed"},
		{line: "runs --track elsewhere", says: []string{"RUN  "}, not: "mda"},
		{line: "runs --state happy", code: 1, says: []string{`unknown state "happy": the states are ["queued" `}},
		{line: "runs --limit 0", code: 1, says: []string{"limit must be a number from 1 to 500"}},
		{line: "run " + failed, says: []string{
			"mda 2026.11.3 on track integration: failed, rollback failed\n", "\na person is needed: lockstep retry " + failed + " or lockstep thaw integration\n",
			"✘ fbv", "» int-test", "✘ kv", "  rollback failed  ", "/env/mda/-/jobs/",
		}},
		{line: "run " + failed + " --output json", says: []string{`"result":"failed, rollback failed"`, `,"lockstep thaw integration"]`}},
		{line: "run " + waiting, says: []string{": queued\n", "\nwaits: next in lane integration, which is frozen: ", "◐ integration"}},
		{line: "run nobody", code: 1, says: []string{`lockstep: there is no run "nobody"` + "\n"}},
		{line: "resume " + failed, code: 1, says: []string{ended}},
		{line: "cancel " + failed, code: 1, says: []string{ended}},
		{line: "resume nobody", code: 1, says: []string{`there is no run "nobody"`}},
		{line: "resume " + waiting, code: 1, says: []string{"is not stalled"}},
		{line: "thaw elsewhere", code: 1, says: []string{`unknown lane or track "elsewhere": have integration`}},
		{line: "thaw integration --by <b>", code: 1, says: []string{`"by" must be a name`}},
		{line: "cancel " + waiting + " --by olga --reason unwanted", says: []string{"run " + waiting + " is cancelled: it had not begun\n"}},
	} {
		command.types(t.Context(), t, s.Config)
	}
	s.reaches(nextVersion, bot.Cancelled)
	for _, command := range []typed{
		{line: "run " + waiting, says: []string{": cancelled\n", "cancelled by olga while it waited (unwanted)"}},
		{line: "thaw integration --by olga --output json", says: []string{`"sentence":"lane integration is thawed"}` + "\n"}},
		{line: "thaw integration --by olga", code: 1, says: []string{"lane integration is not frozen"}},
		{line: "status", says: []string{"integration\n  free\n"}, not: "frozen"},
		{line: "run " + failed, says: []string{": failed, rollback failed\n"}, not: "a person is needed"},
	} {
		command.types(t.Context(), t, s.Config)
	}
}

// What an operator sees and says when a run needs a person.
func TestCommandsAtStalledRun(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	typed{line: "status", says: []string{"no run has been asked for yet\n"}}.types(t.Context(), t, s.Config)
	given := scenarios[0]
	s.script(given)
	if err := s.GitLab.StuckMerge(envProject, "not_approved"); err != nil {
		t.Fatal(err)
	}
	s.tag(given.Version)
	s.reaches(given.Version, bot.Proposed)
	if err := s.GitLab.CloseMergeRequest(envProject, 1); err != nil {
		t.Fatal(err)
	}
	stalled := s.reaches(given.Version, bot.Stalled).Run.ID
	if err := s.GitLab.StuckMerge(envProject, ""); err != nil {
		t.Fatal(err)
	}
	for _, command := range []typed{
		{line: "status", says: []string{"  held by mda 2026.11.1 (" + stalled + "), stalled: ", "closed by operator"}},
		{line: "status --output json", says: []string{`"active":[]`, `"stalled":[{"id":"` + stalled}},
		{line: "runs --state stalled", says: []string{stalled, "closed by operator"}},
		{line: "run " + stalled, says: []string{"a person is needed: lockstep resume " + stalled + " or lockstep cancel " + stalled + "\n", "? a person is needed"}},
		{line: "resume " + stalled + " --by olga --output json", says: []string{`"sentence":"run ` + stalled + ` was told to resume"}` + "\n"}},
	} {
		command.types(t.Context(), t, s.Config)
	}
	s.reaches(given.Version, bot.Done)
	for _, command := range []typed{
		{line: "run " + stalled, says: []string{": success\n", "olga", "✔ success"}, not: "a person is needed"},
		{line: "cancel " + stalled, code: 1, says: []string{"has ended: success"}},
		{line: "status", says: []string{"integration\n  free\n"}},
	} {
		command.types(t.Context(), t, s.Config)
	}
}

// A mistake is what is changed in the configuration of a good world, and what check
// says to it.
type mistake struct {
	old, changed string
	want         typed
}

var mistakes = map[string]mistake{
	"none": {want: typed{line: "check", says: []string{
		": the configuration is valid\n", "ok   gitlab.token: resolves\n", ": GitLab 1", "ok   gitlab.token: belongs to lockstep-bot\n",
		"ok   qa/int-test: is there, default branch main, the bot is Maintainer (40)\n", "ok   mda on integration, int: fbv 2026.11.0, kv 2026.11.0, mds 2026.11.0, remo 2026.11.0\n",
		"ok   mda on release, prd: fbv 2026.11.0", "ok   bucket mda-preview: can be listed, for preview\n", "ok   bucket mda-live: can be listed, for live\n",
		"ok   parameter /mda/prd/data-version: holds 2026.11.0\n",
	}, not: "BAD"}},
	"none, json": {want: typed{line: "check --output json", says: []string{
		`{"what":"gitlab.token","ok":true,"says":"belongs to lockstep-bot"}` + "\n",
	}, not: `"ok":false`}},
	"reference to nothing": {"secrets/chat-token", "secrets/nothing", typed{line: "check", code: 1, says: []string{
		"BAD  notify.chat.rocketchat.token: ", "nothing",
	}, not: "GitLab 1"}},
	"GitLab away": {"gitlab:\n  url: ", "gitlab:\n  url: http://127.0.0.1:1 # not ", typed{line: "check", code: 1, says: []string{
		"BAD  http://127.0.0.1:1: ", "connection refused",
	}}},
	"wrong token": {"secrets/gitlab-token", "secrets/api-token", typed{line: "check", code: 1, says: []string{
		"BAD  gitlab.token: ", "401",
	}}},
	"no such project": {"qa/int-test", "qa/nothing", typed{line: "check", code: 1, says: []string{
		"BAD  qa/nothing: ", "check the name, and that the bot's user is a member\n", "ok   env/mda: ",
	}}},
	"no such branch": {"int:\n    repository: env/mda", "int:\n    repository: env/mda\n    branch: production", typed{line: "check", code: 1, says: []string{
		"BAD  mda on integration, int: ", "production",
	}}},
	"no such file": {"{glob: 'environments/int/*/values.yaml',", "{name: mds, file: int/mds.yaml,", typed{line: "check", code: 1, says: []string{
		"BAD  mda on integration, int: ", "int/mds.yaml",
	}}},
	"glob without files": {"environments/int/*/", "env/*/", typed{line: "check", code: 1, says: []string{
		"BAD  mda on integration, int: ", "no service found",
	}}},
	"no such bucket": {"name: mda-live", "name: mda-lief", typed{line: "check", code: 1, says: []string{
		"BAD  bucket mda-lief: ", "ok   bucket mda-preview: ",
	}}},
	"wrong external id": {"external_id: demo", "external_id: other", typed{line: "check", code: 1, says: []string{
		"BAD  bucket mda-live: ", "BAD  parameter /mda/prd/data-version: ", "check the external id",
	}}},
	"no such key": {"data.version", "data.release", typed{line: "check --output json", code: 1, says: []string{
		`"ok":false,"says":"`, "release",
	}}},
}

// Check names what is wrong with the outside, finds nothing wrong with a good one, and
// changes neither.
func TestCheck(t *testing.T) {
	t.Parallel()
	w, err := newWorld(t.TempDir(), worldOptions{Job: pace, Async: pace, Wait: pace, Poll: pace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	for name, test := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.types(t.Context(), t, w.altered(t, test.old, test.changed))
		})
	}
	t.Cleanup(func() {
		if calls := w.Journal.Calls(); len(calls) > 0 {
			t.Errorf("checking changed the outside: %v", calls)
		}
	})
}

// altered returns the path of a configuration like that of w with old replaced.
func (w *world) altered(t *testing.T, old, changed string) string {
	t.Helper()
	config, err := os.ReadFile(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(config, []byte(old)) {
		t.Fatalf("there is no %q in the configuration", old)
	}
	file := filepath.Join(t.TempDir(), "lockstep.yaml")
	if err := os.WriteFile(file, bytes.ReplaceAll(config, []byte(old), []byte(changed)), fileMode); err != nil {
		t.Fatal(err)
	}
	return file
}

// The token of another server is not taken, and what to do is said.
func TestWrongAPIToken(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := s.altered(t, "secrets/api-token", "secrets/hook-secret")
	for _, line := range []string{"status", "runs", "run nobody", "thaw integration", "resume nobody", "cancel nobody"} {
		typed{line: line, code: 1, says: []string{"does not take the token: set LOCKSTEP_TOKEN"}}.types(t.Context(), t, other)
	}
}
