package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
)

// A past of the world of one environment: what other runs brought to kv, mds, and the
// parameter of the last good version before the run began at 9:00, and which of them
// were undone when, by the hour. "1.0.0<0.9.0@10" was undone at 10:00 by run "undo 1.0.0".
func pastOf(w *world, text string) Past {
	p := Past{Begun: w.now}
	for i, word := range strings.Fields(text) {
		what, at, _ := strings.Cut(word, "@")
		to, from, _ := strings.Cut(what, "<")
		hour := 0
		fmt.Sscan(at, &hour)
		end := w.now.Add(-time.Duration(i+1) * time.Hour)
		r := &Run{ID: "run " + to, Version: gitops.Version(to), Begun: end.Add(-30 * time.Minute), Ended: end}
		d := Delivery{Landed: "c0", Change: gitops.Change{When: end.Add(-20 * time.Minute)}}
		for _, service := range []string{"kv", "mds"} {
			at := gitops.Place{Repo: "env/mda", File: "int/" + service + "/values.yaml", Key: "data.version"}
			d.Change.Bumps = append(d.Change.Bumps, gitops.Bump{Place: at, Environment: "int", Service: service, From: gitops.Version(from), To: r.Version})
		}
		r.Stages = []Stage{{Plan: w.stages[0].Plan, Delivery: d, Before: &from}}
		p.Undone = append(p.Undone, Undone{Run: r, By: "undo " + to, At: time.Date(2026, 11, 3, hour, 0, 0, 0, time.UTC)})
	}
	return p
}

// unwindTraces are the specification of a rollback when what the run replaced, 1.0.0, may
// have been undone since: the past, the script, the end, what kv, mds and the parameter
// hold then, and what the run says of it.
var unwindTraces = []struct{ name, past, script, end, stands, says string }{
	{"nothing was undone", "", "bad", "rolled back", "1.0.0 1.0.0 1.0.0", ""},
	{
		"it was undone", "1.0.0<0.9.0@10", "bad", "rolled back", "0.9.0 0.9.0 1.0.0",
		"2 values to be put back in env/mda; kv, mds of int to 0.9.0 and not to 1.0.0, which was undone since by run undo 1.0.0",
	},
	{
		"so was what it replaced", "1.0.0<0.9.0@10 0.9.0<0.8.0@11", "bad", "rolled back", "0.8.0 0.8.0 1.0.0",
		"2 values to be put back in env/mda; kv, mds of int to 0.8.0 and not to 1.0.0, which was undone since by run undo 1.0.0 and run undo 0.9.0",
	},
	{"it was undone before, and a person has set it again", "1.0.0<0.9.0@8", "bad", "rolled back", "1.0.0 1.0.0 1.0.0", ""},
	{"another one was undone", "0.9.5<0.9.0@10", "bad", "rolled back", "1.0.0 1.0.0 1.0.0", ""},
	{"a person has set kv since", "1.0.0<0.9.0@10", "bad failed:edit-kv", "rolled back", "by-hand-3 0.9.0 1.0.0", ""},
	{"a person sets mds while it goes back", "1.0.0<0.9.0@10", "bad recalled:nobody merged:edit-mds", "rolled back", "0.9.0 by-hand 1.0.0", ""},
	{"a person sets mds before that is merged, and it is planned once more", "1.0.0<0.9.0@10", "bad proposed:nobody proposed:edit-mds", "rolled back", "0.9.0 by-hand 1.0.0", ""},
	{"the record as well", "1.0.0<0.9.0@10", "recorded:cancel", "cancelled", "0.9.0 0.9.0 0.9.0", "parameter /mda/int/data-version set to 0.9.0, and not to 1.0.0, which was undone since by run undo 1.0.0"},
	{
		"nothing else is known", "1.0.0<1.1.0@10", "bad", "stalled", "1.1.0 1.1.0 1.0.0",
		"nobody knows what to go back to from 1.1.0 for kv of int (1.0.0 was undone since by run undo 1.0.0), mds of int (1.0.0 was undone since by run undo 1.0.0): set by hand what is to stand there, then resume the run",
	},
	{"people know", "1.0.0<1.1.0@10", "bad stalled:edit-mds stalled:mend-kv stalled:resume", "rolled back", "1.0.0 by-hand 1.0.0", ""},
	{
		"nothing else is known of the record", "1.0.0<1.1.0@10", "recorded:cancel", "stalled", "1.1.0 1.1.0 1.1.0",
		"parameter /mda/int/data-version cannot go back to 1.0.0, which was undone since by run undo 1.0.0, and before that it held 1.1.0: set it by hand, then resume the run",
	},
}

// What people have had undone does not come back with the rollback of a later run.
func TestTracesPastWhatWasUndone(t *testing.T) {
	t.Parallel()
	for _, test := range unwindTraces {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, r := newWorld(t, test.script), newRun()
			w.params["/mda/int/data-version"] = string(oldVersion)
			w.past = pastOf(w, test.past)
			said := w.hears(r)
			if string(r.State) != test.end {
				t.Errorf("it is %s, want %s: %s", r.State, test.end, r.Reason)
			}
			files := w.tree("main").files
			var stands []string
			for _, service := range []string{"kv", "mds"} {
				_, version, _ := strings.Cut(files["int/"+service+"/values.yaml"], "version: ")
				stands = append(stands, strings.TrimSpace(version))
			}
			if got := strings.Join(append(stands, w.params["/mda/int/data-version"]), " "); got != test.stands {
				t.Errorf("there stand %s in the end, want %s", got, test.stands)
			}
			if test.says != "" && !slices.Contains(said, test.says) {
				t.Errorf("got %q, want that it says %q", said, test.says)
			}
		})
	}
}

// hears plays a run to its end and returns what it said on its way.
func (w *world) hears(r *Run) (said []string) {
	b := w.bot()
	for range 3000 {
		w.person(r)
		before := r.State
		if _, e := turned(w.t, w, b, r); e != nil {
			said = append(said, e.Reason)
		}
		if r.State != before {
			w.unstick()
		}
		if r.Settled() || r.State == Stalled && len(w.script) == 0 {
			return said
		}
	}
	w.t.Fatalf("the run does not end: %s: %s", r.State, r.Reason)
	return nil
}

// Whether what the run replaced was undone since has to be known: an error is no yes and
// no no.
func TestUndoneThatNobodyKnows(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, "bad"), newRun()
	w.forgets = true
	said := w.hears(r)
	if last := "could not tell: look up what was undone since: no answer"; r.State != Stalled || !slices.Contains(said, last) || w.stands("env/mda")[:7] != "new new" {
		t.Errorf("it is %s after %q, and there stand %s", r.State, said, w.stands("env/mda"))
	}
}
