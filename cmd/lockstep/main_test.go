package main

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// identity is who the program is to the simulated AWS.
var identity = map[string]string{"AWS_ACCESS_KEY_ID": "AKIADEMO", "AWS_SECRET_ACCESS_KEY": "demo", "AWS_EC2_METADATA_DISABLED": "true"}

// TestMain puts the test binary into the path as lockstep itself, so that scripts can
// run the very program and tests can kill it as a child process.
func TestMain(m *testing.M) {
	for name, value := range identity {
		os.Setenv(name, value)
	}
	testscript.Main(m, map[string]func(){"lockstep": main})
}

// program returns lockstep as a command to run.
func program(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "lockstep", args...)
}
