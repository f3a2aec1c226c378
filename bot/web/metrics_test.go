package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"lockstep/bot"
	"lockstep/gitops"
)

// metricsOf returns the metrics of a server on s, whose clock stands still.
func metricsOf(s *shelf) *Metrics {
	m := NewMetrics("v1", func() time.Time { return clock })
	m.Figures = func(context.Context) (bot.Figures, error) { return s.figures(), s.fault }
	m.Tracks, m.Lanes, m.Channels, m.Log = []string{"release"}, []string{"integration", "release"}, []string{"on-call"}, quiet
	return m
}

// figures returns figures that fit the shelf.
func (s *shelf) figures() bot.Figures {
	return bot.Figures{
		Lanes: []bot.LaneFigures{
			{
				Lane: "integration", Runs: map[bot.Standing]int{bot.Halted: 1, bot.Waiting: 2, bot.OnHold: 3},
				Waiting: clock.Add(-2 * time.Minute), Stalled: clock.Add(-time.Hour),
			},
			{Lane: "gone", Frozen: true},
		},
		Condemned: map[string]int{"release": 1},
		Ends: []bot.EndFigures{
			{Track: "release", Result: "success", Span: 5 * time.Minute, Runs: 3, Took: 9 * time.Minute},
			{Track: "release", Result: "success", Span: bot.Endless, Runs: 1, Took: 80 * time.Hour},
			{Track: "release", Result: "cancelled", Runs: 2},
		},
		Outbox: []bot.BacklogFigures{
			{Queue: "channel", Channel: "on-call", Waiting: 4, Since: clock.Add(-time.Minute), Tries: 7},
			{Queue: "channel", Channel: "note", Waiting: 1, Since: clock},
			{Queue: "note", Waiting: 2, Since: clock},
		},
	}
}

// scraped returns what a server shows to Prometheus, a line for each value. It has to be
// what Prometheus reads, and named and explained as it should be.
func scraped(t *testing.T, s *Server) []string {
	t.Helper()
	w := ask(t, s, http.MethodGet, "/metrics", "")
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	body := w.Body.String()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(body)); err != nil {
		t.Errorf("Prometheus cannot read it: %v", err)
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	var lines []string
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "lockstep_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// mustShow fails the test unless all of want are among lines.
func mustShow(t *testing.T, lines []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(lines, w) {
			t.Errorf("want %s in\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

func TestMetricsOfTheStore(t *testing.T) {
	t.Parallel()
	mustShow(t, scraped(t, serverOf(filled())),
		`lockstep_build_info{version="v1"} 1`,
		`lockstep_store_up 1`,
		`lockstep_active 0`,
		`lockstep_runs{lane="integration",state="active"} 0`,
		`lockstep_runs{lane="integration",state="waiting"} 2`,
		`lockstep_runs{lane="integration",state="stalled"} 1`,
		`lockstep_runs{lane="integration",state="held"} 3`,
		`lockstep_runs{lane="release",state="active"} 0`, // nothing was ever asked for there
		`lockstep_lane_frozen{lane="integration"} 0`,
		`lockstep_lane_frozen{lane="gone"} 1`,
		`lockstep_lane_oldest_waiting_seconds{lane="integration"} 120`,
		`lockstep_lane_oldest_waiting_seconds{lane="release"} 0`,
		`lockstep_lane_stalled_seconds{lane="integration"} 3600`,
		`lockstep_condemned_versions{track="release"} 1`,
		`lockstep_runs_ended_total{result="success",track="release"} 4`,
		`lockstep_runs_ended_total{result="cancelled",track="release"} 2`,
		`lockstep_runs_ended_total{result="rollback failed",track="release"} 0`, // or the first one would be no increase
		`lockstep_run_duration_seconds_bucket{result="success",track="release",le="120"} 0`,
		`lockstep_run_duration_seconds_bucket{result="success",track="release",le="300"} 3`,
		`lockstep_run_duration_seconds_bucket{result="success",track="release",le="259200"} 3`,
		`lockstep_run_duration_seconds_bucket{result="success",track="release",le="+Inf"} 4`,
		`lockstep_run_duration_seconds_sum{result="success",track="release"} 288540`,
		`lockstep_outbox_messages{channel="on-call",queue="channel"} 4`,
		`lockstep_outbox_messages{channel="note",queue="channel"} 1`,
		`lockstep_outbox_messages{channel="",queue="note"} 2`,
		`lockstep_outbox_messages{channel="",queue="reply"} 0`,
		`lockstep_outbox_oldest_seconds{channel="on-call",queue="channel"} 60`,
		`lockstep_outbox_failed_tries{channel="on-call",queue="channel"} 7`,
	)
}

// The red button freezes every lane, also those where nothing was ever asked for.
func TestMetricsOfTheRedButton(t *testing.T) {
	t.Parallel()
	server := serverOf(filled())
	server.Metrics.Figures = func(context.Context) (bot.Figures, error) { return bot.Figures{Frozen: true}, nil }
	mustShow(t, scraped(t, server), `lockstep_lane_frozen{lane="integration"} 1`, `lockstep_lane_frozen{lane="release"} 1`)
}

// Without a database the rest is there all the same, and the log says once what is wrong.
// The answer is kept for a moment, so that asking often costs nothing.
func TestMetricsWithoutTheStore(t *testing.T) {
	t.Parallel()
	now, asked, log := clock, 0, &strings.Builder{}
	store := filled()
	store.fault = errors.New("dial postgres://user:secret@db: connection refused")
	server := serverOf(store)
	server.Metrics.Log = slog.New(slog.NewTextHandler(log, nil))
	server.Metrics.Now = func() time.Time { return now }
	server.Metrics.Figures = func(ctx context.Context) (bot.Figures, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the store may take for ever")
		}
		asked++
		return store.figures(), store.fault
	}
	for range 3 {
		lines := scraped(t, server)
		mustShow(t, lines, `lockstep_store_up 0`, `lockstep_active 0`)
		if i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "lockstep_runs") }); i >= 0 {
			t.Errorf("without a store there is %s", lines[i])
		}
		if w := ask(t, server, http.MethodGet, "/readyz", ""); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("it is ready: %d %s", w.Code, w.Body)
		}
		if w := ask(t, server, http.MethodGet, "/healthz", ""); w.Code != http.StatusOK {
			t.Errorf("the process is not healthy: %d %s", w.Code, w.Body)
		}
	}
	now = now.Add(figuresLast)
	scraped(t, server)
	if got := strings.Count(log.String(), "connection refused"); asked != 2 || got != 1 {
		t.Errorf("the store was asked %d times, want 2, and the log says %d times what is wrong, want once", asked, got)
	}
	store.fault, now = nil, now.Add(figuresLast)
	mustShow(t, scraped(t, server), `lockstep_store_up 1`, `lockstep_runs{lane="integration",state="stalled"} 1`)
}

func TestMetricsOfRequests(t *testing.T) {
	t.Parallel()
	server := serverOf(filled())
	m := server.Metrics
	for _, status := range []int{200, 201, 304, 404, 429, 502, 0} {
		m.Asked(http.MethodGet, status, 300*time.Millisecond)
	}
	m.Asked(http.MethodPut, 200, time.Minute)
	m.Waited(1500 * time.Millisecond)
	m.Waited(500 * time.Millisecond)
	m.Git("read", time.Second, nil)
	m.Git("read", time.Second, fmt.Errorf("read commit: %w", gitops.ErrNotFound))
	m.Git("write", time.Second, fmt.Errorf("push: %w", gitops.ErrConflict))
	m.Git("write", time.Second, errors.New("connection refused"))
	m.Git("write", time.Second, fmt.Errorf("push: %w", context.Canceled))
	lines := scraped(t, server)
	mustShow(t, lines,
		`lockstep_gitlab_request_duration_seconds_count{code="2xx",method="read"} 2`,
		`lockstep_gitlab_request_duration_seconds_count{code="3xx",method="read"} 1`,
		`lockstep_gitlab_request_duration_seconds_count{code="4xx",method="read"} 1`,
		`lockstep_gitlab_request_duration_seconds_count{code="429",method="read"} 1`,
		`lockstep_gitlab_request_duration_seconds_count{code="5xx",method="read"} 1`,
		`lockstep_gitlab_request_duration_seconds_count{code="error",method="read"} 1`,
		`lockstep_gitlab_request_duration_seconds_bucket{code="2xx",method="read",le="0.25"} 0`,
		`lockstep_gitlab_request_duration_seconds_bucket{code="2xx",method="read",le="0.5"} 2`,
		`lockstep_gitlab_request_duration_seconds_bucket{code="2xx",method="write",le="30"} 0`,
		`lockstep_gitlab_request_duration_seconds_count{code="2xx",method="write"} 1`,
		`lockstep_gitlab_rate_wait_seconds_total 2`,
		`lockstep_git_duration_seconds_count{operation="read",outcome="ok"} 1`,
		`lockstep_git_duration_seconds_count{operation="read",outcome="no"} 1`,
		`lockstep_git_duration_seconds_count{operation="write",outcome="no"} 1`,
		`lockstep_git_duration_seconds_count{operation="write",outcome="error"} 1`,
	)
}

// What a hook claims to be is counted by kinds that are known beforehand.
func TestMetricsOfHooks(t *testing.T) {
	t.Parallel()
	server := serverOf(filled())
	server.Hook = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Gitlab-Token") == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	for _, kind := range []string{"Tag Push Hook", "Note Hook", "Note Hook", "Tag Push Hook; drop", ""} {
		ask(t, server, http.MethodPost, "/webhooks/gitlab", "{}", "X-Gitlab-Event", kind, "X-Gitlab-Token", "secret")
	}
	ask(t, server, http.MethodPost, "/webhooks/gitlab", "{}", "X-Gitlab-Event", "Merge Request Hook")
	server.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/hooks/mda", nil))
	lines := scraped(t, server)
	mustShow(t, lines,
		`lockstep_webhooks_total{code="200",kind="tag_push"} 1`,
		`lockstep_webhooks_total{code="200",kind="note"} 2`,
		`lockstep_webhooks_total{code="200",kind="other"} 2`,
		`lockstep_webhooks_total{code="401",kind="merge_request"} 1`,
		`lockstep_webhooks_total{code="202",kind="call"} 1`,
	)
}

// Of several places the one counts that nobody could read for the longest time.
func TestMetricsOfLooks(t *testing.T) {
	t.Parallel()
	now := clock
	server := serverOf(filled())
	m := server.Metrics
	m.Now = func() time.Time { return now }
	one, other, comments := m.Looks("tag"), m.Looks("tag"), m.Looks("comment")
	shows := func(kind string, at time.Time, again int) {
		t.Helper()
		var found []string
		for _, line := range scraped(t, server) {
			if strings.Contains(line, `kind="`+kind+`"`) {
				found = append(found, line)
			}
		}
		if len(found) != 2 || !strings.HasSuffix(found[0], fmt.Sprint("} ", again)) || !strings.HasSuffix(found[1], fmt.Sprint("} ", float64(at.Unix()))) {
			t.Errorf("got %q, want every %d s, last at %v", found, again, float64(at.Unix()))
		}
	}
	shows("tag", clock, 0)
	now = clock.Add(time.Minute)
	one(time.Hour)
	comments(time.Minute)
	shows("tag", clock, 3600)
	shows("comment", now, 60)
	now = clock.Add(time.Hour)
	other(time.Minute)
	shows("tag", clock.Add(time.Minute), 3600)
	stop := m.Lead()
	mustShow(t, scraped(t, server), "lockstep_active 1")
	stop()
	mustShow(t, scraped(t, server), "lockstep_active 0")
}

// Labels hold names of the configuration and words of ours: nothing that grows.
func TestMetricsHaveFewLabels(t *testing.T) {
	t.Parallel()
	label := regexp.MustCompile(`(\w+)="`)
	known := []string{"version", "lane", "state", "track", "result", "queue", "channel", "le"}
	for _, line := range scraped(t, serverOf(filled())) {
		for _, found := range label.FindAllStringSubmatch(line, -1) {
			if !slices.Contains(known, found[1]) {
				t.Errorf("%s has label %s", line, found[1])
			}
			if found[1] == "version" && !strings.HasPrefix(line, "lockstep_build_info") {
				t.Errorf("%s has a version", line)
			}
		}
	}
}

func TestMetricsOpen(t *testing.T) {
	t.Parallel()
	server := serverOf(filled())
	if w := askAs(t, server, "", http.MethodGet, "/metrics", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: got %d, want 401", w.Code)
	}
	server.Metrics.Open = true
	if w := askAs(t, server, "", http.MethodGet, "/metrics", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "lockstep_store_up 1") {
		t.Errorf("open, without a token: got %d %s", w.Code, w.Body)
	}
}
