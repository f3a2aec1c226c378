package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"lockstep/bot"
	"lockstep/bot/web"
)

// statusCmd shows the lanes.
type statusCmd struct {
	serverFlag
	output
}

// Help says more than one line.
func (statusCmd) Help() string {
	return `Each lane has one run at a time; the others wait in order. A lane freezes when a
rollback has failed or somebody says so, and starts no run until it is thawed.` + asksServer
}

// Run asks the server.
func (c *statusCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	var status web.Status
	var lanes web.LaneList
	if err := api.get(ctx, "status", &status); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(status)
	}
	if err := api.get(ctx, "lanes", &lanes); err != nil {
		return err
	}
	names := map[string]web.RunLine{}
	for _, list := range [][]web.RunLine{status.Active, status.Stalled, status.Waiting} {
		for _, r := range list {
			names[r.ID] = r
		}
	}
	for _, lane := range lanes.Lanes {
		con.lane(lane, names)
	}
	if len(lanes.Lanes) == 0 {
		con.printf("no run has been asked for yet\n")
	}
	return nil
}

// lane prints one lane with its runs.
func (c *console) lane(lane bot.LaneState, runs map[string]web.RunLine) {
	c.printf("%s\n", lane.Lane)
	freeze := lane.Freeze()
	if freeze != nil {
		c.printf("  frozen by %s since %s%s: %s\n  thaw it with: %s\n", freeze.By, clock(freeze.At), ends(*freeze), freeze.Reason, freeze.Thaw(lane.Lane))
	}
	switch {
	case lane.Holder != "":
		r := runs[lane.Holder]
		c.printf("  held by %s %s (%s), %s: %s\n", r.Package, string(r.Version), lane.Holder, string(r.State), r.Reason)
	case freeze == nil:
		c.printf("  free\n")
	}
	for i, id := range lane.Waiting {
		r := runs[id]
		c.printf("  %d. %s %s (%s), asked for by %s\n", i+1, r.Package, string(r.Version), id, r.Asked)
	}
}

// runsCmd lists runs.
type runsCmd struct {
	serverFlag
	output
	Track string   `help:"Only those of this track."`
	Lane  string   `help:"Only those of this lane."`
	State []string `help:"Only those in one of these states, such as stalled."`
	Limit int      `help:"How many at most." default:"50"`
}

// Help says more than one line.
func (runsCmd) Help() string {
	return `A run is one version on its way through one track. The runs that need a person:

    lockstep runs --state stalled` + asksServer
}

// Run asks the server.
func (c *runsCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	query := url.Values{"limit": {fmt.Sprint(c.Limit)}, "state": c.State}
	if c.Track != "" {
		query.Set("track", c.Track)
	}
	if c.Lane != "" {
		query.Set("lane", c.Lane)
	}
	var list web.RunList
	if err := api.get(ctx, "runs?"+query.Encode(), &list); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(list.Runs)
	}
	table := con.table()
	row(table, "RUN", "VERSION", "TRACK", "RESULT", "BEGUN", "TOOK", "LAST SENTENCE")
	for _, r := range list.Runs {
		row(table, r.ID, r.Package+" "+string(r.Version), r.Track, r.Result, clock(r.Begun), lasted(r.Begun, r.Ended), r.Reason)
	}
	return table.Flush()
}

// runCmd shows one run.
type runCmd struct {
	serverFlag
	output
	ID string `arg:"" help:"The run's id." name:"run"`
}

// Help says more than one line.
func (runCmd) Help() string {
	return `"lockstep runs" lists the ids.` + asksServer
}

// Run asks the server.
func (c *runCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	var report web.RunReport
	if err := api.get(ctx, "runs/"+segment(c.ID), &report); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(report)
	}
	r := report.Run
	con.printf("%s %s on track %s: %s\n", r.Package, string(r.Version), r.Track, report.Result)
	con.printf("asked for by %s on %s\n", r.Asked(), clock(r.Created))
	switch {
	case report.Place != "":
		con.printf("waits: %s\n", report.Place)
	case !r.Begun.IsZero():
		con.printf("begun %s, took %s\n", clock(r.Begun), lasted(r.Begun, r.Ended))
	}
	if len(report.Commands) > 0 {
		con.printf("a person is needed: %s\n", strings.Join(report.Commands, " or "))
	}
	con.printf("\n")
	con.board(report.Board, false)
	con.printf("\n")
	table := con.table()
	for _, e := range report.Events {
		row(table, clock(e.At), string(e.State), e.Environment, e.Reason+link(e.Link))
	}
	return table.Flush()
}

// link returns an address as the end of a sentence.
func link(url string) string {
	if url == "" {
		return ""
	}
	return " (" + url + ")"
}

// wordsFlag is what people say when they steer.
type wordsFlag struct {
	By     string `help:"Who says it." env:"LOCKSTEP_USER,USER" placeholder:"NAME"`
	Reason string `help:"Why; it is kept with the run."`
}

// resumeCmd lets a stalled run go on.
type resumeCmd struct {
	serverFlag
	wordsFlag
	output
	ID string `arg:"" help:"The run's id." name:"run"`
}

// Help says more than one line.
func (resumeCmd) Help() string {
	return `A run stalls when only a person can say how to go on; the last sentence of
"lockstep run ID" says what to mend. The run then looks again at the place where it
stalled.` + asksServer
}

// Run tells the server.
func (c *resumeCmd) Run(ctx context.Context, con *console) error {
	return c.steer(ctx, con, c.wordsFlag, c.Output, "runs", c.ID, "resume")
}

// cancelCmd cancels a run.
type cancelCmd struct {
	serverFlag
	wordsFlag
	output
	ID string `arg:"" help:"The run's id." name:"run"`
}

// Help says more than one line.
func (cancelCmd) Help() string {
	return `A run that waits ends at once. One under way first puts back what it wrote, in every
environment that it touched. A rollback cannot be cancelled.` + asksServer
}

// Run tells the server.
func (c *cancelCmd) Run(ctx context.Context, con *console) error {
	return c.steer(ctx, con, c.wordsFlag, c.Output, "runs", c.ID, "cancel")
}

// steer tells a run or a lane something and prints what the server says to it.
func (f serverFlag) steer(ctx context.Context, con *console, words wordsFlag, output, kind, name, verb string) error {
	api, err := f.client(ctx)
	if err != nil {
		return err
	}
	return api.tell(ctx, con, strings.Join([]string{kind, segment(name), verb}, "/"), web.Words{By: words.By, Reason: words.Reason}, output)
}

// tell sends words to path and prints what the server says to them.
func (c *client) tell(ctx context.Context, con *console, path string, words any, output string) error {
	var said bot.Answer
	if err := c.post(ctx, path, words, &said); err != nil {
		return err
	}
	if output == "json" {
		return con.json(said)
	}
	con.printf("%s\n", said.Sentence)
	return nil
}
