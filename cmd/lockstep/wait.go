package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lockstep/bot"
	"lockstep/bot/web"
)

// waitFlag are the flags of every command that may wait for a run.
type waitFlag struct {
	Wait    bool          `help:"Wait until the run has ended, show what it decides, and end with its exit code."`
	Timeout time.Duration `help:"How long to wait at most; then the exit code is 6." default:"24h" placeholder:"24h"`
	Key     string        `help:"Make a repeat of the command the same one: 1 to 200 visible characters." placeholder:"KEY"`
}

// waitsForRun ends the help of every command that may wait for a run.
const waitsForRun = `

With --wait it shows each decision of the run, survives restarts of the server, and its
exit code tells how the run ended: 0 success, or there was nothing to do, 3 success with
warnings, 4 rolled back, 5 rollback failed, 6 it had not ended within --timeout and may
need a person, 1 anything else, such as refused or cancelled.`

// The pace at which a run is asked for: it grows while there is no news.
const (
	paceFirst   = 250 * time.Millisecond
	paceLongest = 10 * time.Second
)

// An ended is the exit code of a command that has said already what there is to say.
type ended int

func (e ended) Error() string { return fmt.Sprintf("ended with exit code %d", int(e)) }

// command asks the server for something that a run serves, prints what it says, and waits
// for that run if the flags say so.
func (f serverFlag) command(ctx context.Context, con *console, verb bot.Verb, path string, body any, w waitFlag, output string) error {
	api, err := f.client(ctx)
	if err != nil {
		return err
	}
	if !w.Wait {
		var answer bot.Answer
		if err := api.do(ctx, call{http.MethodPost, path, cmp.Or(w.Key, uuid.NewString()), body}, &answer); err != nil {
			return err
		}
		return con.answer(answer, output)
	}
	p := &patience{api: api, con: con, out: con.out, wait: paceFirst, end: now().Add(w.Timeout)}
	if output == "json" {
		p.out = con.err
	}
	answer, err := p.ask(ctx, call{http.MethodPost, path, cmp.Or(w.Key, uuid.NewString()), body})
	if err != nil {
		return err
	}
	report, err := p.follow(ctx, answer.Run)
	if err != nil {
		return err
	}
	return con.end(report, verb, p.late, output)
}

// answer prints what the server says to a command.
func (c *console) answer(answer bot.Answer, output string) error {
	if output == "json" {
		return c.json(answer)
	}
	c.printf("%s\n", answer.Sentence)
	return nil
}

// end prints how a run that was waited for has ended, and returns what tells it to the one
// who gave the command. late says that it has not ended yet.
func (c *console) end(report web.RunReport, verb bot.Verb, late bool, output string) error {
	r := report.Run
	switch {
	case output == "json":
		if err := c.json(report); err != nil {
			return err
		}
	case late:
		c.printf("run %s has not ended: it is %s\n", r.ID, string(r.State))
		for _, command := range report.Commands {
			c.printf("  %s\n", command)
		}
	default:
		c.printf("%s %s on track %s: %s\n", r.Package, string(r.Version), r.Track, report.Result)
		for _, warning := range r.Warnings {
			c.printf("  warning: %s\n", warning)
		}
	}
	if code := exitOf(r, verb, late); code != exitOK {
		return ended(code)
	}
	return nil
}

// exitOf returns the exit code that tells the one who gave a command how its run has
// ended.
func exitOf(r *bot.Run, verb bot.Verb, late bool) int {
	back := r.Undoes != "" || verb == bot.VerbRollback // to put things back was what they wanted
	warned := len(r.Warnings) > 0 || back && len(r.Left) > 0
	switch r.State {
	case bot.Done:
		return well(warned)
	case bot.RolledBack:
		if back {
			return well(warned)
		}
		return exitRolledBack
	case bot.Cancelled: // a rollback cancels a run that is under way
		if verb == bot.VerbRollback && r.Undoes == "" {
			return well(warned)
		}
	case bot.RollbackFailed:
		return exitRollbackFailed
	}
	switch {
	case late:
		return exitLate
	case r.AlreadyThere():
		return exitOK
	}
	return exitFailed
}

// well returns the exit code of a run that ended as it was to.
func well(warned bool) int {
	if warned {
		return exitWarned
	}
	return exitOK
}

// A patience asks the server again and again until a time, also while it is away.
type patience struct {
	api   *client
	con   *console
	out   io.Writer // where progress is shown
	wait  time.Duration
	end   time.Time
	late  bool   // the time is over, and the run had not ended
	seen  int    // the last event that was shown
	place string // where the run was seen to wait last
	lost  bool   // it was shown that the server is away
}

// ask makes a call until the server answers it. Its key makes the repeat the same call.
func (p *patience) ask(ctx context.Context, c call) (answer bot.Answer, err error) {
	for {
		err = p.api.do(ctx, c, &answer)
		if again, err := p.again(ctx, err); !again {
			p.show(answer.Sentence)
			return answer, err
		}
	}
}

// follow shows what a run decides until it has ended or the time is over.
func (p *patience) follow(ctx context.Context, run string) (report web.RunReport, err error) {
	if run == "" {
		return report, ended(exitFailed)
	}
	for {
		var next web.RunReport
		err := p.api.do(ctx, call{method: http.MethodGet, path: "runs/" + segment(run)}, &next)
		if err == nil {
			report = next
			p.news(report)
		}
		switch {
		case err == nil && report.Run.Settled():
			return report, nil
		case err == nil && !p.rest(ctx):
			p.late = true
			return report, p.gone(ctx, run)
		case err == nil:
		default:
			if again, err := p.again(ctx, err); !again {
				return report, err
			}
		}
	}
}

// gone returns the error of one who does not wait any longer; nil when the time is over.
func (p *patience) gone(ctx context.Context, run string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: run %s goes on, see lockstep run %s", run, run)
	}
	return nil
}

// again reports that a call that came to err is to be made again, after a rest: the
// server is away, and there is time.
func (p *patience) again(ctx context.Context, err error) (bool, error) {
	if !errors.As(err, new(away)) || ctx.Err() != nil {
		p.lost = false
		return false, err
	}
	if !p.lost {
		p.show(fmt.Sprintf("%v; trying again", err))
	}
	p.lost = true
	return p.rest(ctx), err
}

// rest waits for a while, longer each time, and reports that there is time left.
func (p *patience) rest(ctx context.Context) bool {
	left := p.end.Sub(now())
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(min(p.wait, left))
	defer timer.Stop()
	p.wait = min(p.wait*5/4, paceLongest)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// news shows what a run has decided since the last look. While it has nothing new to say
// it is asked less often.
func (p *patience) news(report web.RunReport) {
	p.lost = false
	for _, e := range report.Events {
		if e.Seq > p.seen {
			p.seen, p.wait = e.Seq, paceFirst
			p.show(strings.Join(strings.Fields(fmt.Sprintf("%s  %s %s", string(e.State), e.Environment, e.Reason+link(e.Link))), " "))
		}
	}
	if place, _, _ := strings.Cut(report.Place, ";"); place != p.place { // how long it waits is no news
		p.place = place
		if place != "" {
			p.show(report.Place)
		}
	}
}

// show prints one line of progress.
func (p *patience) show(text string) {
	if text != "" {
		fmt.Fprintf(p.out, "%s  %s\n", now().Local().Format(time.TimeOnly), printable(text))
	}
}
