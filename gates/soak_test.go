package gates

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// A word is what a watched gate answers.
type word Verdict

func (word) Start(context.Context, Subject) (string, error) { return "", nil }

func (w word) Ask(context.Context, Subject, string) (Verdict, error) {
	if w.Result == "gone" {
		return Verdict{}, errors.New("no route to host")
	}
	return Verdict(w), nil
}

func TestSoak(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		watched string // what each watched gate answers
		after   time.Duration
		want    Result
		says    string
	}{
		{"", 5 * time.Minute, Pending, "soaks for 30m0s, until 2026-11-03 09:30 UTC"},
		{"", 30 * time.Minute, Passed, "nothing turned bad for 30m0s"},
		{"passed passed", 5 * time.Minute, Pending, "until 2026-11-03 09:30 UTC"},
		{"passed passed", 30 * time.Minute, Passed, "nothing turned bad"},
		{"passed failed", 5 * time.Minute, Failed, "gate g1 turned bad: it is failed"},
		{"passed none", 5 * time.Minute, None, "gate g1 has no result any more: it is none"},
		{"none failed", 5 * time.Minute, Failed, "gate g1 turned bad"},
		{"gone passed", 5 * time.Minute, "", "gate g0: no route to host"},
		{"gone gone", 5 * time.Minute, "", "gate g1: no route to host"},
		{"gone failed", 5 * time.Minute, Failed, "gate g1 turned bad"}, // who cannot tell hides no verdict
		{"gone none", 5 * time.Minute, None, "gate g1 has no result"},
		{"gone passed", 30 * time.Minute, "", "gate g0: no route to host"},
		{"pending passed", 5 * time.Minute, Pending, "09:30 UTC; gate g0: it is pending"},
		{"pending passed", 30 * time.Minute, Pending, "soaked for 30m0s, but waits for gate g0: it is pending"},
	} {
		g := Soak{For: 30 * time.Minute}
		for i, result := range strings.Fields(test.watched) {
			w := word{Result: map[string]Result{"passed": Passed, "failed": Failed, "none": None, "gone": "gone"}[result], Reason: "it is " + result}
			g.Watch = append(g.Watch, Watched{"g" + string(rune('0'+i)), w})
		}
		v, err := g.Ask(t.Context(), subject(test.after), "")
		said := v.Reason
		if err != nil {
			said = err.Error()
		}
		if v.Result != test.want || (err != nil) != strings.HasSuffix(said, "no route to host") || !strings.Contains(said, test.says) {
			t.Errorf("%s after %s: got %q, %q, %v; want %q, %q", test.watched, test.after, v.Result, v.Reason, err, test.want, test.says)
		}
	}
}
