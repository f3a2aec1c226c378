package gates

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/gitops"
)

// These tests ask a real Prometheus, which .ci/prometheus starts: TEST_PROMETHEUS is what
// it prints. The server scrapes each second what the tests serve.

// within is how long a test waits for what Prometheus has to come to know.
const within = 30 * time.Second

// An exporter serves metrics to a Prometheus in its text format.
type exporter struct {
	*httptest.Server
	prometheus string // URL

	mu   sync.Mutex
	text string
}

// export starts an exporter that the server of address scrapes.
func export(t *testing.T, address, text string) *exporter {
	t.Helper()
	server, targets, ok := strings.Cut(address, "#")
	if !ok {
		t.Fatalf("%q names no folder of targets: start the server with .ci/prometheus", address)
	}
	e := &exporter{prometheus: server}
	e.set(text)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		fmt.Fprintln(w, e.text)
	}))
	t.Cleanup(e.Close)
	at, err := url.Parse(e.URL)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(targets, at.Port()+".json")
	if err := os.WriteFile(file, fmt.Appendf(nil, `[{"targets": [%q]}]`, at.Host), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(file) })
	return e
}

// set changes what is served; each line is a metric and its value.
func (e *exporter) set(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.text = text
}

// now asks a gate that began some time ago.
func now(t *testing.T, g Gate, began time.Time) (Verdict, error) {
	t.Helper()
	s := subject(0)
	s.Since, s.Now = began, time.Now()
	return g.Ask(t.Context(), s, "")
}

// await asks a gate, again and again, until it answers as wanted.
func await(t *testing.T, g Gate, began time.Time, want Result, says string) Verdict {
	t.Helper()
	next := time.NewTicker(100 * time.Millisecond)
	defer next.Stop()
	for end := time.Now().Add(within); ; <-next.C {
		v, err := now(t, g, began)
		if err == nil && v.Result == want && strings.Contains(v.Reason, says) {
			return v
		}
		if time.Now().After(end) {
			t.Fatalf("after %s: %q, %q, %v; want %q, %q", within, v.Result, v.Reason, err, want, says)
		}
	}
}

// realServer returns what TEST_PROMETHEUS names.
func realServer(t *testing.T) string {
	t.Helper()
	address := os.Getenv("TEST_PROMETHEUS")
	if address == "" {
		t.Skip("TEST_PROMETHEUS is not set: .ci/integration sets it")
	}
	return address
}

func TestRealPrometheus(t *testing.T) {
	t.Parallel()
	e := export(t, realServer(t), `
real_errors{version="2026.11.3+1"} 0.001
real_errors{version="2026.11.2"} 0.9
real_nan NaN
real_shards{shard="a"} 1
real_shards{shard="b"} 3
`)
	gate := func(query, pass, fail string) Prometheus {
		return Prometheus{URL: e.prometheus, Query: query, Pass: pass, Fail: fail}
	}
	const low, high = "value < 0.01", "value > 0.5"
	await(t, gate("real_shards", "values.size() == 2", ""), time.Now(), Passed, "2 values") // everything is scraped

	long := time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		gate Prometheus
		want Result
		says string
	}{
		"good":               {gate(`real_errors{version="{version}"}`, low, high), Passed, "value 0.001: value < 0.01"},
		"bad":                {gate(`real_errors{version="2026.11.2"}`, low, high), Failed, "value 0.9: value > 0.5"},
		"neither":            {gate(`real_errors{version="2026.11.2"}`, low, ""), Pending, "not value < 0.01"},
		"a scalar":           {gate("scalar(real_errors{version=\"2026.11.2\"})", low, high), Failed, "value 0.9"},
		"divided by nothing": {gate(`real_errors{version="2026.11.2"} / 0`, low, high), Failed, "value +Inf"},
		"all of several":     {gate("real_shards", "values.all(v, v.value <= 3.0)", ""), Passed, "2 values"},
		"by label":           {gate("real_shards", "true", `values.exists(v, v.labels.shard == "b" && v.value > 2.0)`), Failed, "2 values"},
		"no data":            {gate("real_absent", low, high), None, "no data: the query answers nothing"},
		"nothing by nothing": {gate("0 * real_nan", low, high), None, "no data: the query answers NaN"},
		"held":               {with(gate("vector(0)", low, high), 10*time.Minute), Passed, "for 10m0s"},
		"held for a day":     {with(gate("vector(0)", low, high), 24*time.Hour), Pending, "and has to for 24h0m0s"},
	} {
		v, err := now(t, test.gate, long)
		if err != nil || v.Result != test.want || !strings.Contains(v.Reason, test.says) {
			t.Errorf("%s: got %q, %q, %v; want %q, %q", name, v.Result, v.Reason, err, test.want, test.says)
		}
	}
	for query, want := range map[string]struct {
		refused bool // only people can mend it
		says    string
	}{
		"real_errors{":                      {true, `query "real_errors{": `},
		"no_such_function(up)":              {true, "unknown function"},
		"real_errors[5m]":                   {true, "range vector"},
		`"text"`:                            {true, "string"},
		"real_shards":                       {false, `answers 2 samples`},
		"real_shards * on(job) real_errors": {false, "many-to-many"},
	} {
		v, err := now(t, gate(query, low, ""), long)
		if v.Result != Pending || err == nil || errors.Is(err, gitops.ErrRefused) != want.refused || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: got %+v, %v; want %q, refused %v", query, v, err, want.says, want.refused)
		}
	}
}

// with returns a gate whose condition has to hold for some time.
func with(g Prometheus, hold time.Duration) Prometheus {
	g.For = hold
	return g
}

// A condition has to hold without a break, and a metric that goes away is one.
func TestRealPrometheusFor(t *testing.T) {
	t.Parallel()
	e := export(t, realServer(t), "real_held 0")
	g := Prometheus{URL: e.prometheus, Query: "real_held", Pass: "value < 0.01", Fail: "value > 0.5", For: 5 * time.Second}
	began := time.Now()
	await(t, g, began, Pending, "value < 0.01 since")
	await(t, g, began, Passed, "for 5s")
	if held := time.Since(began); held < g.For {
		t.Errorf("it passed after %s", held)
	}
	e.set("real_held 0.1")
	await(t, g, began, Pending, "value 0.1: not")
	e.set("real_held 0")
	broken := time.Now()
	await(t, g, began, Passed, "for 5s")
	if held := time.Since(broken); held < g.For-2*time.Second { // each scrape is up to a second late
		t.Errorf("it passed %s after a break", held)
	}
	e.set("real_held 0.9")
	await(t, g, began, Failed, "value 0.9: value > 0.5")
	e.set("") // the process is gone: no verdict yet, neither the old one
	await(t, g, began, Pending, "no data: the query answers nothing yet")
}

// A server that is gone says nothing of the version, and a gate goes on when it is back.
func TestRealPrometheusGone(t *testing.T) {
	t.Parallel()
	realServer(t)
	dir := t.TempDir()
	server := func(command string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "../.ci/prometheus", command, dir).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return strings.TrimSpace(string(out))
	}
	address := server("start")
	running := true
	t.Cleanup(func() {
		if running {
			_ = exec.Command("../.ci/prometheus", "stop", dir).Run() // the test's own context is over
		}
	})
	e := export(t, address, "real_up 1")
	g := Prometheus{URL: e.prometheus, Query: "real_up", Pass: "value == 1.0", Fail: "value == 0.0"}
	began := time.Now()
	await(t, g, began, Passed, "value 1")
	server("stop")
	running = false
	if v, err := now(t, g, began); err == nil || errors.Is(err, gitops.ErrRefused) || v.Result != Pending || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %+v, %v; want an error that waiting may mend", v, err)
	}
}
