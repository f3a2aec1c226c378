package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"lockstep/bot"
	"lockstep/bot/web"
)

// A scrape is what a server shows to Prometheus, a line for each value.
type scrape []string

// scrape asks the server for its metrics with a token. They have to be what Prometheus
// reads, and named and explained as they should be.
func (s *scene) scrape(token string) scrape {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.api.url+"/metrics", nil)
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := s.api.http.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.Fatalf("the server answers %s to a scrape: %s, %v", response.Status, body, err)
	}
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		s.Errorf("lint: %v, %v", problems, err)
	}
	return strings.Split(string(body), "\n")
}

// value returns the sum of the values of a metric that have these labels, each as
// name="value"; -1 when none has.
func (lines scrape) value(name string, labels ...string) float64 {
	sum, found := 0.0, false
	for _, line := range lines {
		metric, text, _ := strings.Cut(line, " ")
		if i := strings.LastIndex(line, "} "); i > 0 {
			metric, text = line[:i+1], line[i+2:]
		}
		named := metric == name || strings.HasPrefix(metric, name+"{")
		if !named || slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(metric, l) }) {
			continue
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return math.NaN()
		}
		sum, found = sum+number, true
	}
	if !found {
		return -1
	}
	return sum
}

// A shown is what a metric has to show: between least and most.
type shown struct {
	name        string
	labels      []string
	least, most float64
}

// scrapes waits until the server shows all of wants, and returns what it shows.
func (s *scene) scrapes(token string, wants []shown) (got scrape) {
	s.Helper()
	var wrong []string
	defer func() {
		if s.Failed() {
			s.Logf("the last metrics are wrong:\n%s", strings.Join(wrong, "\n"))
		}
	}()
	s.await("the metrics", func() bool {
		wrong, got = nil, s.scrape(token)
		for _, want := range wants {
			if value := got.value(want.name, want.labels...); value < want.least || value > want.most {
				wrong = append(wrong, fmt.Sprintf("%s %q is %v, want %v to %v", want.name, want.labels, value, want.least, want.most))
			}
		}
		return wrong == nil
	})
	return got
}

// A run that ends well and one that is rolled back, as Prometheus sees them, who has a
// token to read with; then the same after a restart.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var made web.MadeToken
	if err := s.api.post(t.Context(), "tokens", web.NewToken{Name: "prometheus", Scopes: []bot.TokenScope{bot.MayRead}}, &made); err != nil {
		t.Fatal(err)
	}
	s.play(works)
	s.observe()
	s.play(fails)
	const many = 1e6
	lately, soon := float64(time.Now().Add(-time.Hour).Unix()), float64(time.Now().Add(time.Hour).Unix())
	kept := []shown{
		{"lockstep_build_info", []string{`version="` + version + `"`}, 1, 1},
		{"lockstep_store_up", nil, 1, 1},
		{"lockstep_active", nil, 1, 1},
		{"lockstep_lane_frozen", []string{`lane="integration"`}, 0, 0},
		{"lockstep_runs", []string{`lane="integration"`}, 0, 0},
		{"lockstep_condemned_versions", []string{`track="integration"`}, 1, 1},
		{"lockstep_runs_ended_total", []string{`track="integration"`, `result="success"`}, 1, 1},
		{"lockstep_runs_ended_total", []string{`track="integration"`, `result="rolled back"`}, 1, 1},
		{"lockstep_runs_ended_total", []string{`track="integration"`, `result="rollback failed"`}, 0, 0},
		{"lockstep_run_duration_seconds_count", []string{`track="integration"`, `result="rolled back"`}, 1, 1},
		{"lockstep_outbox_messages", nil, 0, 0},
		{"lockstep_outbox_failed_tries", nil, 0, 0},
		{"lockstep_poll_last_success_timestamp_seconds", []string{`kind="tag"`}, lately, soon},
		{"lockstep_poll_interval_seconds", []string{`kind="tag"`}, 1, 1},
		{"lockstep_poll_interval_seconds", []string{`kind="lane"`}, 0.001, 1},
		{"lockstep_poll_interval_seconds", []string{`kind="comment"`}, 60, 60},
		{"lockstep_poll_interval_seconds", []string{`kind="return"`}, 600, 600},
		{"lockstep_poll_interval_seconds", []string{`kind="schedule"`}, 60, 60},
		{"lockstep_gitlab_request_duration_seconds_count", []string{`method="read"`, `code="2xx"`}, 1, many},
		{"lockstep_gitlab_rate_wait_seconds_total", nil, 0, many},
		{"process_resident_memory_bytes", nil, 1, 1e12},
		{"go_goroutines", nil, 1, many},
	}
	s.rules(s.scrapes(made.Secret, append(slices.Clone(kept),
		shown{"lockstep_gitlab_request_duration_seconds_count", []string{`method="write"`, `code="2xx"`}, 1, many},
		shown{"lockstep_git_duration_seconds_count", []string{`operation="read"`, `outcome="ok"`}, 1, many},
		shown{"lockstep_git_duration_seconds_count", []string{`operation="write"`, `outcome="ok"`}, 1, many},
		shown{"lockstep_webhooks_total", []string{`kind="pipeline"`, `code="200"`}, 1, many},
		shown{"lockstep_webhooks_total", []string{`kind="tag_push"`, `code="202"`}, 1, many},
	)))
	s.serve()
	s.scrapes(made.Secret, kept)
}

// A ruleFile is the YAML of alert rules, as Prometheus reads it.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For string
			Labels           map[string]string
			Annotations      map[string]string
		}
	}
}

// rules holds the alert rules of the manual against the metrics that there are.
func (s *scene) rules(have scrape) {
	s.Helper()
	text := alertRules(s.T)
	var file ruleFile
	if err := yaml.UnmarshalWithOptions([]byte(text), &file, yaml.Strict()); err != nil {
		s.Fatalf("the alert rules: %v", err)
	}
	names, label := regexp.MustCompile(`lockstep_\w+`), regexp.MustCompile(`(\w+)=~?"|by \(([\w, ]+)\)|\{\{ \$labels\.(\w+)`)
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) < 5 {
		s.Fatalf("got %+v, want one group with all rules", file)
	}
	for _, rule := range file.Groups[0].Rules {
		if rule.Alert == "" || rule.For == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" {
			s.Errorf("rule %q lacks its name, its time, its severity or its summary", rule.Alert)
		}
		used := names.FindAllString(rule.Expr, -1)
		if len(used) == 0 {
			s.Errorf("rule %s asks for none of our metrics: %s", rule.Alert, rule.Expr)
		}
		for _, name := range used {
			if have.value(name) < 0 {
				s.Errorf("rule %s asks for %s, which is not there", rule.Alert, name)
			}
		}
		for _, found := range label.FindAllStringSubmatch(rule.Expr+rule.Annotations["summary"], -1) {
			for name := range strings.SplitSeq(found[1]+found[2]+found[3], ", ") {
				if name != "" && have.value(used[0], name+`="`) < 0 {
					s.Errorf("rule %s asks for label %s, which %s does not have", rule.Alert, name, used[0])
				}
			}
		}
	}
}

// alertRules returns the alert rules of the manual. Where Prometheus's own tool is
// installed it has to take them.
func alertRules(t *testing.T) string {
	t.Helper()
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(manual), "```yaml\ngroups:\n")
	text, _, ends := strings.Cut(rest, "```\n")
	if !found || !ends {
		t.Fatal("docs/operations.md has no alert rules")
	}
	text = "groups:\n" + text
	if promtool, err := exec.LookPath("promtool"); err == nil {
		file := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput(); err != nil {
			t.Errorf("promtool: %v\n%s", err, out)
		}
	}
	return text
}
