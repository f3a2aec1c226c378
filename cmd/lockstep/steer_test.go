package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
)

// What people are told of two runs, of which the second was put back.
func TestCommandsThatTell(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(scenarios[0])
	first := s.report(scenarios[0].Version).Run.ID
	s.observe()
	s.play(scenarios[1])
	second := s.report(scenarios[1].Version).Run.ID
	for _, command := range []typed{
		{line: "why kv --environment int", says: []string{
			"kv in int runs mda 2026.11.1 since ", ": run " + second + " put it back from 2026.11.2 (gate int-test failed: ",
			"; run " + first + " had brought it on ", "asked for by a tag, pushed by data-team (gates: int-test passed)\n",
		}},
		{line: "why kv --environment int --output json", says: []string{`"version":"2026.11.1"`, `"run":"` + first, `"back":{"run":"` + second + `","from":"2026.11.2"`}},
		{line: "why kv --environment int --at 1h", says: []string{"Lockstep had never deployed mda to kv in int before ", "; then run " + first + " brought 2026.11.1, on "}},
		{line: "why kv", says: []string{
			"ENVIRONMENT  VERSION", "\nint          mda 2026.11.1  ", "put back from 2026.11.2 by run " + second, "\nprd          -", "never deployed\n",
		}},
		{line: "why kv --at 2001-02-03", says: []string{"\nint          -", "  never deployed; then run " + first + " made it 2026.11.1\n"}},
		{line: "why kv --at tomorrow", code: 1, says: []string{"at must be a time such as"}},
		{line: "why " + second, says: []string{"run " + second + " waits for nothing, it has ended: failed, rolled back ("}},
		{line: "why " + second + " --output json", says: []string{`"result":"failed, rolled back"`}},
		{line: "why 019378c2-6f1e-7cc0-a5b8-3a1f4c1f9a52", code: 1, says: []string{`there is no run "019378c2-6f1e-7cc0-a5b8-3a1f4c1f9a52"`}},
		{line: "queue", says: []string{"integration\n  free\n"}},
		{line: "queue integration --output json", says: []string{`{"lanes":[{"lane":"integration"`}},
		{line: "queue elsewhere", code: 1, says: []string{`no lane "elsewhere" has had a run: have integration`}},
		{line: "hold " + first + " --by olga", code: 1, says: []string{"has ended: success"}},
		{line: "retry " + first + " --by olga", code: 1},
		{line: "retry nobody", code: 1, says: []string{"nobody"}},
	} {
		command.types(t.Context(), t, s.Config)
	}
	holdAudit(t, s, first, second)
}

// holdAudit holds the audit log to having the decisions of runs, in order.
func holdAudit(t *testing.T, s *scene, runs ...string) {
	t.Helper()
	var out, refusal bytes.Buffer
	if code := run(t.Context(), []string{"audit", "--since", "1h", "--config", s.Config}, &out, &refusal); code != 0 {
		t.Fatalf("exit code %d: %s", code, &refusal)
	}
	var decided []string
	for text := range strings.Lines(out.String()) {
		var line bot.AuditLine
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Sentence == "" {
			t.Errorf("%s: %v", text, err)
		}
		if line.Kind == bot.AuditDecision && !slices.Contains(decided, line.Run) {
			decided = append(decided, line.Run)
		}
	}
	if !slices.Equal(decided, runs) {
		t.Errorf("the log decides on %q, want %q", decided, runs)
	}
	typed{line: "audit --since 2001-01-01 --until 2001-01-02"}.types(t.Context(), t, s.Config)
	typed{line: "audit --since yesterday", code: 1, says: []string{"since must be a time such as"}}.types(t.Context(), t, s.Config)
}

// A token is shown once, speaks in its name while it counts, and not after it was revoked.
func TestCommandsForTokens(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var out, told bytes.Buffer
	line := []string{"token", "create", "nightly job", "--scope", "run", "--by", "olga", "--config", s.Config}
	if code := run(t.Context(), line, &out, &told); code != 0 || !strings.HasPrefix(out.String(), bot.TokenPrefix) || strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("exit code %d\n%s%s", code, &out, &told)
	}
	token := strings.TrimSpace(out.String())
	id := bot.TokenID(token)
	if !strings.Contains(told.String(), "token "+id+" of nightly job counts until ") || strings.Contains(told.String(), token) {
		t.Errorf("standard error has %q", &told)
	}
	job := program(t.Context(), "token", "list", "--config", s.Config) // where a job of GitLab CI has its token
	job.Env = append(os.Environ(), "LOCKSTEP_ID_TOKEN="+token)
	if said, err := job.CombinedOutput(); err == nil || !strings.Contains(string(said), "API token nightly job may not do this: it needs scope admin") {
		t.Errorf("with the token in LOCKSTEP_ID_TOKEN: %v: %s", err, said)
	}
	for _, command := range []typed{
		{line: "token list", says: []string{"ID  ", id + "  nightly job  run  ", "olga", "  counts\n"}, not: token},
		{line: "token list --output json", says: []string{`[{"id":"` + id}, not: token},
		{line: "token create x --scope all", code: 1, says: []string{`"scopes" holds "all", which is none: the scopes are read, run`}},
		{line: "token create x --scope run --expires soon", code: 1, says: []string{`"expires" must be a time`}},
		{line: "token create x --scope run --expires 720h --output json", says: []string{`{"secret":"` + bot.TokenPrefix, `"name":"x"`}},
		{line: "token revoke " + id + " --by olga", says: []string{"token " + id + " of nightly job counts no more\n"}},
		{line: "token list", says: []string{"revoked by olga\n"}},
		{line: "token revoke nothing", code: 1, says: []string{`there is no token "nothing"`}},
	} {
		command.types(t.Context(), t, s.Config)
	}
}
