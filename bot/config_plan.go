package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
)

// Track returns the plan of a version on a track, as a Resolver does: a Config can be a
// Bot's.
func (c *Config) Track(track, pkg string, v gitops.Version) (TrackPlan, error) {
	t, err := c.track(track, pkg)
	if err != nil {
		return TrackPlan{}, err
	}
	plan := TrackPlan{Data: c.set(pkg, v)}
	if t.Rollback.Scope == "stage" {
		plan.Scope = ScopeStage
	}
	for _, s := range t.Stages {
		plan.Stages = append(plan.Stages, c.stage(s, pkg, v))
	}
	return plan, nil
}

// track returns the track by name, which takes package pkg.
func (c *Config) track(name, pkg string) (*TrackConfig, error) {
	if _, ok := c.Packages[pkg]; !ok {
		return nil, fmt.Errorf("unknown package %q: %s", shortened(pkg), known(pkg, sortedKeys(c.Packages)))
	}
	t, ok := c.Tracks[name]
	if !ok {
		return nil, fmt.Errorf("unknown track %q: %s", shortened(name), known(name, sortedKeys(c.Tracks)))
	}
	if !slices.Contains(t.Packages, pkg) {
		return nil, fmt.Errorf("package %q does not go through track %q: %s", pkg, name, known(pkg, t.Packages))
	}
	return t, nil
}

// stage returns one stage for a version of a package.
func (c *Config) stage(s StageConfig, pkg string, v gitops.Version) TrackStage {
	e := c.Environments[s.Environment]
	stage := TrackStage{Plan: StagePlan{
		Environment: s.Environment,
		Repo:        e.Repository,
		Branch:      e.Branch,
		Checked:     e.MergeRequestPipelines,
		ByPerson:    e.Merge == "person",
		Pushed:      e.Rollback.Via == "push",
		Attended:    e.Rollback.Attended,
		Windows:     e.Windows.plan(),
		Watch:       e.Sync.plan(),
		Bucket:      c.bucket(e.Bucket, pkg, v),
		Deploy:      e.Deploy.of(s.Environment, pkg),
		Record:      e.Record.of(s.Environment, pkg),
		SyncLimit:   e.Sync.TimeLimit,
		MergeLimit:  e.MergeLimit,
	}}
	for _, service := range e.Services {
		switch {
		case service.Package != pkg:
		case service.Glob != "":
			stage.Globs = append(stage.Globs, Glob{Pattern: service.Glob, Key: service.Key})
		case service.Helmfile != "":
			stage.Helmfiles = append(stage.Helmfiles, Helmfile{File: service.Helmfile, Environment: service.served(s.Environment), Key: service.Key})
		default:
			stage.Plan.Services = append(stage.Plan.Services, Service{Name: service.Name, File: service.File, Key: service.Key})
		}
	}
	for _, g := range s.Gates {
		stage.Plan.Gates = append(stage.Plan.Gates, g.plan(stage.Plan.Gates, c.set(pkg, v)))
	}
	return stage
}

// served returns the name that an environment has in the helmfile of s; "" without one.
func (s ServiceConfig) served(environment string) string {
	if s.Helmfile == "" {
		return ""
	}
	return cmp.Or(s.Environment, environment)
}

// plan returns how a deployment is watched.
func (s SyncConfig) plan() WatchPlan {
	if s.HTTP == nil {
		return WatchPlan{Job: s.Job}
	}
	return WatchPlan{HTTP: &HTTPWatch{URL: s.HTTP.URL, Field: s.HTTP.Field, Token: s.HTTP.Token.Text}}
}

// set returns the data of a version; nil where nobody looks after it.
func (c *Config) set(pkg string, v gitops.Version) *DataSet {
	d := c.Packages[pkg].Data
	if d == nil {
		return nil
	}
	set := DataSet{Bucket: *c.bucket(d.Bucket, pkg, v), Manifest: d.Manifest}
	if d.Listing != nil {
		rule := ListingRule(*d.Listing)
		set.Manifest, set.Listing = "", &rule
	}
	return &set
}

// bucket returns a bucket, narrowed to a version; nil without one.
func (c *Config) bucket(purpose, pkg string, v gitops.Version) *Bucket {
	b := c.Buckets[purpose]
	if b == nil {
		return nil
	}
	prefix := strings.NewReplacer("{package}", pkg, "{version}", string(v)).Replace(b.Prefix)
	return &Bucket{
		Purpose: purpose, Name: b.Name, Prefix: prefix, Region: b.Region,
		RoleARN: b.RoleARN, ExternalID: b.ExternalID, Endpoint: b.Endpoint,
	}
}

// plan returns the plan of a gate that comes after others, on a version's data.
func (g GateConfig) plan(others []GatePlan, set *DataSet) GatePlan {
	p := GatePlan{
		Name: g.Name, Before: g.When == "before", Group: g.Group, TimeLimit: g.TimeLimit,
		Interval: g.Interval, Retries: g.Retries, AllowFailure: g.AllowFailure,
	}
	switch {
	case g.Pipeline != nil:
		kind := PipelineGate(*g.Pipeline)
		p.Pipeline = &kind
	case g.HTTP != nil:
		h := g.HTTP
		p.HTTP = &HTTPGate{URL: h.URL, Headers: h.Headers, Token: h.Token.Text, Pass: h.Pass, Fail: h.Fail}
	case g.Prometheus != nil:
		m := g.Prometheus
		p.Prometheus = &PrometheusGate{URL: m.URL, Token: m.Token.Text, Query: m.Query, Pass: m.Pass, Fail: m.Fail, For: m.For, NoData: m.NoData}
	case g.Approval != nil:
		kind := ApprovalGate(*g.Approval)
		p.Approval = &kind
	case g.Callback != nil:
		p.Callback = &CallbackGate{URL: g.Callback.URL, Token: g.Callback.Token.Text}
	case g.Soak != nil:
		p.Soak = &SoakGate{For: g.Soak.For}
		for _, other := range others {
			if slices.Contains(g.Soak.Watch, other.Name) {
				p.Soak.Watch = append(p.Soak.Watch, other)
			}
		}
	case g.Data != nil:
		p.Data = &DataGate{Set: *set, Pass: g.Data.Pass}
	}
	return p
}

// of returns the parameter of an environment for a package; nil without one.
func (r *ParameterConfig) of(environment, pkg string) *Parameter {
	if r == nil {
		return nil
	}
	p := Parameter(*r)
	p.Name = strings.NewReplacer("{package}", pkg, "{environment}", environment).Replace(p.Name)
	return &p
}

// Request returns the request for one version of a package on a track, checked against
// the configuration; the error is a sentence for the one who asked. The package may be
// empty where the track takes one. Who asked, and the key, are the caller's to fill in.
func (c *Config) Request(pkg, track, v string) (Request, error) {
	if pkg == "" {
		sole, err := c.sole(track)
		if err != nil {
			return Request{}, err
		}
		pkg = sole
	}
	t, err := c.track(track, pkg)
	if err != nil {
		return Request{}, err
	}
	version, err := c.Packages[pkg].parse(pkg, v)
	if err != nil {
		return Request{}, err
	}
	return Request{
		Package: pkg, Track: track, Version: version,
		Lane: t.Lane, Supersede: t.Supersede == "waiting", From: t.From, Windows: t.Windows.plan(),
	}, nil
}

// sole returns the only package of a track.
func (c *Config) sole(track string) (string, error) {
	t, ok := c.Tracks[track]
	switch {
	case !ok:
		return "", fmt.Errorf("unknown track %q: %s", shortened(track), known(track, sortedKeys(c.Tracks)))
	case len(t.Packages) != 1:
		return "", fmt.Errorf("track %q takes %s: name the package", track, strings.Join(t.Packages, ", "))
	}
	return t.Packages[0], nil
}

// parse returns v as a version of p, whose name is pkg.
func (p *PackageConfig) parse(pkg, v string) (gitops.Version, error) {
	version, err := gitops.ParseVersion(v)
	if err != nil {
		return "", err
	}
	if !p.takes(v) {
		return "", fmt.Errorf("version %q is not valid for package %q: it must match %s", v, pkg, p.Version)
	}
	return version, nil
}

// takes reports that the whole of v matches the pattern of p.
func (p *PackageConfig) takes(v string) bool {
	if p.pattern == nil {
		return true
	}
	at := p.pattern.FindStringIndex(v)
	return at != nil && at[0] == 0 && at[1] == len(v)
}

// tagged returns the version that a tag announces for p, whose name is pkg.
func (p *PackageConfig) tagged(pkg, tag string) (gitops.Version, error) {
	v, ok := cutVersion(p.Tags.Name, tag)
	if !ok {
		return "", fmt.Errorf("the tags of package %q have the form %s", pkg, p.Tags.Name)
	}
	return p.parse(pkg, v)
}

// Channels returns the names of the channels on which people are told of the runs of a
// track, in order; none for an unknown track.
func (c *Config) Channels(track string) []string {
	t, ok := c.Tracks[track]
	if !ok {
		return nil
	}
	return slices.Sorted(slices.Values(t.Notify))
}

// Lanes returns the names of all lanes, in order.
func (c *Config) Lanes() []string {
	lanes := map[string]bool{}
	for _, t := range c.Tracks {
		lanes[t.Lane] = true
	}
	return sortedKeys(lanes)
}

// Limits returns the clocks that hold for every run.
func (c *Config) Limits() Limits {
	return Limits{Unknown: c.Waits.Unknown, First: c.Waits.FirstWait, Longest: c.Waits.LongestWait, Person: c.Waits.PersonWait}
}
