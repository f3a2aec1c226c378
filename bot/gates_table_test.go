package bot

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// gateCases is every kind of gate in every case, with the real gates and a source that
// says one word after the other, each for a while and the last one for ever:
//
//	good, bad   it speaks for the version, or against it
//	open        not yet
//	nothing     it answers, and has nothing to say about the version
//	gone        it does not answer: the GitLab, the server, the database in which answers
//	            to approvals and callbacks are kept, the program that is told of a
//	            callback, the object storage
//
// Outcome is that of the gate and end that of the run. Says is part of the sentence that
// people read: the cause of a rollback, the warning of a gate that was allowed to fail,
// what a person is called for, or else the gate's own. A case without a source cannot
// be, and says why.
var gateCases = []struct {
	kind, in, source string
	outcome          GateOutcome
	end              State
	says             string
}{
	{"pipeline", "passes", "open:5m good", GatePassed, Done, "pipeline 42 of qa/suite succeeded"},
	{"pipeline", "fails", "open:5m bad", GateFailed, RolledBack, "gate g failed: job suite of pipeline 42 of qa/suite failed (script_failure)"},
	{"pipeline", "allowed", "open:5m bad", GateAllowed, Done, "gate g failed: job suite of pipeline 42 of qa/suite failed (script_failure) (allowed to fail)"},
	{"pipeline", "no result", "open:5m nothing", GateOpen, Stalled, "was canceled, which says nothing about the data: retry it in GitLab"},
	{"pipeline", "no result, allowed", "open:5m nothing", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"pipeline", "times out", "open", GateNone, RolledBack, "gate g gave no result within 1h0m0s: pipeline 42 of qa/suite is running"},
	{"pipeline", "unreachable for 10 minutes", "gone:10m good", GatePassed, Done, "succeeded"},
	{"pipeline", "unreachable for good", "open:5m gone", GateOpen, Stalled, "nobody could tell for 1h0m"},
	{"pipeline", "unreachable for good, allowed", "open:5m gone", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"pipeline", "flaps", "open:25m gone:25m open:25m gone:25m good", GatePassed, Done, "succeeded"},

	{"http", "passes", "open:5m good", GatePassed, Done, "answers 200: body.ok"},
	{"http", "fails", "open:5m bad", GateFailed, RolledBack, "answers 200: body.errors > 0"},
	{"http", "allowed", "open:5m bad", GateAllowed, Done, "answers 200: body.errors > 0 (allowed to fail)"},
	{"http", "no result", "open:5m nothing", GateNone, RolledBack, `gate g gave no result within 1h0m0s: http://127.0.0.1:PORT/mda answers 200: condition "body.errors > 0" cannot be evaluated`},
	{"http", "no result, allowed", "open:5m nothing", GateNone, Done, "cannot be evaluated: no such key: errors (allowed to fail)"},
	{"http", "times out", "open", GateNone, RolledBack, "gate g gave no result within 1h0m0s: http://127.0.0.1:PORT/mda answers 200: not body.ok"},
	{"http", "unreachable for 10 minutes", "gone:10m good", GatePassed, Done, "answers 200: body.ok"},
	{"http", "unreachable for good", "open:5m gone", GateOpen, Stalled, "nobody could tell for 1h0m"},
	{"http", "unreachable for good, allowed", "open:5m gone", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"http", "flaps", "open:25m gone:25m open:25m gone:25m good", GatePassed, Done, "answers 200: body.ok"},

	// the condition has to hold for 5 minutes; Prometheus knows what was while nobody could ask it
	{"prometheus", "passes", "open:5m good", GatePassed, Done, "value 0.001: value < 0.01 for 5m0s"},
	{"prometheus", "fails", "open:5m bad", GateFailed, RolledBack, "gate g failed: value 0.9: value > 0.5"},
	{"prometheus", "allowed", "good:4m bad", GateAllowed, Done, "gate g failed: value 0.9: value > 0.5 (allowed to fail)"},
	{"prometheus", "no result", "good:4m nothing", GateNone, RolledBack, "gate g gave no result: no data: the query answers nothing"},
	{"prometheus", "no result, allowed", "nothing", GateNone, Done, "gate g gave no result: no data: the query answers nothing (allowed to fail)"},
	{"prometheus", "times out", "open", GateNone, RolledBack, "gate g gave no result within 1h0m0s: value 0.1: not value < 0.01"},
	{"prometheus", "unreachable for 10 minutes", "gone:10m good", GatePassed, Done, "for 5m0s"},
	{"prometheus", "unreachable for good", "open:5m gone", GateOpen, Stalled, "nobody could tell for 1h0m"},
	{"prometheus", "unreachable for good, allowed", "open:5m gone", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"prometheus", "flaps", "good:4m open:1m good:4m nothing:1m good:4m gone:20m open:20m gone:20m good", GatePassed, Done, "for 5m0s"},

	// ben may approve, and ana, who asked for the run, may not
	{"approval", "passes", "open:50m good", GatePassed, Done, "approved by ben"},
	{"approval", "fails", "open:5m bad", GateFailed, RolledBack, "gate g failed: denied by ben: prices are wrong"},
	{"approval", "allowed", "open:5m bad", GateAllowed, Done, "gate g failed: denied by ben: prices are wrong (allowed to fail)"},
	{"approval", "no result", "nothing", GateNone, RolledBack, "gate g gave no result within 1h0m0s: 0 of 1 approvals; may approve: ben"},
	{"approval", "no result, allowed", "nothing", GateNone, Done, "0 of 1 approvals; may approve: ben (allowed to fail)"},
	{"approval", "times out", "open", GateNone, RolledBack, "gate g gave no result within 1h0m0s: 0 of 1 approvals"},
	{"approval", "unreachable for 10 minutes", "gone:10m good", GatePassed, Done, "approved by ben"},
	{"approval", "unreachable for good", "open:5m gone", GateOpen, Stalled, "nobody could tell for 1h0m"},
	{"approval", "unreachable for good, allowed", "open:5m gone", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"approval", "flaps", "open:25m gone:25m open:25m gone:25m good", GatePassed, Done, "approved by ben"},

	{"callback", "passes", "open:5m good", GatePassed, Done, "answered: 1,200 rows"},
	{"callback", "fails", "open:5m bad", GateFailed, RolledBack, "gate g failed: answered: 3 rows differ"},
	{"callback", "allowed", "open:5m bad", GateAllowed, Done, "gate g failed: answered: 3 rows differ (allowed to fail)"},
	{"callback", "no result", "", "", "", "a program says yes or no; one that is silent is the next case"},
	{"callback", "no result, allowed", "open", GateNone, Done, "gate g gave no result within 1h0m0s: no answer yet (allowed to fail)"},
	{"callback", "times out", "open", GateNone, RolledBack, "gate g gave no result within 1h0m0s: no answer yet"},
	{"callback", "unreachable for 10 minutes", "gone:10m good", GatePassed, Done, "answered: 1,200 rows"},
	{"callback", "unreachable for good", "gone", GateOpen, Stalled, "nobody could tell for 1h0m"},
	{"callback", "unreachable for good, allowed", "open:5m gone", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"callback", "flaps", "open:25m gone:25m open:25m gone:25m good", GatePassed, Done, "answered: 1,200 rows"},

	// for 30 minutes the gate rate, a Prometheus, is asked again
	{"soak", "passes", "good", GatePassed, Done, "nothing turned bad for 30m0s"},
	{"soak", "fails", "good:20m bad", GateFailed, RolledBack, "gate g failed: gate rate turned bad: value 0.9: value > 0.5"},
	{"soak", "allowed", "good:20m bad", GateAllowed, Done, "gate g failed: gate rate turned bad: value 0.9: value > 0.5 (allowed to fail)"},
	{"soak", "no result", "good:20m nothing", GateNone, RolledBack, "gate g gave no result: gate rate has no result any more: no data"},
	{"soak", "no result, allowed", "good:20m nothing", GateNone, Done, "gate rate has no result any more: no data: the query answers nothing (allowed to fail)"},
	{"soak", "times out", "good:20m open", GateNone, RolledBack, "gate g gave no result within 1h0m0s: soaked for 30m0s, but waits for gate rate: value 0.1: not value < 0.01"},
	{"soak", "unreachable for 10 minutes", "good:10m gone:10m good", GatePassed, Done, "nothing turned bad for 30m0s"},
	{"soak", "unreachable for good", "good:10m gone", GateOpen, Stalled, "gate rate: ask Prometheus"},
	{"soak", "unreachable for good, allowed", "good:10m gone", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"soak", "flaps", "good:10m open:10m good:5m nothing:1m gone:20m open:20m gone:20m good", GatePassed, Done, "nothing turned bad for 30m0s"},

	{"data", "passes", "good", GatePassed, Done, "4 objects of 1000 bytes: objects > 3"},
	{"data", "fails", "bad", GateFailed, RolledBack, "gate g failed: 1 objects of 1000 bytes: not objects > 3"},
	{"data", "allowed", "bad", GateAllowed, Done, "gate g failed: 1 objects of 1000 bytes: not objects > 3 (allowed to fail)"},
	{"data", "no result", "", "", "", "data that is not there, or lacks what is asked for, speaks against the version"},
	{"data", "no result, allowed", "nothing", GateAllowed, Done, "gate g failed: there is no data of 1.1.0 (allowed to fail)"},
	{"data", "times out", "", "", "", "a version does not change, so there is no not yet"},
	{"data", "unreachable for 10 minutes", "gone:10m good", GatePassed, Done, "objects > 3"},
	{"data", "unreachable for good", "gone", GateOpen, Stalled, "nobody could tell for 1h0m"},
	{"data", "unreachable for good, allowed", "gone", GateNone, Done, "gate g gave no result: it could not be asked"},
	{"data", "flaps", "gone:25m good:5m gone", GatePassed, Done, "objects > 3"}, // its first answer decides
}

// casesOfGates is what every kind is tested in.
var casesOfGates = []string{
	"passes", "fails", "allowed", "no result", "no result, allowed", "times out",
	"unreachable for 10 minutes", "unreachable for good", "unreachable for good, allowed", "flaps",
}

func TestGatesInEveryCase(t *testing.T) {
	t.Parallel()
	for _, test := range gateCases {
		if test.source == "" {
			continue
		}
		t.Run(test.kind+" "+test.in, func(t *testing.T) {
			t.Parallel()
			w, r := newWorld(t, ""), newRun()
			s := newSource(t, w, test.source)
			plan := s.plan(test.kind)
			plan.AllowFailure = strings.Contains(test.in, "allowed")
			w.stages[0].Plan.Gates = []GatePlan{plan}
			r.By = "ana"
			s.play(r)
			gate := r.Stages[0].Gates[0]
			if gate.Outcome != test.outcome || r.State != test.end {
				t.Errorf("the gate ends as %q and the run as %q, want %q and %q\nlast: %s", gate.Outcome, r.State, test.outcome, test.end, r.Reason)
			}
			if says := s.told(r); !strings.Contains(says, test.says) {
				t.Errorf("people read\n%s\nwant\n%s", says, test.says)
			}
			s.check(r, plan)
		})
	}
}

// A kind or a case that is missing from the table is a hole in the specification.
func TestGateCasesAreComplete(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	for _, test := range gateCases {
		lines[test.kind+" "+test.in]++
		if test.source == "" && (test.says == "" || test.end != "") {
			t.Errorf("%s %s has no source and does not say why", test.kind, test.in)
		}
	}
	kinds := 0
	for field := range reflect.TypeFor[GatePlan]().Fields() {
		if field.Type.Kind() != reflect.Pointer {
			continue
		}
		kinds++
		for _, in := range casesOfGates {
			if name := strings.ToLower(field.Name) + " " + in; lines[name] != 1 {
				t.Errorf("the table has %q %d times, want once", name, lines[name])
			}
		}
	}
	if want := kinds * len(casesOfGates); len(lines) != want {
		t.Errorf("the table has %d cases, want %d", len(lines), want)
	}
}

// play takes a run to its end, or to where a person is needed. What a source does not
// say never turns the run back.
func (s *source) play(r *Run) {
	s.w.t.Helper()
	b := s.w.bot()
	b.Gates, b.Limits.Longest = s, 2*time.Minute
	for range 5000 {
		s.turn()
		forward := r.Cause == nil
		o, err := b.Step(s.w.t.Context(), r)
		applied := r.Apply(o, err, s.w.now, b.Limits)
		if forward && r.Cause != nil && s.word() == "gone" {
			s.w.t.Errorf("an outage turns the run back: %s", r.Cause.Sentence)
		}
		if r.Settled() || r.State == Stalled {
			return
		}
		s.w.now = s.w.now.Add(applied.After)
	}
	s.w.t.Fatalf("the run does not end: %s: %s", r.State, r.Reason)
}

// told returns what people read in the end. Ports differ from one test to the next.
func (s *source) told(r *Run) string {
	text := r.Stages[0].Gates[0].Reason
	switch {
	case r.Cause != nil:
		text = r.Cause.Sentence
	case len(r.Warnings) > 0:
		text = strings.Join(r.Warnings, "\n")
	case r.State == Stalled:
		text = r.Reason
	}
	_, port, _ := strings.Cut(s.server.Listener.Addr().String(), ":")
	return strings.ReplaceAll(text, port, "PORT")
}

// check holds what is true of every case.
func (s *source) check(r *Run, p GatePlan) {
	s.w.t.Helper()
	s.w.check(r)
	gate := r.Stages[0].Gates[0]
	if warned := len(r.Warnings) > 0; warned != (r.State == Done && gate.Outcome != GatePassed) {
		s.w.t.Errorf("the run is %s with %s, and warns of %q", r.State, gate.Outcome, r.Warnings)
	}
	for _, sentence := range append(slices.Clone(r.Warnings), s.told(r)) {
		if none := gate.Outcome == GateNone; none && !strings.Contains(sentence, "gave no result") || none && strings.Contains(sentence, "gate g failed") {
			s.w.t.Errorf("no result is told as %q", sentence)
		}
	}
	if r.Events > 30 { // a gate that words its waiting anew at each look floods the log
		s.w.t.Errorf("the run has %d events", r.Events)
	}
	if r.Cause == nil {
		return
	}
	if silent := (p.Approval != nil || p.Callback != nil) && gate.Outcome == GateNone; r.Cause.Verdict == silent || r.Cause.Gate != "g" || r.Cause.Environment != "int" {
		s.w.t.Errorf("the cause is %+v", *r.Cause)
	}
	if !strings.HasPrefix(r.Cause.Sentence, "gate g ") || p.AllowFailure {
		s.w.t.Errorf("a gate that may fail: %v, and the cause is %q", p.AllowFailure, r.Cause.Sentence)
	}
}
