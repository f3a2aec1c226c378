package main

import (
	"context"
	"errors"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
)

// freezeCmd freezes a lane or all of them.
type freezeCmd struct {
	serverFlag
	output
	Lane   string `arg:"" optional:"" help:"The lane, or a track for its lane."`
	All    bool   `help:"The red button: freeze everything."`
	By     string `help:"Who says it." env:"LOCKSTEP_USER,USER" placeholder:"NAME"`
	Reason string `help:"Why; those who wait are told." required:""`
	Until  string `help:"When it ends by itself: how long it lasts, or a time here. Until it is thawed when left out." placeholder:"2h|'2026-11-30 08:00'"`
}

// Help says more than one line.
func (freezeCmd) Help() string {
	return `No new run starts, and a run under way waits before its next stage. What is being
deployed goes on to the end of its stage, and rollbacks always go.

    lockstep freeze release --reason "the fair" --until "2026-11-30 08:00"
    lockstep freeze --all --reason "the network is being mended" --until 2h` + asksServer
}

// Run tells the server.
func (c *freezeCmd) Run(ctx context.Context, con *console) error {
	path, err := lanePath(c.Lane, c.All, "freeze")
	if err != nil {
		return err
	}
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	return api.tell(ctx, con, path, web.FreezeWords{By: c.By, Reason: c.Reason, Until: timeHere(c.Until)}, c.Output)
}

// timeHere returns a time as people write it here as the server reads it; what else it is,
// it stays.
func timeHere(text string) string {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at.Format(time.RFC3339)
		}
	}
	return text
}

// lanePath returns the path at which a lane, or everything, is told a verb.
func lanePath(lane string, all bool, verb string) (string, error) {
	switch {
	case all && lane != "":
		return "", misused(errors.New("name a lane, or write --all, not both"))
	case all:
		return verb, nil
	case lane == "":
		return "", misused(errors.New("name a lane or a track, or write --all for everything"))
	}
	return "lanes/" + segment(lane) + "/" + verb, nil
}

// ends says when a freeze ends by itself, as a part of a sentence.
func ends(f bot.Freeze) string {
	text := ""
	if !f.Until.IsZero() {
		text = " until " + clock(f.Until)
	}
	if f.All {
		text += ", with everything"
	}
	return text
}

// thawCmd thaws a lane or all of them.
type thawCmd struct {
	serverFlag
	wordsFlag
	output
	Lane string `arg:"" optional:"" help:"The lane, or a track for its lane."`
	All  bool   `help:"Release the red button; a lane that is frozen by itself stays so."`
}

// Help says more than one line.
func (thawCmd) Help() string {
	return `A lane freezes when the rollback of a run has failed: what is deployed is not what
it should be. Put the services right first; the run that waits next then starts.

    lockstep thaw integration --reason "kv was deployed by hand"` + asksServer
}

// Run tells the server.
func (c *thawCmd) Run(ctx context.Context, con *console) error {
	path, err := lanePath(c.Lane, c.All, "thaw")
	if err != nil {
		return err
	}
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	return api.tell(ctx, con, path, web.Words{By: c.By, Reason: c.Reason}, c.Output)
}
