package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lockstep/bot"
	"lockstep/gitops"
)

// Metrics count what this process does, and show that and what the store counts to
// Prometheus; docs/operations.md lists them. Their labels hold names of the configuration
// and words of ours, never what comes from outside: so they are few.
type Metrics struct {
	// Figures returns what the store counts. When it fails, the metrics of the store are
	// missing, all others are there.
	Figures func(ctx context.Context) (bot.Figures, error)
	// Tracks, Lanes and Channels are those of the configuration: they are shown before
	// anything has happened there, or nobody could see it become more.
	Tracks, Lanes, Channels []string
	// Open lets everybody read them.
	Open bool
	Now  func() time.Time
	Log  *slog.Logger

	registry *prometheus.Registry
	active   prometheus.Gauge
	requests *prometheus.HistogramVec // to GitLab
	waited   prometheus.Counter
	git      *prometheus.HistogramVec
	hooks    *prometheus.CounterVec
	read     reading

	mu    sync.Mutex
	looks []*lookout
}

// A lookout is something that is looked at again and again.
type lookout struct {
	kind  string
	last  time.Time     // when it was looked at well, at first when that began
	again time.Duration // from one look to the next; 0: there was none yet
}

// The metrics of what is looked at.
var (
	lookedAt = metric("poll_last_success_timestamp_seconds", "When it was last looked whether there is something new, and all could be read; before that, when the process began to look. Of several places the one that is worst off.", "kind")
	lookedIn = metric("poll_interval_seconds", "How long it is from one look to the next; 0 before the first.", "kind")
)

// answersIn are the bounds of how long GitLab takes to answer, in seconds.
var answersIn = []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// metric returns the description of a metric of ours.
func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lockstep_"+name, help, labels, nil)
}

// NewMetrics returns the metrics of a process with that version, all at zero.
func NewMetrics(version string, now func() time.Time) *Metrics {
	m := &Metrics{
		Now: now, Log: slog.Default(), registry: prometheus.NewRegistry(),
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lockstep_active", Help: "1 while this process drives runs; 0 while it stands by.",
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lockstep_gitlab_request_duration_seconds", Buckets: answersIn,
			Help: "How long GitLab took until its answer began, by the class of the method (read, write) and of the status (error: no answer).",
		}, []string{"method", "code"}),
		waited: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lockstep_gitlab_rate_wait_seconds_total", Help: "How long requests to GitLab waited for gitlab.rate, all together.",
		}),
		git: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lockstep_git_duration_seconds", Buckets: answersIn,
			Help: "How long it took to read or write an environment repository, by what came of it (no: GitLab says no; error: nobody can tell).",
		}, []string{"operation", "outcome"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lockstep_webhooks_total", Help: "Webhooks that came, by the kind that they claim to be of and the status that they were answered with.",
		}, []string{"kind", "code"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lockstep_build_info", Help: "Always 1; the label says the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.active, m.requests, m.waited, m.git, m.hooks, m,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Lead notes that this process drives runs, until stop.
func (m *Metrics) Lead() (stop func()) {
	m.active.Set(1)
	return func() { m.active.Set(0) }
}

// Looks notes that something of a kind is looked at again and again from now on, and
// returns what is to be told of each look that ended well.
func (m *Metrics) Looks(kind string) (looked func(again time.Duration)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &lookout{kind: kind, last: m.Now()}
	m.looks = append(m.looks, l)
	return func(again time.Duration) {
		m.mu.Lock()
		defer m.mu.Unlock()
		l.last, l.again = m.Now(), again
	}
}

// Asked counts a request to GitLab; see gitlab.Options.
func (m *Metrics) Asked(method string, status int, took time.Duration) {
	class := "write"
	if method == http.MethodGet || method == http.MethodHead {
		class = "read"
	}
	m.requests.WithLabelValues(class, codeClass(status)).Observe(took.Seconds())
}

// codeClass returns the class of a status.
func codeClass(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "429"
	case status < 200 || status > 599:
		return "error"
	}
	return string(rune('0'+status/100)) + "xx"
}

// Waited counts how long a request waited to be sent to GitLab.
func (m *Metrics) Waited(wait time.Duration) { m.waited.Add(wait.Seconds()) }

// Git counts what was done with an environment repository, unless it was given up by whoever
// asked for it.
func (m *Metrics) Git(operation string, took time.Duration, err error) {
	outcome := "error"
	switch {
	case err == nil:
		outcome = "ok"
	case errors.Is(err, gitops.ErrNotFound), errors.Is(err, gitops.ErrConflict), errors.Is(err, gitops.ErrRefused):
		outcome = "no"
	case errors.Is(err, context.Canceled):
		return
	}
	m.git.WithLabelValues(operation, outcome).Observe(took.Seconds())
}

// hookKinds are the kinds of hooks that are counted by themselves, as GitLab names them in
// X-Gitlab-Event.
var hookKinds = []string{"Push Hook", "Tag Push Hook", "Note Hook", "Merge Request Hook", "Pipeline Hook", "Job Hook", "Deployment Hook", "Release Hook"}

// gitlabHooks counts what next answers to GitLab's hooks.
func (m *Metrics) gitlabHooks(next http.Handler) http.Handler {
	other := m.counted("other", next)
	known := map[string]http.Handler{}
	for _, kind := range hookKinds {
		known[kind] = m.counted(strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(kind, " Hook")), " ", "_"), next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := known[r.Header.Get("X-Gitlab-Event")]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}

// counted counts what next answers to hooks of a kind.
func (m *Metrics) counted(kind string, next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerCounter(m.hooks.MustCurryWith(prometheus.Labels{"kind": kind}), next)
}

// handler serves the metrics to whoever asks. What cannot be read is left out.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.Log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
	})
}

// metrics serves the metrics to those who may read.
func (s *Server) metrics() http.Handler {
	if s.Metrics.Open {
		return s.Metrics.handler()
	}
	return s.Access.Require(bot.MayRead, s.Metrics.handler())
}

// serveReady says whether the database answers. It was asked a moment ago, perhaps: so
// nobody can keep the database busy by asking.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	if _, err := s.Metrics.figures(); err != nil {
		refuse(w, http.StatusServiceUnavailable, "the database does not answer: see the log")
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		lookedAt, lookedIn, storeUp, runsNow, laneFrozen, laneWaiting, laneStalled, condemnedNow, runsEnded, runsTook,
		outboxWaiting, outboxOldest, outboxTries,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.collectLooks(ch)
	m.collectStore(ch)
}

// collectLooks sends what is known of looks. Where several are of a kind, the worst counts.
func (m *Metrics) collectLooks(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	worst := map[string]lookout{}
	for _, l := range m.looks {
		w, seen := worst[l.kind]
		if !seen || l.last.Before(w.last) {
			w.last = l.last
		}
		w.again = max(w.again, l.again)
		worst[l.kind] = w
	}
	for kind, w := range worst {
		ch <- prometheus.MustNewConstMetric(lookedAt, prometheus.GaugeValue, float64(w.last.UnixMilli())/1000, kind)
		ch <- prometheus.MustNewConstMetric(lookedIn, prometheus.GaugeValue, w.again.Seconds(), kind)
	}
}
