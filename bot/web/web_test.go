package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// clock is the time of all tests.
var clock = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)

// shelf is a Store and a Steering in memory.
type shelf struct {
	runs      []bot.Run // the newest first
	lanes     []bot.LaneState
	condemned []bot.Condemnation
	opinions  map[string][]bot.Opinion // by run/environment/gate
	said      []string                 // what was handed on
	fault     error                    // what every call answers, when set
}

func (s *shelf) Run(_ context.Context, id string) (*bot.Run, error) {
	for i := range s.runs {
		if s.runs[i].ID == id && s.fault == nil {
			return &s.runs[i], nil
		}
	}
	if s.fault != nil {
		return nil, s.fault
	}
	return nil, fmt.Errorf("run %q: %w", id, bot.ErrNotFound)
}

func (s *shelf) Runs(_ context.Context, f bot.Filter) ([]bot.Run, error) {
	var found []bot.Run
	for _, r := range s.runs {
		if (f.Track == "" || f.Track == r.Track) && (len(f.States) == 0 || slices.Contains(f.States, r.State)) && len(found) < f.Limit {
			found = append(found, r)
		}
	}
	return found, s.fault
}

func (s *shelf) Events(_ context.Context, id string) ([]bot.Event, error) {
	return []bot.Event{{Run: id, Seq: 1, At: clock, State: bot.Queued, Reason: "next in lane integration"}}, s.fault
}

func (s *shelf) Lanes(context.Context) ([]bot.LaneState, error) { return s.lanes, s.fault }

func (s *shelf) Place(_ context.Context, id string) (string, error) {
	if id == "queued" {
		return "1st in lane integration, behind run stalled", nil
	}
	return "", nil
}

func (s *shelf) Condemned(context.Context) ([]bot.Condemnation, error) { return s.condemned, s.fault }

func (s *shelf) Opinions(_ context.Context, run, environment, gate string) ([]bot.Opinion, error) {
	return s.opinions[run+"/"+environment+"/"+gate], s.fault
}

func (s *shelf) Opine(_ context.Context, run, environment string, o bot.Opinion) error {
	key := run + "/" + environment + "/" + o.Gate
	s.opinions[key] = append(s.opinions[key], o)
	s.said = append(s.said, fmt.Sprintf("%s: %v by %s (%s) at %s", key, o.Yes, o.By, o.Reason, o.At.Format(time.TimeOnly)))
	return nil
}

func (s *shelf) Say(ctx context.Context, run string, w bot.Word) error {
	r, err := s.Run(ctx, run)
	if err != nil {
		return err
	}
	if r.Settled() {
		return fmt.Errorf("%w: run %s has ended: %s", bot.ErrRefused, run, r.Result())
	}
	s.said = append(s.said, fmt.Sprintf("%s %s by %s (%s) at %s", w.Verb, run, w.By, w.Reason, w.At.Format(time.TimeOnly)))
	return nil
}

func (s *shelf) LastSlot(_ context.Context, track, schedule string) (bot.Slot, bool, error) {
	return bot.Slot{Track: track, Schedule: schedule, Local: "2026-11-21 02:30 Europe/Berlin", Sentence: "nothing to do"}, schedule == "nightly", s.fault
}

func (s *shelf) Freeze(_ context.Context, lane string, f bot.Freeze) error {
	if lane == "release" {
		return fmt.Errorf("%w: lane %s is frozen already", bot.ErrRefused, lane)
	}
	s.said = append(s.said, fmt.Sprintf("freeze %s: %s", lane, f))
	return nil
}

func (s *shelf) Thaw(_ context.Context, lane, by, reason string) error {
	if lane != "release" {
		return fmt.Errorf("%w: lane %s is not frozen", bot.ErrRefused, lane)
	}
	s.said = append(s.said, fmt.Sprintf("thaw %s by %s (%s)", lane, by, reason))
	return nil
}

// filled returns a shelf with a stalled run, one that waits behind it, one that was
// rolled back, and a frozen lane.
func filled() *shelf {
	stage := bot.Stage{
		Plan: bot.StagePlan{
			Environment: "int", Services: []bot.Service{{Name: "mds"}, {Name: "kv"}},
			Gates: []bot.GatePlan{{Name: "int-test"}}, Record: &bot.Parameter{Name: "/mda/int/data-version"},
		},
		Delivery: bot.Delivery{IID: 12, Link: "https://gitlab.example.com/env/mda/-/merge_requests/12", Change: gitops.Change{Repo: "env/mda"}},
		Gates:    []bot.GateState{{Name: "int-test", Since: clock, Outcome: bot.GateFailed, Reason: "pipeline 31 failed", Link: "https://gitlab.example.com/qa/int-test/-/pipelines/31"}},
	}
	return &shelf{
		runs: []bot.Run{
			{ID: "queued", Package: "mda", Version: "2026.11.4", Track: "integration", Lane: "integration", State: bot.Queued, Reason: "queued", Created: clock},
			{ID: "stalled", Package: "mda", Version: "2026.11.3", Track: "integration", Lane: "integration", State: bot.Stalled, Reason: "!12 was closed", Origin: bot.OriginTag, By: "ana", Stages: []bot.Stage{stage}, Created: clock, Begun: clock},
			{
				ID: "ended", Package: "mda", Version: "2026.11.2", Track: "release", Lane: "release", State: bot.RollbackFailed, Direction: bot.Back,
				Reason: "frozen", Stages: []bot.Stage{stage}, Created: clock, Begun: clock, Ended: clock.Add(90 * time.Second),
				Cause: &bot.Cause{Sentence: `gate <script>alert(1)</script> failed`, Link: "javascript:alert(1)"}, Link: "javascript:alert(2)",
			},
		},
		lanes: []bot.LaneState{
			{Lane: "integration", Holder: "stalled", Waiting: []string{"queued"}},
			{Lane: "release", Frozen: "the rollback of run ended failed", By: "lockstep", Since: clock},
		},
		condemned: []bot.Condemnation{{Track: "release", Package: "mda", Version: "2026.11.2", Run: "ended", Reason: "gate int-test failed", At: clock}},
		opinions:  map[string][]bot.Opinion{},
	}
}

// serverOf returns a server on s with an API token, whose hook and submit answer 202.
func serverOf(s *shelf) *Server {
	accepted := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	return &Server{
		Store: s, Steering: s, Access: Access{Token: bot.NewSecret("t0ken")}, Hook: accepted, Submit: accepted, Rollback: accepted,
		Signed: func(key, signature string) bool { return signature == "of "+key },
		Lane: func(name string) (string, error) {
			lane, ok := map[string]string{"promote": "integration", "integration": "integration", "release": "release"}[name]
			if !ok {
				return "", errors.New("unknown lane")
			}
			return lane, nil
		},
		Schedules: nightly(),
		Tracks:    map[string][]string{"release": {"mda"}, "both": {"mda", "mdb"}},
		Drift: func(_ context.Context, track, pkg string) ([]bot.Drift, error) {
			return []bot.Drift{{Environment: track + " of " + pkg}}, nil
		},
		Version: "v1",
		Now:     func() time.Time { return clock }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// ask sends one request with the API token.
func ask(s *Server, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer t0ken")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestReads(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path   string
		status int
		want   string // in the body
	}{
		{"/api/v1/runs", 200, `"id":"queued","package":"mda","version":"2026.11.4"`},
		{"/api/v1/runs", 200, `"created":"2026-11-22T02:30:00Z"`},
		{"/api/v1/runs?track=release", 200, `{"runs":[{"id":"ended"`},
		{"/api/v1/runs?state=stalled&state=queued&limit=1", 200, `{"runs":[{"id":"queued"`},
		{"/api/v1/runs?track=nothing", 200, `{"runs":[]}`},
		{"/api/v1/runs?state=happy", 400, `unknown state \"happy\": the states are [`},
		{"/api/v1/runs?limit=0", 400, `limit must be a number from 1 to 500`},
		{"/api/v1/runs?color=red", 400, `unknown parameter \"color\"`},
		{"/api/v1/runs/stalled", 200, `"board":[{"name":"Lane"`},
		{"/api/v1/runs/queued", 200, `"place":"1st in lane integration, behind run stalled"`},
		{"/api/v1/runs/stalled", 200, `"events":[{"run":"stalled","seq":1,`},
		{"/api/v1/runs/nobody", 404, `{"error":"there is no run \"nobody\""}`},
		{"/api/v1/lanes", 200, `{"lanes":[{"lane":"integration","holder":"stalled","waiting":["queued"]`},
		{"/api/v1/status", 200, `{"version":"v1","active":[],"waiting":[{"id":"queued"`},
		{"/api/v1/status", 200, `"stalled":[{"id":"stalled"`},
		{"/api/v1/status", 200, `"frozen":[{"lane":"release"`},
		{"/api/v1/schedules", 200, `"name":"nightly","package":"mda","cron":"30 2 * * *","zone":"Europe/Berlin","version":"latest","catch_up":false,"next":["2026-11-23T02:30:00+01:00","2026-11-24T02:30:00+01:00"`},
		{"/api/v1/schedules", 200, `"last":{"track":"integration","schedule":"nightly","local":"2026-11-21 02:30 Europe/Berlin"`},
		{"/api/v1/condemned", 200, `{"condemned":[{"track":"release","package":"mda","version":"2026.11.2","run":"ended","reason":"gate int-test failed"`},
		{"/healthz", 200, `{"status":"ok"}`},
		{"/style.css", 200, `color-scheme: light dark`},
		{"/nowhere", 404, `{"error":"there is no GET \"/nowhere\": docs/operations.md has every call"}`},
	}
	for _, test := range tests {
		w := ask(serverOf(filled()), http.MethodGet, test.path, "")
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s\nwant %d with %s", test.path, w.Code, w.Body, test.status, test.want)
		}
	}
}

func TestSteering(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path, body string
		status     int
		want       string // in the body
		said       string // what is handed on; "": nothing
	}{
		{"/api/v1/runs/stalled/resume", `{"by":"ana","reason":"mended"}`, 200, `run stalled was told to resume`, "resume stalled by ana (mended) at 02:30:00"},
		{"/api/v1/runs/stalled/cancel", ``, 200, `run stalled was told to cancel`, "cancel stalled by somebody () at 02:30:00"},
		{"/api/v1/lanes/release/thaw", `{"by":"Jörg M."}`, 200, `lane release is thawed`, "thaw release by Jörg M. ()"},
		{"/api/v1/lanes/integration/thaw", `{}`, 409, `{"error":"lane integration is not frozen"}`, ""},
		{"/api/v1/lanes/integration/freeze", `{"by":"ana","reason":"the fair"}`, 200, `lane integration is frozen by ana: the fair`, "freeze integration: frozen by ana: the fair"},
		{"/api/v1/lanes/promote/freeze", `{"reason":"the fair","until":"2h"}`, 200, `lane integration is frozen by somebody until Sun 2026-11-22 04:30 UTC: the fair`, "freeze integration: frozen by somebody until Sun 2026-11-22 04:30 UTC: the fair"},
		{"/api/v1/freeze", `{"by":"ana","reason":"fire","until":"2026-11-30T08:00:00+01:00"}`, 200, `everything is frozen by ana until Mon 2026-11-30 07:00 UTC: fire`, "freeze *: frozen by ana until Mon 2026-11-30 07:00 UTC: fire"},
		{"/api/v1/lanes/release/freeze", `{"reason":"the fair"}`, 409, `lane release is frozen already`, ""},
		{"/api/v1/lanes/nowhere/freeze", `{"reason":"the fair"}`, 404, `{"error":"unknown lane"}`, ""},
		{"/api/v1/lanes/integration/freeze", `{"by":"ana","reason":" "}`, 400, `\"reason\" is missing: those who wait are told why`, ""},
		{"/api/v1/lanes/integration/freeze", ``, 400, `the body must be JSON with`, ""},
		{"/api/v1/freeze", `{"reason":"fire","until":"tomorrow"}`, 400, `\"until\" must be a time such as 2026-11-30T08:00:00Z, or how long it lasts, such as 2h`, ""},
		{"/api/v1/freeze", `{"reason":"fire","until":"-2h"}`, 400, `\"until\" is past`, ""},
		{"/api/v1/freeze", `{"reason":"fire","until":"2026-11-22T02:00:00Z"}`, 400, `\"until\" is past`, ""},
		{"/api/v1/thaw", `{}`, 409, `lane * is not frozen`, ""},
		{"/api/v1/runs/ended/resume", `{}`, 409, `{"error":"run ended has ended: failed, rollback failed"}`, ""},
		{"/api/v1/runs/nobody/cancel", `{}`, 404, `there is no run \"nobody\"`, ""},
		{"/api/v1/runs/stalled/cancel", `{"why":"x"}`, 400, `and nothing else`, ""},
		{"/api/v1/runs/stalled/cancel", `{} {}`, 400, `more than one JSON value`, ""},
		{"/api/v1/runs/stalled/cancel", `[]`, 400, `and nothing else`, ""},
		{"/api/v1/runs/stalled/cancel", `{"by":"<b>"}`, 400, `\"by\" must be a name`, ""},
		{"/api/v1/runs/stalled/cancel", `{"reason":"a\nb"}`, 400, `\"reason\" must be one line`, ""},
		{"/api/v1/runs/stalled/cancel", `{"reason":"` + strings.Repeat("x", maxWords) + `"}`, 400, `the body must be empty or JSON`, ""},
	}
	for _, test := range tests {
		store := filled()
		w := ask(serverOf(store), http.MethodPost, test.path, test.body)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s %.40s: got %d %s\nwant %d with %s", test.path, test.body, w.Code, w.Body, test.status, test.want)
		}
		if got := strings.Join(store.said, "; "); got != test.said {
			t.Errorf("%s %.40s: handed on %q, want %q", test.path, test.body, got, test.said)
		}
	}
}

func TestStoreTroubleIsNotShown(t *testing.T) {
	t.Parallel()
	store := filled()
	store.fault = fmt.Errorf("dial postgres://user:secret@db: refused by the network")
	for _, path := range []string{"/api/v1/runs", "/api/v1/runs/stalled", "/api/v1/lanes", "/api/v1/status", "/api/v1/condemned", "/", "/runs/stalled"} {
		w := ask(serverOf(store), http.MethodGet, path, "")
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "the store does not answer") {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path   string
		status int
		want   []string
		not    []string
	}{
		{"/", 200, []string{"<h2>release <span class=\"badge failed\">frozen</span>", "lockstep thaw release", `<a href="/runs/stalled">mda 2026.11.3</a>`, `content="10"`}, []string{"<script"}},
		{"/runs/stalled", 200, []string{"lockstep resume stalled", "lockstep cancel stalled", "Deploy-int", "Gates-int", "Rollback", "Record", `content="5"`, "a tag, pushed by ana"}, []string{"<script"}},
		{"/runs/ended", 200, []string{"lockstep thaw release", "&lt;script&gt;", "nothing to do", "1m30s"}, []string{"<script", "javascript:", `http-equiv="refresh"`}},
		{"/runs/queued", 200, []string{"It waits: 1st in lane integration"}, nil},
		{"/runs/nobody", 404, []string{"there is no run &#34;nobody&#34;"}, nil},
	}
	for _, test := range tests {
		w := ask(serverOf(filled()), http.MethodGet, test.path, "")
		body := w.Body.String()
		if w.Code != test.status || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Errorf("%s: got %d %s %s", test.path, w.Code, w.Header().Get("Content-Type"), body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'self';") {
			t.Errorf("%s: content security policy is %q", test.path, csp)
		}
		for _, want := range test.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: want %s in\n%s", test.path, want, body)
			}
		}
		for _, not := range append(test.not, " style=") {
			if strings.Contains(body, not) {
				t.Errorf("%s: want no %s in\n%s", test.path, not, body)
			}
		}
	}
}

// A run whose rollback failed calls for a person as long as its lane is frozen.
func TestThawedLaneCallsNobody(t *testing.T) {
	t.Parallel()
	store := filled()
	for _, test := range []struct {
		frozen string
		want   bool
	}{{"the rollback of run ended failed", true}, {"", false}} {
		store.lanes[1].Frozen = test.frozen
		for _, path := range []string{"/runs/ended", "/api/v1/runs/ended"} {
			w := ask(serverOf(store), http.MethodGet, path, "")
			if got := strings.Contains(w.Body.String(), "lockstep thaw release"); w.Code != http.StatusOK || got != test.want {
				t.Errorf("%s of a lane frozen by %q: %d, calls for a person: %v, want %v", path, test.frozen, w.Code, got, test.want)
			}
		}
	}
}

func TestEmptyStoreHasAPage(t *testing.T) {
	t.Parallel()
	w := ask(serverOf(&shelf{}), http.MethodGet, "/", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "There has been no run yet.") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	w = ask(serverOf(&shelf{}), http.MethodGet, "/api/v1/status", "")
	if !json.Valid(w.Body.Bytes()) || strings.Contains(w.Body.String(), "null") {
		t.Errorf("got %s, want empty lists", w.Body)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	const local, remote = "127.0.0.1:4711", "192.0.2.7:4711"
	tests := []struct {
		name                string
		token, caller, host string
		header, value       string
		method, path        string
		status              int
	}{
		{"right token", "t", remote, "lockstep.example.com", "Authorization", "Bearer t", "GET", "/api/v1/runs", 200},
		{"scheme in small letters", "t", remote, "lockstep.example.com", "Authorization", "bearer t", "GET", "/api/v1/runs", 200},
		{"token as password", "t", remote, "lockstep.example.com", "Authorization", "Basic YW5hOnQ=", "GET", "/", 200},
		{"wrong token", "t", remote, "lockstep.example.com", "Authorization", "Bearer x", "GET", "/api/v1/runs", 401},
		{"token in no scheme", "t", remote, "lockstep.example.com", "Authorization", "t", "GET", "/api/v1/runs", 401},
		{"no token, from here", "t", local, "127.0.0.1:8080", "", "", "GET", "/api/v1/runs", 401},
		{"page without token", "t", remote, "lockstep.example.com", "", "", "GET", "/runs/stalled", 401},
		{"submit without token", "t", remote, "lockstep.example.com", "", "", "POST", "/api/v1/runs", 401},
		{"hook proves by itself", "t", remote, "lockstep.example.com", "", "", "POST", "/webhooks/gitlab", 202},
		{"confirm without token", "t", remote, "lockstep.example.com", "", "", "POST", "/api/v1/runs/stalled/confirm", 401},
		{"deny without token", "t", remote, "lockstep.example.com", "", "", "POST", "/api/v1/runs/stalled/deny", 401},
		{"rollback without token", "t", remote, "lockstep.example.com", "", "", "POST", "/api/v1/runs/ended/rollback", 401},
		{"rollback with token", "t", remote, "lockstep.example.com", "Authorization", "Bearer t", "POST", "/api/v1/runs/ended/rollback", 202},
		{"condemned without token", "t", remote, "lockstep.example.com", "", "", "GET", "/api/v1/condemned", 401},
		{"drift without token", "t", remote, "lockstep.example.com", "", "", "GET", "/api/v1/drift?track=release", 401},
		{"callback proves by itself", "t", remote, "lockstep.example.com", "Authorization", "Bearer t", "POST", "/callbacks/ended/int/int-test?signature=t", 404},
		{"confirm from another site", "", local, "127.0.0.1:8080", "Sec-Fetch-Site", "cross-site", "POST", "/api/v1/runs/stalled/confirm", 403},
		{"health for everybody", "t", remote, "lockstep.example.com", "", "", "GET", "/healthz", 200},
		{"no token needed here", "", local, "127.0.0.1:8080", "", "", "GET", "/api/v1/runs", 200},
		{"IPv6", "", "[::1]:4711", "[::1]:8080", "", "", "GET", "/api/v1/runs", 200},
		{"by name", "", local, "localhost", "", "", "GET", "/", 200},
		{"from elsewhere", "", remote, "127.0.0.1:8080", "", "", "GET", "/api/v1/runs", 403},
		{"a name that leads here", "", local, "evil.example.com:8080", "", "", "GET", "/api/v1/runs", 403},
		{"a page of another site", "", local, "127.0.0.1:8080", "Sec-Fetch-Site", "cross-site", "POST", "/api/v1/lanes/release/thaw", 403},
		{"a page of another site, old browser", "", local, "127.0.0.1:8080", "Origin", "https://evil.example.com", "POST", "/api/v1/runs", 403},
		{"a program", "", local, "127.0.0.1:8080", "", "", "POST", "/api/v1/lanes/release/thaw", 200},
	}
	for _, test := range tests {
		server := serverOf(filled())
		server.Access = Access{Token: bot.NewSecret(test.token)}
		r := httptest.NewRequest(test.method, test.path, nil)
		r.RemoteAddr, r.Host = test.caller, test.host
		if test.header != "" {
			r.Header.Set(test.header, test.value)
		}
		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: got %d %s, want %d", test.name, w.Code, w.Body, test.status)
		}
		if w.Code >= 400 && !strings.Contains(w.Body.String(), `{"error":"`) {
			t.Errorf("%s: no sentence in %s", test.name, w.Body)
		}
	}
}
