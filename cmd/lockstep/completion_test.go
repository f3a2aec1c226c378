package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Bash asks the program, which answers with commands, flags and the values of flags.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	for line, want := range map[string]string{
		"lockstep pro":                   "promote",
		"lockstep re":                    "resume retry",
		"lockstep promote release 1 --w": "--wait",
		"lockstep token ":                "create list revoke",
		"lockstep completion f":          "fish",
		"lockstep runs --output j":       "json",
	} {
		script := completions["bash"] + `export COMP_LINE="$1" COMP_POINT=${#1}
			eval "set -- $(complete -p lockstep)" # complete -o default -C PROGRAM lockstep
			"$5"`
		out, err := exec.CommandContext(t.Context(), bash, "-c", script, "bash", line).CombinedOutput()
		if got := strings.Join(strings.Fields(string(out)), " "); err != nil || sorted(got) != want {
			t.Errorf("%q completes to %q (%v), want %q", line, got, err, want)
		}
	}
}

// sorted returns the words of a text in order.
func sorted(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// What is printed is a script that its shell can read.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for shell, script := range completions {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("%s is not installed", shell)
			}
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(script), fileMode); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), path, "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
