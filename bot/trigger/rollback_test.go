package trigger

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// past is a RunStore in memory: every new key makes a run.
type past struct {
	runs  map[string]*bot.Run
	asked []bot.Request
	made  map[string]string // runs by the key of their request
}

func (p *past) Run(_ context.Context, id string) (*bot.Run, error) {
	if r := p.runs[id]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("run %q: %w", id, bot.ErrNotFound)
}

func (p *past) Accept(_ context.Context, q bot.Request, _ time.Time) (bot.Answer, error) {
	if p.runs[q.Undoes].State != bot.Done {
		return bot.Answer{Refused: true, Sentence: "nothing to do"}, nil
	}
	if id, known := p.made[q.Key]; known {
		return bot.Answer{Run: id, Sentence: "it is there"}, nil
	}
	for _, r := range p.runs {
		if r.Undoes == q.Undoes && r.State == bot.RolledBack {
			return bot.Answer{Refused: true, Sentence: "nothing to do: " + r.ID}, nil
		}
	}
	id := fmt.Sprintf("undo%d", len(p.made)+1)
	p.asked, p.made[q.Key] = append(p.asked, q), id
	p.runs[id] = &bot.Run{ID: id, State: bot.Queued, Undoes: q.Undoes}
	return bot.Answer{Run: id, New: true, Sentence: "queued"}, nil
}

// finished returns a store with a run that ended well.
func finished() *past {
	return &past{made: map[string]string{}, runs: map[string]*bot.Run{
		"done": {ID: "done", State: bot.Done, Package: "mda", Track: "release", Version: "2026.11.3", Lane: "main"},
	}}
}

// regretted asks that a run is put back and returns the answer.
func regretted(s RunStore, id, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/runs/x/rollback", strings.NewReader(body))
	r.SetPathValue("id", id)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	h := &Rollback{Store: s, Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet}
	h.ServeHTTP(w, r)
	return w
}

func TestRollbackMakesARequest(t *testing.T) {
	t.Parallel()
	s := finished()
	w := regretted(s, "done", "", `{"by":"ana","reason":" wrong prices "}`)
	if want := `"run":"undo1"`; w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), want) {
		t.Fatalf("got %d %s, want 201 with %s", w.Code, w.Body, want)
	}
	want := bot.Request{
		Key: "undo done", Package: "mda", Track: "release", Version: "2026.11.3", Lane: "main",
		Origin: bot.OriginAPI, By: "ana", Reason: "wrong prices", Undoes: "done",
	}
	if got := s.asked[0]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if w := regretted(s, "done", "", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"run":"undo1"`) {
		t.Errorf("again: got %d %s, want 200 and the same run", w.Code, w.Body)
	}
}

// The run that puts things back may end otherwise; then it can be asked for again. Once
// it has done so there is nothing to do, which is said.
func TestRollbackIsAskedForAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		state  bot.State
		status int
		says   string
	}{
		{bot.Queued, 200, `"run":"undo1"`},
		{bot.Stalled, 200, `"run":"undo1"`},
		{bot.RolledBack, 409, `"sentence":"nothing to do: undo1"`},
		{bot.Cancelled, 201, `"run":"undo2"`},
		{bot.RollbackFailed, 201, `"run":"undo2"`},
	}
	for _, test := range tests {
		s := finished()
		regretted(s, "done", "", "")
		s.runs["undo1"].State = test.state
		for range 2 {
			w := regretted(s, "done", "", "")
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("after one that is %s: got %d %s, want %d and %s", test.state, w.Code, w.Body, test.status, test.says)
			}
			if test.status == 201 {
				test.status = 200
			}
		}
	}
}

func TestRollbackWithAKey(t *testing.T) {
	t.Parallel()
	s := finished()
	regretted(s, "done", "k1", "")
	if q := s.asked[0]; q.Key != "api k1 undo done" || q.Subject != "Idempotency-Key k1" || q.Commit != "undo done" || q.By != "somebody" {
		t.Errorf("got %+v", q)
	}
}

func TestRollbackThatTheStoreRefuses(t *testing.T) {
	t.Parallel()
	s := finished()
	s.runs["done"].State = bot.Cancelled
	if w := regretted(s, "done", "", ""); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"sentence":"nothing to do"`) {
		t.Errorf("got %d %s, want 409", w.Code, w.Body)
	}
}

func TestRollbackRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, id, key, body string
		status              int
		want                string
	}{
		{"unknown run", "nobody", "", "", 404, `there is no run \"nobody\"`},
		{"hostile run", "<b>\n", "", "", 404, `there is no run \"\u003cb\u003e\\n\"`},
		{"unknown field", "done", "", `{"why":"x"}`, 400, "and nothing else"},
		{"no JSON", "done", "", `by=ana`, 400, `JSON with \"by\" and \"reason\"`},
		{"two values", "done", "", `{}{}`, 400, "more than one JSON value"},
		{"odd name", "done", "", `{"by":"<b>"}`, 400, `\"by\" must be a name`},
		{"two lines", "done", "", `{"reason":"a\nb"}`, 400, `\"reason\" must be one line`},
		{"odd key", "done", "a b", "", 400, "Idempotency-Key must be"},
		{"too large", "done", "", `{"reason":"` + strings.Repeat("x", maxRequest) + `"}`, 400, "the body must be JSON"},
	}
	for _, test := range tests {
		s := finished()
		w := regretted(s, test.id, test.key, test.body)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) || len(s.asked) > 0 {
			t.Errorf("%s: got %d %s, want %d with %q", test.name, w.Code, w.Body, test.status, test.want)
		}
	}
}

// silent is a RunStore that does not answer.
type silent struct{ broken }

func (silent) Run(context.Context, string) (*bot.Run, error) { return nil, errBroken }

func TestRollbackThatCannotBeStored(t *testing.T) {
	t.Parallel()
	w := regretted(silent{}, "done", "", "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), errBroken.Error()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
