package main

import (
	"strings"
	"testing"
)

// Services shows what is found by glob and by helmfile, and what is not understood.
func TestServices(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	byGlob := typed{line: "services integration", says: []string{
		"mda on integration\n  int, main of env/mda at ", "    " + firstVersion + "\n      fbv   environments/int/fbv/values.yaml data.version   matches environments/int/*/values.yaml\n",
	}, not: "release"}
	s.types(
		byGlob,
		typed{line: "services", says: []string{"mda on integration\n", "mda on release\n", "  prd, main of env/mda at "}},
		typed{line: "services --package mda --output json", says: []string{
			`{"track":"integration","package":"mda","environments":[{"environment":"int","repository":"env/mda","branch":"main","commit":"`,
			`{"name":"kv","file":"environments/int/kv/values.yaml","key":"data.version","version":"` + firstVersion + `","why":"matches environments/int/*/values.yaml"}`,
		}},
		typed{line: "services integratoin", code: 2, says: []string{`unknown track "integratoin": did you mean integration? (have integration, release)`}},
		typed{line: "services --package mdb", code: 2, says: []string{`unknown package "mdb"`}},
		typed{line: "services integration --package mdb", code: 2, says: []string{`unknown package "mdb"`}},
	)
	s.rewrite("{glob: 'environments/int/*/values.yaml',", "{helmfile: helmfile.yaml,")
	s.types(
		typed{line: "services integration", says: []string{"fbv   environments/int/fbv/values.yaml data.version   release fbv (helmfile.yaml:"}, not: "BAD"},
		typed{line: "plan integration " + nextVersion + nobody, says: []string{"rollback, rehearsed: 4 of 4 files byte for byte"}},
	)
	text, err := s.git("show", "main:helmfile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	unclear := strings.TrimSpace(text) + "\n  - name: fbv2\n    installed: false\n    values: [environments/int/fbv/values.yaml]\n  - name: web\n    values: ['environments/{{ .Values.stage }}/kv/values.yaml']\n"
	if _, err := s.GitLab.Commit(envProject, "main", "Deploy more", map[string]string{"helmfile.yaml": unclear}); err != nil {
		t.Fatal(err)
	}
	s.types(
		typed{line: "services integration", code: 1, says: []string{
			"\n    not installed: helmfile.yaml:", ": release fbv2: installed: false; its values environments/int/fbv/values.yaml hold data.version\n",
			"\n    not understood: helmfile.yaml:", ": release web: which values {{ .Values.stage }} names is not known; it may be environments/abn/kv/values.yaml or ",
			"\n    BAD environment int: not every service can be told without running templates: ",
		}},
		typed{line: "plan integration " + nextVersion + nobody, code: 1, says: []string{"a run would be refused:\n  environment int: not every service can be told"}},
	)
	s.rewrite("{helmfile: helmfile.yaml, key", "{glob: 'environments/int/*/values.yaml', key")
	s.types(byGlob)
}
