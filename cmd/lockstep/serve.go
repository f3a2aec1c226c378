package main

import (
	"context"
	"log/slog"

	"lockstep/bot"
)

// configFlag is the flag of every command that reads the configuration.
type configFlag struct {
	Config string `help:"The configuration file; lockstep.yaml by default." default:"lockstep.yaml" env:"LOCKSTEP_CONFIG" placeholder:"FILE"`
}

// load reads the configuration; its mistakes are the user's to mend.
func (c configFlag) load() (*bot.Config, error) {
	cfg, err := bot.LoadConfig(c.Config)
	if err != nil {
		return nil, misused(err)
	}
	return cfg, nil
}

// serveCmd runs the bot.
type serveCmd struct {
	configFlag
	LogLevel slog.Level `help:"debug, info (the default), warn or error." default:"info" placeholder:"LEVEL"`
}

// Help says more than one line.
func (serveCmd) Help() string {
	return `Takes webhooks of GitLab at POST /webhooks/gitlab and requests at POST /api/v1/runs,
polls the tags of data projects for hooks that were lost, and takes each run through
its track. It can be killed at any moment: the next start goes on where it was.

The log goes to standard error as JSON lines.`
}

// Run serves until it is interrupted.
func (c *serveCmd) Run(ctx context.Context, con *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(con.err, &slog.HandlerOptions{Level: c.LogLevel}))
	return serve(ctx, cfg, log, nil)
}
