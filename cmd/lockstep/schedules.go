package main

import (
	"context"
	"time"

	"lockstep/bot/web"
)

// schedulesCmd shows the schedules.
type schedulesCmd struct {
	serverFlag
	output
}

// Help says more than one line.
func (schedulesCmd) Help() string {
	return `Each time of a schedule asks for a run once. Where there is nothing to do nobody is
told; it is shown here.` + asksServer
}

// Run asks the server.
func (c *schedulesCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	var list web.ScheduleList
	if err := api.get(ctx, "schedules", &list); err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(list)
	}
	for _, s := range list.Schedules {
		con.schedule(s)
	}
	if len(list.Schedules) == 0 {
		con.printf("no schedule is configured: write tracks.NAME.schedules\n")
	}
	return nil
}

// schedule prints one schedule with its times, as the clocks of its zone show them.
func (c *console) schedule(s web.ScheduleReport) {
	c.printf("%s of %s: %s %s at %s (%s)\n", s.Name, s.Track, s.Package, s.Version, s.Cron, s.Zone)
	switch last := s.Last; {
	case last == nil:
		c.printf("  last  none yet\n")
	case last.Version != "":
		c.printf("  last  %s: %s: %s\n", last.Local, string(last.Version), last.Sentence)
	default:
		c.printf("  last  %s: %s\n", last.Local, last.Sentence)
	}
	loc, err := time.LoadLocation(s.Zone)
	for _, at := range s.Next {
		if err == nil { // with the name of the zone; else with its offset alone
			at = at.In(loc)
		}
		c.printf("  next  %s\n", at.Format("Mon 2006-01-02 15:04 MST"))
	}
}
