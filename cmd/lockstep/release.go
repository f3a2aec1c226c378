package main

import (
	"context"

	"lockstep/bot"
	"lockstep/bot/web"
)

// promoteCmd asks for a run.
type promoteCmd struct {
	serverFlag
	waitFlag
	output
	Track   string `arg:"" help:"The track that the version is to go through."`
	Version string `arg:"" help:"The version of the data package."`
	Package string `help:"The data package; needed where the track takes several." placeholder:"NAME"`
	By      string `help:"Who asks." env:"LOCKSTEP_USER,USER" placeholder:"NAME"`
	Reason  string `help:"Why; it is kept with the run."`
	Force   string `help:"Deploy the version although it is condemned, for this reason; it is kept with the run." placeholder:"REASON"`
}

// Help says more than one line.
func (promoteCmd) Help() string {
	return `Asks for a run of a version through a track. A version that the run before has rolled
back there is condemned and refused, unless a reason is given:

    lockstep promote release 2026.11.4 --wait
    lockstep promote integration 2026.11.3 --force "the gate itself was broken"` + waitsForRun + asksServer
}

// Run asks the server.
func (c *promoteCmd) Run(ctx context.Context, con *console) error {
	wanted := web.Wanted{Package: c.Package, Track: c.Track, Version: c.Version, By: c.By, Reason: c.Reason, Force: c.Force}
	return c.command(ctx, con, bot.VerbPromote, "runs", wanted, c.waitFlag, c.Output)
}

// rollbackCmd undoes a run that has finished.
type rollbackCmd struct {
	serverFlag
	wordsFlag
	waitFlag
	output
	ID string `arg:"" help:"The id of the run that is to be undone." name:"run"`
}

// Help says more than one line.
func (rollbackCmd) Help() string {
	return `Puts back what a finished run has deployed, in every environment of the run, as a run of
its own: by value, so that what people or later runs have set since is left alone. The
last good versions go back too. A run under way is cancelled instead.

    lockstep rollback ID --reason "prices of yesterday" --wait` + waitsForRun + asksServer
}

// Run asks the server.
func (c *rollbackCmd) Run(ctx context.Context, con *console) error {
	return c.command(ctx, con, bot.VerbRollback, "runs/"+segment(c.ID)+"/rollback", web.Words{By: c.By, Reason: c.Reason}, c.waitFlag, c.Output)
}

// confirmCmd answers an approval gate with yes.
type confirmCmd struct{ opinionCmd }

// Help says more than one line.
func (confirmCmd) Help() string {
	return `Approves a gate that waits for people. "lockstep run ID" says what it waits for and who
may answer. The first answer of each counts.

    lockstep confirm ID go-live` + asksServer
}

// Run tells the server.
func (c *confirmCmd) Run(ctx context.Context, con *console) error {
	return c.answer(ctx, con, "confirm")
}

// denyCmd answers an approval gate with no.
type denyCmd struct{ opinionCmd }

// Help says more than one line.
func (denyCmd) Help() string {
	return `Denies a gate that waits for people: it fails, and unless it may fail the run puts back
what it wrote. One who denies is enough.

    lockstep deny ID go-live --reason "month end"` + asksServer
}

// Run tells the server.
func (c *denyCmd) Run(ctx context.Context, con *console) error {
	return c.answer(ctx, con, "deny")
}

// An opinionCmd is an answer to an approval gate.
type opinionCmd struct {
	serverFlag
	wordsFlag
	output
	ID          string `arg:"" help:"The run's id." name:"run"`
	Gate        string `arg:"" help:"The gate's name."`
	Environment string `help:"The gate's environment; needed where several stages have a gate of that name." placeholder:"NAME"`
}

// answer tells the server yes or no.
func (c *opinionCmd) answer(ctx context.Context, con *console, verb string) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	return api.tell(ctx, con, "runs/"+segment(c.ID)+"/"+verb, map[string]string{
		"gate": c.Gate, "environment": c.Environment, "by": c.By, "reason": c.Reason,
	}, c.Output)
}
