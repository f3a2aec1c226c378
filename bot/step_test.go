package bot

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"

	"lockstep/gitops"
)

// forward is the way of a run in which everything works, up to the gates.
const forward = "queued started prepared proposed merged synced"

// back is the way back of a run from its verdict on.
const back = "failed recalled proposed merged synced rolled-back"

// traces are the specification of the step function: what the outside says, in the
// order asked, and the states that a run comes through. Words: "-" nobody could tell;
// "word*" says so until the state changes; "state:act" is what a person does then.
var traces = []struct{ script, want string }{
	// everything works, with every answer lost once
	{"", forward + " gated recorded done"},
	{"ready merges running good", forward + " gated recorded done"},
	{"known - readable lost-push lost-open ready lost-merge - running - starts good lost-write", forward + " gated recorded done"},
	{"lost-push", forward + " gated recorded done"},
	{"lost-open", forward + " gated recorded done"},
	{"ready lost-merge", forward + " gated recorded done"},
	{"raced", forward + " gated recorded done"},
	{"race", forward + " gated recorded done"},
	{"lost-write", forward + " gated recorded done"},

	// it cannot start
	{"no-track", "queued refused"},
	{"queued:break-kv", "queued refused"},
	{"queued:already", "queued refused"},
	{"queued:cancel", "queued cancelled"},

	// merging waits, and only for a while
	{"checking checking ready", forward + " gated recorded done"},
	{"stale ready", forward + " gated recorded done"},
	{"locked ready", forward + " gated recorded done"},
	{"ready 405 ready 405 ready merges", forward + " gated recorded done"},
	{"not_approved*", "queued started prepared proposed stalled"},
	{"checking*", "queued started prepared proposed stalled"},
	{"stale*", "queued started prepared proposed stalled"},
	{"ready 401", "queued started prepared proposed stalled"},
	{"locked*", "queued started prepared proposed stalled"},
	{"ready accepts ready accepts ready merges", forward + " gated recorded done"},
	{"proposed:nobody accepts*", "queued started prepared proposed stalled"},
	{"proposed:foreign-push stalled:nobody", "queued started prepared proposed stalled"},
	{"proposed:foreign-push stalled:resume", "queued started prepared proposed stalled prepared stalled"},
	{"proposed:drop-branch commits_status* stalled:resume", "queued started prepared proposed stalled prepared proposed merged synced gated recorded done"},
	{"proposed:retarget", "queued started prepared proposed stalled"},
	{"deleted", "queued started prepared proposed stalled"},
	{"deleted stalled:resume", "queued started prepared proposed stalled prepared proposed merged synced gated recorded done"},
	{"deleted stalled:cancel", "queued started prepared proposed stalled failed cancelled"},
	{"closed", "queued started prepared proposed stalled"},
	{"closed stalled:resume ready", "queued started prepared proposed stalled prepared proposed merged synced gated recorded done"},
	{"refuses", "queued started prepared stalled"},
	{"refuses-open", "queued started prepared stalled"},
	{"prepared:foreign-branch", "queued started prepared stalled"},
	{"prepared:foreign-branch stalled:drop-branch stalled:resume", "queued started prepared stalled prepared proposed merged synced gated recorded done"},
	{"proposed:merge", forward + " gated recorded done"},
	{"ci-failed", "queued started prepared proposed failed rolled-back"},
	{"ci-failed - ci-failed", "queued started prepared proposed failed rolled-back"},
	{"ci-failed runner-broke ready", forward + " gated recorded done"},
	{"proposed:nobody ci-broke*", "queued started prepared proposed stalled"},
	{"proposed:nobody ci-broke* stalled:resume", "queued started prepared proposed stalled prepared proposed merged synced gated recorded done"},

	// people change the same files
	{"proposed:edit-beside ready", forward + " gated recorded done"},
	{"proposed:edit-kv", "queued started prepared proposed started prepared proposed merged synced gated recorded done"},
	{"proposed:already", "queued started prepared proposed merged synced gated recorded done"},
	{"proposed:already conflict", "queued started prepared proposed started merged synced gated recorded done"},
	{"proposed:edit-kv started:merge bad", "queued started prepared proposed started proposed merged synced " + back},
	{"proposed:edit-kv started:merge started:edit-kv bad", "queued started prepared proposed started proposed merged synced " + back},
	{"proposed:edit-kv prepared:merge bad", "queued started prepared proposed started prepared proposed merged synced " + back},
	{"proposed:remove-kv", "queued started prepared proposed started stalled"},
	{"proposed:remove-kv stalled:mend-kv stalled:resume", "queued started prepared proposed started stalled started prepared proposed merged synced gated recorded done"},
	{"proposed:remove-kv stalled:cancel", "queued started prepared proposed started stalled failed cancelled"},
	{"proposed:edit-kv prepared:edit-kv", "queued started prepared proposed started prepared proposed stalled"},
	{"proposed:edit-beside conflict", "queued started prepared proposed started prepared proposed merged synced gated recorded done"},
	{strings.Repeat("proposed:edit-beside conflict ", 10), forward[:len(forward)-len(" merged synced")] + strings.Repeat(" started prepared proposed", 10) + " merged synced gated recorded done"},
	{strings.Repeat("proposed:edit-beside conflict ", 11), forward[:len(forward)-len(" merged synced")] + strings.Repeat(" started prepared proposed", 10) + " stalled"},
	{"conflict*", "queued started prepared proposed stalled"},
	{"started:already", "queued started merged synced gated recorded done"},
	{"started:break-kv", "queued started stalled"},
	{"started:break-kv stalled:mend-kv stalled:resume", "queued started stalled started prepared proposed merged synced gated recorded done"},

	{"started:new-kv broken", forward[:len(forward)-len(" synced")] + " " + back},
	{"started:already broken", "queued started merged failed rolled-back"},

	// a deployment fails
	{"ready merges broken", "queued started prepared proposed merged " + back},
	{"ready merges half half broken", "queued started prepared proposed merged " + back},
	{"ready merges deploying*", "queued started prepared proposed merged " + back},
	{"ready merges unsure unsure running", forward + " gated recorded done"},
	{"ready merges broken failed:still-deploys", "queued started prepared proposed merged " + back},
	{"ready merges broken failed:edit-kv", "queued started prepared proposed merged " + back},
	{"ready merges broken failed:edit-kv failed:edit-mds", "queued started prepared proposed merged failed rolled-back"},
	{"ready merges broken proposed:edit-kv", "queued started prepared proposed merged failed recalled proposed failed recalled proposed merged synced rolled-back"},

	// a gate fails
	{"ready merges running starts bad", forward + " " + back},
	{"ready merges running starts open open good", forward + " gated recorded done"},
	{"ready merges running starts open*", forward + " " + back},
	{"ready merges running no-variables", forward + " stalled"},
	{"ready merges running - starts - good", forward + " gated recorded done"},

	// what still deploys is stopped before the way back is planned, or people are called
	{"bad failed:newer-deploys newer-runs newer-runs", forward + " " + back},
	{"bad failed:newer-deploys newer-runs*", forward + " failed stalled"},
	{"bad failed:still-deploys goes-on goes-on", forward + " " + back},
	{"bad failed:still-deploys goes-on*", forward + " failed stalled"},
	{"bad failed:still-deploys canceling", forward + " failed stalled"},
	{"bad failed:still-deploys may-not-cancel stalled:resume", forward + " failed stalled " + back},
	{"bad failed:waits-for-person", forward + " " + back},
	{"bad none-yet none-yet none-yet", forward + " " + back},
	{"bad none-yet*", forward + " " + back},
	{"proposed:cancel failed:lock", "queued started prepared proposed failed stalled"},
	{"proposed:cancel failed:lock stalled:merge stalled:resume", "queued started prepared proposed failed stalled " + back[:len(back)-len("rolled-back")] + "cancelled"},
	{"proposed:cancel may-not-close", "queued started prepared proposed failed stalled"},
	{"proposed:cancel may-not-close stalled:resume", "queued started prepared proposed failed stalled failed cancelled"},

	// nobody can tell: people are called, nothing is rolled back
	{"known -*", "queued stalled"},
	{"started:nobody -*", "queued started stalled"},
	{"prepared:nobody -*", "queued started prepared stalled"},
	{"proposed:nobody -*", "queued started prepared proposed stalled"},
	{"merged:nobody -*", "queued started prepared proposed merged stalled"},
	{"merged:nobody unsure*", "queued started prepared proposed merged stalled"},
	{"synced:nobody -*", forward + " stalled"},
	{"gated:nobody -*", forward + " gated stalled"},
	{"merged:nobody -* stalled:resume running good", "queued started prepared proposed merged stalled merged synced gated recorded done"},
	{"merged:nobody -* stalled:cancel", "queued started prepared proposed merged stalled failed recalled proposed merged synced cancelled"},

	// an outage does not count as waiting, and a gate that goes on has its full time
	{"ready merges deploying - merged:later deploying - merged:later deploying deploying running good", forward + " gated recorded done"},
	{"ready merges running starts open - synced:later open - synced:later open good", forward + " gated recorded done"},
	{"ready merges running starts -* stalled:resume starts open good", forward + " stalled synced gated recorded done"},

	// a person changes a value after it landed, or while it lands
	{"proposed:merge-other-kv", "queued started prepared proposed stalled"},
	{"proposed:merge-other-kv stalled:mend-new-kv stalled:resume", "queued started prepared proposed stalled proposed merged synced gated recorded done"},
	{"proposed:merge-other-kv stalled:cancel", "queued started prepared proposed stalled " + back[:len(back)-len("rolled-back")] + "cancelled"},
	{"ready merges merged:edit-kv foreign*", "queued started prepared proposed merged stalled"},
	{"ready merges merged:edit-kv foreign* stalled:cancel", "queued started prepared proposed merged stalled failed recalled proposed merged synced cancelled"},
	{"ready merges broken proposed:merge-other-kv", "queued started prepared proposed merged " + back},
	{"ready merges broken ready merges merged:edit-kv foreign*", "queued started prepared proposed merged " + back},
	{"ready merges broken ready merges merged:edit-kv merged:edit-mds foreign*", "queued started prepared proposed merged " + back},
	{"ready merges broken ready merges merged:remove-kv foreign*", "queued started prepared proposed merged " + back},

	// a person cancels
	{"started:cancel", "queued started failed cancelled"},
	{"prepared:cancel", "queued started prepared failed cancelled"},
	{"proposed:cancel", "queued started prepared proposed failed cancelled"},
	{"proposed:cancel merged-meanwhile", "queued started prepared proposed failed recalled proposed merged synced cancelled"},
	{"merged:cancel", "queued started prepared proposed merged failed recalled proposed merged synced cancelled"},
	{"synced:cancel", forward + " failed recalled proposed merged synced cancelled"},
	{"lost-write gated:cancel", forward + " gated failed recalled proposed merged synced cancelled"},
	{"lost-write gated:cancel raced lost-write", forward + " gated failed recalled proposed merged synced cancelled"},
	{"recorded:cancel", forward + " gated recorded failed recalled proposed merged synced cancelled"},
	{"raced*", forward + " gated stalled"},
	{"gated:cancel", forward + " gated failed recalled proposed merged synced cancelled"},

	// the way back fails, or nobody can tell
	{"ready merges broken ready merges broken", "queued started prepared proposed merged failed recalled proposed merged rollback-failed"},
	{"ready merges broken ready merges deploying*", "queued started prepared proposed merged failed recalled proposed merged rollback-failed"},
	{"ready merges broken ci-failed", "queued started prepared proposed merged failed recalled proposed rollback-failed"},
	{"ready merges broken proposed:nobody ci-broke*", "queued started prepared proposed merged failed recalled proposed stalled"},
	{"ready merges broken not_approved*", "queued started prepared proposed merged failed recalled proposed stalled"},
	{"ready merges broken closed", "queued started prepared proposed merged failed recalled proposed stalled"},
	{"ready merges broken closed stalled:resume ready", "queued started prepared proposed merged failed recalled proposed stalled recalled proposed merged synced rolled-back"},
	{"ready merges broken ready merges readable -*", "queued started prepared proposed merged failed recalled proposed merged stalled"},
	{"ready merges broken ready merges unsure*", "queued started prepared proposed merged failed recalled proposed merged stalled"},
	{"ready merges broken failed:nobody -*", "queued started prepared proposed merged failed stalled"},
	{"ready merges broken recalled:nobody -*", "queued started prepared proposed merged failed recalled stalled"},
}

func TestTraces(t *testing.T) {
	t.Parallel()
	for _, test := range traces {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.script)
			r := newRun()
			if got := w.play(r); got != test.want {
				t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, test.want, r.Reason)
			}
			w.check(r)
		})
	}
}

// What speaks against a version stays known, whatever people say later; what does not
// never speaks against it.
func TestCause(t *testing.T) {
	t.Parallel()
	tests := []struct {
		script, sentence string
		verdict          bool
	}{
		{"ready merges broken", "deployment to int failed: kv: job failed", true},
		{"ready merges deploying*", "deployment to int did not end within 1h0m0s: kv, mds: job is running", true},
		{"bad", "gate int-test failed: 3 tests failed", true},
		{"starts open*", "gate int-test gave no result within 1h0m0s: pipeline is running", true},
		{"ready merges broken failed:nobody -* stalled:cancel stalled:resume", "deployment to int failed: kv: job failed", true},
		{"merged:cancel", "cancelled by ada", false},
		{"merged:nobody -* stalled:cancel", "cancelled by ada", false},
		{"no-track", "config: there is no track of that name", false},
	}
	for _, test := range tests {
		w, r := newWorld(t, test.script), newRun()
		w.play(r)
		if r.Cause == nil || r.Cause.Sentence != test.sentence || r.Cause.Verdict != test.verdict {
			t.Errorf("%s: got %+v, want %q, verdict %v", test.script, r.Cause, test.sentence, test.verdict)
		}
	}
}

func newRun() *Run {
	return &Run{ID: "0193", Track: "integration", Lane: "integration", Package: "mda", Version: newVersion, Origin: OriginTag, State: Queued}
}

// check holds what is true of every run that has ended, however it went.
func (w *world) check(r *Run) {
	w.t.Helper()
	if !r.Settled() || r.State == RollbackFailed || r.State == Refused {
		return
	}
	if slices.Contains(slices.Collect(maps.Keys(w.branch)), "lockstep/0193-int") {
		w.t.Errorf("branch lockstep/0193-int is left behind")
	}
	for _, mr := range w.mrs {
		if mr.State == gitops.Opened {
			w.t.Errorf("merge request !%d is left open", mr.IID)
		}
	}
	if recorded := w.params["/mda/int/data-version"] == string(newVersion); recorded != (r.State == Done) {
		w.t.Errorf("parameter written: %v, but the run is %s", recorded, r.State)
	}
	if r.State != Done && w.params["/mda/int/data-version"] != "0.9.0" {
		w.t.Errorf("the parameter names %s, but the run is %s", w.params["/mda/int/data-version"], r.State)
	}
	if len(w.begun) > 1 {
		w.t.Errorf("gates started: %q, want each once", w.begun)
	}
	kv, mds := w.tree("main").files["int/kv/values.yaml"], w.tree("main").files["int/mds/values.yaml"]
	switch {
	case r.State == Done && (!strings.Contains(kv, string(newVersion)) || !strings.Contains(mds, string(newVersion))):
		w.t.Errorf("the run is done, but kv ends as %q and mds as %q", kv, mds)
	case r.State == Done:
	case len(r.Left) == 0 && (strings.Contains(kv, string(newVersion)) || !strings.Contains(mds, string(oldVersion))):
		w.t.Errorf("the run is %s and left nothing alone, but kv ends as %q and mds as %q", r.State, kv, mds)
	}
	for _, left := range r.Left {
		if text := w.tree("main").files[left.Bump.File]; strings.Contains(left.Reason, "by-hand") && !strings.Contains(text, "by-hand") {
			w.t.Errorf("a person's edit of %s is lost: %q", left.Bump.Service, text)
		}
	}
}

// Every state of the source is listed, and every one is reached by a trace, Stalled
// from every state that waits.
func TestStatesAreCovered(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "bot.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stateConstants(file) {
		if !slices.Contains(States, State(name)) {
			t.Errorf("state %q is not listed in States", name)
		}
	}
	reached, edges := map[string]bool{"superseded": true}, map[string]bool{} // superseding is the store's: a queued run has no steps
	var ways []string
	for _, test := range traces {
		ways = append(ways, test.want)
	}
	for _, test := range releaseTraces {
		ways = append(ways, test.want)
	}
	for _, way := range ways {
		states := strings.Fields(way)
		for i, state := range states {
			reached[state] = true
			if i > 0 {
				edges[states[i-1]+" "+state] = true
			}
		}
	}
	for _, state := range States {
		name := strings.ReplaceAll(string(state), " ", "-")
		if !reached[name] {
			t.Errorf("no trace comes to %s", state)
		}
		if waits := !state.Settled() && state != Stalled && state != Recorded; waits && !edges[name+" stalled"] {
			t.Errorf("no trace stalls from %s", state)
		}
	}
}

// stateConstants returns the values of all constants of type State in a file.
func stateConstants(file *ast.File) []string {
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ident, typed := specType(spec, ok); typed && ident == "State" {
			for _, value := range spec.Values {
				names = append(names, strings.Trim(value.(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	return names
}

func specType(spec *ast.ValueSpec, ok bool) (string, bool) {
	if !ok || spec.Type == nil {
		return "", false
	}
	ident, ok := spec.Type.(*ast.Ident)
	if !ok {
		return "", false
	}
	return ident.Name, true
}
