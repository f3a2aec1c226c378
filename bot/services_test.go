package bot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/gitops"
)

// byHelmfile makes the first environment of a world find its services in a helmfile.
func byHelmfile(w *world, helmfile string) {
	w.commit("main", "a person", map[string]string{"helmfile.yaml": helmfile})
	w.stages[0].Globs = nil
	w.stages[0].Helmfiles = []Helmfile{{File: "helmfile.yaml", Environment: "int", Key: "data.version"}}
}

const goodHelmfile = "environments: {int: {}}\nreleases:\n  - {name: kv, values: ['{{ .Environment.Name }}/kv/values.yaml']}\n  - {name: mds, values: [int/mds/values.yaml]}\n"

// A run finds its services in a helmfile like by a glob, and is refused where one may be
// hidden, unless that one is listed.
func TestRunByHelmfile(t *testing.T) {
	t.Parallel()
	const hiding = goodHelmfile + "  - {name: web, values: ['{{ .Values.dir }}/values.yaml']}\n"
	tests := []struct {
		name, helmfile string
		listed         []Service
		web            string // what web's file says; "" for none
		want           State
		says           string
	}{
		{"good", goodHelmfile, nil, "", Done, ""},
		{"nothing hidden", hiding, nil, "web: 1\n", Done, ""},
		{"a service hidden", hiding, nil, "data:\n  version: 1.0.0\n", Refused, "helmfile.yaml:5: release web: which values {{ .Values.dir }} names is not known; it may be web/values.yaml, which holds data.version; list the service"},
		{"it is listed", hiding, []Service{{"web", "web/values.yaml", "data.version"}}, "data:\n  version: 1.0.0\n", Done, ""},
		{"no service", "releases: []\n", nil, "", Refused, "no release of helmfile.yaml in environment int has data.version in its values"},
		{"no helmfile", "", nil, "", Refused, "helmfile.yaml: is not there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, r := newWorld(t, ""), newRun()
			byHelmfile(w, test.helmfile)
			w.stages[0].Plan.Services = test.listed
			w.commit("main", "a person", map[string]string{"web/values.yaml": test.web})
			w.play(r)
			if r.State != test.want || !strings.Contains(r.Reason, test.says) {
				t.Errorf("the run is %s: %s\nwant %s: %s", r.State, r.Reason, test.want, test.says)
			}
			if files := w.tree("main").files; test.want == Done && !strings.Contains(files["int/kv/values.yaml"]+files["int/mds/values.yaml"], "1.1.0") {
				t.Errorf("the services name %q", files)
			}
		})
	}
}

// Services tells how each service was found, and what is wrong where something is.
func TestServices(t *testing.T) {
	t.Parallel()
	w := newRelease(t, "deploy", "env/mda", "")
	byHelmfile(w, goodHelmfile+"  - {name: off, installed: false, values: [int/kv/values.yaml]}\n  - {name: web, condition: x.enabled, values: [web.yaml]}\n")
	w.stages[0].Plan.Services = []Service{{"mds", "int/mds/values.yaml", "data.version"}, {"gone", "int/gone.yaml", "data.version"}}
	w.stages[1].Plan.Services = []Service{{Name: "edge"}}
	all, err := w.bot().Services(t.Context(), "integration", "mda")
	if err != nil || len(all) != 2 {
		t.Fatalf("%d environments, error %v", len(all), err)
	}
	var got []string
	for _, d := range all {
		for _, s := range d.Services {
			got = append(got, fmt.Sprintf("%s %s %s%s: %s %s", d.Environment, s.Name, s.File, s.Parameter, s.Version, s.Why+s.Problem))
		}
		for _, doubt := range slices.Concat(d.Left, d.Doubts) {
			got = append(got, doubt.String())
		}
	}
	want := []string{
		"int mds int/mds/values.yaml: 1.0.0 listed in the configuration",
		"int gone int/gone.yaml:  listed in the configurationservice gone: env/mda has no file int/gone.yaml at c1",
		"int kv int/kv/values.yaml: 1.0.0 release kv (helmfile.yaml:3) has values int/kv/values.yaml",
		"helmfile.yaml:5: release off: installed: false; its values int/kv/values.yaml hold data.version",
		"helmfile.yaml:6: release web: what the condition x.enabled is in environment int is not known: taken as if it was true",
		"helmfile.yaml:6: release web: values web.yaml are not there",
		"abn edge /mda/abn/deployed: 1.0.0 listed in the configuration",
		"abn kv abn/kv/values.yaml: 1.0.0 matches abn/*/values.yaml",
		"abn mds abn/mds/values.yaml: 1.0.0 matches abn/*/values.yaml",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(w.acts) > 0 {
		t.Errorf("services changed the outside: %q", w.acts)
	}
}

// An outside that does not answer is an error, and an unknown track a sentence.
func TestServicesUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "known -")
	if _, err := w.bot().Services(t.Context(), "integration", "mda"); !errors.Is(err, errUnknown) {
		t.Errorf("got %v, want the error of the outside", err)
	}
	w = newWorld(t, "no-track")
	if _, err := w.bot().Services(t.Context(), "integration", "mda"); err == nil {
		t.Error("no error for an unknown track")
	}
}

// rehearsed are worlds, and what a rehearsal finds in them.
var rehearsed = []struct {
	name, with, script string
	change             func(w *world)
	files, back        int    // how many would change, and how many are gone through on the way back
	refused, left      string // parts of what is said
	there              bool
}{
	{"good", "", "", func(*world) {}, 4, 4, "", "", false},
	{"one is new", "", "", func(w *world) {
		w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: 1.1.0\n"})
	}, 3, 3, "", "kv of int: it names 1.1.0 already", false},
	{"all are new", "", "", func(w *world) {
		for _, file := range []string{"int/kv", "int/mds", "abn/kv", "abn/mds"} {
			w.commit("main", "a person", map[string]string{file + "/values.yaml": "data:\n  version: 1.1.0\n"})
		}
	}, 0, 0, "", "", true},
	{"a parameter", "deploy", "", func(*world) {}, 4, 4, "", "", false},
	{"no parameter", "deploy", "", func(w *world) { delete(w.params, "/mda/abn/deployed") }, 4, 4, "parameter /mda/abn/deployed does not exist", "", false},
	{"a parameter alone", "bare", "", func(*world) {}, 2, 2, "", "", false},
	{"an alias", "", "", func(w *world) {
		w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "v: &v 1.0.0\ndata:\n  version: *v\n"})
	}, 3, 3, "service kv: int/kv/values.yaml:3:12: the value is an alias", "", false},
	{"one file for both", "", "", func(w *world) { w.stages[1].Globs = w.stages[0].Globs }, 2, 2, "environments int and abn share the version of kv", "", false},
	{"no branch", "", "", func(w *world) { w.stages[1].Plan.Branch = "gone" }, 2, 2, "branch gone of env/mda does not exist", "", false},
	{"obstacles", "", "known readable approvals", func(*world) {}, 4, 4, "a rollback could not be carried out without people", "", false},
	{"attended", "attended", "known readable approvals", func(*world) {}, 4, 4, "", "", false},
	{"torn data", "data", "known readable free free checking-on torn", func(*world) {}, 4, 4, "part-3 is missing", "", false},
	{"whole data", "data", "known readable free free checking-on complete", func(*world) {}, 4, 4, "", "", false},
}

func TestRehearse(t *testing.T) {
	t.Parallel()
	for _, test := range rehearsed {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newRelease(t, test.with, "env/mda", test.script)
			test.change(w)
			r, err := w.bot().Rehearse(t.Context(), Request{Track: "integration", Package: "mda", Version: newVersion})
			if err != nil {
				t.Fatal(err)
			}
			files := 0
			for _, s := range r.Stages {
				files += len(s.Files)
			}
			if files != test.files || len(r.Back) != test.back || r.There != test.there {
				t.Errorf("%d files, %d back, there %v; want %d, %d, %v", files, len(r.Back), r.There, test.files, test.back, test.there)
			}
			for _, f := range r.Back {
				if len(f.Diff) > 0 {
					t.Errorf("%s is not what it was: %q", f.File, f.Diff)
				}
			}
			if got := strings.Join(r.Refused, "\n"); !strings.Contains(got, test.refused) || (got == "") != (test.refused == "") {
				t.Errorf("refused: %q, want %q", got, test.refused)
			}
			if got := strings.Join(r.Left, "\n"); !strings.Contains(got, test.left) {
				t.Errorf("left: %q, want %q", got, test.left)
			}
			if len(w.acts) > 0 || len(w.commits) > 6 {
				t.Errorf("a rehearsal changed the outside: %q", w.acts)
			}
		})
	}
}

// What a run says when it starts, a rehearsal says as well.
func TestRehearseAgreesWithRun(t *testing.T) {
	t.Parallel()
	for _, test := range rehearsed {
		w, r := newRelease(t, test.with, "env/mda", ""), newRun()
		if strings.Contains(test.script, "approvals") && test.refused != "" {
			w.script = strings.Fields("approvals")
		} else if strings.Contains(test.script, "torn") {
			w.script = strings.Fields("torn")
		}
		test.change(w)
		w.play(r)
		refused := test.refused != "" || test.there
		if (r.State == Refused) != refused || !strings.Contains(r.Reason, test.refused) && !test.there {
			t.Errorf("%s: the run is %s: %s\nand the rehearsal says %q", test.name, r.State, r.Reason, test.refused)
		}
	}
}

// A rollback by value leaves the quotes that a version needed: the rehearsal shows it.
func TestRehearseShowsWhatIsNotAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: v1 # theirs\n"})
	r, err := w.bot().Rehearse(t.Context(), Request{Track: "integration", Package: "mda", Version: gitops.Version("1.10")})
	if err != nil || len(r.Back) != 2 || len(r.Refused) > 0 {
		t.Fatalf("got %+v, error %v", r, err)
	}
	for _, f := range r.Back {
		got := strings.Join(f.Diff, "\n")
		want := "@@ -2 +2 @@\n-  version: v1 # theirs\n+  version: \"v1\" # theirs"
		if f.File != "int/kv/values.yaml" {
			want = "@@ -2 +2 @@\n-  version: 1.0.0\n+  version: \"1.0.0\""
		}
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", f.File, got, want)
		}
	}
}

// An outside that does not answer is an error, not a plan.
func TestRehearseUnknown(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"known -", "known readable free free -"} {
		w := newRelease(t, "data", "env/mda", script)
		if r, err := w.bot().Rehearse(t.Context(), Request{Track: "integration", Package: "mda", Version: newVersion}); !errors.Is(err, errUnknown) {
			t.Errorf("%s: got %+v, error %v, want the error of the outside", script, r, err)
		}
	}
}
