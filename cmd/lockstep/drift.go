package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/gitops"
)

// driftCmd shows where the environments of a track are not what they are to be.
type driftCmd struct {
	serverFlag
	output
	Track   string `arg:"" help:"The track; all when left out." optional:""`
	Package string `help:"The data package; all when left out." placeholder:"NAME"`
}

// Help says more than one line.
func (driftCmd) Help() string {
	return `Compares, for each environment of a track, what Git names for every service, what the
parameters hold, and what is deployed. It changes nothing. A run that is under way
shows as drift.

Exit code 1 says that something disagrees, or that nobody could tell.` + asksServer
}

// Run asks the server.
func (c *driftCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	api.http.Timeout = 2 * time.Minute // it asks everything outside
	var list web.DriftList
	if err := api.get(ctx, "drift?"+url.Values{"track": {c.Track}, "package": {c.Package}}.Encode(), &list); err != nil {
		return err
	}
	if c.Output == "json" {
		if err := con.json(list); err != nil {
			return err
		}
	}
	well := true
	for _, report := range list.Drifts {
		for _, d := range report.Environments {
			well = well && len(d.Disagree) == 0 && len(d.Unsure) == 0
			if c.Output == "text" {
				con.drift(report.Package+" on "+report.Track+",", d)
			}
		}
	}
	if !well {
		return errSilent
	}
	return nil
}

// drift prints one environment.
func (c *console) drift(of string, d bot.Drift) {
	mark := "ok  "
	switch {
	case len(d.Disagree) > 0:
		mark = "BAD "
	case len(d.Unsure) > 0:
		mark = "?   "
	}
	c.printf("%s %s %s: %s\n", mark, of, d.Environment, names(d))
	for _, sentence := range append(d.Disagree, d.Unsure...) {
		c.printf("     %s\n", sentence)
	}
}

// names says what the services of an environment are to run and what the parameters
// hold.
func names(d bot.Drift) string {
	byVersion := map[gitops.Version][]string{}
	var order []gitops.Version
	for _, s := range d.Services {
		if byVersion[s.Version] == nil {
			order = append(order, s.Version)
		}
		byVersion[s.Version] = append(byVersion[s.Version], s.Name)
	}
	var parts []string
	for _, v := range order {
		parts = append(parts, string(v)+" in "+strings.Join(byVersion[v], ", "))
	}
	for _, held := range []*bot.Held{d.Deploy, d.Record} {
		if held != nil && held.Value != "" {
			parts = append(parts, string(held.Value)+" in parameter "+held.Name)
		}
	}
	return strings.Join(parts, "; ")
}
