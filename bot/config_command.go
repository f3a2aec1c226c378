package bot

import (
	"fmt"
	"math"
	"slices"
)

// A CommandsConfig says what people may do by commands in comments on merge requests.
type CommandsConfig struct {
	// Levels are the roles that the commands need.
	Levels CommandLevelsConfig `yaml:"levels"`
}

// A CommandLevelsConfig holds the role that each command needs: `guest`, `reporter`,
// `developer`, `maintainer`, `owner`, or `nobody`, which switches it off in comments. Who
// writes one has to have the role in the environment repository of every environment that
// the command touches, as a member of the project or of a group above it; the lowest
// counts.
type CommandLevelsConfig struct {
	// Promote is for asking for a run. Default `developer`.
	Promote string `yaml:"promote"`

	// Rollback is for putting a run back. Default `developer`.
	Rollback string `yaml:"rollback"`

	// Retry is for asking once more for what has failed. Default `developer`.
	Retry string `yaml:"retry"`

	// Cancel is for ending a run. Default `developer`.
	Cancel string `yaml:"cancel"`

	// Hold is for keeping a run from going on. Default `developer`.
	Hold string `yaml:"hold"`

	// Resume is for letting a run go on. Default `developer`.
	Resume string `yaml:"resume"`

	// Confirm is for saying yes to a gate; the gate may restrict that further. Default
	// `developer`.
	Confirm string `yaml:"confirm"`

	// Deny is for saying no to a gate; the gate may restrict that further. Default
	// `developer`.
	Deny string `yaml:"deny"`

	// Freeze is for freezing the lane of a track. Default `maintainer`.
	Freeze string `yaml:"freeze"`

	// Thaw is for thawing the lane of a track. Default `maintainer`.
	Thaw string `yaml:"thaw"`

	// Why is for asking what runs where, and what a run waits for. Default `reporter`.
	Why string `yaml:"why"`

	// Queue is for asking which runs wait. Default `reporter`.
	Queue string `yaml:"queue"`

	// Help is for asking which commands there are. Default `reporter`.
	Help string `yaml:"help"`
}

// setDefaults sets the roles that are asked for by default.
func (l *CommandLevelsConfig) setDefaults() {
	for _, verb := range Verbs {
		switch verb {
		case VerbWhy, VerbQueue, VerbHelp:
			*l.of(verb) = "reporter"
		case VerbFreeze, VerbThaw:
			*l.of(verb) = "maintainer"
		default:
			*l.of(verb) = "developer"
		}
	}
}

// of returns where the role for a verb stands.
func (l *CommandLevelsConfig) of(verb Verb) *string {
	switch verb {
	case VerbPromote:
		return &l.Promote
	case VerbRollback:
		return &l.Rollback
	case VerbRetry:
		return &l.Retry
	case VerbCancel:
		return &l.Cancel
	case VerbHold:
		return &l.Hold
	case VerbResume:
		return &l.Resume
	case VerbConfirm:
		return &l.Confirm
	case VerbDeny:
		return &l.Deny
	case VerbFreeze:
		return &l.Freeze
	case VerbThaw:
		return &l.Thaw
	case VerbWhy:
		return &l.Why
	case VerbQueue:
		return &l.Queue
	case VerbHelp:
		return &l.Help
	}
	panic("bot: unknown verb " + string(verb))
}

// A Level is a role in a GitLab project, as the number that GitLab gives it. The zero
// value is that of somebody who is no member.
type Level int

// The levels. Nobody has LevelNobody.
const (
	LevelNone       Level = 0
	LevelGuest      Level = 10
	LevelReporter   Level = 20
	LevelDeveloper  Level = 30
	LevelMaintainer Level = 40
	LevelOwner      Level = 50
	LevelNobody     Level = math.MaxInt32
)

// levels are the levels by their name in the configuration.
var levels = map[string]Level{
	"guest": LevelGuest, "reporter": LevelReporter, "developer": LevelDeveloper,
	"maintainer": LevelMaintainer, "owner": LevelOwner, "nobody": LevelNobody,
}

// String names the level as GitLab shows it: "Developer".
func (l Level) String() string {
	switch l {
	case LevelNone:
		return "no member"
	case 5:
		return "a member with minimal access"
	case LevelGuest:
		return "Guest"
	case 15:
		return "Planner"
	case LevelReporter:
		return "Reporter"
	case LevelDeveloper:
		return "Developer"
	case LevelMaintainer:
		return "Maintainer"
	case LevelOwner:
		return "Owner"
	}
	return fmt.Sprintf("level %d", int(l))
}

// Level returns the level that a comment with the verb needs.
func (c *Config) Level(verb Verb) Level { return levels[*c.Commands.Levels.of(verb)] }

// EnvironmentRepositories returns the environment repositories, in order.
func (c *Config) EnvironmentRepositories() []string {
	all := map[string]bool{}
	for _, e := range c.Environments {
		if e.Repository != "" {
			all[e.Repository] = true
		}
	}
	return sortedKeys(all)
}

// RepositoriesOf returns the environment repositories that the stages of tracks are in,
// in order. A track that is not known has none.
func (c *Config) RepositoriesOf(tracks ...string) []string {
	all := map[string]bool{}
	for _, name := range tracks {
		t, ok := c.Tracks[name]
		if !ok {
			continue
		}
		for _, s := range t.Stages {
			if repo := c.Environments[s.Environment].Repository; repo != "" {
				all[repo] = true
			}
		}
	}
	return sortedKeys(all)
}

// TracksIn returns the tracks of a lane, in order.
func (c *Config) TracksIn(lane string) []string {
	var tracks []string
	for _, name := range sortedKeys(c.Tracks) {
		if c.Tracks[name].Lane == lane {
			tracks = append(tracks, name)
		}
	}
	return tracks
}

// Next returns the tracks that a version of a package may go once it has finished track
// well, in order.
func (c *Config) Next(track, pkg string) []string {
	var tracks []string
	for _, name := range sortedKeys(c.Tracks) {
		if t := c.Tracks[name]; t.From == track && slices.Contains(t.Packages, pkg) {
			tracks = append(tracks, name)
		}
	}
	return tracks
}
