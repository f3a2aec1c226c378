package main

import (
	"context"
	"fmt"
	"strings"

	"lockstep/bot/web"
)

// queueCmd shows who waits for a lane, and why.
type queueCmd struct {
	serverFlag
	output
	Lane string `arg:"" optional:"" help:"The lane, or the track of a run in it; all when left out."`
}

// Help says more than one line.
func (queueCmd) Help() string {
	return `Shows for each lane which run holds it and which ones wait, in order, with what each
waits for and when it is likely to start.` + asksServer
}

// Run asks the server.
func (c *queueCmd) Run(ctx context.Context, con *console) error {
	api, err := c.client(ctx)
	if err != nil {
		return err
	}
	var queue web.Queue
	if err := api.get(ctx, "queue", &queue); err != nil {
		return err
	}
	lanes, err := selected(queue.Lanes, c.Lane)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return con.json(web.Queue{Lanes: lanes})
	}
	for _, lane := range lanes {
		con.queue(lane)
	}
	if len(lanes) == 0 {
		con.printf("no run has been asked for yet\n")
	}
	return nil
}

// selected returns the lanes of that name, or with a run of a track of that name.
func selected(lanes []web.QueueLane, name string) ([]web.QueueLane, error) {
	if name == "" {
		return lanes, nil
	}
	var names []string
	for _, lane := range lanes {
		names = append(names, lane.Lane)
		if lane.Lane == name || lane.Holder != nil && lane.Holder.Track == name {
			return []web.QueueLane{lane}, nil
		}
		for _, w := range lane.Waiting {
			if w.Run.Track == name {
				return []web.QueueLane{lane}, nil
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no run has been asked for yet, of lane %q neither", name)
	}
	return nil, fmt.Errorf("no lane %q has had a run: have %s", name, strings.Join(names, ", "))
}

// queue prints one lane.
func (c *console) queue(lane web.QueueLane) {
	c.printf("%s\n", lane.Lane)
	if lane.Freeze != nil {
		c.printf("  %s\n", lane.Freeze.String())
	}
	switch {
	case lane.Holder != nil:
		r := lane.Holder
		c.printf("  held by %s %s (%s), %s: %s\n", r.Package, string(r.Version), r.ID, string(r.State), r.Reason)
	case lane.Freeze == nil:
		c.printf("  free\n")
	}
	for i, w := range lane.Waiting {
		r := w.Run
		c.printf("  %d. %s %s (%s), asked for by %s: %s\n", i+1, r.Package, string(r.Version), r.ID, r.Asked, w.Place)
	}
}
