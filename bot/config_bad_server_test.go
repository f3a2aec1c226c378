package bot

import (
	"slices"
	"strings"
	"testing"
)

func TestCIEntriesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	const good = `gitlab: {url: 'https://gitlab.example.com', token: 'env:TOKEN'}
packages: {mda: {tags: {project: data/mda}}}
environments: {int: {repository: env/mda, services: [{name: kv, file: int/kv.yaml, key: version}]}}
tracks: {integration: {stages: [{environment: int}]}}
`
	for entry, want := range map[string]string{
		"{project: data/exports}":                        "",
		"{project: data/exports, ref: 'release/*'}":      "",
		"{project: data/exports, tracks: [integration]}": "",
		"{ref: main}": "server.ci[0].project: missing",
		"{project: 'https://gitlab.example.com/data/e'}": "server.ci[0].project: not a project path",
		"{project: data/exports, project_id: -1}":        "server.ci[0].project_id: -1 is no number of a project",
		"{project: data/exports, ref: 'a b'}":            `server.ci[0].ref: "a b" is no branch or tag`,
		"{project: data/exports, ref: '[a-'}":            `server.ci[0].ref: "[a-" is no branch or tag`,
		"{project: data/exports, ref: 'release/**'}":     `server.ci[0].ref: "release/**" is no branch or tag`,
		"{project: data/exports, ref_type: commit}":      `server.ci[0].ref_type: "commit" is not known: have branch, tag`,
		"{project: data/exports, scopes: []}":            "server.ci[0].scopes: names nothing that the job may do",
		"{project: data/exports, scopes: [root]}":        `server.ci[0].scopes[0]: "root" is not known: have freeze, read, run`,
		"{project: data/exports, scopes: [run, run]}":    "server.ci[0].scopes[1]: scope run is there twice",
		"{project: data/exports, scopes: [approve]}":     "server.ci[0].scopes[0]: a job cannot have approve",
		"{project: data/exports, scopes: [run, admin]}":  "server.ci[0].scopes[1]: a job cannot have admin",
		"{project: data/exports, tracks: [release]}":     `server.ci[0].tracks[0]: unknown track "release": have integration`,
		"{project: data/exports, tracks: []}":            "server.ci[0].tracks: names no track",
		"{project: data/exports, branch: main}":          "server.ci[0].branch: unknown key",
	} {
		_, err := ParseConfig("lockstep.yaml", []byte(good+"server: {ci: ["+entry+"]}\n"))
		if got := errText(err); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", entry, got, want)
		}
	}
}

func TestCIEntryFits(t *testing.T) {
	t.Parallel()
	main := CIJob{Project: "data/exports", ProjectID: 7, Ref: "main", RefType: "branch", Protected: true}
	with := func(f func(*CIJob)) CIJob {
		j := main
		f(&j)
		return j
	}
	var entry CIConfig
	entry.setDefaults()
	entry.Project = "data/exports"
	if got := entry.Allows(); !slices.Equal(got, []TokenScope{MayRead, MayRun}) {
		t.Errorf("it allows %v", got)
	}
	for _, test := range []struct {
		ref  string
		job  CIJob
		want bool
	}{
		{"", main, true},
		{"", with(func(j *CIJob) { j.ProjectID = 8 }), true}, // the entry names the path alone
		{"main", main, true},
		{"mai", main, false},
		{"m*n", main, true},
		{"*", main, true},
		{"*", with(func(j *CIJob) { j.Ref = "release/1" }), false},
		{"release/*", with(func(j *CIJob) { j.Ref = "release/1" }), true},
		{"", with(func(j *CIJob) { j.Protected = false }), false},
		{"", with(func(j *CIJob) { j.RefType = "tag" }), false},
		{"", with(func(j *CIJob) { j.Project = "data/Exports" }), false},
	} {
		entry.Ref = test.ref
		if got := entry.Fits(test.job); got != test.want {
			t.Errorf("ref %q and %+v: got %t, want %t", test.ref, test.job, got, test.want)
		}
	}
	entry.Ref, entry.ProjectID = "", 7
	for id, want := range map[int64]bool{7: true, 8: false, 0: false} { // another project has got the path since
		if got := entry.Fits(with(func(j *CIJob) { j.ProjectID = id })); got != want {
			t.Errorf("project %d: got %t, want %t", id, got, want)
		}
	}
	if entry.Fits(with(func(j *CIJob) { j.Project = "data/renamed" })) {
		t.Error("the project with that number has another path, and fits")
	}
}
