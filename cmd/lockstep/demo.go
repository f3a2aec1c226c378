package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"lockstep/bot"
)

// demoCmd plays the runs of the product.
type demoCmd struct {
	output
	Once     bool   `help:"Play the runs quickly, print what became of them, and end; exit code 1 unless all ended as expected."`
	Scenario int    `help:"Play this run only." placeholder:"N"`
	Break    string `help:"Damage a part of the simulated outside, so that runs must not end as expected: sync, gate, rollback, merge, data or notify." enum:",sync,gate,rollback,merge,data,notify" default:"" placeholder:"PART"`
	Dir      string `help:"Keep everything here: git repositories, database, log, received messages. Must be empty or not exist." type:"path" placeholder:"DIR"`
}

// Help says more than one line.
func (demoCmd) Help() string {
	return `Starts a simulated GitLab on real git repositories, an AWS and a Rocket.Chat on
loopback, and the very server that "lockstep serve" runs. A data team pushes tags, and
people release versions. What happens is shown as it happens, and what came of it is
checked by what the simulated outside recorded.

Then it stays up until Ctrl-C, to look around.`
}

// The paces of the demo: how long a job runs, and the bot's first wait.
const (
	livePace = 1200 * time.Millisecond
	oncePace = 60 * time.Millisecond
)

// A played is what became of one run.
type played struct {
	Scenario int      `json:"scenario"`
	Given    string   `json:"given"`
	Track    string   `json:"track"`
	Version  string   `json:"version"`
	Expected string   `json:"expected"`
	End      string   `json:"end"`
	OK       bool     `json:"ok"`
	Wrong    []string `json:"wrong,omitempty"` // what the outside shows otherwise than expected
	Seconds  float64  `json:"seconds"`
}

// Run plays the runs.
func (c *demoCmd) Run(ctx context.Context, con *console) error {
	chosen, err := c.chosen()
	if err != nil {
		return err
	}
	dir, remove, err := c.dir()
	if err != nil {
		return err
	}
	defer remove()
	d, err := c.open(dir, con)
	if err != nil {
		return err
	}
	defer d.world.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- d.serve(ctx) }()
	err = d.play(ctx, chosen, served)
	stop()
	return errors.Join(err, <-served, d.keep())
}

// chosen returns the runs to play.
func (c *demoCmd) chosen() ([]scenario, error) {
	all := demoRuns()
	if c.Scenario == 0 {
		return all, nil
	}
	for _, s := range all {
		if s.N == c.Scenario {
			return []scenario{s}, nil
		}
	}
	return nil, misused(fmt.Errorf("there is no run %d: have 1 to %d", c.Scenario, len(all)))
}

// dir returns where the demo lives, and what removes it again.
func (c *demoCmd) dir() (string, func(), error) {
	if c.Dir == "" {
		dir, err := os.MkdirTemp("", "lockstep-demo-")
		return dir, func() { _ = os.RemoveAll(dir) }, err
	}
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return "", nil, misused(fmt.Errorf("%s is not empty: name a new directory, or remove what is there", c.Dir))
	}
	return c.Dir, func() {}, os.MkdirAll(c.Dir, 0o755)
}

// A demo is a world with the server in it, and where it is shown.
type demo struct {
	demoCmd
	world *world
	cfg   *bot.Config
	api   *client
	con   *console
	pace  time.Duration
}

// open starts the outside and reads the configuration that it wrote.
func (c *demoCmd) open(dir string, con *console) (*demo, error) {
	d := &demo{demoCmd: *c, con: con, pace: livePace}
	if c.Once {
		d.pace = oncePace
	}
	var err error
	d.world, err = newWorld(dir, worldOptions{Job: d.pace, Async: d.pace / 3, Wait: d.pace / 3, Poll: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	if d.cfg, err = bot.LoadConfig(d.world.Config); err != nil {
		d.world.close()
		return nil, err
	}
	d.api, err = serverFlag{configFlag: configFlag{Config: d.world.Config}}.client(context.Background())
	if err != nil {
		d.world.close()
	}
	return d, err
}

// serve runs the server, which logs into a file.
func (d *demo) serve(ctx context.Context) error {
	file, err := os.Create(filepath.Join(d.world.Dir, "lockstep.log"))
	if err != nil {
		return err
	}
	defer file.Close()
	log := slog.New(slog.NewJSONHandler(file, nil))
	return serve(ctx, d.cfg, log, credentials.NewStaticCredentialsProvider("AKIADEMO", "demo", ""))
}

// play plays the runs, says what became of them, and stays up if it is to.
func (d *demo) play(ctx context.Context, chosen []scenario, served <-chan error) error {
	if err := d.ready(ctx, served); err != nil {
		return err
	}
	if d.Output == "text" {
		d.con.printf("GitLab %s · Lockstep %s (token %s)\n\n", d.world.GitLab.URL(), d.cfg.Server.URL, apiToken)
	}
	all := true
	var results []played
	for _, s := range chosen {
		p, err := d.one(ctx, s)
		if err != nil {
			return err
		}
		all = all && p.OK
		if results = append(results, p); d.Output == "json" {
			if err := d.con.json(p); err != nil {
				return err
			}
		}
	}
	if d.Output == "text" {
		d.con.results(results)
	}
	if !d.Once {
		d.con.printf("\nAll of it stays up until Ctrl-C: open %s/ (password %s)\n", d.cfg.Server.URL, apiToken)
		<-ctx.Done()
	}
	if !all {
		return errSilent
	}
	return nil
}

// results prints the table of what became of the runs.
func (c *console) results(results []played) {
	table := c.table()
	row(table, "RUN", "TRACK", "GIVEN", "EXPECTED END", "END", "", "TOOK")
	for _, p := range results {
		row(table, fmt.Sprint(p.Scenario), p.Track, p.Given, p.Expected, p.End, map[bool]string{true: "ok", false: "WRONG"}[p.OK], fmt.Sprintf("%.1f s", p.Seconds))
	}
	_ = table.Flush()
	for _, p := range results {
		for _, wrong := range p.Wrong {
			c.printf("run %d: %s\n", p.Scenario, wrong)
		}
	}
}

// ready waits until the server answers, or says why it does not start.
func (d *demo) ready(ctx context.Context, served <-chan error) error {
	return d.until(ctx, 30*time.Second, func() (bool, error) {
		select {
		case err := <-served:
			return false, fmt.Errorf("the server ended: %w", err)
		default:
		}
		var status struct{}
		return d.api.get(ctx, "status", &status) == nil, nil
	})
}

// errLate says that something did not come in time.
var errLate = errors.New("it did not come in time")

// until asks for a condition again and again, at most for limit.
func (d *demo) until(ctx context.Context, limit time.Duration, ok func() (bool, error)) error {
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	late := time.After(limit)
	for {
		if done, err := ok(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late:
			return errLate
		case <-tick.C:
		}
	}
}

// keep writes what people were told next to what else is kept.
func (d *demo) keep() error {
	if d.Dir == "" {
		return nil
	}
	data, err := json.MarshalIndent(d.world.Chat.Messages(), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.Dir, "messages.json"), append(data, '\n'), 0o644)
}

// header says what a run is about.
func (s scenario) header() string {
	return fmt.Sprintf("Run %d: %s (mda %s through %s)", s.N, s.Given, s.Version, s.Track)
}
