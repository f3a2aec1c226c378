package gates

import (
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

// A NoData is what it means that a query answers nothing. A metric that is not there
// looks like that, so it is no success by itself.
type NoData string

// The meanings of no data. The zero value is that of NoDataFails.
const (
	NoDataFails  NoData = "fail" // the gate has no result
	NoDataPasses NoData = "pass"
	NoDataWaits  NoData = "wait"
)

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

// points is how many points of time a range of For is looked at, at least.
const points = 30

// errSeveral says that a query answers more samples than a condition on one asks for.
var errSeveral = errors.New("there are several samples")

// Start begins nothing.
func (g Prometheus) Start(context.Context, Subject) (string, error) { return "", nil }

// Ask asks the query: as it stands now, or with For at each step of that time. What held
// before a break is asked of Prometheus, not remembered here.
func (g Prometheus) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	query := s.Expand(g.Query)
	link := strings.TrimRight(g.URL, "/") + "/graph?" + url.Values{"g0.expr": {query}}.Encode()
	moments, notes, err := g.ask(ctx, s, query)
	if err != nil {
		return Verdict{}, err
	}
	result, why, err := g.judge(s, moments)
	switch {
	case errors.Is(err, errSeveral):
		return Verdict{}, refused("query %q answers several samples: write a condition on values, or a query for one", query)
	case err != nil:
		return Verdict{}, refused("%v", err)
	}
	if len(notes) > 0 {
		why += " (" + strings.Join(notes, "; ") + ")"
	}
	return Verdict{result, why, link}, nil
}

// A moment is what a query answers for one point of time.
type moment []*model.Sample

// ask returns the moments that decide, the newest last.
func (g Prometheus) ask(ctx context.Context, s Subject, query string) ([]moment, []string, error) {
	source, err := api.NewClient(api.Config{Address: g.URL, Client: asking(&http.Client{Transport: g.transport(ctx), Timeout: askWithin})})
	if err != nil {
		return nil, nil, refused("%v", err)
	}
	var value model.Value
	var notes prometheus.Warnings
	if g.For == 0 {
		value, notes, _, err = prometheus.NewAPI(source).Query(ctx, query, s.Now)
	} else {
		from := s.Now.Add(-g.For)
		if from.Before(s.Since) {
			from = s.Since
		}
		value, notes, _, err = prometheus.NewAPI(source).QueryRange(ctx, query, prometheus.Range{Start: from, End: s.Now, Step: g.step()})
	}
	if err != nil {
		return nil, nil, g.explain(err, query)
	}
	moments, err := split(value)
	return moments, notes, err
}

// transport adds the token to each request.
func (g Prometheus) transport(ctx context.Context) http.RoundTripper {
	next := http.DefaultTransport
	if g.Client != nil && g.Client.Transport != nil {
		next = g.Client.Transport
	}
	return tripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(ctx)
		if err := g.Token.authorize(r); err != nil {
			return nil, err
		}
		return next.RoundTrip(r)
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// explain tells a query that is wrong from a server that does not answer.
func (g Prometheus) explain(err error, query string) error {
	var of *prometheus.Error
	if errors.As(err, &of) && of.Type == prometheus.ErrBadData {
		return refused("query %q: %s", query, of.Msg)
	}
	if errors.As(err, &of) && of.Type == prometheus.ErrClient && (strings.Contains(of.Msg, "401") || strings.Contains(of.Msg, "403")) {
		return fmt.Errorf("Prometheus does not let us in: see to its token: %w", quiet(err))
	}
	return fmt.Errorf("ask Prometheus: %w", quiet(err))
}

// split returns the moments of an answer.
func split(value model.Value) ([]moment, error) {
	switch v := value.(type) {
	case *model.Scalar:
		return []moment{{{Value: v.Value, Timestamp: v.Timestamp}}}, nil
	case model.Vector:
		return []moment{moment(v)}, nil
	case model.Matrix:
		at := map[model.Time]moment{}
		var order []model.Time
		for _, stream := range v {
			for _, pair := range stream.Values {
				if at[pair.Timestamp] == nil {
					order = append(order, pair.Timestamp)
				}
				at[pair.Timestamp] = append(at[pair.Timestamp], &model.Sample{Metric: stream.Metric, Value: pair.Value, Timestamp: pair.Timestamp})
			}
		}
		return inOrder(order, at), nil
	}
	return nil, refused("the query answers a %s: write one that answers a vector or a scalar", value.Type())
}
