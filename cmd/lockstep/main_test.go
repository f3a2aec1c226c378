package main

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts the test binary into the path as lockstep itself, so that scripts can
// run the very program and tests can kill it as a child process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lockstep": main})
}

// program returns lockstep as a command to run.
func program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "lockstep", args...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIADEMO", "AWS_SECRET_ACCESS_KEY=demo", "AWS_EC2_METADATA_DISABLED=true")
	return cmd
}
