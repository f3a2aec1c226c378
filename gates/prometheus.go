package gates

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// A NoData is what it means that a query answers nothing, or only NaN, which is nothing
// divided by nothing. A metric that is not there looks like that, so it is no success
// by itself.
type NoData string

// The meanings of no data. The zero value is that of NoDataFails.
const (
	NoDataFails  NoData = "fail" // the gate has no result, once there was nothing for patience
	NoDataPasses NoData = "pass"
	NoDataWaits  NoData = "wait"
)

// patience is for how long there has to be no data before that means something: a new
// process is not scraped at once, and one scrape that is missed takes its metrics away.
const patience = 2 * time.Minute

// A Prometheus is a gate that asks a Prometheus. Its conditions speak of value, the
// value of the only sample, and of values, which has every sample.
type Prometheus struct {
	Client *http.Client // nil: one that waits for 30 s
	URL    string       // of the server, without /api/v1
	Token  Token        // nil: none
	Query  string       // PromQL; may hold the placeholders of Subject.Expand
	Pass   string       // the gate passes when it holds
	Fail   string       // the gate fails when it holds on the newest samples; "": it never does
	For    time.Duration
	NoData NoData
}

// Start begins nothing.
func (g Prometheus) Start(context.Context, Subject) (string, error) { return "", nil }

// Ask asks the query at each step of the time that decides, the newest of which is now.
// What held before a break is asked of Prometheus, not remembered here.
func (g Prometheus) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	judge, err := g.judge(s)
	if err != nil {
		return Verdict{}, refused("%v", err)
	}
	query, over := s.Expand(g.Query), g.over(s)
	value, notes, err := g.ask(ctx, query, over)
	if err != nil {
		return Verdict{}, err
	}
	moments, err := over.moments(value)
	if err != nil {
		return Verdict{}, refused("query %q %v", query, err)
	}
	result, why, err := judge.all(moments)
	if err != nil {
		return Verdict{}, fmt.Errorf("query %q: %w", query, err)
	}
	if len(notes) > 0 {
		why += " (" + strings.Join(notes, "; ") + ")"
	}
	return Verdict{result, why, strings.TrimRight(g.URL, "/") + "/graph?" + url.Values{"g0.expr": {query}}.Encode()}, nil
}

// A span is the points of time that a question is about: from, and each step up to to.
type span struct {
	from, to time.Time
	step     time.Duration
}

// How closely a span is looked at: at so many points at least and at most, where seconds
// and minutes allow it.
const (
	fewPoints  = 30
	manyPoints = 10_000 // of the 11,000 that Prometheus answers
)

// over returns the points of time that decide. None lies before the gate began: what was
// measured there is the old version.
func (g Prometheus) over(s Subject) span {
	window := max(g.For, patience)
	step := min(max(cmp.Or(g.For, patience)/fewPoints, time.Second), time.Minute)
	step = max(step, window/manyPoints).Truncate(time.Second)
	steps := (window + step - 1) / step
	to := s.Now.Truncate(time.Second)
	steps = max(0, min(steps, to.Sub(s.Since)/step))
	return span{to.Add(-steps * step), to, step}
}

// ask asks Prometheus. What it notes about the query itself is handed on; an answer that
// lacks a part of the data is none.
func (g Prometheus) ask(ctx context.Context, query string, over span) (model.Value, []string, error) {
	source, err := api.NewClient(api.Config{Address: g.URL, Client: asking(&http.Client{Transport: g.transport(), Timeout: askWithin})})
	if err != nil {
		return nil, nil, refused("the address of Prometheus is none")
	}
	r := prometheus.Range{Start: over.from, End: over.to, Step: over.step}
	value, notes, _, err := prometheus.NewAPI(source).QueryRange(ctx, query, r)
	if err != nil {
		return nil, nil, g.explain(err, query)
	}
	for _, note := range notes {
		if !strings.HasPrefix(note, "PromQL") {
			return nil, nil, fmt.Errorf("Prometheus has not all of the data: %s", note)
		}
	}
	return value, notes, nil
}

// maxSamples is how many bytes Prometheus may answer.
const maxSamples = 8 << 20

// transport adds the token to each request, and bounds each answer.
func (g Prometheus) transport() http.RoundTripper {
	next := http.DefaultTransport
	if g.Client != nil && g.Client.Transport != nil {
		next = g.Client.Transport
	}
	return tripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		if err := g.Token.authorize(r); err != nil {
			return nil, err
		}
		answer, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxSamples)
		return answer, nil
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// explain tells a query that is wrong from a server that does not answer.
func (g Prometheus) explain(err error, query string) error {
	at := "Prometheus"
	if u, bad := url.Parse(g.URL); bad == nil {
		at += " at " + place(u)
	}
	var of *prometheus.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &of) && of.Type == prometheus.ErrBadData:
		return refused("query %q: %s", query, of.Msg)
	case errors.As(err, &of) && of.Type == prometheus.ErrClient && (strings.Contains(of.Msg, "401") || strings.Contains(of.Msg, "403")):
		return fmt.Errorf("%s does not let us in, see to its token: %w", at, err)
	case errors.As(err, &large):
		return fmt.Errorf("%s answers query %q with more than 8 MiB: ask for fewer series", at, query)
	}
	return fmt.Errorf("ask %s: %w", at, quiet(err))
}

// A sample is one value of a moment.
type sample struct {
	labels map[string]string
	value  float64
}

// A moment is what a query answers for one point of time.
type moment []sample

// count returns how many points a span has.
func (o span) count() int { return int(o.to.Sub(o.from)/o.step) + 1 }

// moments returns the moments of a span as an answer has them, the newest last. The error
// is the end of a sentence about the query.
func (o span) moments(value model.Value) ([]moment, error) {
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("answers a %s: write one that answers a vector or a scalar", value.Type())
	}
	moments := make([]moment, o.count())
	for _, series := range matrix {
		if len(series.Histograms) > 0 {
			return nil, errors.New("answers histograms: write one that answers numbers, such as histogram_quantile")
		}
		labels := map[string]string{}
		for name, text := range series.Metric {
			labels[string(name)] = string(text)
		}
		for _, pair := range series.Values {
			if i := int(pair.Timestamp.Time().Sub(o.from) / o.step); i >= 0 && i < len(moments) {
				moments[i] = append(moments[i], sample{labels, float64(pair.Value)})
			}
		}
	}
	return moments, nil
}
