package bot

import (
	"strings"
	"testing"
)

// stage is the way of a second stage in which everything works, up to its gates.
const stage = "prepared proposed merged synced"

// stagesTraces are the specification of runs through two stages, int and abn, in the
// one repository env/mda or with abn in a repository of its own. Stands says what kv
// and mds name in the end, in int and in abn: new, old or by hand.
var stagesTraces = []struct{ repo, script, want, stands string }{
	{"env/mda", "", forward + " gated " + stage + " gated recorded done", "new new new new"},
	{"env/abn", "", forward + " gated " + stage + " gated recorded done", "new new new new"},

	// the first stage fails: the second was never touched
	{"env/mda", "bad", forward + " " + back, "old old old old"},
	{"env/abn", "bad", forward + " " + back, "old old old old"},

	// the second stage fails: both go back, one commit for each repository
	{"env/mda", "good bad", forward + " gated " + stage + " " + back, "old old old old"},
	{"env/abn", "good bad", forward + " gated " + stage + " failed recalled proposed merged synced recalled proposed merged synced rolled-back", "old old old old"},
	{"env/abn", "good gated:nobody ci-failed", forward + " gated prepared proposed " + back, "old old old old"},

	// people set kv of int while the second stage goes back
	{"env/mda", "good bad failed:edit-kv", forward + " gated " + stage + " " + back, "hand old old old"},
	{"env/abn", "good bad recalled:edit-kv", forward + " gated " + stage + " failed recalled proposed merged synced recalled proposed failed recalled proposed merged synced rolled-back", "hand old old old"},
	{"env/abn", "good bad proposed:edit-abn-kv", forward + " gated " + stage + " failed recalled proposed failed recalled proposed merged synced recalled proposed merged synced rolled-back", "old old hand old"},

	// a value that is back is set to the version again while the other repository goes back
	{"env/abn", "good bad recalled:nobody synced:nobody recalled:renew-abn proposed:edit-kv", forward + " gated " + stage + " failed recalled proposed merged synced recalled proposed failed recalled proposed merged synced recalled proposed merged synced rolled-back", "hand old old old"},

	// one repository cannot be put back: the other is all the same
	{"env/abn", "good bad recalled:nobody broken", forward + " gated " + stage + " failed recalled proposed merged recalled proposed merged synced rollback-failed", "old old old old"},
	{"env/abn", "good bad recalled:nobody ci-failed", forward + " gated " + stage + " failed recalled proposed recalled proposed merged synced rollback-failed", "old old new new"},

	// nobody can tell of the second repository
	{"env/abn", "good bad recalled:nobody synced:nobody merged:nobody unsure* stalled:resume", forward + " gated " + stage + " failed recalled proposed merged synced recalled proposed merged stalled merged synced rolled-back", "old old old old"},
	{"env/abn", "good - - bad failed:nobody -* stalled:resume", forward + " gated " + stage + " failed stalled failed recalled proposed merged synced recalled proposed merged synced rolled-back", "old old old old"},
}

func TestTracesOfStages(t *testing.T) {
	t.Parallel()
	for _, test := range stagesTraces {
		t.Run(test.repo+" "+test.script, func(t *testing.T) {
			t.Parallel()
			w, r := newWorldOfTwo(t, test.repo, test.script), newRun()
			if got := w.play(r); got != test.want {
				t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, test.want, r.Reason)
			}
			if got := w.stands(test.repo); got != test.stands {
				t.Errorf("the values end as %s, want %s", got, test.stands)
			}
		})
	}
}

// stands says what kv and mds name in int and in abn.
func (w *world) stands(repo string) string {
	var words []string
	for _, at := range []struct{ repo, file string }{{"env/mda", "int/kv"}, {"env/mda", "int/mds"}, {repo, "abn/kv"}, {repo, "abn/mds"}} {
		text := w.tree(ref(at.repo, "main")).files[at.file+"/values.yaml"]
		words = append(words, word(text))
	}
	return strings.Join(words, " ")
}

// word says which version a text names: old, new, or one by hand.
func word(text string) string {
	switch {
	case strings.Contains(text, string(oldVersion)):
		return "old"
	case strings.Contains(text, string(newVersion)):
		return "new"
	}
	return "hand"
}

// A service that named the version before the run is not the run's to put back, but
// people must know that it still names it.
func TestRollbackReportsWhatItDidNotWrite(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, "started:new-kv bad"), newRun()
	w.play(r)
	want := "1 service of int put back and verified; left alone: kv of int (it named 1.1.0 before the run wrote anything)"
	if r.State != RolledBack || r.Reason != want {
		t.Errorf("%s: got %q, want %q", r.State, r.Reason, want)
	}
	if cells := r.Rollback(); cells[0].Name != "kv" || cells[0].Mark != MarkWarned || cells[1].Mark != MarkPassed {
		t.Errorf("the board shows %+v", cells)
	}
}

// What people set while the rollback landed or deployed is left alone and reported.
func TestRollbackReportsWhatPeopleSet(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"ready merges broken proposed:merge-other-kv", "ready merges broken ready merges merged:edit-kv foreign*"} {
		w, r := newWorld(t, script), newRun()
		w.play(r)
		want := "1 service of int put back and verified; left alone: kv of int (somebody set it to by-hand"
		if r.State != RolledBack || !strings.HasPrefix(r.Reason, want) {
			t.Errorf("%s: %s: got %q, want %q…", script, r.State, r.Reason, want)
		}
	}
}

// What was put back stays on the board when the way back is planned anew.
func TestRollbackKeepsWhatItHasDone(t *testing.T) {
	t.Parallel()
	w, r := newWorldOfTwo(t, "env/abn", "good bad recalled:nobody proposed:nobody recalled:edit-kv"), newRun()
	w.play(r)
	want := map[string]Mark{"int kv": MarkWarned, "int mds": MarkPassed, "abn kv": MarkPassed, "abn mds": MarkPassed}
	for _, c := range r.Rollback() {
		if name := c.Environment + " " + c.Name; c.Mark != want[name] {
			t.Errorf("%s: got %q (%s), want %q", name, c.Mark, c.Reason, want[name])
		}
	}
	if want := "2 services of abn, 1 service of int put back and verified; left alone: kv of int (somebody set it to by-hand-"; !strings.HasPrefix(r.Reason, want) {
		t.Errorf("got %q, want %q…", r.Reason, want)
	}
}

// Each gate has its own time, which begins when it starts.
func TestEachGateHasItsTime(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, "open synced:later open good starts open synced:later open good"), newRun()
	second := w.stages[0].Plan.Gates[0]
	second.Name = "int-load"
	w.stages[0].Plan.Gates = append(w.stages[0].Plan.Gates, second)
	if got, want := w.play(r), forward+" gated recorded done"; got != want {
		t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, want, r.Reason)
	}
}

// A deployment that may take long in one environment may take as long on its way back,
// although another environment of the commit is quicker.
func TestRollbackWaitsForTheSlowest(t *testing.T) {
	t.Parallel()
	w, r := newWorldOfTwo(t, "env/mda", "good bad merged:nobody deploying merged:later deploying merged:later deploying running"), newRun()
	w.stages[1].Plan.SyncLimit *= 3
	if got, want := w.play(r), forward+" gated "+stage+" "+back; got != want {
		t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, want, r.Reason)
	}
}

// lapseTraces are what becomes of a run whose version has to have finished another track
// and, for a while, has not: asked when it starts, before each change and before each merge.
var lapseTraces = []struct{ with, script, want, stands string }{
	{"", "fit", first + " " + second + " " + done, "new new new new"},
	{"", "- fit fit fit", first + " " + second + " " + done, "new new new new"},
	{"", "unfit", "queued refused", "old old old old"},
	{"", "started:nobody unfit", "queued started refused", "old old old old"},
	{"", "started:nobody - unfit", "queued started refused", "old old old old"},
	{"", "proposed:nobody ready unfit stalled:cancel", "queued started prepared proposed stalled failed cancelled", "old old old old"},
	{"", "proposed:nobody ready unfit stalled:resume", "queued started prepared proposed stalled proposed merged synced gated " + second + " " + done, "new new new new"},
	{"person", "proposed:nobody ready unfit stalled:merge stalled:resume", "queued started prepared proposed stalled proposed merged synced gated " + second + " " + done, "new new new new"},
	{"", "gated:nobody unfit", first + " stalled", "new new old old"},
	{"", "gated:nobody -* stalled:resume", first + " stalled gated " + second + " " + done, "new new new new"},
	{"", "gated:nobody unfit stalled:resume unfit stalled:cancel", first + " stalled gated stalled " + undone + " cancelled", "old old old old"},
	{"", "gated:nobody unfit stalled:resume fit", first + " stalled gated " + second + " " + done, "new new new new"},
	{"", "bad", forward + " " + back, "old old old old"},
}

// A version may be put back on the track before while its run waits, for its lane or later.
func TestTracesOfAVersionThatIsPutBackElsewhere(t *testing.T) {
	t.Parallel()
	for _, test := range lapseTraces {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			w, r := newRelease(t, test.with, "env/mda", test.script), newRun()
			r.From = "dev"
			if got := w.play(r); got != test.want {
				t.Errorf("\ngot  %s\nwant %s\nlast: %s", got, test.want, r.Reason)
			}
			if got := w.stands("env/mda"); got != test.stands {
				t.Errorf("the values end as %s, want %s", got, test.stands)
			}
			if want := "mda 1.1.0 was put back on track dev; cancel the run, which puts back what it wrote, or resume it when that has changed"; r.State == Stalled && r.Reason != want {
				t.Errorf("it says %q, want %q", r.Reason, want)
			}
		})
	}
}
