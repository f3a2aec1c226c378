package main

import (
	"context"

	"lockstep/bot"
	"lockstep/bot/web"
)

// retryCmd asks for what has failed once more.
type retryCmd struct {
	serverFlag
	wordsFlag
	waitFlag
	output
	ID string `arg:"" help:"The id of the run that has failed." name:"run"`
}

// Help says more than one line.
func (retryCmd) Help() string {
	return `Takes the version of a run that was put back through its track once more, although it
is condemned: the reason is kept. Where putting back has failed, that is tried again.

    lockstep retry ID --reason "the gate itself was broken"` + waitsForRun + asksServer
}

// Run asks the server.
func (c *retryCmd) Run(ctx context.Context, con *console) error {
	return c.command(ctx, con, bot.VerbRetry, "runs/"+segment(c.ID)+"/retry", web.Words{By: c.By, Reason: c.Reason}, c.waitFlag, c.Output)
}

// holdCmd keeps a run from changing anything more.
type holdCmd struct {
	serverFlag
	wordsFlag
	output
	ID string `arg:"" help:"The run's id." name:"run"`
}

// Help says more than one line.
func (holdCmd) Help() string {
	return `A held run changes nothing more until somebody says resume or cancel. What it has
merged is still watched, and put back when a deployment or a gate fails.

    lockstep hold ID --reason "the fair"` + asksServer
}

// Run tells the server.
func (c *holdCmd) Run(ctx context.Context, con *console) error {
	return c.steer(ctx, con, c.wordsFlag, c.Output, "runs", c.ID, "hold")
}
