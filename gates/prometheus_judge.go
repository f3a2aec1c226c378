package gates

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// A judge says what the moments of a Prometheus gate mean.
type judge struct {
	gate    Prometheus
	about   Subject
	over    span
	one     rule  // for a moment of one sample
	several rule  // for a moment of several, in which there is no one value
	only    error // why there is no rule for several
}

// judge compiles the conditions.
func (g Prometheus) judge(s Subject) (judge, error) {
	j := judge{gate: g, about: s, over: g.over(s)}
	var err error
	if j.one, err = prometheusWords.rule(g.Pass, g.Fail); err != nil {
		return judge{}, err
	}
	j.several, j.only = prometheusWordsButValue.rule(g.Pass, g.Fail)
	return j, nil
}

// all judges the moments of a span: the newest decides, and with For the condition has to
// have held at each one since the last break.
func (j judge) all(moments []moment) (Result, string, error) {
	result, why, err := j.at(moments[len(moments)-1])
	switch {
	case err != nil:
		return Pending, "", err
	case result == None && j.since(moments, moment.void) < patience:
		return Pending, why + " yet", nil
	case result != Passed || j.gate.For == 0:
		return result, why, nil
	}
	if held := j.since(moments, j.passes); held < j.gate.For { // the value would be news at each look
		return Pending, fmt.Sprintf("%s since %s, and has to for %s", j.gate.Pass, clock(j.about.Now.Add(-held)), j.gate.For), nil
	}
	return Passed, fmt.Sprintf("%s for %s", why, j.gate.For), nil
}

// since returns for how long moments have been so, up to now and without a break.
func (j judge) since(moments []moment, so func(moment) bool) time.Duration {
	from := j.about.Now
	for i, m := range slices.Backward(moments) {
		if !so(m) {
			return j.about.Now.Sub(from)
		}
		from = j.over.from.Add(time.Duration(i) * j.over.step)
	}
	if from.Sub(j.about.Since) < j.over.step { // so at every step since the gate began
		from = j.about.Since
	}
	return j.about.Now.Sub(from)
}

// passes reports that a moment speaks for the version.
func (j judge) passes(m moment) bool {
	result, _, err := j.at(m)
	return result == Passed && err == nil
}

// at judges one moment. A condition on value says nothing of several samples: they may
// be those of an old process and a new one, and pass.
func (j judge) at(m moment) (Result, string, error) {
	if m.void() {
		return j.nothing(m)
	}
	answer, values := j.about.words(), make([]map[string]any, len(m))
	for i, s := range m {
		values[i] = map[string]any{"labels": s.labels, "value": s.value}
	}
	answer["values"] = values
	rule, what := j.one, fmt.Sprintf("value %v", m[0].value)
	switch {
	case len(m) == 1:
		answer["value"] = m[0].value
	case j.only != nil:
		return Pending, "", fmt.Errorf("it answers %d samples, such as %s and %s: write one that answers a single one, or a condition on values", len(m), m[0], m[1])
	default:
		rule, what = j.several, fmt.Sprintf("%d values", len(m))
	}
	result, why, err := rule.judge(answer)
	return result, what + ": " + why, err
}

// nothing says what no data means.
func (j judge) nothing(m moment) (Result, string, error) {
	why := "no data: the query answers nothing"
	if len(m) > 0 {
		why = "no data: the query answers NaN"
	}
	switch j.gate.NoData {
	case NoDataPasses:
		return Passed, why + ", which is declared to pass", nil
	case NoDataWaits:
		return Pending, why + " yet", nil
	}
	return None, why, nil
}

// void reports that a moment has no data: no sample, or none that is a number.
func (m moment) void() bool {
	return !slices.ContainsFunc(m, func(s sample) bool { return !math.IsNaN(s.value) })
}

// String names a sample by its labels.
func (s sample) String() string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(s.labels)) {
		labels = append(labels, fmt.Sprintf("%s=%q", name, s.labels[name]))
	}
	return "{" + strings.Join(labels, ", ") + "}"
}
