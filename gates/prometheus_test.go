package gates

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
)

// A metric is what a query answers at a time after the gate began: a value for each
// series, and none for one that is not there.
type metric func(after time.Duration) []float64

// ServeHTTP answers a range query as Prometheus does.
func (m metric) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var from, to, step float64
	for name, into := range map[string]*float64{"start": &from, "end": &to, "step": &step} {
		*into, _ = strconv.ParseFloat(r.FormValue(name), 64)
	}
	series := map[int][]string{}
	for at := from; at <= to; at += step {
		for i, value := range m(time.Unix(int64(at), 0).Sub(began)) {
			series[i] = append(series[i], fmt.Sprintf(`[%.0f,"%v"]`, at, value))
		}
	}
	var all []string
	for i := range len(series) {
		all = append(all, fmt.Sprintf(`{"metric":{"pod":"p%d"},"values":[%s]}`, i, strings.Join(series[i], ",")))
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, strings.Join(all, ","))
}

// steady answers the same values at any time.
func steady(values ...float64) metric { return func(time.Duration) []float64 { return values } }

// but answers other values from one time after the gate began to another.
func (m metric) but(from, to time.Duration, values ...float64) metric {
	return func(after time.Duration) []float64 {
		if after >= from && after <= to {
			return values
		}
		return m(after)
	}
}

// The gate is asked ten minutes after it began.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	const low, high, all = "value < 0.01", "value > 0.5", "values.all(v, v.value < 2.0)"
	const minute, long = time.Minute, time.Hour
	nan := math.NaN()
	tests := []struct {
		name, pass, fail string
		hold             time.Duration
		noData           NoData
		metric           metric
		want             Result
		says             string
	}{
		{"passes", low, high, 0, "", steady(0.001), Passed, "value 0.001: value < 0.01"},
		{"fails", low, high, 0, "", steady(0.9), Failed, "value 0.9: value > 0.5"},
		{"neither", low, high, 0, "", steady(0.1), Pending, "not value < 0.01"},
		{"infinite", low, high, 0, "", steady(math.Inf(1)), Failed, "value +Inf"},
		{"only now counts", low, high, 0, "", steady(0.9).but(10*minute, long, 0), Passed, ""},

		// several samples
		{"several", low, "", 0, "", steady(0, 1), "", `it answers 2 samples, such as {pod="p0"} and {pod="p1"}: write one that answers a single one`},
		{"all of several", all, "", 0, "", steady(0, 1), Passed, "2 values"},
		{"by label", `values.exists(v, v.labels["pod"] == "p1" && v["value"] == 1.0)`, "", 0, "", steady(0, 1), Passed, ""},
		{"one is not a number", all, "", 0, "", steady(0, nan), Pending, "2 values: not values.all"},
		{"one is not a number, and another bad", all, "values.exists(v, v.value > 0.5)", 0, "", steady(0.9, nan), Failed, ""},
		{"an old process until just now", low, "", 5 * minute, "", steady(0).but(0, 7*minute, 0, 0), Pending, "value < 0.01 since 2026-11-03 09:07 UTC, and has to for 5m0s"},

		// no data, and not a number, which is none
		{"no data", low, "", 0, "", steady(), None, "no data: the query answers nothing"},
		{"not a number", low, "", 0, "", steady(nan), None, "no data: the query answers NaN"},
		{"not a number is not good", "!(value > 0.5)", "", 0, "", steady(nan), None, "no data"},
		{"no data passes", low, "", 0, NoDataPasses, steady(), Passed, "declared to pass"},
		{"no data waits", low, "", 0, NoDataWaits, steady(), Pending, "no data"},
		{"a scrape was missed", low, "", 0, "", steady(0).but(9*minute, long), Pending, "no data: the query answers nothing yet"},
		{"what was bad before it went", low, high, 0, "", steady(0.9).but(9*minute, long), Pending, "no data"},
		{"no data for longer", low, high, 0, "", steady(0.9).but(7*minute, long), None, "no data"},

		// for
		{"held", low, high, 5 * minute, "", steady(0), Passed, "value 0: value < 0.01 for 5m0s"},
		{"held just long enough", low, high, 10 * minute, "", steady(0), Passed, "for 10m0s"},
		{"not held yet", low, high, 30 * minute, "", steady(0), Pending, "since 2026-11-03 09:00 UTC, and has to for 30m0s"},
		{"an odd time", low, high, 101 * time.Second, "", steady(0), Passed, "for 1m41s"},
		{"before the gate it was bad", low, high, 5 * minute, "", steady(0).but(-long, -time.Second, 0.9), Passed, ""},
		{"flaps", low, "", 5 * minute, "", steady(0).but(9*minute, 9*minute+10*time.Second, 1), Pending, "since 2026-11-03 09:09 UTC"},
		{"a gap is a break", low, "", 5 * minute, "", steady(0).but(8*minute, 8*minute+10*time.Second), Pending, "since 2026-11-03 09:08 UTC"},
		{"a minute in a day", low, "", 24 * time.Hour, "", steady(0).but(2*minute, 3*minute, 1), Pending, "since 2026-11-03 09:04 UTC"},
		{"bad at the end", low, high, 5 * minute, "", steady(0).but(10*minute, long, 0.9), Failed, ""},
		{"no data for long", low, "", 5 * minute, "", steady(0).but(5*minute, long), None, "no data"},
		{"no data is declared good", low, "", 5 * minute, NoDataPasses, steady(), Passed, "for 5m0s"},
		{"no data is not good for long enough", low, "", 30 * minute, NoDataPasses, steady(), Pending, "since 2026-11-03 09:00 UTC"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.metric)
			t.Cleanup(server.Close)
			g := Prometheus{URL: server.URL, Query: `errors{version="{version}"}`, Pass: test.pass, Fail: test.fail, For: test.hold, NoData: test.noData}
			v, err := g.Ask(t.Context(), subject(10*time.Minute), "")
			said := v.Reason
			if err != nil {
				said = err.Error()
			}
			if v.Result != test.want || !strings.Contains(said, test.says) || (err != nil) != (test.name == "several") {
				t.Errorf("got %q, %q, %v; want %q with %q", v.Result, v.Reason, err, test.want, test.says)
			}
			if errors.Is(err, gitops.ErrRefused) {
				t.Errorf("%v is given up at once, but may pass", err)
			}
		})
	}
}

// Right after the deployment nobody has scraped the new process.
func TestPrometheusIsPatient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(steady())
	t.Cleanup(server.Close)
	g := Prometheus{URL: server.URL, Query: "errors", Pass: "value < 0.01"}
	for after, want := range map[time.Duration]Result{0: Pending, time.Minute: Pending, patience: None, time.Hour: None} {
		if v, err := g.Ask(t.Context(), subject(after), ""); err != nil || v.Result != want {
			t.Errorf("after %s: got %q, %q, %v; want %q", after, v.Result, v.Reason, err, want)
		}
	}
}

// What Prometheus answers instead of numbers.
func TestPrometheusAnswers(t *testing.T) {
	t.Parallel()
	const success = `200 {"status":"success","data":{"resultType":"matrix","result":[%s]}%s}`
	one := fmt.Sprintf(`{"metric":{},"values":[[%d,"0"]]}`, began.Add(10*time.Minute).Unix())
	histogram := fmt.Sprintf(`{"metric":{},"histograms":[[%d,{"count":"1","sum":"0","buckets":[]}]]}`, began.Unix())
	for name, test := range map[string]struct {
		answer  string
		want    Result
		refused bool // only people can mend it
		says    string
	}{
		"a bad query":              {`400 {"status":"error","errorType":"bad_data","error":"parse error at char 3"}`, "", true, `query "up": parse error at char 3`},
		"histograms":               {fmt.Sprintf(success, histogram, ""), "", true, "write one that answers numbers, such as histogram_quantile"},
		"a vector":                 {`200 {"status":"success","data":{"resultType":"vector","result":[]}}`, "", true, "answers a vector"},
		"too much":                 {"200 " + strings.Repeat(" ", maxSamples+1), "", false, "more than 8 MiB: ask for fewer series"},
		"a query that is too dear": {`422 {"status":"error","errorType":"execution","error":"query processing would load too many samples"}`, "", false, "too many samples"},
		"it is busy":               {"503 ", "", false, "ask Prometheus at http://127.0.0.1"},
		"we are strangers":         {"401 ", "", false, "see to its token"},
		"another server":           {"200 <html>", "", false, "ask Prometheus at http://127.0.0.1"},
		"it sends us elsewhere":    {"302 ", "", false, "302"},
		"a part is missing":        {fmt.Sprintf(success, "", `,"warnings":["no store of zone b answers"]`), "", false, "Prometheus has not all of the data: no store of zone b answers"},
		"a note on the query":      {fmt.Sprintf(success, one, `,"warnings":["PromQL warning: quantile should be between 0 and 1"]`), Passed, false, "(PromQL warning: quantile"},
	} {
		server, _ := serve(t, test.answer)
		v, err := Prometheus{URL: server.URL + "/", Query: "up", Pass: "value < 0.01"}.Ask(t.Context(), subject(10*time.Minute), "")
		said := v.Reason
		if err != nil {
			said = err.Error()
		}
		if v.Result != test.want || errors.Is(err, gitops.ErrRefused) != test.refused || !strings.Contains(said, test.says) {
			t.Errorf("%s: got %q, %q, %v; want %q, %q, refused %v", name, v.Result, v.Reason, err, test.want, test.says, test.refused)
		}
	}
}
