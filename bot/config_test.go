package bot

import (
	"errors"
	"reflect"
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

// replaced returns smallConfig with another text for the first old; without old, the
// text alone.
func replaced(old, text string) string {
	if old == "" {
		return text
	}
	return strings.Replace(smallConfig, old, text, 1)
}

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	c, err := ParseConfig("lockstep.yaml", []byte(text))
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

// mistakes returns the mistakes that an error of ParseConfig holds.
func mistakes(err error) []string {
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
