package main

import (
	"cmp"
	"context"
	"net/url"
	"regexp"
	"strings"

	"lockstep/bot"
	"lockstep/bot/web"
)

// whyCmd says why a service runs what it runs, or what a run waits for.
type whyCmd struct {
	serverFlag
	output
	Subject     string `arg:"" help:"The service, or the id of a run." name:"service"`
	Environment string `help:"The environment; all when left out." placeholder:"NAME"`
	Package     string `help:"The data package; all when left out." placeholder:"NAME"`
	At          string `help:"When: a time here, or how long ago that is; now when left out." placeholder:"'2026-11-30 08:00'|2h"`
}

// Help says more than one line.
func (whyCmd) Help() string {
	return `Says which version of a data package a service ran at a time, which run brought it,
who or what had asked for that, and which gates passed; by the log of events alone. Of
a run it says for what exactly it waits.

    lockstep why kv --environment prd
    lockstep why kv --at "2026-11-30 08:00"
    lockstep why 019378c2-6f1e-7cc0-a5b8-3a1f4c1f9a52` + asksServer
}

// runID is how the ids of runs look.
var runID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// Run asks the server.
func (c *whyCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	if runID.MatchString(c.Subject) {
		return c.run(ctx, con, api)
	}
	query := url.Values{"service": {c.Subject}}
	for name, value := range map[string]string{"environment": c.Environment, "package": c.Package, "at": timeHere(c.At)} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var list web.WhyList
	if err := api.get(ctx, "why?"+query.Encode(), &list); err != nil {
		return err
	}
	switch {
	case c.Output == "json":
		return con.json(list)
	case len(list.Whys) == 1:
		con.printf("%s\n", list.Whys[0].Sentence)
		return nil
	}
	return con.whys(list.Whys)
}

// run says for what a run waits.
func (c *whyCmd) run(ctx context.Context, con *console, api *client) error {
	var why web.RunWhy
	if err := api.get(ctx, "runs/"+segment(c.Subject)+"/why", &why); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(why)
	}
	con.printf("%s\n", why.Sentence)
	for _, command := range why.Commands {
		con.printf("  %s\n", command)
	}
	return nil
}

// whys prints a table.
func (c *console) whys(whys []bot.Why) error {
	table := c.table()
	row(table, "ENVIRONMENT", "VERSION", "SINCE", "RUN", "ASKED FOR BY", "NOTE")
	for _, w := range whys {
		version := "-"
		if w.Known() {
			version = w.Package + " " + string(w.Version)
		}
		row(table, w.Environment, version, clock(w.Since), cmp.Or(w.Run, "-"), cmp.Or(w.Asked, "-"), whyNote(w))
	}
	return table.Flush()
}

// whyNote says what is to be known of a version besides who brought it.
func whyNote(w bot.Why) string {
	var parts []string
	switch {
	case w.Back != nil:
		parts = append(parts, "put back from "+string(w.Back.From)+" by run "+w.Back.Run)
	case !w.Known():
		parts = append(parts, "never deployed")
	case w.Run == "":
		parts = append(parts, "it stood there already")
	}
	if w.Doubt != "" {
		parts = append(parts, w.Doubt)
	}
	if w.Later != nil {
		parts = append(parts, "then run "+w.Later.Run+" made it "+string(w.Later.Version))
	}
	return strings.Join(parts, "; ")
}
