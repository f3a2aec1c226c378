package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// An auditor is an outside system that is told of runs and answers them.
type auditor struct {
	*httptest.Server
	lose int // how many of its own answers are lost

	mu   sync.Mutex
	told []told
}

// A told is what an auditor was sent.
type told struct {
	Run, Gate, Track, Package, Environment, Version, Commit, Callback string
	key, query                                                        string
}

// newAuditor starts an auditor and makes it a gate after int-test.
func (s *scene) newAuditor(lose int) *auditor {
	s.Helper()
	a := &auditor{lose: lose}
	a.Server = httptest.NewServer(a)
	s.Cleanup(a.Close)
	key := filepath.Join(s.Dir, "secrets", "callbacks")
	if err := os.WriteFile(key, []byte("a long random text"), fileMode); err != nil {
		s.Fatal(err)
	}
	s.rewrite("server:\n", "server:\n  callbacks: 'file:"+key+"'\n", "  release:\n", `          - {name: audit, callback: {url: '`+a.URL+`/audits?of={package}-{version}'}}
  release:
`)
	return a
}

// ServeHTTP notes what it is told.
func (a *auditor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := told{key: r.Header.Get("Idempotency-Key"), query: r.URL.RawQuery}
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told = append(a.told, t); len(a.told) <= a.lose {
		panic(http.ErrAbortHandler)
	}
}

// heard returns what it was told so far.
func (a *auditor) heard() []told {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.told)
}

// An audit is one answer to a callback gate, and what must come of it.
type audit struct {
	address, body string
	status        int
	says          string
}

// answer sends an answer.
func (want audit) answer(s *scene) {
	s.Helper()
	response, err := http.Post(want.address, "application/json", strings.NewReader(want.body))
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	var got struct{ Sentence, Error string }
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		s.Fatal(err)
	}
	if response.StatusCode != want.status || !strings.Contains(got.Sentence+got.Error, want.says) {
		s.Errorf("POST %s to %s: %d %q, want %d %q", want.body, want.address, response.StatusCode, got, want.status, want.says)
	}
}

// An outside system is told once where it may answer, and its first answer decides.
// Whoever does not hold the signed address learns nothing and changes nothing.
func TestCallback(t *testing.T) {
	t.Parallel()
	passed, failed := works, fails
	failed.Rules, failed.Want.Cause, failed.Want.Links = nil, []string{"gate audit failed: answered: prices are missing"}, nil
	const yes, no, unknown = `{"passed":true,"reason":"looks well"}`, `{"passed":false,"reason":"prices are missing"}`, "no gate is answered at this address"
	for name, test := range map[string]struct {
		lose                 int
		given                scenario
		answer, other        string
		taken, again, differ string
	}{
		"passed":               {0, passed, yes, no, "gate audit of int is passed by callback", "nothing is new", "was passed by callback before, and the first answer counts"},
		"not passed":           {0, failed, no, yes, "gate audit of int is failed by callback", "nothing is new", "was failed by callback before, and the first answer counts"},
		"it loses its answers": {2, passed, yes, no, "gate audit of int is passed", "nothing is new", "the first answer counts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, worldOptions{})
			a := s.newAuditor(test.lose)
			s.begin()
			s.script(test.given)
			s.tag(test.given.Version)
			s.await("the auditor to be told", func() bool { return len(a.heard()) > test.lose })
			s.quiet()
			s.stands(test.given.Version, "int")
			said := a.heard()
			at := said[0]
			run := s.report(test.given.Version).Run
			want := told{run.ID, "audit", "integration", "mda", "int", test.given.Version, run.Stages[0].Delivery.Landed, at.Callback, at.key, "of=mda-" + test.given.Version}
			if at != want || at.key == "" || len(said) != test.lose+1 || slices.ContainsFunc(said, func(t told) bool { return t != at }) {
				t.Errorf("it was told %+v, want %d times %+v", said, test.lose+1, want)
			}
			address, signature, _ := strings.Cut(at.Callback, "?signature=")
			for _, wrong := range []audit{
				{address, test.other, http.StatusNotFound, unknown},
				{address + "?signature=" + strings.Repeat("0", len(signature)), test.other, http.StatusNotFound, unknown},
				{strings.Replace(at.Callback, "/audit?", "/int-test?", 1), test.other, http.StatusNotFound, unknown},
				{strings.Replace(at.Callback, run.ID, "01a21379-0000-7000-8000-000000000000", 1), test.other, http.StatusNotFound, unknown},
				{at.Callback, `{}`, http.StatusBadRequest, `"passed" is missing`},
				{at.Callback, `{"passed":"yes"}`, http.StatusBadRequest, `the body must be JSON with "passed"`},
			} {
				wrong.answer(s)
			}
			s.types(typed{line: "confirm " + run.ID + " audit --by olga", code: 1, says: []string{"is answered by a program at its signed address, not by people"}})
			audit{at.Callback, test.answer, http.StatusOK, test.taken}.answer(s)
			audit{at.Callback, test.answer, http.StatusOK, test.again}.answer(s)
			audit{at.Callback, test.other, http.StatusConflict, test.differ}.answer(s)
			s.ends(test.given)
			audit{at.Callback, test.answer, http.StatusOK, test.again}.answer(s)
			audit{at.Callback, test.other, http.StatusConflict, test.differ}.answer(s)
			if now := a.heard(); len(now) != len(said) {
				t.Errorf("it was told %d times, want %d", len(now), len(said))
			}
		})
	}
}
