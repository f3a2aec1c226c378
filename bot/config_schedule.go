package bot

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
)

// A ScheduleConfig asks for a run at certain times. Each of them is asked for once,
// whatever happens, and where there is nothing to do nobody is told: `lockstep schedules`
// shows what became of it.
type ScheduleConfig struct {
	// Name is the name of the schedule within its track. A schedule with another name is a
	// new one. Default: its place in the list, from 1.
	Name string `yaml:"name"`

	// Cron is when: minute, hour, day of the month, month and weekday, as in crontab. A
	// time that the clocks show twice when they are put back counts once; one that they
	// leave out when they are put forward is the moment in which that is done. Required.
	Cron string `yaml:"cron"`

	// Zone is the zone of the times, such as `Europe/Berlin`. Default `UTC`.
	Zone string `yaml:"zone"`

	// Package is the data package. Required where the track takes several.
	Package string `yaml:"package"`

	// Version is what is asked for: `latest`, the version that the newest tag of the
	// package's data project announces, in GitLab's order of tags; or `newest good of` and
	// a track: the version of the newest run there that ended well and was not put back.
	// Default `latest`.
	Version string `yaml:"version"`

	// CatchUp says what becomes of times that passed while Lockstep did not run, or could
	// not tell which version is asked for, for longer than 10 minutes: `skip` leaves them
	// out, `once` makes up for the newest of them. Default `skip`.
	CatchUp string `yaml:"catch_up"`
}

// A WindowsConfig says when something may be done: while a span of `allow` covers the
// time, or there is none, and no span of `deny` does. A span is a part of each week, such
// as `Mon-Fri 08:00-16:00`, `Sat,Sun` or `22:00-06:00`, or goes from one day to another,
// both included, such as `2026-12-20 – 2027-01-06`; its days may have times as well.
// Rollbacks are always allowed.
type WindowsConfig struct {
	// Zone is the zone of the times, such as `Europe/Berlin`. Default `UTC`.
	Zone string `yaml:"zone"`

	// Allow are the spans in which it may be done. Default: at any time.
	Allow []string `yaml:"allow"`

	// Deny are the spans in which it may not be done, whatever `allow` says. Default: none.
	Deny []string `yaml:"deny"`
}

// setDefaults sets the defaults of a schedule.
func (s *ScheduleConfig) setDefaults() {
	s.Zone, s.Version, s.CatchUp = "UTC", versionLatest, "skip"
}

// setDefaults sets the defaults of windows.
func (w *WindowsConfig) setDefaults() { w.Zone = "UTC" }

// plan returns the windows; nil without any.
func (w *WindowsConfig) plan() *Windows {
	if w == nil {
		return nil
	}
	return &Windows{Zone: w.Zone, Allow: spans(w.Allow), Deny: spans(w.Deny)}
}

// spans reads spans that were checked.
func spans(texts []string) []Span {
	var all []Span
	for _, text := range texts {
		s, err := parseSpan(text)
		if err != nil {
			panic("bot: span: " + err.Error())
		}
		all = append(all, s)
	}
	return all
}

// Schedules returns the schedules of all tracks, in order.
func (c *Config) Schedules() []Schedule {
	var all []Schedule
	for _, track := range sortedKeys(c.Tracks) {
		for _, s := range c.Tracks[track].Schedules {
			schedule := Schedule{
				Track: track, Name: s.Name, Package: s.Package, Cron: s.Cron, Zone: s.Zone,
				GoodOf: strings.TrimPrefix(s.Version, newestGood), CatchUp: s.CatchUp == "once",
			}
			if s.Version == versionLatest {
				schedule.GoodOf, schedule.Project = "", c.Packages[s.Package].Tags.Project
			}
			if err := schedule.prepare(); err != nil {
				panic("bot: schedule: " + err.Error())
			}
			all = append(all, schedule)
		}
	}
	return all
}

// Newest returns the version of a package that the first of tags announces that
// announces one; false when none does.
func (c *Config) Newest(pkg string, tags []gitops.Tag) (gitops.Version, bool) {
	for _, tag := range tags {
		if v, err := c.Packages[pkg].tagged(pkg, tag.Name); err == nil {
			return v, true
		}
	}
	return "", false
}

// LaneOf returns the lane of that name, or that of the track of that name; the error is a
// sentence.
func (c *Config) LaneOf(name string) (string, error) {
	if slices.Contains(c.Lanes(), name) {
		return name, nil
	}
	if t, ok := c.Tracks[name]; ok {
		return t.Lane, nil
	}
	names := append(c.Lanes(), sortedKeys(c.Tracks)...)
	slices.Sort(names)
	return "", fmt.Errorf("unknown lane or track %q: %s", shortened(name), known(name, slices.Compact(names)))
}
