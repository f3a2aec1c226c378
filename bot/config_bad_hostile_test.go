package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Texts that would do more than be read are refused wherever people or other systems see them.
var badTexts = []badConfig{
	{
		"names with what cannot be seen",
		"environments:\n",
		"  \"a\\nb\": {}\nenvironments:\n",
		[]string{
			`8:3: packages.a?b: "a\nb" is no name: write 1 to 63 small letters, digits and -, beginning with a letter or digit`,
			"13:9: environments.int.services[0].package: missing: write whose version it is (have a?b, mda)",
		},
	},
	{
		"a file of two lines",
		"      - {name: mds, file: int/mds.yaml, key: data.version}\n",
		"      - {name: mds, file: \"int/\\nmds.yaml\", key: data.version}\n      - {name: kv, file: int/kv.yaml, key: \"data.\\x01\"}\n      - {glob: \"int/*/\\u202evalues.yaml\", key: data.version}\n",
		[]string{
			"12:27: environments.int.services[0].file: holds characters that cannot be seen on a line: remove them",
			`13:44: environments.int.services[1].key: key "data.\x01": at 6: want a name, have "\x01": put names with special characters in double quotes`,
			"14:16: environments.int.services[2].glob: holds characters that cannot be seen on a line: remove them",
		},
	},
	{
		"a job of two lines",
		"    repository: env/mda\n",
		"    repository: env/mda\n    sync: {job: \"deploy\\n{service}\"}\n",
		[]string{
			"11:17: environments.int.sync.job: holds characters that cannot be seen on a line: remove them",
		},
	},
	{
		"an author of two lines",
		"  token: env:GITLAB_TOKEN\n",
		"  token: env:GITLAB_TOKEN\n  author: {name: \"Lock\\u200bstep\"}\n",
		[]string{
			`4:18: gitlab.author.name: "Lock\u200bstep" is no author of a commit: write one line without < and >`,
		},
	},
	{
		"variables",
		"            pipeline: {project: qa/int-test}\n",
		"            pipeline: {project: qa/int-test, variables: {A: \"a\\0\", B: \"two\\nlines\"}}\n",
		[]string{
			"20:61: tracks.integration.stages[0].gates[0].pipeline.variables.A: holds characters that cannot be seen on a line: remove them",
		},
	},
	{
		"a template in a name",
		"  int:\n",
		"  'int{{.}}':\n",
		[]string{
			`9:3: environments.int{{.}}: "int{{.}}" is no name: write 1 to 63 small letters, digits and -, beginning with a letter or digit`,
			`17:22: tracks.integration.stages[0].environment: unknown environment "int": have int{{.}}`,
		},
	},
	{
		"a script in a name",
		"          - name: int-test\n",
		"          - name: '<script>alert(1)</script>'\n",
		[]string{
			`19:19: tracks.integration.stages[0].gates[0].name: "<script>alert(1)</script>" is no name: write 1 to 63 small letters, digits and -, beginning with a letter or digit`,
		},
	},
}

func TestConfigHugeValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	tests := []struct{ name, old, new, want string }{
		{"file", "", strings.Repeat("# nothing\n", 120_000), "1:1: the file has 1200000 bytes and may have 1048576: it is no configuration"},
		{"key", "tracks:\n", long + ": x\ntracks:\n", "13:1: " + long[:80] + "…: the key has 3000 bytes: write 200 at most"},
		{"address", "https://gitlab.example.com", "https://gitlab.example.com/" + long, "2:8: gitlab.url: the address has more than 2000 characters: shorten it"},
		{"file in a repository", "int/mds.yaml", long, "12:27: environments.int.services[0].file: has 3000 characters: write 1000 at most"},
		{"unknown word", "    on: [tag]\n", "    on: [" + long + "]\n", `15:10: tracks.integration.on[0]: "` + long[:80] + `…" is not known: have hook, listing, pipeline, push, release, tag`},
		{"variable", "project: qa/int-test", "project: qa/int-test, variables: {V: '" + strings.Repeat("x", 10_001) + "'}", "20:61: tracks.integration.stages[0].gates[0].pipeline.variables.V: has 10001 characters: write 10000 at most"},
		{"condition", "pipeline: {project: qa/int-test}", "http: {url: https://x.example.com, pass: '" + strings.Repeat("status == 1 || ", 300) + "true'}", "20:54: tracks.integration.stages[0].gates[0].http.pass: the condition has 4504 characters: write at most 4096"},
		{"address of a gate", "pipeline: {project: qa/int-test}", "http: {url: 'https://x.example.com/?a=" + long + "'}", "20:25: tracks.integration.stages[0].gates[0].http.url: the address has more than 2000 characters: shorten it"},
	}
	for _, tt := range tests {
		_, err := ParseConfig("lockstep.yaml", []byte(replaced(tt.old, tt.new)))
		if got := mistakes(err); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, strings.Join(got, "\n     "), tt.want)
		}
	}
}

// Aliases of aliases may stand for more than anybody can read.
func TestConfigManyAliases(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("tracks:\n  a:\n    notify: &n [")
	for i := range 1000 {
		fmt.Fprintf(&text, "x%d, ", i)
	}
	text.WriteString("x]\n")
	text.WriteString("    stages: &s\n" + strings.Repeat("      - {gates: [{approval: {by: *n}}, {approval: {by: *n}}]}\n", 10))
	for i := range 100 {
		fmt.Fprintf(&text, "  t%d: {stages: *s}\n", i)
	}
	_, err := ParseConfig("lockstep.yaml", []byte(text.String()))
	if got := mistakes(err); !slices.ContainsFunc(got, func(line string) bool {
		return strings.HasSuffix(line, "the file has more than 100000 values once its aliases are repeated: make it smaller")
	}) {
		t.Errorf("got %d mistakes, none of them about aliases", len(got))
	}
}
