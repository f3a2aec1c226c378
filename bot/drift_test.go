package bot

import (
	"strings"
	"testing"

	"lockstep/gitops"
)

func TestDrift(t *testing.T) {
	t.Parallel()
	tests := []struct {
		with, script string
		change       func(w *world)
		disagree     []string // of abn
		unsure       []string
	}{
		{"deploy", "", func(*world) {}, []string{"parameter /mda/abn/data-version does not exist, the services name 1.0.0"}, nil},
		{"deploy", "", func(w *world) { w.params["/mda/abn/data-version"] = "1.0.0" }, nil, nil},
		{
			"deploy", "", func(w *world) {
				w.params["/mda/abn/data-version"], w.params["/mda/abn/deployed"] = "1.0.0", "0.9.0"
			},
			[]string{"parameter /mda/abn/deployed holds 0.9.0, the services name 1.0.0"},
			nil,
		},
		{
			"", "", func(w *world) {
				w.params["/mda/abn/data-version"] = "1.0.0"
				w.commit("main", "a person", map[string]string{"abn/kv/values.yaml": "data:\n  version: 1.1.0\n"})
			},
			[]string{"the services name different versions: 1.1.0 (kv), 1.0.0 (mds)", "parameter /mda/abn/data-version holds 1.0.0, the services name 1.1.0, 1.0.0"},
			nil,
		},
		{"", "running broken", func(w *world) { w.params["/mda/abn/data-version"] = "1.0.0" }, []string{"kv is to run 1.0.0: job failed"}, nil},
		{"", "running unsure", func(w *world) { w.params["/mda/abn/data-version"] = "1.0.0" }, nil, []string{"kv: job was cancelled", "mds: job was cancelled"}},
		{"", "running", func(w *world) {
			w.params["/mda/abn/data-version"] = "1.0.0"
			w.script = []string{"readable", "running", "-"}
		}, nil, []string{"what is deployed: no answer"}},
		{"bare", "running deploying", func(w *world) { w.params["/mda/abn/data-version"] = "1.0.0" }, []string{"kv is to run 1.0.0: job is running", "mds is to run 1.0.0: job is running"}, nil},
	}
	for _, test := range tests {
		w := newRelease(t, test.with, "env/mda", test.script)
		test.change(w)
		drifts, err := w.bot().Drift(t.Context(), "integration", "mda")
		if err != nil || len(drifts) != 2 {
			t.Fatalf("%d environments, error %v", len(drifts), err)
		}
		if got, want := strings.Join(drifts[1].Disagree, "\n"), strings.Join(test.disagree, "\n"); got != want {
			t.Errorf("%s %s: disagree:\ngot  %s\nwant %s", test.with, test.script, got, want)
		}
		if got, want := strings.Join(drifts[1].Unsure, "\n"), strings.Join(test.unsure, "\n"); got != want {
			t.Errorf("%s %s: unsure:\ngot  %s\nwant %s", test.with, test.script, got, want)
		}
		if len(w.acts) > 0 {
			t.Errorf("drift changed the outside: %q", w.acts)
		}
	}
}

// A version that was put back and stands again is found, but not where the run left it.
func TestReturns(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, "bad failed:edit-mds"), newRun()
	if w.play(r); r.State != RolledBack {
		t.Fatalf("the run is %s: %s", r.State, r.Reason)
	}
	look := func() []Return {
		returns, err := w.bot().Returns(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return returns
	}
	if got := look(); len(got) != 0 {
		t.Fatalf("nothing was brought back, but got %+v", got)
	}
	head := w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: 1.1.0\n", "int/mds/values.yaml": "data:\n  version: 1.1.0\n"})
	got := look()
	if len(got) != 1 || got[0].Environment != "int" || strings.Join(got[0].Services, " ") != "kv" || got[0].Commit != head {
		t.Errorf("got %+v, want kv of int at %s", got, head)
	}
}

// A parameter that names the version again is found too, with files beside it and alone.
func TestReturnsInParameters(t *testing.T) {
	t.Parallel()
	for _, with := range []string{"deploy", "bare"} {
		w, r := newRelease(t, with, "env/mda", "good bad"), newRun()
		if w.play(r); r.State != RolledBack {
			t.Fatalf("%s: the run is %s: %s", with, r.State, r.Reason)
		}
		if got, err := w.bot().Returns(t.Context(), r); len(got) != 0 || err != nil {
			t.Fatalf("%s: nothing was brought back, but got %+v, error %v", with, got, err)
		}
		w.params["/mda/abn/deployed"] = string(newVersion)
		got, err := w.bot().Returns(t.Context(), r)
		if err != nil || len(got) != 1 || got[0].Environment != "abn" || strings.Join(got[0].Services, " ") != "/mda/abn/deployed" {
			t.Errorf("%s: got %+v, error %v, want the parameter of abn", with, got, err)
		}
	}
}

// An environment that a parameter alone deploys is inspected like any other.
func TestInspectOfParameter(t *testing.T) {
	t.Parallel()
	w := newRelease(t, "bare", "env/mda", "")
	findings, err := w.bot().Inspect(t.Context(), "integration", "mda")
	if err != nil || len(findings) != 2 {
		t.Fatalf("%d findings, error %v", len(findings), err)
	}
	if got := findings[1]; got.Problem != "" || len(got.Services) != 2 || got.Services[0].Version != gitops.Version("1.0.0") {
		t.Errorf("got %+v", got)
	}
}
