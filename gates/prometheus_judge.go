package gates

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// inOrder returns the moments by their time.
func inOrder(times []model.Time, at map[model.Time]moment) []moment {
	slices.Sort(times)
	var moments []moment
	for _, t := range times {
		moments = append(moments, at[t])
	}
	return moments
}

// judge says what the moments mean. With For, every step since the last break counts,
// and a step without data is a break.
func (g Prometheus) judge(s Subject, moments []moment) (Result, string, error) {
	if len(moments) == 0 || len(moments[len(moments)-1]) == 0 {
		return g.nothing()
	}
	newest := moments[len(moments)-1]
	result, why, err := g.at(newest)
	if err != nil || result != Passed || g.For == 0 {
		return result, why, err
	}
	if s.Now.Sub(newest[0].Timestamp.Time()) > max(2*g.step(), time.Minute) {
		return g.nothing()
	}
	held, err := g.held(s, moments)
	if err != nil || held >= g.For {
		return Passed, fmt.Sprintf("%s for %s", why, g.For), err
	}
	return Pending, fmt.Sprintf("%s for %s of %s", why, held.Round(time.Second), g.For), nil
}

// step is the time between two moments.
func (g Prometheus) step() time.Duration { return max(g.For/points, time.Second) }

// held returns for how long the condition has held without a break.
func (g Prometheus) held(s Subject, moments []moment) (time.Duration, error) {
	since := s.Now
	for _, m := range slices.Backward(moments) {
		at := m[0].Timestamp.Time()
		result, _, err := g.at(m)
		if err != nil {
			return 0, err
		}
		if result != Passed || since.Sub(at) > 2*g.step() {
			break
		}
		since = at
	}
	if since.Sub(s.Since) < g.step() { // it has held at every step that there was
		since = s.Since
	}
	return s.Now.Sub(since), nil
}

// at judges one moment.
func (g Prometheus) at(m moment) (Result, string, error) {
	answer := map[string]any{}
	values := make([]map[string]any, len(m))
	for i, sample := range m {
		labels := map[string]string{}
		for name, value := range sample.Metric {
			labels[string(name)] = string(value)
		}
		values[i] = map[string]any{"labels": labels, "value": float64(sample.Value)}
	}
	answer["values"] = values
	if len(m) == 1 {
		answer["value"] = float64(m[0].Value)
	} else if asksForOne(g.Pass) || asksForOne(g.Fail) {
		return Pending, "", errSeveral
	}
	result, why, err := prometheusWords.judge(g.Pass, g.Fail, answer)
	if len(m) == 1 {
		why = fmt.Sprintf("value %v: %s", m[0].Value, why)
	} else {
		why = fmt.Sprintf("%d values: %s", len(m), why)
	}
	return result, why, err
}

// asksForOne reports that a condition names value itself.
func asksForOne(condition string) bool {
	words := strings.FieldsFunc(condition, func(r rune) bool { return !(r == '_' || r == '.' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') })
	return slices.Contains(words, "value")
}

// nothing says what no data means.
func (g Prometheus) nothing() (Result, string, error) {
	const why = "no data: the query answers nothing"
	switch g.NoData {
	case NoDataPasses:
		return Passed, why + ", which is declared to pass", nil
	case NoDataWaits:
		return Pending, why + " yet", nil
	}
	return None, why, nil
}
