package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/fixtures"
)

// one plays one run: it scripts the outside, lets somebody ask for the run, waits for
// the end, and holds the outside against what is expected.
func (d *demo) one(ctx context.Context, s scenario) (played, error) {
	p := played{Scenario: s.N, Given: s.Given, Track: s.Track, Version: s.Version, Expected: s.Want.End}
	if err := d.before(ctx, s); err != nil {
		return p, err
	}
	was, err := d.world.observe()
	if err != nil {
		return p, err
	}
	d.world.GitLab.Script(s.rules(d.world, was, d.Break, d.pace)...)
	d.world.GitLab.HookFaults(fixtures.HookFaults{Copies: 2}) // each hook twice changes nothing
	began := time.Now()
	if err := d.ask(ctx, s); err != nil {
		return p, err
	}
	view := &view{console: d.con, quiet: d.Once || d.Output == "json"}
	view.say("%s", s.header())
	last, err := d.follow(ctx, s, view)
	switch {
	case errors.Is(err, errLate):
		p.End, p.Wrong = "no end", []string{"the run did not end in time; " + standing(last)}
	case err != nil:
		return p, err
	default:
		p.End, p.Wrong = d.world.verify(s, was)
		if s.Want.Frozen && len(p.Wrong) == 0 {
			p.Wrong = d.frozen(ctx)
		}
	}
	p.OK, p.Seconds = p.End == p.Expected && len(p.Wrong) == 0, time.Since(began).Seconds()
	view.say("")
	return p, nil
}

// standing says where a run stood when patience ended.
func standing(last web.RunReport) string {
	if last.Run == nil {
		return "no run was made of the tag"
	}
	return fmt.Sprintf("it is %s: %s", last.Run.State, last.Run.Reason)
}

// limit is how long a run of the demo may take.
func (d *demo) limit() time.Duration { return 15*time.Second + 10*d.pace }

// follow shows a run until it has settled, people were told so, and nothing more
// happens outside. Patience is counted from the last decision, so that a slow machine
// is no failure.
func (d *demo) follow(ctx context.Context, s scenario, view *view) (last web.RunReport, err error) {
	decided, since := 0, time.Now()
	err = d.until(ctx, 10*d.limit(), func() (bool, error) {
		report, err := d.report(ctx, s)
		if n := len(report.Events); n > decided {
			decided, since = n, time.Now()
		}
		switch {
		case err == nil && time.Since(since) > d.limit():
			return false, errLate
		case err != nil || report.Run == nil:
			return false, err
		}
		last = report
		view.show(report)
		return report.Run.Settled(), nil
	})
	if err != nil {
		return last, err
	}
	err = d.until(ctx, 5*time.Second, func() (bool, error) { return d.world.finished(s), nil })
	if err != nil && !errors.Is(err, errLate) {
		return last, err
	}
	return last, d.quiet(ctx)
}

// quiet waits until the outside has received nothing for a while.
func (d *demo) quiet(ctx context.Context) error {
	calls, since := -1, time.Now()
	return d.until(ctx, d.limit(), func() (bool, error) {
		if now := len(d.world.Journal.Calls()); now != calls {
			calls, since = now, time.Now()
		}
		return time.Since(since) > max(200*time.Millisecond, d.pace), nil
	})
}

// before brings about what has to be there before a run is asked for: its version has
// been through integration, and the run that is to be put back has ended well.
func (d *demo) before(ctx context.Context, s scenario) error {
	if s.Track == "release" {
		if err := d.integrated(ctx, s); err != nil {
			return err
		}
	}
	if s.Comment == "" || s.On != s.Track {
		return nil
	}
	report, err := d.report(ctx, scenario{Track: s.On, Version: s.Version})
	if err == nil && report.Run == nil {
		given := scenario{Track: s.On, Version: s.Version}
		if err = d.released(ctx, nextVersion); err == nil {
			err = d.released(ctx, given.Version)
		}
	}
	return err
}

// released lets a version go through the release track, in silence.
func (d *demo) released(ctx context.Context, version string) error {
	s := scenario{Track: "release", Version: version}
	if err := d.integrated(ctx, s); err != nil {
		return err
	}
	was, err := d.world.observe()
	if err != nil {
		return err
	}
	d.world.GitLab.Script(s.rules(d.world, was, "", d.pace/4)...)
	if err := d.world.ask(ctx, d.api, s); err != nil {
		return err
	}
	return d.good(ctx, s)
}

// good follows a run in silence to its end, which has to be a good one.
func (d *demo) good(ctx context.Context, s scenario) error {
	last, err := d.follow(ctx, s, &view{console: d.con, quiet: true})
	if err == nil && last.Run.State != bot.Done {
		err = fmt.Errorf("mda %s did not pass %s: %s: %s", s.Version, s.Track, last.Run.State, last.Run.Reason)
	}
	return err
}

// ask lets somebody ask for the run of a scenario: the operator by a comment on the
// merge request of an earlier run, the data team by a tag, or ana by the API.
func (d *demo) ask(ctx context.Context, s scenario) error {
	if s.Comment == "" {
		return d.world.ask(ctx, d.api, s)
	}
	earlier, err := d.report(ctx, scenario{Track: s.On, Version: s.Version})
	if err != nil {
		return err
	}
	if earlier.Run == nil || len(earlier.Run.Stages) == 0 {
		return fmt.Errorf("mda %s has no merge request of track %s to comment on", s.Version, s.On)
	}
	if _, err := d.world.GitLab.Comment(envProject, int(earlier.Run.Stages[0].Delivery.IID), "operator", s.Comment); err != nil {
		return err
	}
	return d.until(ctx, d.limit(), func() (bool, error) {
		report, err := d.report(ctx, s)
		return report.Run != nil && report.Run.ID != earlier.Run.ID, err
	})
}

// ask lets somebody ask for the run of a scenario: the data team by a tag, or ana by the
// API.
func (w *world) ask(ctx context.Context, api *client, s scenario) error {
	if s.Track == "integration" {
		_, err := w.GitLab.Tag(dataProject, s.Version)
		return err
	}
	request := map[string]string{"package": "mda", "track": s.Track, "version": s.Version, "by": "ana"}
	return api.post(ctx, "runs", request, &bot.Answer{})
}

// integrated brings the version of a release through integration first, in silence,
// unless it has been there: a version that has not is not released.
func (d *demo) integrated(ctx context.Context, s scenario) error {
	first := scenario{Track: "integration", Version: s.Version}
	was, err := d.world.observe()
	if err != nil {
		return err
	}
	d.world.GitLab.Script(first.rules(d.world, was, "", d.pace/4)...)
	report, err := d.report(ctx, first)
	if err != nil {
		return err
	}
	if report.Run == nil {
		err = d.world.ask(ctx, d.api, first)
	} else if strings.Contains(report.Place, "frozen") {
		err = d.api.post(ctx, "lanes/integration/thaw", web.Words{By: "ana", Reason: "kv was put right by hand"}, &bot.Answer{})
	}
	if err != nil {
		return err
	}
	return d.good(ctx, first)
}

// report returns the newest run of a scenario as the server shows it.
func (d *demo) report(ctx context.Context, s scenario) (report web.RunReport, err error) {
	var list web.RunList
	if err := d.api.get(ctx, "runs", &list); err != nil {
		return report, err
	}
	for _, r := range list.Runs {
		if string(r.Version) == s.Version && r.Track == s.Track {
			return report, d.api.get(ctx, "runs/"+segment(r.ID), &report)
		}
	}
	return report, nil
}

// frozen announces one more version and sees that its run waits behind the frozen
// lane, says why, and changes nothing outside.
func (d *demo) frozen(ctx context.Context) (wrong []string) {
	calls, next := len(d.world.Journal.Calls()), scenario{Track: "integration", Version: nextVersion}
	if _, err := d.world.GitLab.Tag(dataProject, nextVersion); err != nil {
		return []string{err.Error()}
	}
	var report web.RunReport
	err := d.until(ctx, d.limit(), func() (done bool, err error) {
		report, err = d.report(ctx, next)
		return report.Run != nil, err
	})
	if err == nil {
		err = d.quiet(ctx)
	}
	if err == nil {
		report, err = d.report(ctx, next)
	}
	switch {
	case err != nil:
		return []string{fmt.Sprintf("the run after the frozen lane: %v", err)}
	case report.Run.State != bot.Queued || !strings.Contains(report.Place, "frozen"):
		wrong = append(wrong, fmt.Sprintf("the next run is %s (%s), want it to wait for the frozen lane", report.Run.State, report.Place))
	}
	if more := d.world.Journal.Calls()[calls:]; len(more) > 0 {
		wrong = append(wrong, fmt.Sprintf("the waiting run changed the outside: %v", more))
	}
	return wrong
}

// A view shows a run as it goes on: its board, redrawn in place on a terminal, and its
// sentences line by line elsewhere.
type view struct {
	*console
	quiet bool
	drawn int // lines of the board on the screen
	told  int // events that were printed
}

// say prints a line of its own.
func (v *view) say(format string, args ...any) {
	if !v.quiet {
		v.printf(format+"\n", args...)
	}
}

// show shows where the run stands.
func (v *view) show(report web.RunReport) {
	if v.quiet {
		return
	}
	width, terminal := v.terminal()
	if !terminal {
		for _, e := range report.Events[v.told:] {
			v.printf("  %s  %-15s %s\n", e.At.Local().Format("15:04:05.0"), string(e.State), e.Reason)
		}
		if v.told = len(report.Events); report.Run.Settled() {
			fmt.Fprintln(v.out)
			v.board(report.Board, false)
		}
		return
	}
	lines := boardLines(report.Board, true)
	reason := []rune(printable(report.Run.Reason))
	if len(reason) > width-4 && width > 8 {
		reason = append(reason[:width-5], '…')
	}
	lines = append(lines, "", string(reason))
	if v.drawn > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA", v.drawn)
	}
	fmt.Fprint(v.out, "\x1b[?7l") // a board wider than the terminal is cut, not wrapped
	for _, line := range lines {
		fmt.Fprintf(v.out, "\r\x1b[2K  %s\n", line)
	}
	fmt.Fprint(v.out, "\x1b[?7h")
	v.drawn = len(lines)
}
