package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
	if e.Repository != "" || e.Deploy == nil {
		k.project(field+".repository", e.Repository)
	}
	k.ref(field+".branch", e.Branch)
	k.oneOf(field+".merge", e.Merge, "bot", "person")
	k.oneOf(field+".rollback.via", e.Rollback.Via, "merge_request", "push")
	if e.Bucket != "" {
		k.refers(field+".bucket", "bucket", e.Bucket, sortedKeys(c.Buckets))
	}
	e.Sync.validate(k, field+".sync")
	names := map[string]bool{}
	for i, s := range e.Services {
		at := item(field+".services", i)
		s.validate(k, at, sortedKeys(c.Packages), e.Deploy != nil)
		if s.File == "" && s.Glob == "" && e.Deploy != nil && e.Sync.HTTP == nil {
			k.fail(at, "a pipeline says nothing of a service without a file: write sync.http, which asks the service itself")
		}
		if id := s.Package + " " + s.Name; s.Name != "" && names[id] {
			k.fail(at+".name", "service %q is there twice: remove one", s.Name)
		} else {
			names[id] = true
		}
	}
	e.Record.validate(k, field+".record", len(e.packages()))
	e.Deploy.validate(k, field+".deploy", len(e.packages()))
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

func (s ServiceConfig) validate(k *configCheck, field string, packages []string, deployed bool) {
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
	if bare := deployed && s.File == "" && s.Glob == ""; !bare || s.Key != "" {
		k.key(field+".key", s.Key)
	}
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

func (r *ParameterConfig) validate(k *configCheck, field string, packages int) {
	if r == nil {
		return
	}
	name := strings.NewReplacer("{package}", "p", "{environment}", "e").Replace(r.Name)
	k.placeholders(field+".parameter", r.Name, "package", "environment")
	switch {
	case !k.given(field+".parameter", r.Name, "the parameter's name, such as /mda/int/data-version"):
	case !parameterName.MatchString(name) && !placeholderPattern.MatchString(name):
		k.fail(field+".parameter", "%q is no parameter: write letters, digits and _ . - in parts that / separates", shortened(r.Name))
	case packages > 1 && !strings.Contains(r.Name, "{package}"):
		k.fail(field+".parameter", "%d packages have services here and would overwrite each other: write {package} in it", packages)
	}
	k.account(field, r.Region, r.RoleARN, r.ExternalID, r.Endpoint)
}

// account checks how something in AWS is reached.
func (k *configCheck) account(field, region, role, externalID, endpoint string) {
	if region != "" && !awsRegion.MatchString(region) {
		k.fail(field+".region", "%q is no AWS region: write one such as eu-central-1", shortened(region))
	}
	if role != "" && !awsRole.MatchString(role) {
		k.fail(field+".role_arn", "%q is no role: write its ARN, such as arn:aws:iam::123456789012:role/lockstep", shortened(role))
	}
	if externalID != "" && role == "" {
		k.fail(field+".external_id", "is of no use without role_arn: remove it, or write the role")
	}
	if endpoint != "" {
		k.url(field+".endpoint", endpoint)
	}
}

// validate checks how a deployment is watched.
func (s SyncConfig) validate(k *configCheck, field string) {
	if s.HTTP == nil {
		k.placeholders(field+".job", s.Job, "environment", "service")
		k.given(field+".job", s.Job, "the name of the deploy job, such as deploy-{environment}-{service}")
		return
	}
	if k.stands(field + ".job") {
		k.fail(field+".job", "http is given too: keep one of them")
	}
	if k.given(field+".http.url", s.HTTP.URL, "the address of a service, such as https://{service}.int.example.com/info") {
		k.address(field+".http.url", s.HTTP.URL, "service", "environment")
	}
}

// validatePlaces refuses values that two environments or two packages would set.
func (c *Config) validatePlaces(k *configCheck) {
	values := map[string]string{}     // what sets a value, by its place
	parameters := map[string]string{} // what uses a parameter, by its place
	for _, name := range sortedKeys(c.Environments) {
		e := c.Environments[name]
		for i, s := range e.Services {
			place := strings.Join([]string{e.Repository, e.Branch, s.File, s.Glob, s.Key}, "\n")
			who := fmt.Sprintf("environment %q for package %q", name, s.Package)
			if first, ok := values[place]; ok && first != who && s.Key != "" && s.File+s.Glob != "" {
				k.fail(item("environments."+name+".services", i), "the same value is set by %s: give each its own", first)
			}
			values[place] = who
		}
		for _, use := range []struct {
			field string
			p     *ParameterConfig
		}{{"deploy", e.Deploy}, {"record", e.Record}} {
			if use.p == nil || use.p.Name == "" {
				continue
			}
			place := strings.Join([]string{strings.ReplaceAll(use.p.Name, "{environment}", name), use.p.Region, use.p.RoleARN, use.p.Endpoint}, "\n")
			if first, ok := parameters[place]; ok {
				k.fail("environments."+name+"."+use.field+".parameter", "%s uses the same parameter: give each its own", first)
			}
			parameters[place] = fmt.Sprintf("%s of environment %q", use.field, name)
		}
	}
}
