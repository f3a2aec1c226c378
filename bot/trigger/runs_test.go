package trigger

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// submit asks for a run and returns the answer.
func submit(h *Runs, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/runs", strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// runs returns the handler over s.
func runs(t *testing.T, s Store) *Runs {
	t.Helper()
	return &Runs{Catalog: catalog(t, config), Store: s, Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet}
}

const wanted = `{"package":"mda","track":"integration","version":"2026.11.3","by":"Jörg M."}`

func TestSubmit(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	h := runs(t, s)
	first := submit(h, "k1", wanted)
	if first.Code != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", first.Code, first.Body)
	}
	var answer bot.Answer
	if err := json.Unmarshal(first.Body.Bytes(), &answer); err != nil || !answer.New || answer.Run == "" {
		t.Fatalf("got %s, %v", first.Body, err)
	}
	for _, key := range []string{"k1", "k2", ""} {
		w := submit(h, key, wanted)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), answer.Run) {
			t.Errorf("again with key %q: got %d %s, want 200 and run %s", key, w.Code, w.Body, answer.Run)
		}
	}
	other := submit(h, "k1", strings.Replace(wanted, "11.3", "11.4", 1))
	if other.Code != http.StatusConflict || !strings.Contains(other.Body.String(), "Idempotency-Key k1 stood for mda 2026.11.3 on integration and stands for mda 2026.11.4") {
		t.Errorf("another body under the same key: got %d %s, want 409", other.Code, other.Body)
	}
	r, err := s.Run(t.Context(), answer.Run)
	if err != nil {
		t.Fatal(err)
	}
	if r.Key != "api k1 mda 2026.11.3 on integration" || r.By != "Jörg M." || r.Origin != bot.OriginAPI {
		t.Errorf("the run has key %q, by %q, origin %q", r.Key, r.By, r.Origin)
	}
}

func TestSubmitRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, key, body, want string }{
		{"no JSON", "", "package=mda", "the body must be JSON"},
		{"nothing", "", "", "the body must be JSON"},
		{"unknown field", "", `{"package":"mda","track":"integration","version":"2026.11.3","undoes":"x"}`, "and nothing else"},
		{"force without a reason", "", strings.Replace(wanted, `"by"`, `"force":true,"by"`, 1), "and nothing else"},
		{"blank force", "", strings.Replace(wanted, `"by"`, `"force":" ","by"`, 1), `\"force\" must be the reason`},
		{"force in two lines", "", strings.Replace(wanted, `"by"`, `"force":"a\nb","by"`, 1), `\"force\" must be the reason`},
		{"force that turns the writing", "", strings.Replace(wanted, `"by"`, `"force":"a\u202eb","by"`, 1), `\"force\" must be the reason`},
		{"long force", "", strings.Replace(wanted, `"by"`, `"force":"`+strings.Repeat("é", 501)+`","by"`, 1), `\"force\" must be the reason`},
		{"two values", "", wanted + wanted, "more than one JSON value"},
		{"no package and no such track", "", `{"track":"release","version":"2026.11.3"}`, `unknown track \"release\"`},
		{"unknown package", "", `{"package":"mdb","track":"integration","version":"2026.11.3"}`, "mdb"},
		{"unknown track", "", `{"package":"mda","track":"release","version":"2026.11.3"}`, "release"},
		{"breaks the pattern", "", `{"package":"mda","track":"integration","version":"latest"}`, "it must match"},
		{"odd name", "", `{"package":"mda","track":"integration","version":"2026.11.3","by":"<b>"}`, `\"by\" must be a name`},
		{"odd key", "a key", wanted, "Idempotency-Key must be"},
		{"long key", strings.Repeat("k", 201), wanted, "Idempotency-Key must be"},
		{"too large", "", `{"package":"` + strings.Repeat("x", maxRequest) + `"}`, "the body must be JSON"},
	}
	for _, test := range tests {
		w := submit(runs(t, broken{}), test.key, test.body)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s, want 400 with %q", test.name, w.Code, w.Body, test.want)
		}
	}
}

func TestSubmitThatCannotBeStored(t *testing.T) {
	t.Parallel()
	w := submit(runs(t, broken{}), "k1", wanted)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), errBroken.Error()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// shelf keeps the requests that were accepted, and says yes or no to all.
type shelf struct {
	broken
	asked  []bot.Request
	answer bot.Answer
}

func (s *shelf) Accept(_ context.Context, q bot.Request, _ time.Time) (bot.Answer, error) {
	s.asked = append(s.asked, q)
	return s.answer, nil
}

func TestForce(t *testing.T) {
	t.Parallel()
	forced := strings.Replace(wanted, `"by"`, `"force":" the report was wrong ","by"`, 1)
	s := &shelf{answer: bot.Answer{Run: "r1", New: true}}
	if w := submit(runs(t, s), "k1", forced); w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", w.Code, w.Body)
	}
	if got, want := s.asked[0].Force, "the report was wrong"; got != want {
		t.Errorf("got force %q, want %q", got, want)
	}
	if w := submit(runs(t, s), "k1", wanted); w.Code != http.StatusCreated || s.asked[0].Key == s.asked[1].Key || s.asked[0].Subject != s.asked[1].Subject || s.asked[0].Commit == s.asked[1].Commit {
		t.Errorf("a request with force and one without are the same: %+v", s.asked)
	}
	s.answer = bot.Answer{Refused: true, Sentence: "run r0 condemned mda 2026.11.3 on integration"}
	w := submit(runs(t, s), "", wanted)
	if want := `"sentence":"run r0 condemned mda 2026.11.3 on integration"`; w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %d %s, want 409 with %s", w.Code, w.Body, want)
	}
}

// Where a track takes one package, its name may be left out.
func TestSubmitWithoutPackage(t *testing.T) {
	t.Parallel()
	s := &shelf{answer: bot.Answer{Run: "r1", New: true}}
	if w := submit(runs(t, s), "", `{"track":"integration","version":"2026.11.3"}`); w.Code != http.StatusCreated || s.asked[0].Package != "mda" {
		t.Errorf("got %d %s for package %q, want 201 for mda", w.Code, w.Body, s.asked[0].Package)
	}
}

// A track that takes over what another one has finished says so in the request.
func TestRequestNamesTheTrackBefore(t *testing.T) {
	t.Parallel()
	s := &shelf{answer: bot.Answer{Run: "r1", New: true}}
	h := runs(t, s)
	h.Catalog = catalog(t, config+"  release:\n    from: integration\n    lane: integration\n    stages:\n      - environment: int\n")
	if w := submit(h, "", strings.Replace(wanted, "integration", "release", 1)); w.Code != http.StatusCreated {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if q := s.asked[0]; q.From != "integration" || q.Origin != bot.OriginAPI {
		t.Errorf("got a request from %q by %q", q.From, q.Origin)
	}
}
