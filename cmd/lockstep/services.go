package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"lockstep/bot"
	"lockstep/gitops"
)

// servicesCmd shows which services use a data package.
type servicesCmd struct {
	configFlag
	output
	Track   string `arg:"" help:"The track; all when left out." optional:""`
	Package string `help:"The data package; all when left out." placeholder:"NAME"`
}

// Help says more than one line.
func (servicesCmd) Help() string {
	return `Shows, for each environment of a track, the version that its services name, the
services, and where each has its version and how it was found: listed in the
configuration, by a glob, or as a release of a helmfile. What was not understood of
a helmfile is said with file and line. It reads the newest commits of the environment
repositories, asks no server and changes nothing.

Exit code 1 says that a run would be refused because of what is shown.`
}

// A usage is what one package's services on one track are.
type usage struct {
	Track        string           `json:"track"`
	Package      string           `json:"package"`
	Environments []bot.Dependents `json:"environments"`
}

// Run reads the configuration and the environment repositories.
func (c *servicesCmd) Run(ctx context.Context, con *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	pairs, err := tracksOf(cfg, c.Track, c.Package)
	if err != nil {
		return misused(err)
	}
	o, err := newOutside(ctx, cfg)
	if err != nil {
		return err
	}
	well := true
	for _, pair := range pairs {
		u := usage{Track: pair[0], Package: pair[1]}
		if u.Environments, err = o.bot.Services(ctx, u.Track, u.Package); err != nil {
			return err
		}
		well = well && !slices.ContainsFunc(u.Environments, unwell)
		if c.Output == "json" {
			if err := con.json(u); err != nil {
				return err
			}
			continue
		}
		con.usage(u)
	}
	if !well {
		return errSilent
	}
	return nil
}

// unwell reports that a run would be refused because of an environment.
func unwell(d bot.Dependents) bool {
	return d.Problem != "" || slices.ContainsFunc(d.Services, func(s bot.Dependent) bool { return s.Problem != "" })
}

// tracksOf returns the tracks and packages of those names, all for "", as pairs. The
// error is a sentence.
func tracksOf(cfg *bot.Config, track, pkg string) ([][2]string, error) {
	var pairs [][2]string
	for _, t := range slices.Sorted(maps.Keys(cfg.Tracks)) {
		for _, p := range cfg.Tracks[t].Packages {
			if (track == "" || t == track) && (pkg == "" || p == pkg) {
				pairs = append(pairs, [2]string{t, p})
			}
		}
	}
	if len(pairs) > 0 {
		return pairs, nil
	}
	if _, known := cfg.Packages[pkg]; known && track == "" {
		return nil, fmt.Errorf("package %q goes through no track", pkg)
	}
	_, err := cfg.Request(pkg, track, "0") // says which of them is unknown, and what was meant
	return nil, err
}

// usage prints the services of one package on one track.
func (c *console) usage(u usage) {
	c.printf("%s on %s\n", u.Package, u.Track)
	for _, d := range u.Environments {
		c.printf("  %s%s\n", d.Environment, of(d))
		c.dependents(d)
		for _, left := range d.Left {
			c.printf("    not installed: %s\n", left.String())
		}
		c.doubts(d.Doubts)
		if d.Problem != "" {
			c.printf("    BAD %s\n", d.Problem)
		}
	}
}

// of says which commit an environment was read at, as the end of a line.
func of(d bot.Dependents) string {
	switch {
	case d.Repo == "":
		return ", deployed by a parameter alone"
	case d.Commit == "":
		return fmt.Sprintf(", %s of %s", d.Branch, d.Repo)
	}
	return fmt.Sprintf(", %s of %s at %s", d.Branch, d.Repo, gitops.Short(d.Commit))
}

// dependents prints services by the version that they name, each with its file.
func (c *console) dependents(d bot.Dependents) {
	byVersion := map[gitops.Version][]bot.Dependent{}
	var order []gitops.Version
	for _, s := range d.Services {
		if byVersion[s.Version] == nil {
			order = append(order, s.Version)
		}
		byVersion[s.Version] = append(byVersion[s.Version], s)
	}
	for _, version := range order {
		if version == "" {
			c.printf("    no version\n")
		} else {
			c.printf("    %s\n", string(version))
		}
		table := c.table()
		for _, s := range byVersion[version] {
			row(table, "      "+s.Name, where(s), s.Why)
		}
		_ = table.Flush() // c.out says so at the next write
		for _, s := range byVersion[version] {
			if s.Problem != "" {
				c.printf("      BAD %s\n", s.Problem)
			}
		}
	}
}

// where says where a service has its version.
func where(s bot.Dependent) string {
	if s.File == "" {
		return "parameter " + s.Parameter
	}
	return s.File + " " + s.Key
}

// doubts prints what was not understood.
func (c *console) doubts(all []gitops.Doubt) {
	for _, d := range all {
		mark := "note"
		if d.Hides {
			mark = "not understood"
		}
		c.printf("    %s: %s\n", mark, d.String())
	}
}
