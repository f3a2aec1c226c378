package main

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// The command line as people type it: each script runs the program itself.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "sentence": sentence, "width": width},
	})
}

// exits CODE PROGRAM ARGS… runs a program, which must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	got, exit := 0, new(exec.ExitError)
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

// sentence TEXT holds the last program to one line on standard error that begins with
// its name and has TEXT in it, and to nothing on standard output.
func sentence(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sentence text")
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output has %q, want nothing", out)
	}
	said := ts.ReadFile("stderr")
	if !strings.HasPrefix(said, "lockstep: ") || strings.Count(said, "\n") != 1 || !strings.Contains(said, args[0]) {
		ts.Fatalf("standard error has %q, want one line with %q", said, args[0])
	}
}

// width N holds what the last program printed to N columns.
func width(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: width columns")
	}
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > most {
			ts.Fatalf("a line has %d columns, want at most %d: %s", n, most, line)
		}
	}
}
