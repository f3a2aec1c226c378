package bot

import (
	"context"
	"strings"
	"testing"
	"time"
)

// retryTraces are the specification of a rollback that is tried once more: how the first
// one failed, what happens then, the states of the run that tries again, and what stands
// in the end.
var retryTraces = []struct{ with, repo, failed, script, want, stands string }{
	// it had landed, and people have mended what was broken
	{"", "env/mda", "good bad merged:nobody broken", "", "queued started failed recalled proposed merged synced rolled-back", "old old old old"},
	{"pushed", "env/mda", "good bad merged:nobody broken", "", "queued started failed recalled merged synced rolled-back", "old old old old"},
	{"", "env/mda", "good bad merged:nobody broken", "broken", "queued started failed recalled proposed merged rollback-failed", "old old old old"},
	{"", "env/abn", "good bad recalled:nobody broken", "", "queued started failed recalled proposed merged synced recalled proposed merged synced rolled-back", "old old old old"},
	{"deploy", "env/mda", "good bad merged:nobody broken", "", "queued started failed recalled proposed merged synced rolled-back", "old old old old old"},

	// it had not landed: its merge request is closed, and a new one opened
	{"", "env/mda", "bad recalled:nobody ci-failed", "", "queued started failed recalled proposed merged synced rolled-back", "old old old old"},
	{"", "env/abn", "good bad recalled:nobody ci-failed", "", "queued started failed recalled proposed merged synced recalled proposed merged synced rolled-back", "old old old old"},

	// what people have set since stays
	{"", "env/mda", "bad recalled:nobody ci-failed", "queued:edit-kv", "queued started failed recalled proposed merged synced rolled-back", "hand old old old"},

	// the environment that failed alone goes back
	{"scope", "env/abn", "good bad recalled:nobody ci-failed", "", "queued started failed recalled proposed merged synced rolled-back", "new new old old"},
}

func TestTracesOfRetriedRollbacks(t *testing.T) {
	t.Parallel()
	for _, test := range retryTraces {
		t.Run(strings.Join([]string{test.with, test.repo, test.failed, test.script}, " "), func(t *testing.T) {
			t.Parallel()
			w, failed := newRelease(t, test.with, test.repo, test.failed), newRun()
			if w.play(failed); failed.State != RollbackFailed {
				t.Fatalf("the run is %s: %s", failed.State, failed.Reason)
			}
			w.script = strings.Fields(test.script)
			r := newRun()
			r.ID, r.Undoes, r.Cause = "0194", failed.ID, &Cause{Sentence: "ana has run 0193 put back once more"}
			r.TryAgain(failed)
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
			if r.State == RolledBack && !r.Restored() {
				t.Errorf("it has restored nothing: %s", r.Reason)
			}
			for _, mr := range w.mrs {
				if mr.State == "opened" {
					t.Errorf("!%d from %s stays open", mr.IID, mr.Source)
				}
			}
		})
	}
}

// A rollback that works after one that failed leaves the lane frozen, and says so.
func TestRetriedRollbackSaysHowToThaw(t *testing.T) {
	t.Parallel()
	for frozen, want := range map[bool]string{
		true:  "; lane integration is still frozen: say lockstep thaw integration when it may go on",
		false: "2 services of int put back and verified",
	} {
		w, failed := newWorld(t, "bad merged:nobody broken"), newRun()
		w.play(failed)
		r := newRun()
		r.ID, r.Undoes, r.Lane, r.Cause = "0194", failed.ID, "integration", &Cause{}
		r.TryAgain(failed)
		b, errs := w.bot(), 1
		b.Frozen = func(context.Context, string, time.Time) (*Freeze, error) {
			if errs--; errs >= 0 {
				return nil, errUnknown
			}
			if !frozen {
				return nil, nil
			}
			return &Freeze{Reason: "run 0193: kv: job failed", By: ours}, nil
		}
		for !r.Settled() {
			turned(t, w, b, r)
		}
		if r.State != RolledBack || !strings.HasSuffix(r.Reason, want) {
			t.Errorf("got %s, %q, want …%q", r.State, r.Reason, want)
		}
	}
}
