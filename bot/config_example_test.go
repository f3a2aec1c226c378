package bot

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const exampleFile = "../docs/lockstep.example.yaml"

func loadExample(t *testing.T) *Config {
	t.Helper()
	c, err := LoadConfig("../docs/lockstep.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestConfigExampleHasEveryKey holds that the example shows every key that there is.
func TestConfigExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	k := newConfigCheck(exampleFile)
	decodeConfig(k, data, &Config{})
	shown, keys := sortedKeys(k.places), 0
	eachKey(withDefaults(reflect.TypeFor[Config]()), "", func(path string, _ reflect.Type, _ reflect.StructField, _ reflect.Value) {
		if keys++; !slices.ContainsFunc(shown, fields(path).MatchString) {
			t.Errorf("the example does not show %s", path)
		}
	})
	if keys < 100 {
		t.Errorf("found %d keys only", keys)
	}
}

// fields returns what matches the fields that path stands for.
func fields(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.NewReplacer("NAME", `[^.]+`, `\[\]`, `\[\d+\]`).Replace(regexp.QuoteMeta(path)) + "$")
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
	if got, want := c.Lanes(), []string{"integration", "release"}; !slices.Equal(got, want) {
		t.Errorf("lanes: got %q, want %q", got, want)
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
		"server.callbacks env:LOCKSTEP_CALLBACK_KEY",
		"store env:DATABASE_URL",
		"packages.offers.hook.secret env:OFFERS_HOOK_SECRET",
		"environments.prd.sync.http.token env:PRD_INFO_TOKEN",
		"tracks.release.stages[0].gates[1].http.token env:HEALTH_TOKEN",
		"tracks.release.stages[0].gates[2].prometheus.token env:PROMETHEUS_TOKEN",
		"tracks.release.stages[1].gates[1].callback.token env:ACCEPTANCE_TOKEN",
		"notify.chat.rocketchat.user env:ROCKETCHAT_USER",
		"notify.chat.rocketchat.token env:ROCKETCHAT_TOKEN",
		"notify.mattermost.mattermost.token env:MATTERMOST_TOKEN",
		"notify.mattermost-ops.mattermost.hook env:MATTERMOST_HOOK",
		"notify.on-call.mail.user env:SMTP_USER",
		"notify.on-call.mail.password env:SMTP_PASSWORD",
		"notify.ops.rocketchat.hook env:ROCKETCHAT_HOOK",
		"notify.program.webhook.url env:NOTIFY_URL",
		"notify.program.webhook.secret env:NOTIFY_SECRET",
		"notify.slack.slack.token env:SLACK_TOKEN",
		"notify.slack-ops.slack.hook env:SLACK_HOOK",
		"notify.teams.teams.hook env:TEAMS_HOOK",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestConfigReferencesMissesNone holds that References returns what stands in each field
// for a reference.
func TestConfigReferencesMissesNone(t *testing.T) {
	t.Parallel()
	var all []string
	for _, r := range loadExample(t).References() {
		all = append(all, r.Field)
	}
	eachKey(withDefaults(reflect.TypeFor[Config]()), "", func(path string, _ reflect.Type, field reflect.StructField, _ reflect.Value) {
		if field.Type == referenceType && !slices.ContainsFunc(all, fields(path).MatchString) {
			t.Errorf("References has nothing of %s", path)
		}
	})
}

// TestConfigDocsExamplesLoad holds that each configuration that the documentation shows
// can be read. One that is not whole stands for its own sections of a small one.
func TestConfigDocsExamplesLoad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, file := range append(files, "../README.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range yamlBlocks(string(data)) {
			name, _, _ := strings.Cut(block, ":")
			if _, ok := sections(smallConfig)[name]; !ok && !slices.Contains([]string{"server", "store", "buckets", "notify", "limits"}, name) {
				continue // of something else
			}
			shown++
			if _, err := ParseConfig(file, []byte(overlaid(smallConfig, block))); err != nil {
				t.Errorf("%s:\n%s\n%v", file, block, err)
			}
		}
	}
	if shown < 5 {
		t.Errorf("found %d examples only", shown)
	}
}

// yamlBlocks returns the blocks of YAML in Markdown, without their indentation.
func yamlBlocks(text string) []string {
	var blocks []string
	for _, found := range regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, strings.TrimPrefix(strings.ReplaceAll("\n"+found[2], "\n"+found[1], "\n"), "\n"))
	}
	return blocks
}

// sections returns the sections of a configuration by their name.
func sections(text string) map[string]string {
	all := map[string]string{}
	for _, section := range regexp.MustCompile(`(?m)^[a-z]+:.*\n(?:(?:[ #].*)?\n)*`).FindAllString(text, -1) {
		name, _, _ := strings.Cut(section, ":")
		all[name] = section
	}
	return all
}

// overlaid returns a configuration with the sections of base that text does not have.
func overlaid(base, text string) string {
	own := sections(text)
	for name, section := range sections(base) {
		if own[name] == "" {
			text += section // in any order: a mistake is shown with its section's name
		}
	}
	return text
}

func TestConfigOfQuickstart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	c := parsed(t, yamlBlocks(string(text))[0])
	if requests, err := c.Announced(c.Sources()[0], "2026.11.3"); len(requests) != 1 {
		t.Errorf("the tag of the quickstart: got %v, %v", requests, err)
	}
}
