package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"lockstep/fixtures"
)

// What a command in another process says of its run: its exit code, and the versions in
// the environment after it.
func TestWaitForAServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, scenarios[0], "")
	b.start(t)
	first := b.types(t, scenarios[0], 0, "promote", "integration", "2026.11.1")
	b.types(t, scenario{}, 0, "rollback", first, "--reason", "wrong prices")
	b.stands(t, "int", firstVersion)
	b.types(t, scenarios[1], 4, "promote", "integration", "2026.11.2")
	b.stands(t, "int", firstVersion)
	b.types(t, scenarios[4], 3, "promote", "release", "2026.11.5")
	b.stands(t, "prd", "2026.11.5")
	b.types(t, scenarios[2], 5, "promote", "integration", "2026.11.3")
	b.types(t, scenario{}, 1, "promote", "integration", "no-version")
}

// A command that waits goes on when the server is killed and started again, at whatever
// moment that is.
func TestWaitOutlivesTheServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, scenarios[0], "")
	b.script(t, scenarios[0])
	stick := func(status string) {
		if err := b.world.GitLab.StuckMerge(envProject, status); err != nil {
			t.Fatal(err)
		}
	}
	stick("checking")
	command := b.command(t, "promote", "integration", "2026.11.1") // before there is a server
	proposed := make(chan struct{})
	said := &watched{part: "proposed", seen: sync.OnceFunc(func() { close(proposed) })}
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	b.start(t)
	select {
	case <-proposed:
	case err := <-ended:
		t.Fatalf("it ends early with %v:\n%s", err, said)
	}
	b.kill(t)
	stick("")
	b.start(t)
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v:\n%s", err, said)
	}
	b.stands(t, "int", "2026.11.1")
	if got := len(b.world.GitLab.MergeRequests(envProject)); got != 1 {
		t.Errorf("%d merge requests, want 1", got)
	}
}

// runIn finds the run that the server answers with.
var runIn = regexp.MustCompile(`run ([0-9a-f-]{36})`)

// types runs a command that waits, while the outside does what is given, and returns the
// run that it names first.
func (b *bench) types(t *testing.T, given scenario, code int, args ...string) string {
	t.Helper()
	b.script(t, given)
	command := b.command(t, args...)
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	_ = command.Run() // its exit code says it
	if got := command.ProcessState.ExitCode(); got != code {
		t.Fatalf("lockstep %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, code, &said, b.log())
	}
	if run := runIn.FindStringSubmatch(said.String()); run != nil {
		return run[1]
	}
	return ""
}

// command returns a command that waits for its run.
func (b *bench) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	command := program(t.Context(), append(args, "--wait", "--timeout", "5m", "--config", b.world.Config)...)
	command.Env = append(os.Environ(), "LOCKSTEP_USER=ana")
	return command
}

// script lets the outside do what is given.
func (b *bench) script(t *testing.T, given scenario) {
	t.Helper()
	was, err := b.world.observe()
	if err != nil {
		t.Fatal(err)
	}
	var rules []fixtures.Rule
	if given.Version != "" {
		rules = given.rules(b.world, was, "", pace)
	}
	b.world.GitLab.Script(rules...)
}

// unquoted takes the quotes from a text.
var unquoted = strings.NewReplacer("'", "", `"`, "")

// stands holds the values of an environment against the version that they have to name.
func (b *bench) stands(t *testing.T, environment, version string) {
	t.Helper()
	for _, service := range services {
		text, err := b.world.git("show", "main:"+valuesFile(environment, service))
		if err != nil || !slices.Contains(strings.Fields(unquoted.Replace(text)), version) {
			t.Errorf("%s of %s has %q (%v), want %s", service, environment, text, err, version)
		}
	}
}
