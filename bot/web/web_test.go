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

// quiet is a log that nobody reads.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// clock is the time of all tests.
var clock = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)

// shelf is a Store and Commands in memory.
type shelf struct {
	runs      []bot.Run // the newest first
	lanes     []bot.LaneState
	condemned []bot.Condemnation
	opinions  map[string][]bot.Opinion // by run/environment/gate
	batches   []bot.Batch              // what was handed on
	said      []string                 // the same in words
	lines     []bot.AuditLine
	fault     error // what every call answers, when set
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

// Do keeps what commands say. It makes a run of what asks for one, and refuses words to a
// run that has ended and whatever is for lane release.
func (s *shelf) Do(ctx context.Context, b bot.Batch) ([]bot.Answer, error) {
	c := b.Commands[0]
	answer := bot.Answer{Run: c.Run, Sentence: "it is done"}
	if c.Run != "" {
		r, err := s.Run(ctx, c.Run)
		if err != nil {
			return nil, fmt.Errorf("do batch: %w", err)
		}
		if r.Settled() && c.Verb != bot.VerbRollback {
			return []bot.Answer{{Refused: true, Sentence: "run " + r.ID + " has ended: " + r.Result()}}, s.fault
		}
	}
	if c.Lane == "release" {
		return []bot.Answer{{Refused: true, Sentence: "lane release is frozen already"}}, s.fault
	}
	if c.Verb == bot.VerbPromote || c.Verb == bot.VerbRollback {
		answer.Run, answer.New = "made", true
	}
	s.batches, s.said = append(s.batches, b), append(s.said, spoken(c))
	return []bot.Answer{answer}, s.fault
}

// spoken returns a command in one line.
func spoken(c bot.Command) string {
	text := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", c.Verb, c.Run, c.Environment, c.Gate, c.Lane)), " ")
	if q := c.Request; q != nil {
		text += fmt.Sprintf(" %s %s on %s", q.Package, q.Version, q.Track)
		if q.Force != "" {
			text += " force " + q.Force
		}
	}
	if !c.Until.IsZero() {
		text += " until " + c.Until.UTC().Format(time.DateTime)
	}
	return fmt.Sprintf("%s, %s from %s (%s) at %s", text, c.By, c.From, c.Reason, c.At.Format(time.TimeOnly))
}

func (s *shelf) Audit(_ context.Context, _, _ time.Time, emit func(bot.AuditLine) error) error {
	for i := range s.lines {
		if err := emit(s.lines[i]); err != nil {
			return err
		}
	}
	return s.fault
}

func (s *shelf) LastSlot(_ context.Context, track, schedule string) (bot.Slot, bool, error) {
	return bot.Slot{Track: track, Schedule: schedule, Local: "2026-11-21 02:30 Europe/Berlin", Sentence: "nothing to do"}, schedule == "nightly", s.fault
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

// serverOf returns a server on s with an API token, whose hook answers 202.
func serverOf(s *shelf) *Server {
	accepted := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	return &Server{
		Store: s, Commands: s, Catalog: catalog(), Hook: accepted, Calls: accepted,
		Access: &Access{Token: bot.NewSecret("t0ken"), Now: func() time.Time { return clock }, Log: quiet},
		Signed: func(key, signature string) bool { return signature == "of "+key },
		Lane: func(name string) (string, error) {
			lane, ok := map[string]string{"promote": "integration", "integration": "integration", "release": "release"}[name]
			if !ok {
				return "", errors.New("unknown lane")
			}
			return lane, nil
		},
		Schedules: catalog().Schedules(),
		Tracks:    map[string][]string{"release": {"mda"}, "both": {"mda", "mdb"}},
		Drift: func(_ context.Context, track, pkg string) ([]bot.Drift, error) {
			return []bot.Drift{{Environment: track + " of " + pkg}}, nil
		},
		Metrics: metricsOf(s),
		Version: "v1",
		Now:     func() time.Time { return clock }, Log: quiet,
	}
}

// ask sends one request with the API token. The answer has to be one that the description
// of the API has.
func ask(t *testing.T, s *Server, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return askAs(t, s, "Bearer t0ken", method, path, body, header...)
}

// askAs is ask with other words in the header Authorization; "" for none.
func askAs(t *testing.T, s *Server, who, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if who != "" {
		r.Header.Set("Authorization", who)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return served(t, s, r)
}

// served serves a request and holds the answer against the description of the API.
func served(t *testing.T, s *Server, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	described(t, r, w)
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
		{"/api/v1/queue", 200, `{"lanes":[{"lane":"integration","holder":{"id":"stalled"`},
		{"/api/v1/queue", 200, `"waiting":[{"run":{"id":"queued"`},
		{"/api/v1/queue", 200, `"place":"1st in lane integration, behind run stalled"}]}`},
		{"/api/v1/queue", 200, `{"lane":"release","freeze":{"reason":"the rollback of run ended failed","by":"lockstep"`},
		{"/api/v1/status", 200, `{"version":"v1","active":[],"waiting":[{"id":"queued"`},
		{"/api/v1/status", 200, `"stalled":[{"id":"stalled"`},
		{"/api/v1/status", 200, `"frozen":[{"lane":"release"`},
		{"/api/v1/schedules", 200, `"name":"nightly","package":"mda","cron":"30 2 * * *","zone":"Europe/Berlin","version":"latest","catch_up":false,"next":["2026-11-23T02:30:00+01:00","2026-11-24T02:30:00+01:00"`},
		{"/api/v1/schedules", 200, `"last":{"track":"integration","schedule":"nightly","local":"2026-11-21 02:30 Europe/Berlin"`},
		{"/api/v1/condemned", 200, `{"condemned":[{"track":"release","package":"mda","version":"2026.11.2","run":"ended","reason":"gate int-test failed"`},
		{"/healthz", 200, `{"status":"ok"}`},
		{"/readyz", 200, `{"status":"ok"}`},
		{"/style.css", 200, `color-scheme: light dark`},
		{"/nowhere", 404, `{"error":"there is no GET \"/nowhere\": docs/api.md has every call"}`},
	}
	for _, test := range tests {
		w := ask(t, serverOf(filled()), http.MethodGet, test.path, "")
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s\nwant %d with %s", test.path, w.Code, w.Body, test.status, test.want)
		}
	}
}

func TestStoreTroubleIsNotShown(t *testing.T) {
	t.Parallel()
	store := filled()
	store.fault = fmt.Errorf("dial postgres://user:secret@db: refused by the network")
	for _, path := range []string{"/api/v1/runs", "/api/v1/runs/stalled", "/api/v1/lanes", "/api/v1/status", "/api/v1/condemned", "/api/v1/queue", "/api/v1/audit", "/", "/runs/stalled"} {
		w := ask(t, serverOf(store), http.MethodGet, path, "")
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
		{"/", 200, []string{"<h2>release <span class=\"badge failed\">frozen</span>", "lockstep thaw release", `<a href="/runs/stalled">mda 2026.11.3</a>`, `content="10"`, "<td>integration nightly</td>", "<td>mda latest</td>", "Mon 2026-11-23 02:30 CET", "2026-11-21 02:30 Europe/Berlin: nothing to do"}, []string{"<script"}},
		{"/runs/stalled", 200, []string{"lockstep resume stalled", "lockstep cancel stalled", "Deploy-int", "Gates-int", "Rollback", "Record", `content="5"`, "a tag, pushed by ana"}, []string{"<script"}},
		{"/runs/ended", 200, []string{"lockstep thaw release", "&lt;script&gt;", "nothing to do", "1m30s"}, []string{"<script", "javascript:", `http-equiv="refresh"`}},
		{"/runs/queued", 200, []string{"It waits: 1st in lane integration"}, nil},
		{"/runs/nobody", 404, []string{"there is no run &#34;nobody&#34;"}, nil},
	}
	for _, test := range tests {
		w := ask(t, serverOf(filled()), http.MethodGet, test.path, "")
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
			w := ask(t, serverOf(store), http.MethodGet, path, "")
			if got := strings.Contains(w.Body.String(), "lockstep thaw release"); w.Code != http.StatusOK || got != test.want {
				t.Errorf("%s of a lane frozen by %q: %d, calls for a person: %v, want %v", path, test.frozen, w.Code, got, test.want)
			}
		}
	}
}

func TestEmptyStoreHasAPage(t *testing.T) {
	t.Parallel()
	w := ask(t, serverOf(&shelf{}), http.MethodGet, "/", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "There has been no run yet.") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	w = ask(t, serverOf(&shelf{}), http.MethodGet, "/api/v1/status", "")
	if !json.Valid(w.Body.Bytes()) || strings.Contains(w.Body.String(), "null") {
		t.Errorf("got %s, want empty lists", w.Body)
	}
}

// Text that no database takes is refused before anything is asked for it.
func TestRequestsThatAreNoText(t *testing.T) {
	t.Parallel()
	s := serverOf(filled())
	s.Store.(*shelf).fault = errors.New("invalid byte sequence for encoding UTF8")
	for _, request := range []string{
		"POST /api/v1/runs/%00/cancel", "GET /api/v1/runs/%FF", "GET /runs/%00", "GET /api/v1/runs?track=%FF", "GET /api/v1/runs?lane=%00",
		"DELETE /api/v1/tokens/%FF", "DELETE /api/v1/tokens/x?by=%00", "GET /api/v1/why?service=%FF", "POST /api/v1/lanes/%00/thaw",
	} {
		method, path, _ := strings.Cut(request, " ")
		w := ask(t, s, method, path, "")
		if w.Code != 400 || !strings.Contains(w.Body.String(), "the address holds what is no text") {
			t.Errorf("%s: got %d %s, want 400 with why", request, w.Code, w.Body)
		}
	}
}
