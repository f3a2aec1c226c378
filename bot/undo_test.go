package bot

import (
	"strings"
	"testing"
)

// undoTraces are the specification of a run that puts a finished one back: what people
// did in between, its states, and what stands in the end: the values, the parameter
// that is deployed, and the last good version.
var undoTraces = []struct{ with, repo, between, script, want, stands, recorded string }{
	{"", "env/mda", "", "", "queued started failed recalled proposed merged synced rolled-back", "old old old old", "0.9.0"},
	{"", "env/abn", "", "", "queued started failed recalled proposed merged synced recalled proposed merged synced rolled-back", "old old old old", "0.9.0"},
	{"deploy", "env/mda", "", "lost-write", "queued started failed recalled proposed merged synced rolled-back", "old old old old old", "0.9.0"},
	{"pushed", "env/mda", "", "", "queued started failed recalled merged synced rolled-back", "old old old old", "0.9.0"},
	{"scope", "env/mda", "", "", "queued started failed recalled proposed merged synced rolled-back", "old old old old", "0.9.0"},
	{"", "env/mda", "edit-kv", "", "queued started failed recalled proposed merged synced rolled-back", "hand old old old", "0.9.0"},
	{"", "env/mda", "newer", "", "queued started failed rolled-back", "hand hand hand hand", "2.0.0"},
	{"", "env/mda", "", "merged:nobody broken", "queued started failed recalled proposed merged rollback-failed", "old old old old", "0.9.0"},
	{"", "env/mda", "", "queued:cancel", "queued cancelled", "new new new new", "1.1.0"},
}

func TestTracesOfUndoing(t *testing.T) {
	t.Parallel()
	for _, test := range undoTraces {
		t.Run(strings.Join([]string{test.with, test.repo, test.between, test.script}, " "), func(t *testing.T) {
			t.Parallel()
			w, done := newRelease(t, test.with, test.repo, ""), newRun()
			if w.play(done); done.State != Done {
				t.Fatalf("the run to be undone is %s: %s", done.State, done.Reason)
			}
			switch test.between {
			case "newer": // a later run has brought another version everywhere
				for path := range w.tree("main").files {
					w.commit("main", "later", map[string]string{path: "data:\n  version: 2.0.0\n"})
				}
				w.params["/mda/int/data-version"] = "2.0.0"
			case "edit-kv":
				w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: by-hand\n"})
			}
			r := newRun()
			r.ID, r.Undoes, r.Stages, r.Stage = "0194", done.ID, done.Stages, len(done.Stages)-1
			r.Cause = &Cause{Sentence: "ana undoes run 0193 (wrong prices)"}
			w.script = strings.Fields(test.script)
			if got := w.play(r); got != test.want {
				t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, test.want, r.Reason)
			}
			got := w.stands(test.repo)
			if value, ok := w.params["/mda/abn/deployed"]; ok {
				got += " " + word(value)
			}
			if got != test.stands {
				t.Errorf("the values end as %s, want %s", got, test.stands)
			}
			if got := w.params["/mda/int/data-version"]; got != test.recorded {
				t.Errorf("the last good version is %s, want %s", got, test.recorded)
			}
			if r.State == RolledBack && r.Result() != "rolled back" {
				t.Errorf("the result reads %q", r.Result())
			}
		})
	}
}

// What goes on its way back, or is about to, cannot be cancelled; what only waits can.
func TestUndoingIsCancelledOnlyWhileItWaits(t *testing.T) {
	t.Parallel()
	r := newRun()
	r.Undoes = "0193"
	for state, want := range map[State]bool{Queued: true, Started: false, Failed: false, Recalled: false} {
		if r.State = state; r.Cancellable() != want {
			t.Errorf("%s: cancellable is %v, want %v", state, !want, want)
		}
	}
}
