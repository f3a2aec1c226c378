package trigger

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"lockstep/bot"
	"lockstep/gitops"
)

// A meaning is what a spoken command means where it stands.
type meaning struct {
	bot.Command
	touches []string                                  // the environment repositories that it is about; none: that in which it stands
	wrong   string                                    // why it means nothing, for people
	ask     func(ctx context.Context) (string, error) // returns the answer of one that changes nothing
}

// nonsense is a command that means nothing.
func nonsense(format string, args ...any) meaning {
	return meaning{wrong: fmt.Sprintf(format, args...)}
}

// The form of what people name. Nothing else that they write is ever said back to them.
var (
	givenName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	fileName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
)

// mean returns what a spoken command means.
func (c *Comments) mean(p remark, s Spoken) meaning {
	m := c.meant(p, s)
	m.Verb = s.Verb
	if s.Verb == "" {
		m.Verb = bot.VerbHelp // what is answered, and the role that the answer needs
	}
	return m
}

// meant is mean without the verb.
func (c *Comments) meant(p remark, s Spoken) meaning {
	switch s.Verb {
	case bot.VerbPromote:
		return c.promote(p, s.Text)
	case bot.VerbRetry:
		return c.retry(p, s.Text)
	case bot.VerbRollback, bot.VerbCancel, bot.VerbHold, bot.VerbResume:
		return c.steer(p, s.Text)
	case bot.VerbConfirm, bot.VerbDeny:
		return c.judge(p, s)
	case bot.VerbFreeze, bot.VerbThaw:
		return c.freeze(p, s)
	case bot.VerbWhy:
		return c.why(p, s.Text)
	case bot.VerbQueue:
		return c.list(p, s.Text)
	case bot.VerbHelp:
		return meaning{ask: func(context.Context) (string, error) { return bot.Help("/lockstep "), nil }}
	}
	if s.Near != "" {
		return nonsense("there is no such command; did you mean %s?", example(s.Near))
	}
	return nonsense("there is no such command; %s shows all", example(bot.VerbHelp))
}

// example returns how a command is written, in the form that every edition of GitLab
// passes on.
func example(v bot.Verb) string { return "/lockstep " + v.Usage() }

// promote asks for a run: of the version that the merge request brings, or of another.
func (c *Comments) promote(p remark, text string) meaning {
	args := arguments(text, 3)
	switch {
	case len(args) > 3:
		return nonsense("promote takes a track and a version: write %s", example(bot.VerbPromote))
	case len(args) < 2 && p.run == nil:
		return nonsense("this is no merge request of a run, so nobody knows which version is meant: write /lockstep promote TRACK VERSION")
	case len(args) == 0:
		return c.following(p.run)
	case len(args) == 1:
		return c.request(p.run.Package, args[0], string(p.run.Version))
	case len(args) == 3:
		return c.request(strings.ToLower(args[1]), args[0], args[2])
	}
	pkg := ""
	if t := c.Config.Tracks[strings.ToLower(args[0])]; t != nil && p.run != nil && slices.Contains(t.Packages, p.run.Package) {
		pkg = p.run.Package
	}
	return c.request(pkg, args[0], args[1])
}

// following asks for a run of the version of r through the one track that follows.
func (c *Comments) following(r *bot.Run) meaning {
	switch next := c.Config.Next(r.Track, r.Package); len(next) {
	case 0:
		return nonsense("no track follows track %s: name the one that is meant, /lockstep promote TRACK", r.Track)
	case 1:
		return c.request(r.Package, next[0], string(r.Version))
	default:
		return nonsense("several tracks follow track %s: name the one that is meant, /lockstep promote TRACK, with one of %s", r.Track, strings.Join(next, ", "))
	}
}

// request asks for a run of a version on a track. The package may be empty where the track
// takes one.
func (c *Comments) request(pkg, track, version string) meaning {
	track = strings.ToLower(track)
	switch _, err := gitops.ParseVersion(version); {
	case !givenName.MatchString(track):
		return nonsense("the track has no name that a track can have: write %s", example(bot.VerbPromote))
	case pkg != "" && !givenName.MatchString(pkg):
		return nonsense("the package has no name that a package can have: write /lockstep promote TRACK PACKAGE VERSION")
	case err != nil:
		return nonsense("that is no version: it has 1 to 128 letters, digits and . _ + -, and begins with a letter or digit")
	}
	q, err := c.Config.Request(pkg, track, version)
	if t := c.Config.Tracks[track]; err != nil && pkg == "" && t != nil && len(t.Packages) != 1 {
		return nonsense("%v: write /lockstep promote TRACK PACKAGE VERSION", err)
	}
	if err != nil {
		return nonsense("%v", err)
	}
	return meaning{Command: bot.Command{Request: &q}, touches: c.Config.RepositoriesOf(track)}
}

// noRun is the answer where there is no run that a command could be for.
func noRun() meaning {
	return nonsense("this merge request belongs to no run: write it on one that Lockstep has opened for the run that is meant")
}

// steer tells the run of the merge request something.
func (c *Comments) steer(p remark, text string) meaning {
	if p.run == nil {
		return noRun()
	}
	return meaning{Command: bot.Command{Run: p.run.ID, Reason: reason(text)}, touches: c.touched(p.run)}
}

// retry tells the run of the merge request that it is to be tried once more: where it was,
// and wherever its track leads by now.
func (c *Comments) retry(p remark, text string) meaning {
	m := c.steer(p, text)
	if p.run != nil {
		m.touches = append(m.touches, c.Config.RepositoriesOf(p.run.Track)...)
	}
	return m
}

// touched returns the environment repositories of a run.
func (c *Comments) touched(r *bot.Run) []string {
	var repos []string
	for _, s := range r.Stages {
		if s.Plan.Repo != "" && !slices.Contains(repos, s.Plan.Repo) {
			repos = append(repos, s.Plan.Repo)
		}
	}
	if len(r.Stages) == 0 {
		return c.Config.RepositoriesOf(r.Track)
	}
	return repos
}

// judge answers a gate of the run: GATE, ENVIRONMENT/GATE, or GATE --environment
// ENVIRONMENT. Without an environment that of the merge request is meant, where it has
// such a gate.
func (c *Comments) judge(p remark, s Spoken) meaning {
	if p.run == nil {
		return noRun()
	}
	gate, rest := cutArgument(s.Text)
	environment, name, both := strings.Cut(strings.ToLower(gate), "/")
	if !both {
		environment, name = "", environment
	}
	if option, behind := cutArgument(rest); option == "--environment" {
		environment, rest = cutArgument(behind)
		environment = strings.ToLower(environment)
	}
	if !givenName.MatchString(name) || environment != "" && !givenName.MatchString(environment) {
		return nonsense("name the gate: write %s", example(s.Verb))
	}
	if environment == "" && has(p.run, p.environment, name) {
		environment = p.environment
	}
	m := c.steer(p, rest)
	m.Environment, m.Gate = environment, name
	return m
}

// has reports that a stage of r has a gate of that name.
func has(r *bot.Run, environment, gate string) bool {
	return slices.ContainsFunc(r.Stages, func(s bot.Stage) bool {
		return s.Plan.Environment == environment &&
			slices.ContainsFunc(s.Plan.Gates, func(g bot.GatePlan) bool { return g.Name == gate })
	})
}

// freeze freezes or thaws the lane of a track: the one that is named, else that of the
// run.
func (c *Comments) freeze(p remark, s Spoken) meaning {
	lane, rest, wrong := c.lane(p, s.Text)
	m := meaning{Command: bot.Command{Lane: lane, Reason: reason(rest)}}
	for _, track := range c.Config.TracksIn(lane) {
		m.touches = append(m.touches, c.Config.RepositoriesOf(track)...)
	}
	if p.run != nil && p.run.Lane == lane {
		m.touches = append(m.touches, c.touched(p.run)...)
	}
	switch {
	case wrong != "":
		return nonsense("%s: write %s", wrong, example(s.Verb))
	case s.Verb == bot.VerbFreeze && m.Reason == "":
		m.wrong = "say why it is frozen: write " + example(s.Verb)
	}
	return m
}

// lane returns the lane that text begins with, its own name or that of a track, and what
// follows; else that of the run and all of text.
func (c *Comments) lane(p remark, text string) (lane, rest, wrong string) {
	name, rest := cutArgument(text)
	name = strings.ToLower(name)
	lane, err := c.Config.LaneOf(name)
	switch {
	case err == nil:
		return lane, rest, ""
	case p.run != nil:
		return p.run.Lane, text, ""
	case name == "":
		return "", "", "name the track"
	case !givenName.MatchString(name):
		return "", "", "that is no name of a track"
	}
	return "", "", err.Error()
}

// why asks about a service, or about the run of the merge request.
func (c *Comments) why(p remark, text string) meaning {
	args := arguments(text, 2)
	q := Query{Project: p.project, Run: p.run}
	switch {
	case len(args) > 2:
		return nonsense("that is too much: write %s", example(bot.VerbWhy))
	case len(args) == 0 && p.run == nil:
		return nonsense("this merge request belongs to no run: name the service, /lockstep why SERVICE")
	case slices.ContainsFunc(args, func(a string) bool { return !fileName.MatchString(a) }):
		return nonsense("that is no name of a service or an environment: write %s", example(bot.VerbWhy))
	}
	if len(args) > 0 {
		q.Service, q.Environment = args[0], p.environment
	}
	if len(args) > 1 {
		q.Environment = strings.ToLower(args[1])
	}
	return meaning{ask: func(ctx context.Context) (string, error) { return c.Why(ctx, q) }}
}

// list asks for the queue of a track, else for that of the run, else for all of them.
func (c *Comments) list(p remark, text string) meaning {
	lane := ""
	switch {
	case text != "":
		found, rest, wrong := c.lane(remark{}, text)
		if wrong != "" || rest != "" {
			return nonsense("%s: write %s", cmp.Or(wrong, "that is too much"), example(bot.VerbQueue))
		}
		lane = found
	case p.run != nil:
		lane = p.run.Lane
	}
	return meaning{ask: func(ctx context.Context) (string, error) { return c.Queue(ctx, lane) }}
}
