package bot

import (
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
	} else {
		e.validateAlone(k, field)
	}
	k.ref(field+".branch", e.Branch)
	k.oneOf(field+".merge", e.Merge, "bot", "person")
	k.oneOf(field+".rollback.via", e.Rollback.Via, "merge_request", "push")
	if e.Bucket != "" {
		k.refers(field+".bucket", "bucket", e.Bucket, sortedKeys(c.Buckets))
	}
	k.windows(field+".windows", e.Windows)
	e.Sync.validate(k, field+".sync")
	names := map[string]bool{}
	for i, s := range e.Services {
		at := item(field+".services", i)
		s.validate(k, at, sortedKeys(c.Packages), e.Deploy != nil)
		if id := s.Package + " " + s.Name; s.Name != "" && names[id] {
			k.fail(at+".name", "service %q is there twice: remove one", shortened(s.Name))
		} else {
			names[id] = true
		}
	}
	if i := slices.IndexFunc(e.Services, ServiceConfig.bare); i >= 0 && e.Deploy != nil && e.Sync.HTTP == nil {
		k.fail(field+".sync.http", "missing: a pipeline says nothing of service %q, which has no file: write url, at which it says which version it runs", shortened(e.Services[i].Name))
	}
	e.Record.validate(k, field+".record", len(e.packages()))
	e.Deploy.validate(k, field+".deploy", len(e.packages()))
}

// validateAlone checks an environment without a repository, which is deployed by a
// parameter alone.
func (e *EnvironmentConfig) validateAlone(k *configCheck, field string) {
	for _, name := range []string{"branch", "merge_request_pipelines", "merge", "merge_limit", "rollback"} {
		if k.stands(field + "." + name) {
			k.fail(field+"."+name, "is of no use without repository: remove it, or write repository")
		}
	}
	for i, s := range e.Services {
		if !s.bare() {
			k.fail(item(field+".services", i), "no repository holds its file: write repository, or name alone")
		}
	}
}

// bare reports that no file holds the version of s.
func (s ServiceConfig) bare() bool { return s.File == "" && s.Glob == "" && s.Helmfile == "" }

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
	case s.Glob != "" && (s.File != "" || s.Name != "" || s.Helmfile != ""):
		k.fail(field, "has glob and more: write glob and key, or name, file and key, or helmfile and key")
	case s.Helmfile != "" && (s.File != "" || s.Name != ""):
		k.fail(field, "has helmfile and more: write helmfile and key, or name, file and key")
	case s.Helmfile != "":
		k.path(field+".helmfile", s.Helmfile)
	case s.Glob != "":
		if _, err := gitops.Dependents(nil, s.Glob); k.line(field+".glob", s.Glob, maxPath) && err != nil {
			k.fail(field+".glob", "%v", err)
		}
	case s.File == "" && s.Name == "":
		k.fail(field, "no place of a value: write name, file and key, or glob and key, or helmfile and key")
	default:
		if k.given(field+".name", s.Name, "the service's name") {
			k.name(field+".name", s.Name)
		}
		if !deployed && k.given(field+".file", s.File, "the values file, such as environments/int/mds/values.yaml") || s.File != "" {
			k.path(field+".file", s.File)
		}
	}
	switch {
	case !deployed || !s.bare():
		k.key(field+".key", s.Key)
	case s.Key != "" && s.Name != "":
		k.fail(field+".key", "is of no use without file: remove it, or write file")
	}
	if s.Environment != "" && s.Helmfile == "" {
		k.fail(field+".environment", "is of no use without helmfile: remove it, or write helmfile")
	}
	k.line(field+".environment", s.Environment, 255)
	switch {
	case s.Package != "":
		k.refers(field+".package", "package", s.Package, packages)
	case len(packages) > 1:
		k.fail(field+".package", "missing: write whose version it is (%s)", known("", packages))
	}
}

// parameterName is what SSM takes. Source: AWS Systems Manager API, PutParameter, Name.
var parameterName = regexp.MustCompile(`^([A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+){1,15})$`)

// isParameter reports that name can be the name of a parameter.
func isParameter(name string) bool {
	low := strings.ToLower(strings.TrimPrefix(name, "/"))
	reserved := strings.HasPrefix(low, "aws") || strings.HasPrefix(low, "ssm")
	return parameterName.MatchString(name) && !reserved && len(name) <= 900
}

func (r *ParameterConfig) validate(k *configCheck, field string, packages int) {
	if r == nil {
		return
	}
	known := k.placeholders(field+".parameter", r.Name, "package", "environment")
	switch {
	case !k.given(field+".parameter", r.Name, "the parameter's name, such as /mda/int/data-version"):
	case known && !isParameter(placeholderPattern.ReplaceAllString(r.Name, "x")):
		k.fail(field+".parameter", "%q is no parameter: write its name with letters, digits and _ . -, like /mda/int/data-version, not beginning with aws or ssm", shortened(r.Name))
	case packages > 1 && !strings.Contains(r.Name, "{package}"):
		k.fail(field+".parameter", "%d packages have services here and would overwrite each other: write {package} in it", packages)
	}
	k.account(field, r.Region, r.RoleARN, r.ExternalID, r.Endpoint)
}

var (
	awsRegion     = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	otherRegion   = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`) // of what is not AWS
	awsRole       = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$`)
	awsExternalID = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]{2,}$`)
)

// account checks how something in AWS is reached.
func (k *configCheck) account(field, region, role, externalID, endpoint string) {
	if region != "" && !awsRegion.MatchString(region) && (endpoint == "" || !otherRegion.MatchString(region)) {
		k.fail(field+".region", "%q is no AWS region: write one such as eu-central-1", shortened(region))
	}
	if role != "" && !awsRole.MatchString(role) {
		k.fail(field+".role_arn", "%q is no role: write its ARN, such as arn:aws:iam::123456789012:role/lockstep", shortened(role))
	}
	switch {
	case externalID != "" && role == "":
		k.fail(field+".external_id", "is of no use without role_arn: remove it, or write the role")
	case externalID != "" && (!awsExternalID.MatchString(externalID) || len(externalID) > 1224):
		k.fail(field+".external_id", "%q is no external id: write 2 to 1224 letters, digits and _ + = , . @ : / -", shortened(externalID))
	}
	if endpoint != "" {
		k.url(field+".endpoint", endpoint)
	}
}

// fieldPath is where a value stands in a JSON answer.
var fieldPath = regexp.MustCompile(`^[^\s\pC.]+(\.[^\s\pC.]+)*$`)

// validate checks how a deployment is watched.
func (s SyncConfig) validate(k *configCheck, field string) {
	if s.HTTP == nil {
		if k.given(field+".job", s.Job, "the name of the deploy job, such as deploy-{environment}-{service}") && k.line(field+".job", s.Job, 255) {
			k.placeholders(field+".job", s.Job, "environment", "service")
		}
		return
	}
	if k.stands(field + ".job") {
		k.fail(field+".job", "http is given too: keep one of them")
	}
	at := field + ".http"
	if k.given(at+".url", s.HTTP.URL, "the address of a service, such as https://{service}.int.example.com/info") {
		k.address(at+".url", s.HTTP.URL, k.has(at+".token", s.HTTP.Token), "service", "environment")
	}
	if f := s.HTTP.Field; f != "" && (!fieldPath.MatchString(f) || len(f) > 200) {
		k.fail(at+".field", "%q is no field of an answer: write names with dots between them, such as data.version", shortened(f))
	}
}
