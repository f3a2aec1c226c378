package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/gates"
	"lockstep/gitops"
)

// A source is whatever gates ask. It says what its script says.
type source struct {
	w      *world
	script []spell
	server *httptest.Server

	mu    sync.Mutex
	now   time.Time
	began time.Time // when it was first asked; zero before
}

// A spell is a time in which a source says one word.
type spell struct {
	word  string
	until time.Duration // after the source was first asked
}

// newSource returns a source with a script such as "gone:10m good".
func newSource(t *testing.T, w *world, script string) *source {
	s := &source{w: w}
	var until time.Duration
	for text := range strings.FieldsSeq(script) {
		word, long, limited := strings.Cut(text, ":")
		lasts, err := time.ParseDuration(long)
		switch {
		case !limited:
			lasts = 1000 * time.Hour
		case err != nil:
			t.Fatal(err)
		}
		until += lasts
		s.script = append(s.script, spell{word, until})
	}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// at returns the word of a time; with known the source is never gone.
func (s *source) at(after time.Duration, known bool) string {
	for _, spell := range s.script {
		if after < spell.until && !(known && spell.word == "gone") {
			return spell.word
		}
	}
	return s.script[len(s.script)-1].word
}

// word returns what the source says now.
func (s *source) word() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.began = s.now
	}
	return s.at(s.now.Sub(s.began), false)
}

// past returns what the source knows of a time in seconds, however it could be reached.
func (s *source) past(second float64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(time.Unix(int64(second), 0).Sub(s.began), true)
}

// turn sets the clock of the source to that of the world.
func (s *source) turn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.w.now
}

// plan returns the plan of a gate of a kind.
func (s *source) plan(kind string) GatePlan {
	p := GatePlan{Name: "g", TimeLimit: time.Hour}
	rate := &PrometheusGate{URL: s.server.URL, Query: "rate", Pass: "value < 0.01", Fail: "value > 0.5", NoData: "fail"}
	switch kind {
	case "pipeline":
		p.Pipeline = &PipelineGate{Project: "qa/suite", Ref: "main"}
	case "http":
		p.HTTP = &HTTPGate{URL: s.server.URL + "/{package}", Pass: "body.ok", Fail: "body.errors > 0"}
	case "prometheus":
		rate.For = 5 * time.Minute
		p.Prometheus = rate
	case "approval":
		p.Approval = &ApprovalGate{By: []string{"ana", "ben"}, Count: 1, NotAuthor: true}
	case "callback":
		p.Callback = &CallbackGate{URL: s.server.URL + "/{package}"}
	case "soak":
		p.Soak = &SoakGate{For: 30 * time.Minute, Watch: []GatePlan{{Name: "rate", Prometheus: rate}}}
	case "data":
		p.Data = &DataGate{Pass: "objects > 3"}
	}
	return p
}

// Gate makes the real gate of a plan, with this source.
func (s *source) Gate(p GatePlan) (gates.Gate, error) {
	switch {
	case p.Pipeline != nil:
		return gates.Pipeline{From: s, Project: p.Pipeline.Project, Ref: p.Pipeline.Ref}, nil
	case p.HTTP != nil:
		return gates.HTTP{URL: p.HTTP.URL, Pass: p.HTTP.Pass, Fail: p.HTTP.Fail}, nil
	case p.Prometheus != nil:
		q := p.Prometheus
		return gates.Prometheus{URL: q.URL, Query: q.Query, Pass: q.Pass, Fail: q.Fail, For: q.For, NoData: gates.NoData(q.NoData)}, nil
	case p.Approval != nil:
		return gates.Approval{From: people{s}, By: p.Approval.By, Count: p.Approval.Count, NotAuthor: p.Approval.NotAuthor}, nil
	case p.Callback != nil:
		return gates.Callback{From: program{s}, URL: p.Callback.URL, Address: gates.Subject.Key}, nil
	case p.Soak != nil:
		watched, err := s.Gate(p.Soak.Watch[0])
		return gates.Soak{For: p.Soak.For, Watch: []gates.Watched{{Name: p.Soak.Watch[0].Name, Gate: watched}}}, err
	}
	return gates.Data{From: s, Pass: p.Data.Pass}, nil
}

var errGone = errors.New("no route to host")

// Trigger, Pipeline and Jobs are the source as a GitLab.
func (s *source) Trigger(ctx context.Context, project, _, _ string, _ map[string]string) (gitops.Pipeline, error) {
	return s.Pipeline(ctx, project, 42)
}

func (s *source) Pipeline(_ context.Context, _ string, id int64) (gitops.Pipeline, error) {
	p := gitops.Pipeline{ID: id, Status: gitops.StatusRunning}
	switch s.word() {
	case "gone":
		return gitops.Pipeline{}, errGone
	case "good":
		p.Status = gitops.StatusSuccess
	case "bad":
		p.Status = gitops.StatusFailed
	case "nothing":
		p.Status = gitops.StatusCanceled
	}
	return p, nil
}

func (s *source) Jobs(context.Context, string, int64) ([]gitops.Job, error) {
	return []gitops.Job{{Name: "suite", Status: gitops.StatusFailed, FailureReason: gitops.FailureByScript}}, nil
}

// ServeHTTP is the source as a server: a Prometheus, an outside system that is told of a
// callback, or a check.
func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	word := s.word()
	switch {
	case word == "gone":
		panic(http.ErrAbortHandler) // the connection breaks
	case r.URL.Path == "/api/v1/query_range":
		s.measure(w, r)
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusAccepted)
	default:
		fmt.Fprint(w, map[string]string{
			"good": `{"ok": true, "errors": 0}`, "bad": `{"ok": false, "errors": 3}`, "open": `{"ok": false, "errors": 0}`, "nothing": "<html>",
		}[word])
	}
}

// measure answers as Prometheus does, whose metric follows the script.
func (s *source) measure(w http.ResponseWriter, r *http.Request) {
	var from, to, step float64
	for name, into := range map[string]*float64{"start": &from, "end": &to, "step": &step} {
		*into, _ = strconv.ParseFloat(r.FormValue(name), 64)
	}
	var values []string
	for at := from; at <= to; at += step {
		value := map[string]string{"good": "0.001", "bad": "0.9", "open": "0.1"}[s.past(at)]
		if value != "" {
			values = append(values, fmt.Sprintf(`[%.0f,%q]`, at, value))
		}
	}
	series := ""
	if len(values) > 0 {
		series = `{"metric":{},"values":[` + strings.Join(values, ",") + `]}`
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, series)
}

// people is the source as what people have answered.
type people struct{ *source }

func (p people) Opinions(context.Context, gates.Subject) ([]gates.Opinion, error) {
	return p.opinions(gates.Opinion{By: "ben", Yes: true}, gates.Opinion{By: "ben", Reason: "prices are wrong"}, gates.Opinion{By: "ana", Yes: true})
}

// program is the source as what a program has answered.
type program struct{ *source }

func (p program) Opinions(context.Context, gates.Subject) ([]gates.Opinion, error) {
	return p.opinions(gates.Opinion{Yes: true, Reason: "1,200 rows"}, gates.Opinion{Reason: "3 rows differ"}, gates.Opinion{})
}

// opinions returns the one that the source says now.
func (s *source) opinions(good, bad, nothing gates.Opinion) ([]gates.Opinion, error) {
	said := map[string][]gates.Opinion{"good": {good}, "bad": {bad}, "nothing": {nothing}}
	if word := s.word(); word != "gone" {
		return said[word], nil
	}
	return nil, errGone
}

// Contents is the source as an object storage.
func (s *source) Contents(context.Context, gates.Subject) (gates.Contents, error) {
	switch s.word() {
	case "gone":
		return gates.Contents{}, errGone
	case "nothing":
		return gates.Contents{}, gitops.ErrNotFound
	case "bad":
		return gates.Contents{Objects: 1, Bytes: 1000}, nil
	}
	return gates.Contents{Objects: 4, Bytes: 1000}, nil
}
