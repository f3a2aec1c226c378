package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/fixtures"
)

// later is the release that is held while an earlier one is put back.
var later = scenario{
	Given: "it is held behind abn, and gives its lane to a rollback", Track: "release", Version: "2026.11.5",
	Want: ending{
		End: "success", Value: "new", Recorded: "new", Copied: true,
		Merges: released.Want.Merges + 1, Gates: map[string]int{"abn": 1, "lup": 1},
	},
}

// laterLabels are what the merge requests of the two releases, of which the first was
// undone, and of the rollback, the fifth, show in the end.
var laterLabels = []string{
	"!1 " + bot.LabelUndone, "!2 " + bot.LabelUndone, "!3 " + bot.LabelUndone, "!4 " + bot.LabelSuccess,
	"!5 " + bot.LabelRolledBack, "!6 " + bot.LabelSuccess, "!7 " + bot.LabelSuccess,
}

// cuts are where the process is killed: at what the rollback does in the lane that it was
// given, and at what the release does that has it again. The first two are played by every
// test run, the others by the target chaos.
var cuts = []struct {
	name  string
	at    point
	phase string
}{
	{name: "undisturbed"},
	{"the rollback was merged", point{"gitlab", "merge", 1}, "after"},
	{"the rollback is merged", point{"gitlab", "merge", 1}, "before"},
	{"the rollback was proposed", point{"gitlab", "open merge request", 1}, "after"},
	{"the release goes on", point{"gitlab", "merge", 2}, "before"},
}

// A release is held behind its first environment. The rollback of the one before takes its
// lane at once, puts back what stands and leaves alone what the held one has brought; when
// somebody says so the held one goes on to its end. All of that is said in comments, and a
// process that is killed in between changes nothing of it.
func TestRollbackTakesTheLaneOfAHeldRelease(t *testing.T) {
	t.Parallel()
	played := cuts[:2]
	if os.Getenv("TEST_CHAOS") != "" {
		played = cuts[2:]
	}
	for _, cut := range played {
		t.Run(cut.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, released, "")
			b.start(t)
			b.announce(t)
			b.awaitEnd(t)
			first := b.newest(t, released.Version)
			held := b.holdsLater(t)

			struck := make(<-chan struct{})
			if cut.phase != "" {
				struck = b.holdAt(cut.at, cut.phase)
			}
			b.comments(t, first.Stages[0].Delivery.IID, "rollback wrong prices")
			b.survives(t, struck, "the first release to be put back", func() bool {
				undo := b.newest(t, released.Version)
				return undo != nil && undo.State == bot.RolledBack
			})
			undo := b.newest(t, released.Version)
			b.survives(t, struck, "the held release to have its lane again", func() bool {
				r := b.newest(t, later.Version)
				return r != nil && r.Yielded == nil && r.Held != nil
			})
			b.comments(t, held.Stages[0].Delivery.IID, "resume")
			b.survives(t, struck, "the held release to end", func() bool { return b.world.finished(later) })
			select {
			case <-struck:
			default:
				if cut.phase != "" {
					t.Error("the process was not killed")
				}
			}
			b.await(t, "GitLab to show how the runs have ended", func() bool {
				labels, _ := b.world.shown()
				return slices.Equal(labels, laterLabels)
			})
			b.await(t, "the outside to become quiet", b.quiet)
			b.judges(t, first, undo, b.newest(t, later.Version))
		})
	}
}

// holdsLater asks for the later release and holds it by a comment that comes while it
// begins the gate behind its first environment. It returns the run when it is at rest.
func (b *bench) holdsLater(t *testing.T) (r *bot.Run) {
	t.Helper()
	was, err := b.world.observe()
	if err != nil {
		t.Fatal(err)
	}
	b.given, b.was = later, was
	b.world.GitLab.Script(later.rules(b.world, b.was, "", 10*time.Millisecond)...)
	begun := false
	b.world.Journal.Break(nil, func(c fixtures.Call) fixtures.Fault {
		if c.Name == "trigger pipeline" && !begun {
			begun = true
			mrs := b.world.GitLab.MergeRequests(envProject)
			b.comments(t, int64(mrs[len(mrs)-1].IID), "hold the fair")
		}
		return fixtures.Pass
	})
	b.announce(t)
	b.await(t, "the release to rest behind abn", func() bool {
		r = b.newest(t, later.Version)
		return r != nil && r.State == bot.Gated && r.Held != nil
	})
	return r
}

// comments lets the operator write a command on a merge request, and waits until it is
// answered. It may be called while a request is served, so it ends no test.
func (b *bench) comments(t *testing.T, iid int64, command string) {
	t.Helper()
	note, err := b.world.GitLab.Comment(envProject, int(iid), "operator", "/lockstep "+command)
	if err != nil {
		t.Error(err)
		return
	}
	answered := func(n fixtures.NoteRecord) bool {
		return strings.Contains(n.Body, fmt.Sprintf("lockstep:reply:%d ", note))
	}
	late := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !slices.ContainsFunc(b.world.GitLab.Notes(envProject, int(iid)), answered) {
		select {
		case <-tick.C:
		case <-late:
			t.Errorf("nobody has answered %q\n%s", command, b.log())
			return
		}
	}
}

// newest returns the newest run of a version; nil while nobody can tell.
func (b *bench) newest(t *testing.T, version string) *bot.Run {
	t.Helper()
	var list web.RunList
	if err := b.api().get(t.Context(), "runs", &list); err != nil {
		return nil
	}
	for _, line := range list.Runs {
		if string(line.Version) != version {
			continue
		}
		var report web.RunReport
		if err := b.api().get(t.Context(), "runs/"+segment(line.ID), &report); err != nil {
			return nil
		}
		return report.Run
	}
	return nil
}

// survives waits for a condition, and kills the program and starts it again when it is
// struck meanwhile.
func (b *bench) survives(t *testing.T, struck <-chan struct{}, what string, ok func() bool) {
	t.Helper()
	b.await(t, what, func() bool {
		select {
		case <-struck:
			if !b.cut {
				b.cut = true
				b.kill(t)
				b.start(t)
			}
		default:
		}
		return ok()
	})
}

// judges holds the outside, and what the runs say, against what must have become of them.
func (b *bench) judges(t *testing.T, first, undo, held *bot.Run) {
	t.Helper()
	for _, environment := range []string{"abn", "prd"} {
		b.was.Parameters[environment]++ // the rollback has put it back in between
	}
	if end, wrong := b.world.verify(later, b.was); end != later.Want.End || len(wrong) > 0 {
		t.Errorf("end %q, want %q:\n%s\ncalls: %v\n%s", end, later.Want.End, strings.Join(wrong, "\n"), b.world.Journal.Calls(), b.log())
	}
	if undo.Undoes != first.ID || len(undo.Left) != len(services) || undo.Left[0].Bump.Environment != "abn" || len(undo.Backs) != 1 {
		t.Errorf("run %s undoes %s in %d changes and leaves alone %+v, want the services of abn", undo.ID, undo.Undoes, len(undo.Backs), undo.Left)
	}
	commits, err := b.world.git("rev-list", "--no-merges", "main", "^"+b.world.Start)
	if want := 2*released.Want.Merges + 1; err != nil || len(strings.Fields(commits)) != want {
		t.Errorf("main has these commits more, want %d (%v):\n%s", want, err, commits)
	}
	for _, said := range []string{
		"gives lane release to run " + undo.ID + ", which puts another run back, and goes on when it has it again",
		"has lane release again, which run " + undo.ID + " had",
		"operator says: go on",
	} {
		if n := b.says(t, held.ID, said); n != 1 {
			t.Errorf("the held release says %d times %q", n, said)
		}
	}
	for _, mr := range b.world.GitLab.MergeRequests(envProject) {
		status := func(n fixtures.NoteRecord) bool { return strings.Contains(n.Body, "lockstep:run:") }
		if notes := slices.DeleteFunc(b.world.GitLab.Notes(envProject, mr.IID), func(n fixtures.NoteRecord) bool { return !status(n) }); len(notes) != 1 {
			t.Errorf("!%d has %d status notes, want the one that edits itself", mr.IID, len(notes))
		}
	}
}

// says counts the events of a run that say something.
func (b *bench) says(t *testing.T, run, sentence string) (n int) {
	t.Helper()
	var report web.RunReport
	if err := b.api().get(t.Context(), "runs/"+segment(run), &report); err != nil {
		t.Fatal(err)
	}
	for _, e := range report.Events {
		if e.Reason == sentence {
			n++
		}
	}
	return n
}
