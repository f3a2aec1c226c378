package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/gitops"
)

// planCmd shows what a run would do.
type planCmd struct {
	serverFlag
	output
	Track   string `arg:"" help:"The track that the version would go through."`
	Version string `arg:"" help:"The version of the data package."`
	Package string `help:"The data package; needed where the track takes several." placeholder:"NAME"`
}

// Help says more than one line.
func (planCmd) Help() string {
	return `Shows what a run of a version through a track would do, and does none of it: for
each environment the services, the lines of their files that would change, and the
parameters, gates, windows and whatever would hold a rollback up; whether the data is
complete; and the place in the queue, for which it asks the server if that answers.

Then it rehearses the rollback in memory: it makes the edits on the newest commits,
plans by value how to put them back, does that, and shows that every file is byte for
byte what it was.

    lockstep plan release 2026.11.4

Exit code 1 says that a run would be refused. A version that stands everywhere already
is no such case.` + asksServer
}

// A planned is what plan prints.
type planned struct {
	*bot.Rehearsal
	Queue string `json:"queue"` // where the run would wait, or why nobody could tell
}

// Run plays the run in memory.
func (c *planCmd) Run(ctx context.Context, con *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	q, err := cfg.Request(c.Package, c.Track, c.Version)
	if err != nil {
		return misused(err)
	}
	o, err := newOutside(ctx, cfg)
	if err != nil {
		return err
	}
	return c.plan(ctx, con, o.bot, q)
}

// plan prints the plan of a request.
func (c *planCmd) plan(ctx context.Context, con *console, b *bot.Bot, q bot.Request) error {
	r, err := b.Rehearse(ctx, q)
	if err != nil {
		return err
	}
	p := planned{Rehearsal: r}
	if p.Queue, err = c.asked(ctx, q, r); err != nil {
		p.Queue = fmt.Sprintf("not known: %v", err)
	}
	if c.Output == "text" {
		con.planned(p)
	} else if err := con.json(p); err != nil {
		return err
	}
	if len(r.Refused) > 0 {
		return errSilent
	}
	return nil
}

// asked asks the server where the run would wait, and notes in r why it would refuse it.
func (c *planCmd) asked(ctx context.Context, q bot.Request, r *bot.Rehearsal) (string, error) {
	api, err := c.client(ctx)
	if err != nil {
		return "", err
	}
	var queue web.Queue
	if err := api.get(ctx, "queue", &queue); err != nil {
		return "", err
	}
	var condemned web.CondemnedList
	if err := api.get(ctx, "condemned", &condemned); err != nil {
		return "", err
	}
	for _, v := range condemned.Condemned {
		if v.Track == q.Track && v.Package == q.Package && v.Version == q.Version {
			r.Refused = append(r.Refused, fmt.Sprintf("%s %s is condemned on track %s by run %s (%s): to deploy it all the same, give a reason: lockstep promote %s %s --force REASON",
				v.Package, v.Version, v.Track, v.Run, v.Reason, v.Track, v.Version))
		}
	}
	if q.From != "" {
		if err := api.finished(ctx, q, r); err != nil {
			return "", err
		}
	}
	return place(queue, q), nil
}

// finished notes in r that the version has not finished the track well that it has to
// have finished: its newest run there that came to an end counts.
func (c *client) finished(ctx context.Context, q bot.Request, r *bot.Rehearsal) error {
	query := url.Values{"track": {q.From}, "limit": {"500"}, "state": {string(bot.Done), string(bot.RolledBack), string(bot.RollbackFailed)}}
	var list web.RunList
	if err := c.get(ctx, "runs?"+query.Encode(), &list); err != nil {
		return err
	}
	became := "none of its last runs there was of it"
	for _, l := range list.Runs {
		if l.Package != q.Package || l.Version != q.Version {
			continue
		}
		if l.State == bot.Done {
			return nil
		}
		became = fmt.Sprintf("run %s there ended as %s", l.ID, l.Result)
		break
	}
	r.Refused = append(r.Refused, fmt.Sprintf("%s %s may go through track %s once it has finished track %s well, and %s", q.Package, q.Version, q.Track, q.From, became))
	return nil
}

// place says where a run would wait for its lane.
func place(queue web.Queue, q bot.Request) string {
	at := slices.IndexFunc(queue.Lanes, func(l web.QueueLane) bool { return l.Lane == q.Lane })
	if at < 0 {
		return fmt.Sprintf("lane %s is free", q.Lane)
	}
	lane := queue.Lanes[at]
	var ahead []string
	if lane.Holder != nil {
		ahead = append(ahead, fmt.Sprintf("%s %s holds it, %s", lane.Holder.Package, lane.Holder.Version, lane.Holder.State))
	}
	ended := 0
	for _, w := range lane.Waiting {
		switch {
		case w.Run.Track == q.Track && w.Run.Package == q.Package && w.Run.Version == q.Version:
			return fmt.Sprintf("lane %s: run %s of that version waits already, and it would join that", q.Lane, w.Run.ID)
		case q.Supersede && w.Run.Track == q.Track && w.Run.Package == q.Package:
			ended++
		default:
			ahead = append(ahead, fmt.Sprintf("%s %s waits", w.Run.Package, w.Run.Version))
		}
	}
	says := fmt.Sprintf("lane %s is free", q.Lane)
	if len(ahead) > 0 {
		says = fmt.Sprintf("lane %s: behind %d (%s)", q.Lane, len(ahead), strings.Join(ahead, "; "))
	}
	if ended > 0 {
		says += fmt.Sprintf("; it would take the place of %d that wait", ended)
	}
	if lane.Freeze != nil {
		says += "; " + lane.Freeze.String()
	}
	return says
}

// planned prints a plan.
func (c *console) planned(p planned) {
	c.printf("%s %s through track %s\n", p.Package, string(p.Version), p.Track)
	for _, s := range p.Stages {
		c.printf("\n%s%s\n", s.Environment, of(s.Dependents))
		c.preview(s, p.Version)
	}
	c.printf("\nqueue: %s\n", p.Queue)
	if p.Windows != "" {
		c.printf("windows: %s\n", p.Windows)
	}
	if p.Data != "" {
		c.printf("data: %s\n", p.Data)
	}
	c.rollback(p)
	switch {
	case len(p.Refused) > 0:
		c.printf("\na run would be refused:\n")
		for _, why := range p.Refused {
			c.printf("  %s\n", why)
		}
	case p.There:
		c.printf("\nalready there: every service names %s, and there is nothing to do\n", string(p.Version))
	default:
		c.printf("\na run would start: lockstep promote %s %s\n", p.Track, string(p.Version))
	}
}

// preview prints what a run would do in one environment.
func (c *console) preview(s bot.StagePreview, version gitops.Version) {
	table := c.table()
	for _, one := range s.Services {
		row(table, "  "+one.Name, moves(one, version), where(one), one.Why)
	}
	_ = table.Flush() // c.out says so at the next write
	c.doubts(s.Doubts)
	for _, f := range s.Files {
		c.diff(f)
	}
	for _, b := range s.Parameters {
		c.printf("  parameter %s: %s → %s\n", b.File, string(b.From), string(b.To))
	}
	if s.ByPerson {
		c.printf("  merge: by a person\n")
	}
	for _, gate := range s.Gates {
		c.printf("  gate: %s\n", gate)
	}
	if s.Windows != "" {
		c.printf("  windows: %s\n", s.Windows)
	}
	for _, obstacle := range s.Obstacles {
		c.printf("  holds a rollback up: %s\n", obstacle)
	}
}

// moves says what would become of the version of a service.
func moves(one bot.Dependent, version gitops.Version) string {
	switch one.Version {
	case "":
		return "no version"
	case version:
		return string(version) + " already"
	}
	return fmt.Sprintf("%s → %s", one.Version, version)
}

// diff prints the lines of a file that would change.
func (c *console) diff(f bot.FilePreview) {
	c.printf("  --- %s\n  +++ %s\n", f.File, f.File)
	for _, line := range f.Diff {
		c.printf("  %s\n", line)
	}
}

// rollback prints what putting back came to in memory.
func (c *console) rollback(p planned) {
	if len(p.Back) == 0 {
		return
	}
	exact := 0
	for _, f := range p.Back {
		if len(f.Diff) == 0 {
			exact++
		}
	}
	c.printf("rollback, rehearsed: %d of %d files byte for byte what they were\n", exact, len(p.Back))
	for _, f := range p.Back {
		if len(f.Diff) > 0 {
			c.diff(f)
		}
	}
	for _, left := range p.Left {
		c.printf("  left alone: %s\n", left)
	}
}
