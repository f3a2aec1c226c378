package bot

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
)

// A chapter is a run of a history, which is played by the step function itself.
type chapter struct {
	run     string // its name
	version gitops.Version
	script  string // what the outside says, as in traces
	undoes  string // the run that it puts back; "" for one that goes forward
	retries string // the run whose rollback it tries once more; "" for none
	between string // what a person does before it: the service and the version that it is set to
}

// history are the logs of runs by name, and what happened in each when.
type history map[string]RunLog

// plays returns the logs of runs one after the other, in one world.
func plays(t *testing.T, chapters ...chapter) history {
	t.Helper()
	w, h := newWorld(t, ""), history{}
	for _, c := range chapters {
		if service, version, ok := strings.Cut(c.between, " "); ok {
			w.commit("main", "a person", map[string]string{"int/" + service + "/values.yaml": "data:\n  version: " + version + "\n"})
		}
		r := newRun()
		r.ID, r.Version, r.By = c.run, c.version, "ada"
		if c.undoes != "" {
			done := h[c.undoes].Run
			r.Undoes, r.Version, r.Stages, r.Stage = done.ID, done.Version, done.Stages, len(done.Stages)-1
			r.Cause = &Cause{Sentence: "ana undoes run " + done.ID}
		}
		if c.retries != "" {
			r.TryAgain(h[c.retries].Run)
		}
		w.script = strings.Fields(c.script)
		h[c.run] = w.log(r)
		w.now = w.now.Add(time.Hour)
	}
	return h
}

// log plays a run and returns what was decided in it.
func (w *world) log(r *Run) RunLog {
	w.t.Helper()
	b, l := w.bot(), RunLog{Run: r}
	for range 1000 {
		w.person(r)
		before := r.State
		o, err := b.Step(w.t.Context(), r)
		r.Word = nil
		w.now = w.now.Add(time.Second)
		applied := r.Apply(o, err, w.now, b.Limits)
		if applied.Event != nil {
			l.Events = append(l.Events, *applied.Event)
		}
		w.now = w.now.Add(applied.After)
		if r.State != before {
			w.unstick()
		}
		if r.Settled() || r.State == Stalled && len(w.script) == 0 {
			return l
		}
	}
	w.t.Fatalf("run %s does not end: %s", r.ID, r.Reason)
	return l
}

// at returns when a run came to a state: "B synced", or "B rolled back".
func (h history) at(t *testing.T, point string) time.Time {
	t.Helper()
	run, state, _ := strings.Cut(point, " ")
	for _, e := range h[run].Events {
		if string(e.State) == state {
			return e.At
		}
	}
	t.Fatalf("there is no %s", point)
	return time.Time{}
}

// logs returns all runs.
func (h history) logs() []RunLog {
	var all []RunLog
	for _, l := range h {
		all = append(all, l)
	}
	return all
}

var days = regexp.MustCompile(`[A-Z][a-z]{2} 2026-11-\d\d \d\d:\d\d UTC`)

// Histories of kv in int, and what is said of them. Times are left out.
var (
	early     = chapter{run: "A", version: "1.1.0"}
	next      = chapter{run: "B", version: "2.0.0"}
	badly     = chapter{run: "B", version: "2.0.0", script: "bad"}
	badlyBack = chapter{run: "B", version: "2.0.0", script: "bad merged:nobody broken"}
	undoing   = func(run, undoes string) chapter { return chapter{run: run, undoes: undoes} }
	whyTests  = []struct {
		name  string
		story []chapter
		at    string // "" for now
		want  string
	}{
		{"nothing happened", nil, "", "Lockstep has never deployed mda to kv in int"},
		{"it could not start", []chapter{{run: "A", version: "1.1.0", script: "no-track"}}, "", "Lockstep has never deployed mda to kv in int"},
		{"one run", []chapter{early}, "", "kv in int runs mda 1.1.0 since DAY: run A brought it, asked for by a tag, pushed by ada (gates: int-test passed); before that it ran 1.0.0"},
		{
			"a rollback that failed and was tried once more",
			[]chapter{early, badlyBack, {run: "C", undoes: "B", retries: "B"}},
			"",
			"kv in int runs mda 1.1.0 since DAY: run C put it back from 2.0.0 (ana undoes run B); run A had brought it on DAY, asked for by a tag, pushed by ada (gates: int-test passed)",
		},
		{
			"before it was tried once more",
			[]chapter{early, badlyBack, {run: "C", undoes: "B", retries: "B"}},
			"B rollback failed",
			"on DAY kv in int ran mda 2.0.0, since DAY: run B brought it, asked for by a tag, pushed by ada (gates: int-test failed); before that it ran 1.1.0; but run B could not put it back to 1.1.0: rollback of int failed: kv: job failed; then run C put 1.1.0 back, on DAY",
		},
		{
			"a rollback that failed once more",
			[]chapter{early, badlyBack, {run: "C", undoes: "B", retries: "B", script: "broken"}},
			"",
			"kv in int runs mda 2.0.0 since DAY: run B brought it, asked for by a tag, pushed by ada (gates: int-test failed); before that it ran 1.1.0; but run C could not put it back to 1.1.0: rollback of int failed: kv: job failed",
		},
		{"before that", []chapter{early}, "A started", "Lockstep had never deployed mda to kv in int before DAY; then run A brought 1.1.0, on DAY"},
		{"while it is deployed", []chapter{early}, "A merged", "Lockstep had never deployed mda to kv in int before DAY; but run A has set 1.1.0 there and has not seen it run; then run A brought 1.1.0, on DAY"},
		{"before its gate answered", []chapter{early}, "A synced", "on DAY kv in int ran mda 1.1.0, since DAY: run A brought it, asked for by a tag, pushed by ada (gates: int-test not answered yet); before that it ran 1.0.0"},
		{"two runs", []chapter{early, next}, "", "kv in int runs mda 2.0.0 since DAY: run B brought it, asked for by a tag, pushed by ada (gates: int-test passed); before that it ran 1.1.0"},
		{
			"the first of two runs",
			[]chapter{early, next},
			"A done",
			"on DAY kv in int ran mda 1.1.0, since DAY: run A brought it, asked for by a tag, pushed by ada (gates: int-test passed); before that it ran 1.0.0; then run B brought 2.0.0, on DAY",
		},
		{
			"a run that was rolled back",
			[]chapter{early, badly},
			"",
			"kv in int runs mda 1.1.0 since DAY: run B put it back from 2.0.0 (gate int-test failed: 3 tests failed); run A had brought it on DAY, asked for by a tag, pushed by ada (gates: int-test passed)",
		},
		{
			"before it was rolled back",
			[]chapter{early, badly},
			"B synced",
			"on DAY kv in int ran mda 2.0.0, since DAY: run B brought it, asked for by a tag, pushed by ada (gates: int-test not answered yet); before that it ran 1.1.0; then run B put 1.1.0 back, on DAY",
		},
		{
			"while it was rolled back",
			[]chapter{early, badly},
			"B recalled",
			"on DAY kv in int ran mda 2.0.0, since DAY: run B brought it, asked for by a tag, pushed by ada (gates: int-test failed); before that it ran 1.1.0; but run B is putting it back to 1.1.0 (gate int-test failed: 3 tests failed); then run B put 1.1.0 back, on DAY",
		},
		{
			"the first run, rolled back",
			[]chapter{badly},
			"",
			"kv in int runs mda 1.0.0 since DAY: run B put it back from 2.0.0 (gate int-test failed: 3 tests failed), and none that is known had brought it",
		},
		{
			"a run that was undone",
			[]chapter{early, next, undoing("C", "B")},
			"",
			"kv in int runs mda 1.1.0 since DAY: run C put it back from 2.0.0 (ana undoes run B); run A had brought it on DAY, asked for by a tag, pushed by ada (gates: int-test passed)",
		},
		{
			"all that was undone",
			[]chapter{early, next, undoing("C", "B"), undoing("D", "A")},
			"",
			"kv in int runs mda 1.0.0 since DAY: run D put it back from 1.1.0 (ana undoes run A), and none that is known had brought it",
		},
		{
			"a service left alone",
			[]chapter{early, {run: "B", version: "2.0.0", script: "synced:edit-kv bad"}},
			"",
			"kv in int runs mda 2.0.0 since DAY: run B brought it, asked for by a tag, pushed by ada (gates: int-test failed); before that it ran 1.1.0; but run B has left it alone when it put 2.0.0 back: somebody set it to by-hand-5 since",
		},
		{
			"the version that stood already",
			[]chapter{early, {run: "B", version: "2.0.0", between: "kv 2.0.0"}},
			"",
			"kv in int runs mda 2.0.0 since DAY: a run found it there then, and none that is known had brought it",
		},
		{
			"the same version again",
			[]chapter{early, {run: "B", version: "1.1.0"}},
			"",
			"kv in int runs mda 1.1.0 since DAY: run A brought it, asked for by a tag, pushed by ada (gates: int-test passed); before that it ran 1.0.0",
		},
		{
			"what stood already stays on the way back",
			[]chapter{early, {run: "B", version: "2.0.0", between: "kv 2.0.0", script: "bad"}},
			"",
			"kv in int runs mda 2.0.0 since DAY: a run found it there then, and none that is known had brought it",
		},
		{
			"put back to what a person had set",
			[]chapter{early, {run: "B", version: "2.0.0", between: "kv 9.9.9", script: "bad"}},
			"",
			"kv in int runs mda 9.9.9 since DAY: run B put it back from 2.0.0 (gate int-test failed: 3 tests failed), and none that is known had brought it",
		},
		{
			"put back by a person before",
			[]chapter{{run: "A", version: "1.1.0", script: "synced:mend-kv bad"}},
			"",
			"kv in int runs mda 1.0.0 since DAY: run A put it back from 1.1.0 (gate int-test failed: 3 tests failed), and none that is known had brought it",
		},
		{
			"a rollback that failed",
			[]chapter{early, {run: "B", version: "2.0.0", script: "bad merged:nobody broken"}},
			"",
			"kv in int runs mda 2.0.0 since DAY: run B brought it, asked for by a tag, pushed by ada (gates: int-test failed); before that it ran 1.1.0; but run B could not put it back to 1.1.0: rollback of int failed: kv: job failed",
		},
		{
			"a rollback that failed, undone once more",
			[]chapter{early, {run: "B", version: "2.0.0", script: "bad merged:nobody broken"}, undoing("C", "B")},
			"",
			"kv in int runs mda 1.1.0 since DAY: run C put it back from 2.0.0 (ana undoes run B); run A had brought it on DAY, asked for by a tag, pushed by ada (gates: int-test passed)",
		},
	}
)

func TestWhy(t *testing.T) {
	t.Parallel()
	for _, tt := range whyTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := plays(t, tt.story...)
			logs := Logs{Runs: h.logs(), Past: tt.at != ""}
			spot := Spot{Package: "mda", Service: "kv", Environment: "int", At: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
			if logs.Past {
				spot.At = h.at(t, tt.at)
			}
			w, enough := Explain(spot, logs)
			got := days.ReplaceAllString(w.Sentence, "DAY")
			if got != tt.want || !enough {
				t.Errorf("\ngot  %s (enough: %v)\nwant %s", got, enough, tt.want)
			}
		})
	}
}

// Another package, service or environment has a history of its own.
func TestWhyElsewhere(t *testing.T) {
	t.Parallel()
	h := plays(t, early)
	for _, spot := range []Spot{{"other", "kv", "int", time.Time{}}, {"mda", "remo", "int", time.Time{}}, {"mda", "kv", "prd", time.Time{}}} {
		spot.At = h.at(t, "A done")
		if w, enough := Explain(spot, Logs{Runs: h.logs()}); w.Known() || !enough {
			t.Errorf("%+v: got %q", spot, w.Sentence)
		}
	}
}

// Where older runs may have had to do with it, that is not enough.
func TestWhyNeedsOlderRuns(t *testing.T) {
	t.Parallel()
	h := plays(t, early, next, undoing("C", "B"), chapter{run: "D", version: "2.0.0", script: "bad"})
	for _, tt := range []struct {
		runs   string // that are known
		floor  string // they are all that ended after it; "" for all
		enough bool
	}{
		{"", "C rolled back", false},
		{"", "", true},
		{"D", "C rolled back", false}, // what it put back may have been brought before
		{"C", "B done", false},        // what it undoes is not known
		{"B C D", "A done", false},
		{"A B C D", "A started", true},
		{"A", "A started", true},
		{"A", "A synced", false}, // another run may have come at the same time
	} {
		logs := Logs{}
		for run := range strings.FieldsSeq(tt.runs) {
			logs.Runs = append(logs.Runs, h[run])
		}
		if tt.floor != "" {
			logs.Floor = h.at(t, tt.floor)
		}
		spot := Spot{Package: "mda", Service: "kv", Environment: "int", At: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
		if w, enough := Explain(spot, logs); enough != tt.enough {
			t.Errorf("of runs %q with floor %q: enough is %v: %s", tt.runs, tt.floor, enough, w.Sentence)
		}
	}
}

func TestAwaits(t *testing.T) {
	t.Parallel()
	asking := func(g GatePlan, reason string) Run {
		g.Name = "go-live"
		return Run{ID: "1", State: Synced, Stages: []Stage{{
			Plan: StagePlan{Environment: "prd", Gates: []GatePlan{g}}, Gates: []GateState{{Name: "go-live", Since: time.Unix(1, 0), Reason: reason}},
		}}}
	}
	for _, tt := range []struct {
		run   Run
		place string
		want  string
	}{
		{Run{ID: "1", State: Queued}, "next in lane release, behind run 2", "run 1 waits for its lane: next in lane release, behind run 2"},
		{Run{ID: "1", State: Done, Reason: "all is well"}, "", "run 1 waits for nothing, it has ended: success (all is well)"},
		{Run{ID: "1", State: Stalled, Reason: "!4 was closed"}, "", "run 1 waits for a person: !4 was closed"},
		{Run{ID: "1", State: Gated, Held: &Hold{By: "ana", Reason: "the fair"}}, "", "run 1 waits for a person to resume it: held by ana (the fair)"},
		{Run{ID: "1", State: Gated, Reason: "environment prd: closed until Monday"}, "", "run 1 is gated: environment prd: closed until Monday"},
		{asking(GatePlan{Approval: &ApprovalGate{By: []string{"ana"}, Count: 1}}, ""), "", "run 1 waits for an answer to gate go-live of prd: 1 approval to be given by ana"},
		{asking(GatePlan{Approval: &ApprovalGate{Count: 2}}, "1 of 2 approvals"), "", "run 1 waits for an answer to gate go-live of prd: 1 of 2 approvals"},
		{asking(GatePlan{Callback: &CallbackGate{}}, ""), "", "run 1 waits for an answer to gate go-live of prd"},
	} {
		if got := tt.run.Awaits(tt.place); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
