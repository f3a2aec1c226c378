package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lockstep/bot"
	"lockstep/bot/data"
	"lockstep/gitops"
)

// checkCmd checks the configuration and the outside.
type checkCmd struct {
	configFlag
	output
	Offline bool `help:"Check the file only; ask nobody outside."`
}

// Help says more than one line.
func (checkCmd) Help() string {
	return `Reads the configuration and names every mistake with line and column. Then resolves
the references, asks GitLab who the bot is and what it may do in each project, and
reads every value as a run would. It changes nothing.

What is BAD keeps runs from working; a note is worth knowing. Both say what to do.`
}

// A checked is one line of what check says.
type checked struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Note bool   `json:"note,omitempty"` // it works, and yet there is something to know, or nobody could tell
	Says string `json:"says"`           // what is not well ends in its cure
}

// fine says that something is well.
func fine(what, format string, args ...any) checked {
	return checked{What: what, OK: true, Says: fmt.Sprintf(format, args...)}
}

// aside says what is worth knowing.
func aside(what, format string, args ...any) checked {
	return checked{What: what, OK: true, Note: true, Says: fmt.Sprintf(format, args...)}
}

// bad says what keeps runs from working.
func bad(what, format string, args ...any) checked {
	return checked{What: what, Says: fmt.Sprintf(format, args...)}
}

// Run checks everything and fails when anything is not well.
func (c *checkCmd) Run(ctx context.Context, con *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	all := []checked{fine(c.Config, "the configuration is valid")}
	if !c.Offline {
		all = append(all, checkOutside(ctx, cfg)...)
	}
	return con.checked(all, c.Output)
}

// checked prints what was checked; anything that is not well is an error.
func (c *console) checked(all []checked, output string) error {
	for _, line := range all {
		mark := "ok  "
		switch {
		case !line.OK:
			mark = "BAD "
		case line.Note:
			mark = "note"
		}
		if output == "json" {
			if err := c.json(line); err != nil {
				return err
			}
			continue
		}
		c.printf("%s %s: %s\n", mark, line.What, line.Says)
	}
	if slices.ContainsFunc(all, func(l checked) bool { return !l.OK }) {
		return errSilent
	}
	return nil
}

// checkOutside asks everything outside that a run depends on.
func checkOutside(ctx context.Context, cfg *bot.Config) []checked {
	var all []checked
	for _, r := range cfg.References() {
		_, err := data.Resolve(ctx, r.Text)
		all = append(all, verdict(r.Field, err, "resolves"))
	}
	if slices.ContainsFunc(all, func(l checked) bool { return !l.OK }) {
		return all // nothing outside answers without its secret
	}
	o, err := newOutside(ctx, cfg)
	if err != nil {
		return append(all, verdict("gitlab", err, ""))
	}
	known := o.checkGitLab(ctx, cfg)
	all = append(all, known...)
	if len(known) == 1 && !known[0].OK {
		return all
	}
	all = append(all, o.checkAWS(ctx, cfg)...)
	all = append(all, o.checkChannels(ctx)...)
	for _, track := range slices.Sorted(maps.Keys(cfg.Tracks)) {
		for _, pkg := range cfg.Tracks[track].Packages {
			all = append(all, o.checkTrack(ctx, track, pkg)...)
		}
	}
	return all
}

// checkAWS lists each bucket that a run of each package would use, and reads each
// parameter, once.
func (o *outside) checkAWS(ctx context.Context, cfg *bot.Config) []checked {
	var all []checked
	buckets, parameters := map[bot.Bucket]bool{}, map[bot.Parameter]bool{}
	bucket := func(b bot.Bucket) {
		if !buckets[b] {
			buckets[b] = true
			all = append(all, verdict("bucket "+b.Name, o.packages.Reach(ctx, b), "can be listed, for "+b.Purpose))
		}
	}
	parameter := func(p *bot.Parameter) {
		if p != nil && !parameters[*p] {
			parameters[*p] = true
			all = append(all, o.checkParameter(ctx, *p))
		}
	}
	for _, track := range slices.Sorted(maps.Keys(cfg.Tracks)) {
		for _, pkg := range cfg.Tracks[track].Packages {
			plan, err := cfg.Track(track, pkg, "0")
			if err != nil {
				continue // checkTrack says why
			}
			if plan.Data != nil {
				bucket(plan.Data.Bucket)
			}
			for _, s := range plan.Stages {
				if s.Plan.Bucket != nil {
					bucket(*s.Plan.Bucket)
				}
				parameter(s.Plan.Deploy)
				parameter(s.Plan.Record)
			}
		}
	}
	return all
}

// checkParameter reads a parameter. One that does not exist is made by the first run
// that has something to put there.
func (o *outside) checkParameter(ctx context.Context, p bot.Parameter) checked {
	value, _, err := o.parameters.Read(ctx, p)
	if errors.Is(err, gitops.ErrNotFound) {
		return verdict("parameter "+p.Name, nil, "does not exist so far")
	}
	return verdict("parameter "+p.Name, err, "holds "+value)
}

// checkTrack reads what a run would start from.
func (o *outside) checkTrack(ctx context.Context, track, pkg string) []checked {
	what := fmt.Sprintf("%s on %s", pkg, track)
	findings, err := o.bot.Inspect(ctx, track, pkg)
	if err != nil {
		return []checked{verdict(what, err, "")}
	}
	var all []checked
	for _, f := range findings {
		var names []string
		for _, s := range f.Services {
			names = append(names, fmt.Sprintf("%s %s", s.Name, s.Version))
		}
		var problem error
		if f.Problem != "" {
			problem = errors.New(f.Problem)
		}
		all = append(all, verdict(what+", "+f.Environment, problem, strings.Join(names, ", ")))
	}
	return all
}

// verdict returns what is said of one thing: well, or the error.
func verdict(what string, err error, well string) checked {
	switch {
	case err == nil:
		return fine(what, "%s", well)
	case errors.Is(err, gitops.ErrNotFound):
		return bad(what, "%v: check the name, and that the bot's user is a member", err)
	}
	return bad(what, "%v", err)
}
