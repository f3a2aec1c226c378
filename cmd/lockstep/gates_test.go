package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
)

// A monitor is what gates measure: addresses that answer with a status, and a Prometheus
// that has one value.
type monitor struct {
	*httptest.Server

	mu     sync.Mutex
	status map[string]int // by path
	value  string         // of the query
	asked  map[string]int // how often each path was
	query  string         // the last one
	after  func(asked map[string]int)
}

// newMonitor starts a monitor on which everything is well, and makes the gates of int
// ask it.
func (s *scene) newMonitor() *monitor {
	s.Helper()
	m := &monitor{status: map[string]int{"/health/int": http.StatusOK, "/style/int": http.StatusOK}, value: "0.001", asked: map[string]int{}}
	m.Server = httptest.NewServer(m)
	s.Cleanup(m.Close)
	s.rewrite("  release:\n", strings.ReplaceAll(`          - {name: size, when: before, data: {pass: 'objects >= 4 && bytes > 1000 && manifest.package == "mda"'}}
          - {name: health, group: side-by-side, http: {url: '$URL/health/{environment}?v={version}', pass: 'status == 200 && body.ready', fail: 'status == 418'}}
          - {name: errors, group: side-by-side, prometheus: {url: '$URL', query: 'errors{version="{version}"}', pass: value < 0.01, fail: value > 0.5}}
          - {name: style, allow_failure: true, http: {url: '$URL/style/{environment}', fail: status == 418}}
          - {name: calm, soak: {for: 300ms, watch: [health, errors]}}
  release:
`, "$URL", m.URL))
	return m
}

// ServeHTTP answers what it is asked.
func (m *monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked[r.URL.Path]++; m.after != nil {
		m.after(m.asked)
	}
	if r.URL.Path != queryRange {
		w.WriteHeader(m.status[r.URL.Path])
		fmt.Fprint(w, `{"ready": true}`)
		return
	}
	m.query = r.FormValue("query")
	from, err := strconv.ParseFloat(r.FormValue("start"), 64)
	to, err2 := strconv.ParseFloat(r.FormValue("end"), 64)
	if err != nil || err2 != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var samples []string
	for at := from; at <= to; at++ {
		samples = append(samples, fmt.Sprintf(`[%.0f,"%s"]`, at, m.value))
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[%s]}]}}`, strings.Join(samples, ","))
}

// queryRange is where a Prometheus is asked.
const queryRange = "/api/v1/query_range"

// becomes lets something happen to the monitor each time that it is asked.
func (m *monitor) becomes(after func(asked map[string]int)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = after
}

// outcomes returns how the gates of the newest run of a version ended.
func (s *scene) outcomes(version string) string {
	s.Helper()
	var all []string
	for _, g := range s.report(version).Gates {
		all = append(all, fmt.Sprintf("%s %s", g.Name, g.Outcome))
	}
	return strings.Join(all, ", ")
}

// Every kind of gate that finds out by itself, in one run: all pass; one of a group waits
// for what only the question to the other brings about, so they are asked side by side;
// one fails, which is allowed.
func TestGates(t *testing.T) {
	t.Parallel()
	given := works
	given.Want.End, given.Want.Cause = "success with warnings", []string{"gate style failed", "(allowed to fail)"}
	s := openScene(t, worldOptions{})
	m := s.newMonitor()
	m.status["/health/int"], m.status["/style/int"] = http.StatusNotFound, http.StatusTeapot
	m.becomes(func(asked map[string]int) {
		if asked[queryRange] > 0 {
			m.status["/health/int"] = http.StatusOK
		}
	})
	s.begin()
	s.play(given)
	const want = "int-test passed, size passed, health passed, errors passed, style failed, allowed, calm passed"
	if got := s.outcomes(given.Version); got != want {
		t.Errorf("the gates ended as %q, want %q", got, want)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.query != `errors{version="`+given.Version+`"}` || m.asked["/health/int"] < 3 || m.asked[queryRange] < 2 {
		t.Errorf("the monitor was asked %v, last %s", m.asked, m.query)
	}
}

// Each kind of gate fails: what was written is put back, and the run says which and why.
func TestGatesFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		turns  func(s *scene, m *monitor)
		cause  string
		merges int
		gates  string
	}{
		"data, before anything is written": {
			func(s *scene, _ *monitor) {
				s.cfg.Tracks["integration"].Stages[0].Gates[1].Data.Pass = `objects == 3`
			}, "gate size failed: ", 0, "size failed",
		},
		"http": {
			func(_ *scene, m *monitor) { m.status["/health/int"] = http.StatusTeapot }, "gate health failed: ", 2, "health failed",
		},
		"prometheus": {
			func(_ *scene, m *monitor) { m.value = "0.75" }, "gate errors failed: ", 2, "errors failed",
		},
		"http turns bad while it soaks": {
			func(_ *scene, m *monitor) {
				m.becomes(func(asked map[string]int) {
					if asked["/health/int"] > 2 {
						m.status["/health/int"] = http.StatusTeapot
					}
				})
			}, "gate calm failed: ", 2, "calm failed",
		},
		"http never answers what it waits for": {
			func(s *scene, m *monitor) {
				s.cfg.Tracks["integration"].Stages[0].Gates[2].TimeLimit = 200 * time.Millisecond
				m.status["/health/int"] = http.StatusNotFound
			}, "gate health gave no result within 200ms: ", 2, "health no result",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, worldOptions{})
			m := s.newMonitor()
			test.turns(s, m)
			s.begin()
			given := fails
			given.Rules, given.Want.Cause, given.Want.Links = nil, []string{test.cause}, nil
			if given.Want.Merges = test.merges; test.merges == 0 {
				given.Want.Gates = nil
			}
			s.play(given)
			if got := s.outcomes(given.Version); !strings.Contains(got, test.gates) {
				t.Errorf("the gates ended as %q, want %q in it", got, test.gates)
			}
		})
	}
}

// What cannot be asked is no verdict: the run waits while the monitor is away, and goes
// on when it is back. One that may fail is given up after its retries.
func TestGateAway(t *testing.T) {
	t.Parallel()
	given := works
	given.Want.End, given.Want.Cause = "success with warnings", []string{"gate style gave no result: it could not be asked 3 times in a row"}
	s := openScene(t, worldOptions{})
	m := s.newMonitor()
	s.cfg.Tracks["integration"].Stages[0].Gates[4].Retries = 2
	m.status["/health/int"], m.status["/style/int"] = http.StatusBadGateway, http.StatusServiceUnavailable
	s.begin()
	s.script(given)
	s.tag(given.Version)
	s.await("the gate that could not tell", func() bool {
		return slices.ContainsFunc(s.report(given.Version).Gates, func(g web.Gate) bool {
			return g.Name == "health" && g.Reason == "could not tell" && g.Outcome == bot.GateOpen
		})
	})
	s.quiet()
	s.stands(given.Version, "int")
	m.mu.Lock()
	m.status["/health/int"] = http.StatusOK
	m.mu.Unlock()
	s.ends(given)
}
