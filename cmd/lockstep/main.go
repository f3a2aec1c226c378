// Command lockstep deploys data versions like software: a version of a data package
// moves through the environments of a track, with every service that shares it, as
// one unit; and when a deployment or a gate fails, everything is put back.
//
// The tour: a hook, a poll or a client of the API asks for a run (bot/trigger), which
// is stored before it is answered (bot/store). When its lane is free the engine
// (bot/engine) takes it step by step: bot.Step looks at the world and says what it
// learned, Run.Apply moves the run, and the store saves both with what people are to
// be told (bot/notify). What a step sees and does outside goes through gitops/repo,
// gitops/gitlab, gitops/watch, gates and bot/data. Read bot/bot.go (the states), then
// bot/step.go (the whole process).
//
// This package wires them (server.go), serves them (serve.go), and holds the
// subcommands, one file each. The demo plays the runs of the product against the
// simulated outside of package fixtures, through the very same server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "dev"

// The exit codes of every command. Those from 3 on tell how the run has ended that a
// command with --wait waited for.
const (
	exitOK             = 0 // it did what was asked; the run ended well
	exitFailed         = 1 // it could not, or what it found is not well; the run was refused, cancelled or superseded
	exitMisused        = 2 // the command line or the configuration is wrong; nothing was done
	exitWarned         = 3 // the run ended well, with warnings
	exitRolledBack     = 4 // the run failed, and everything was put back
	exitRollbackFailed = 5 // the run failed, and not everything could be put back
	exitLate           = 6 // the run has not ended in time: it goes on, or waits for a person
)

// A cli is the command line.
type cli struct {
	Serve     serveCmd     `cmd:"" help:"Run the bot: take hooks and requests, take runs through their tracks."`
	Demo      demoCmd      `cmd:"" help:"Play the runs of the product on a simulated GitLab, with nothing to set up."`
	Check     checkCmd     `cmd:"" help:"Check the configuration, and whether GitLab lets the bot do its work."`
	Edit      editCmd      `cmd:"" help:"Set a version in local files, and change not one other byte."`
	Status    statusCmd    `cmd:"" help:"Show the lanes: who holds each, who waits, what is frozen."`
	Runs      runsCmd      `cmd:"" help:"List runs, the newest first."`
	Run       runCmd       `cmd:"" help:"Show one run: where it stands, and every decision with its sentence."`
	Services  servicesCmd  `cmd:"" help:"Show which services use a data package, and how each was found."`
	Plan      planCmd      `cmd:"" help:"Show what a run would do, and rehearse its rollback; change nothing."`
	Promote   promoteCmd   `cmd:"" help:"Ask for a run of a version through a track."`
	Rollback  rollbackCmd  `cmd:"" help:"Undo a finished run: put back what it has deployed."`
	Retry     retryCmd     `cmd:"" help:"Ask once more for what has failed: a run, or its rollback."`
	Confirm   confirmCmd   `cmd:"" help:"Approve a gate that waits for people."`
	Deny      denyCmd      `cmd:"" help:"Deny a gate that waits for people."`
	Hold      holdCmd      `cmd:"" help:"Keep a run from changing anything more."`
	Resume    resumeCmd    `cmd:"" help:"Let a run go on that is held or stalled."`
	Cancel    cancelCmd    `cmd:"" help:"Cancel a run; what it wrote is put back."`
	Freeze    freezeCmd    `cmd:"" help:"Keep runs from beginning, and from going on to their next stage."`
	Thaw      thawCmd      `cmd:"" help:"Let a frozen lane go on."`
	Why       whyCmd       `cmd:"" help:"Say why a service runs what it runs, or what a run waits for."`
	Queue     queueCmd     `cmd:"" help:"Show which run holds a lane, and which ones wait and for what."`
	Schedules schedulesCmd `cmd:"" help:"Show the next times of every schedule, and what became of the last."`
	Drift     driftCmd     `cmd:"" help:"Show where Git, parameters and the deployment disagree."`
	Token     tokenCmd     `cmd:"" help:"Make, list and revoke tokens of the API."`
	Audit     auditCmd     `cmd:"" help:"Print the audit log: who did what, when and from where."`
	Version   versionCmd   `cmd:"" help:"Print the version."`

	Completion completionCmd `cmd:"" help:"Print what makes a shell complete commands and flags."`
}

// output is the flag of every command that prints.
type output struct {
	Output string `help:"Print text for people (the default), or json." enum:"text,json" default:"text" placeholder:"text|json"`
}

const description = `Lockstep moves one version of a data package through the environments of a track,
with every service that shares it, and puts everything back when a deployment or a
gate fails.

Begin with "lockstep demo". Then write a lockstep.yaml (docs/lockstep.example.yaml
explains every field), try it with "lockstep check", and start "lockstep serve".

Exit codes: 0 done, 1 it failed or is not well, 2 the command line or the
configuration is wrong and nothing was done. With --wait also 3 to 6: see
"lockstep promote --help".`

// errSilent ends a command with exit code 1 after it has said why itself.
var errSilent = errors.New("said already")

// errMisused marks errors of the command line or the configuration.
var errMisused = errors.New("misused")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	code, exited := exitOK, false
	parser := newParser(ctx, stdout, stderr, func(c int) { code, exited = c, true })
	if completed(parser) {
		return exitOK
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "lockstep: %v (see lockstep --help)\n", err)
		return exitMisused
	}
	return exitCode(command.Run(), stderr)
}

// newParser returns the parser of command lines.
func newParser(ctx context.Context, stdout, stderr io.Writer, exit func(code int)) *kong.Kong {
	parser, err := kong.New(&cli{},
		kong.Name("lockstep"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(exit),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.Bind(&console{out: stdout, err: stderr}),
	)
	if err != nil {
		panic("lockstep: command line: " + err.Error())
	}
	return parser
}

// exitCode returns the exit code of a command that came to err, which is said unless the
// command has said it.
func exitCode(err error, stderr io.Writer) int {
	told, isTold := errors.AsType[ended](err)
	switch {
	case err == nil:
		return exitOK
	case isTold:
		return int(told)
	case errors.Is(err, errSilent):
		return exitFailed
	}
	fmt.Fprintf(stderr, "lockstep: %v\n", err)
	if errors.Is(err, errMisused) {
		return exitMisused
	}
	return exitFailed
}

// A console is where a command prints.
type console struct {
	out, err io.Writer
}

// misused wraps an error of the command line or the configuration.
func misused(err error) error { return misuse{err} }

// misuse is an error that reads as its cause.
type misuse struct{ error }

func (m misuse) Is(target error) bool { return target == errMisused }

func (m misuse) Unwrap() error { return m.error }

// versionCmd prints the version.
type versionCmd struct{ output }

// Run prints it.
func (c *versionCmd) Run(con *console) error {
	if c.Output == "json" {
		return con.json(map[string]string{"version": version})
	}
	_, err := fmt.Fprintf(con.out, "lockstep %s\n", version)
	return err
}
