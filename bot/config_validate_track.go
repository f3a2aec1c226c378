package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lockstep/gates"
	"lockstep/gitops"
)

// item returns the field of the i-th item of a list.
func item(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

func (c *Config) validateEnvironment(k *configCheck, name string) {
	field := "environments." + name
	e := c.Environments[name]
	if k.name(field, name) && (name == "back" || strings.HasPrefix(name, "back-")) {
		k.fail(field, "lockstep/<run>-back begins the branch of a rollback: choose another name")
	}
	k.project(field+".repository", e.Repository)
	k.ref(field+".branch", e.Branch)
	k.placeholders(field+".sync.job", e.Sync.Job, "environment", "service")
	k.given(field+".sync.job", e.Sync.Job, "the name of the deploy job, such as deploy-{environment}-{service}")
	names := map[string]bool{}
	for i, s := range e.Services {
		at := item(field+".services", i)
		s.validate(k, at, sortedKeys(c.Packages))
		if id := s.Package + " " + s.Name; s.Name != "" && names[id] {
			k.fail(at+".name", "service %q is there twice: remove one", s.Name)
		} else {
			names[id] = true
		}
	}
	if e.Record != nil {
		e.Record.validate(k, field+".record", len(e.packages()))
	}
}

// packages returns the packages that have services in e, in order.
func (e *EnvironmentConfig) packages() []string {
	var names []string
	for _, s := range e.Services {
		names = append(names, s.Package)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s ServiceConfig) validate(k *configCheck, field string, packages []string) {
	switch {
	case s.Glob != "" && (s.File != "" || s.Name != ""):
		k.fail(field, "has glob and more: write glob and key, or name, file and key")
	case s.Glob != "":
		if _, err := gitops.Dependents(nil, s.Glob); err != nil {
			k.fail(field+".glob", "%v", err)
		}
	case s.File == "" && s.Name == "":
		k.fail(field, "no place of a value: write name, file and key, or glob and key")
	default:
		if k.given(field+".name", s.Name, "the service's name") {
			k.name(field+".name", s.Name)
		}
		if k.given(field+".file", s.File, "the values file, such as environments/int/mds/values.yaml") {
			k.path(field+".file", s.File)
		}
	}
	k.key(field+".key", s.Key)
	switch {
	case s.Package != "":
		k.refers(field+".package", "package", s.Package, packages)
	case len(packages) > 1:
		k.fail(field+".package", "missing: write whose version it is (%s)", known("", packages))
	}
}

var (
	parameterName = regexp.MustCompile(`^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
	awsRegion     = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	awsRole       = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$`)
)

func (r *RecordConfig) validate(k *configCheck, field string, packages int) {
	name := strings.NewReplacer("{package}", "p", "{environment}", "e").Replace(r.Name)
	k.placeholders(field+".parameter", r.Name, "package", "environment")
	switch {
	case !k.given(field+".parameter", r.Name, "the parameter's name, such as /mda/int/data-version"):
	case !parameterName.MatchString(name) && !placeholderPattern.MatchString(name):
		k.fail(field+".parameter", "%q is no parameter: write letters, digits and _ . - in parts that / separates", shortened(r.Name))
	case packages > 1 && !strings.Contains(r.Name, "{package}"):
		k.fail(field+".parameter", "%d packages have services here and would overwrite each other: write {package} in it", packages)
	}
	if r.Region != "" && !awsRegion.MatchString(r.Region) {
		k.fail(field+".region", "%q is no AWS region: write one such as eu-central-1", shortened(r.Region))
	}
	if r.RoleARN != "" && !awsRole.MatchString(r.RoleARN) {
		k.fail(field+".role_arn", "%q is no role: write its ARN, such as arn:aws:iam::123456789012:role/lockstep", shortened(r.RoleARN))
	}
	if r.ExternalID != "" && r.RoleARN == "" {
		k.fail(field+".external_id", "is of no use without role_arn: remove it, or write the role")
	}
	if r.Endpoint != "" {
		k.url(field+".endpoint", r.Endpoint)
	}
}

// validatePlaces refuses values that two environments or two packages would set.
func (c *Config) validatePlaces(k *configCheck) {
	values := map[string]string{}     // what sets a value, by its place
	parameters := map[string]string{} // the environment that records into a parameter
	for _, name := range sortedKeys(c.Environments) {
		e := c.Environments[name]
		for i, s := range e.Services {
			place := strings.Join([]string{e.Repository, e.Branch, s.File, s.Glob, s.Key}, "\n")
			who := fmt.Sprintf("environment %q for package %q", name, s.Package)
			if first, ok := values[place]; ok && first != who && s.Key != "" {
				k.fail(item("environments."+name+".services", i), "the same value is set by %s: give each its own", first)
			}
			values[place] = who
		}
		if e.Record == nil || e.Record.Name == "" {
			continue
		}
		r := *e.Record
		r.Name = strings.ReplaceAll(r.Name, "{environment}", name)
		place := strings.Join([]string{r.Name, r.Region, r.RoleARN, r.Endpoint}, "\n")
		if first, ok := parameters[place]; ok {
			k.fail("environments."+name+".record.parameter", "environment %q records into the same parameter: give each its own", first)
		}
		parameters[place] = name
	}
}

func (c *Config) validateTracks(k *configCheck) {
	if len(c.Tracks) == 0 {
		k.fail("tracks", "no track: describe at least one")
	}
	first := map[string]string{} // the first track of an environment
	for _, name := range sortedKeys(c.Tracks) {
		field := "tracks." + name
		t := c.Tracks[name]
		c.validateTrack(k, field, name, t)
		for i, s := range t.Stages {
			other, shared := first[s.Environment]
			switch {
			case s.Environment == "":
			case !shared:
				first[s.Environment] = name
			case c.Tracks[other].Lane != t.Lane:
				k.fail(item(field+".stages", i)+".environment", "tracks %q and %q share environment %q but not a lane: write the same lane in both", other, name, s.Environment)
			}
		}
	}
}

func (c *Config) validateTrack(k *configCheck, field, name string, t *TrackConfig) {
	k.name(field, name)
	if t.Lane != name {
		k.name(field+".lane", t.Lane)
	}
	k.names(field+".packages", "package", t.Packages, sortedKeys(c.Packages))
	k.names(field+".notify", "channel", t.Notify, sortedKeys(c.Notify))
	k.oneOf(field+".supersede", t.Supersede, "none", "waiting")
	if t.Packages != nil && len(t.Packages) == 0 && len(c.Packages) > 0 {
		k.fail(field+".packages", "the list is empty: name packages, or remove it for all")
	}
	if len(t.Stages) == 0 {
		k.fail(field+".stages", "no stage: name at least one environment")
	}
	for i, on := range t.On {
		if k.oneOf(item(field+".on", i), on, "tag") && !c.tagged(t) {
			k.fail(item(field+".on", i), "no package of the track has tags: write them under packages, or remove tag")
		}
	}
	seen := map[string]bool{}
	for i, s := range t.Stages {
		at := item(field+".stages", i)
		c.validateStage(k, at, name, t, s)
		if seen[s.Environment] && s.Environment != "" {
			k.fail(at+".environment", "environment %q is there twice: a track goes through it once", s.Environment)
		}
		seen[s.Environment] = true
	}
	c.validateBranches(k, field, t)
}

// validateBranches refuses a track that deploys two branches of one repository: its
// rollback is one commit per repository.
func (c *Config) validateBranches(k *configCheck, field string, t *TrackConfig) {
	branches := map[string]string{}
	for i, s := range t.Stages {
		e := c.Environments[s.Environment]
		if e == nil {
			continue
		}
		if first, ok := branches[e.Repository]; ok && first != e.Branch {
			k.fail(item(field+".stages", i)+".environment", "environment %q deploys branch %s of %s, another stage of the track branch %s: a rollback is one commit per repository, so let them share the branch or give each its own track", s.Environment, e.Branch, e.Repository, first)
		}
		branches[e.Repository] = e.Branch
	}
}

// tagged reports that tags announce versions of a package of t.
func (c *Config) tagged(t *TrackConfig) bool {
	return slices.ContainsFunc(t.Packages, func(name string) bool {
		p := c.Packages[name]
		return p != nil && p.Tags != nil
	})
}

func (c *Config) validateStage(k *configCheck, field, track string, t *TrackConfig, s StageConfig) {
	if k.given(field+".environment", s.Environment, "the name of an environment") &&
		k.refers(field+".environment", "environment", s.Environment, sortedKeys(c.Environments)) {
		have := c.Environments[s.Environment].packages()
		for _, p := range t.Packages {
			if c.Packages[p] != nil && !slices.Contains(have, p) && !slices.Contains(have, "") {
				k.fail("environments."+s.Environment+".services", "no service of package %q, which track %q brings here: list one, or write a glob", p, track)
			}
		}
	}
	names := map[string]bool{}
	for i, g := range s.Gates {
		at := item(field+".gates", i)
		g.validate(k, at)
		if names[g.Name] && g.Name != "" {
			k.fail(at+".name", "gate %q is there twice in the stage: give each its own name", g.Name)
		}
		names[g.Name] = true
	}
}

func (g GateConfig) validate(k *configCheck, field string) {
	if k.given(field+".name", g.Name, "the gate's name, such as int-test") {
		k.name(field+".name", g.Name)
	}
	if g.Pipeline == nil {
		k.fail(field+".pipeline", "missing: write the project whose pipeline decides")
		return
	}
	g.Pipeline.validate(k, field+".pipeline")
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// gatePlaceholders are what gates.Subject.Expand knows.
var gatePlaceholders = []string{"version", "package", "environment", "track", "run", "commit"}

func (p *PipelineConfig) validate(k *configCheck, field string) {
	k.project(field+".project", p.Project)
	k.ref(field+".ref", p.Ref)
	for _, name := range sortedKeys(p.Variables) {
		at := field + ".variables." + name
		switch {
		case !variableName.MatchString(name):
			k.fail(at, "%q is no variable: write letters, digits and _, not beginning with a digit", shortened(name))
		case name == gates.GateVariable:
			k.fail(at, "Lockstep sets this variable itself: choose another name")
		}
		k.placeholders(at, p.Variables[name], gatePlaceholders...)
	}
}
