package bot

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/gates"
)

// smallConfig is the least that works, but for what the tests of bad files change.
const smallConfig = `gitlab:
  url: https://gitlab.example.com
  token: env:GITLAB_TOKEN
packages:
  mda:
    version: '\d{4}\.\d+'
    tags: {project: data/mda, name: 'v{version}'}
environments:
  int:
    repository: env/mda
    services:
      - {name: mds, file: int/mds.yaml, key: data.version}
tracks:
  integration:
    on: [tag]
    stages:
      - environment: int
        gates:
          - name: int-test
            pipeline: {project: qa/int-test}
`

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	c, err := ParseConfig("lockstep.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadExample(t *testing.T) *Config {
	t.Helper()
	c, err := LoadConfig("../docs/lockstep.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	c := parsed(t, smallConfig)
	if got, want := c.GitLab.Author, (AuthorConfig{"Lockstep", "lockstep@gitlab.example.com"}); got != want {
		t.Errorf("author: got %q, want %q", got, want)
	}
	if got, want := c.Server.URL, "http://127.0.0.1:8080"; got != want {
		t.Errorf("server.url: got %q, want %q", got, want)
	}
	if got, want := c.Store, "sqlite:lockstep.db"; got != want {
		t.Errorf("store: got %q, want %q", got, want)
	}
	if got, want := c.Limits(), (Limits{time.Hour, time.Second, 30 * time.Second, 5 * time.Minute}); got != want {
		t.Errorf("limits: got %v, want %v", got, want)
	}
	if got, want := c.DataProjects(), []DataProject{{"data/mda", time.Minute}}; !slices.Equal(got, want) {
		t.Errorf("data projects: got %v, want %v", got, want)
	}
	got, err := c.Track("integration", "mda", "2026.11.1")
	if err != nil {
		t.Fatal(err)
	}
	want := []TrackStage{{Plan: StagePlan{
		Environment: "int", Repo: "env/mda", Branch: "main", Checked: true,
		Watch:    WatchPlan{Job: "deploy-{environment}-{service}"},
		Services: []Service{{"mds", "int/mds.yaml", "data.version"}},
		Gates: []GatePlan{{
			Name: "int-test", TimeLimit: time.Hour,
			Pipeline: &PipelineGate{Project: "qa/int-test", Ref: "main"},
		}},
		SyncLimit: 30 * time.Minute, MergeLimit: 30 * time.Minute,
	}}}
	if !reflect.DeepEqual(got.Stages, want) {
		t.Errorf("track:\ngot  %+v\nwant %+v", got, want)
	}
}

func TestConfigExample(t *testing.T) {
	t.Parallel()
	c := loadExample(t)
	plan, err := c.Track("integration", "mda", "2026.11.1")
	if err != nil {
		t.Fatal(err)
	}
	s := plan.Stages[0]
	if got, want := s.Plan.Services, []Service{{"mds", "environments/int/mds/values.yaml", "data.version"}}; !slices.Equal(got, want) {
		t.Errorf("services: got %v, want %v", got, want)
	}
	if got, want := s.Globs, []Glob{{"environments/int/*/values.yaml", "data.version"}}; !slices.Equal(got, want) {
		t.Errorf("globs: got %v, want %v", got, want)
	}
	record := Parameter{
		Name: "/mda/int/data-version", Region: "eu-central-1", ExternalID: "lockstep",
		RoleARN:  "arn:aws:iam::123456789012:role/lockstep",
		Endpoint: "https://ssm.eu-central-1.amazonaws.com",
	}
	if got := *s.Plan.Record; got != record {
		t.Errorf("record: got %+v, want %+v", got, record)
	}
	if got, want := s.Plan.Gates[0].Pipeline.Variables["DATA_VERSION"], "{version}"; got != want {
		t.Errorf("variable: got %q, want %q", got, want)
	}
	if got, want := c.Channels("integration"), []string{"chat", "ops"}; !slices.Equal(got, want) {
		t.Errorf("channels: got %q, want %q", got, want)
	}
	if got, want := c.Lanes(), []string{"integration"}; !slices.Equal(got, want) {
		t.Errorf("lanes: got %q, want %q", got, want)
	}
}

func TestConfigOfQuickstart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml")
	config, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("no configuration in quickstart.md")
	}
	c := parsed(t, strings.ReplaceAll(config, "\n   ", "\n"))
	if requests, err := c.Tagged("data/mda", "2026.11.3"); len(requests) != 1 {
		t.Errorf("the tag of the quickstart: got %v, %v", requests, err)
	}
}

func TestConfigReferences(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range loadExample(t).References() {
		if r.Line == 0 {
			t.Errorf("%s: no line", r.Field)
		}
		got = append(got, r.Field+" "+r.String())
	}
	want := []string{
		"gitlab.token env:GITLAB_TOKEN",
		"gitlab.webhook.secret env:GITLAB_WEBHOOK_SECRET",
		"gitlab.webhook.signing env:GITLAB_SIGNING_TOKEN",
		"server.token env:LOCKSTEP_API_TOKEN",
		"store env:DATABASE_URL",
		"notify.chat.rocketchat.user env:ROCKETCHAT_USER",
		"notify.chat.rocketchat.token env:ROCKETCHAT_TOKEN",
		"notify.ops.rocketchat.hook env:ROCKETCHAT_HOOK",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestConfigFieldsAreDocumented holds that the example and the manual name every field
// of the types.
func TestConfigFieldsAreDocumented(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	yamlNames(reflect.TypeFor[Config](), names)
	if len(names) < 40 {
		t.Fatalf("found %d fields only", len(names))
	}
	for file, form := range map[string]string{"lockstep.example.yaml": `(?m)^[ -]*%:`, "configuration.md": "`%`|## %\n"} {
		data, err := os.ReadFile(filepath.Join("..", "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range sortedKeys(names) {
			if !regexp.MustCompile(strings.ReplaceAll(form, "%", name)).Match(data) {
				t.Errorf("%s does not name the field %s", file, name)
			}
		}
	}
}

// yamlNames collects the yaml names of all fields of t and of the types they hold.
func yamlNames(t reflect.Type, names map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		yamlNames(t.Elem(), names)
	case reflect.Struct:
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("yaml"); name != "" {
				names[name] = true
				yamlNames(t.Field(i).Type, names)
			}
		}
	}
}

func TestConfigPlaceholdersAreThoseOfGates(t *testing.T) {
	t.Parallel()
	s := gates.Subject{Run: "1", Track: "1", Package: "1", Environment: "1", Version: "1", Commit: "1"}
	for _, name := range gatePlaceholders {
		if got := s.Expand("{" + name + "}"); got != "1" {
			t.Errorf("{%s} expands to %q", name, got)
		}
	}
}

func TestLoadConfigMissing(t *testing.T) {
	t.Parallel()
	_, err := LoadConfig("no/such.yaml")
	want := `config "no/such.yaml" is not there: copy docs/lockstep.example.yaml to it and edit it, or name another file with --config`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := LoadConfig(t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "read config: ") {
		t.Errorf("a directory: got %v", err)
	}
}

func TestConfigAliases(t *testing.T) {
	t.Parallel()
	c := parsed(t, strings.NewReplacer(
		"- {name: mds", "- &mds {name: mds",
		"tracks:\n", "  abn:\n    branch: abn\n    repository: env/mda\n    services: [*mds]\ntracks:\n",
	).Replace(smallConfig))
	if got, want := c.Environments["abn"].Services, c.Environments["int"].Services; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConfigRequest(t *testing.T) {
	t.Parallel()
	c := parsed(t, strings.ReplaceAll(smallConfig, "    on:", "    lane: slow\n    supersede: waiting\n    on:"))
	tests := []struct{ pkg, track, version, want string }{
		{"mda", "integration", "2026.1", ""},
		{"mdb", "integration", "2026.1", `unknown package "mdb": did you mean mda? (have mda)`},
		{"mda", "", "2026.1", `unknown track "": have integration`},
		{"mda", "integration", "26.1", `version "26.1" is not valid for package "mda": it must match \d{4}\.\d+`},
		{"mda", "integration", "2026.1\n", `version "2026.1\n" is not valid: 1 to 128 letters, digits and . _ + -, beginning with a letter or digit`},
		{"mda", "integration", "v2026.1", `version "v2026.1" is not valid for package "mda": it must match \d{4}\.\d+`},
	}
	for _, tt := range tests {
		r, err := c.Request(tt.pkg, tt.track, tt.version)
		if tt.want != "" {
			if err == nil || err.Error() != tt.want {
				t.Errorf("%q:\ngot  %v\nwant %s", tt, err, tt.want)
			}
			continue
		}
		if want := (Request{Package: "mda", Track: "integration", Version: "2026.1", Lane: "slow", Supersede: true}); err != nil || r != want {
			t.Errorf("%q: got %+v, %v", tt, r, err)
		}
	}
}

func TestConfigTrackOfOtherPackages(t *testing.T) {
	t.Parallel()
	c := parsed(t, strings.NewReplacer(
		"environments:\n", "  offers:\nenvironments:\n",
		"key: data.version", "key: data.version, package: mda",
		"    on: [tag]\n", "    on: [tag]\n    packages: [mda]\n    notify: []\n",
	).Replace(smallConfig))
	_, err := c.Track("integration", "offers", "1")
	if want := `package "offers" does not go through track "integration": have mda`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestConfigTagged(t *testing.T) {
	t.Parallel()
	text := smallConfig + "  nightly:\n    lane: integration\n    stages: [{environment: int}]\n"
	tests := []struct{ name, text, project, tag, want string }{
		{"starts", text, "data/mda", "v2026.1", "integration 2026.1 tag"},
		{"other project", text, "data/other", "v2026.1", ""},
		{"other form", text, "data/mda", "2026.1", `tag "2026.1" of data/mda starts nothing: the tags of package "mda" have the form v{version}`},
		{"bad version", text, "data/mda", "v1", `tag "v1" of data/mda starts nothing: version "1" is not valid for package "mda": it must match \d{4}\.\d+`},
		{"two tracks", text + "    on: [tag]\n", "data/mda", "v2026.1", "integration 2026.1 tag, nightly 2026.1 tag"},
		{"no track", strings.Replace(text, "on: [tag]", "on: []", 1), "data/mda", "v2026.1", `tag "v2026.1" of data/mda starts nothing: no track starts on tags of package "mda"`},
	}
	for _, tt := range tests {
		requests, err := parsed(t, tt.text).Tagged(tt.project, tt.tag)
		var all []string
		for _, r := range requests {
			all = append(all, r.Track+" "+string(r.Version)+" "+string(r.Origin))
		}
		got := strings.Join(all, ", ")
		if err != nil {
			got += err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// lines returns the mistakes that an error of ParseConfig holds.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	var all []string
	for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
		var e *ConfigError
		if errors.As(one, &e) {
			all = append(all, strings.TrimPrefix(e.Error(), "lockstep.yaml:"))
		}
	}
	return all
}
