package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	store := filled()
	for _, w := range []string{"promote mda 1 on release", "freeze everything"} {
		store.lines = append(store.lines, bot.AuditLine{At: clock, Kind: bot.AuditCommand, Who: "ana", From: "API", What: w, Sentence: "<b>done</b>\nand more"})
	}
	w := ask(t, serverOf(store), http.MethodGet, "/api/v1/audit?since=24h&until=2026-11-30", "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("got %d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %d lines, want 2:\n%s", len(lines), w.Body)
	}
	doc, _ := apiOf()
	for i, text := range lines {
		var line bot.AuditLine
		var value any
		if err := errors.Join(json.Unmarshal([]byte(text), &line), json.Unmarshal([]byte(text), &value)); err != nil || line != store.lines[i] {
			t.Errorf("line %d: got %s, %v, want %+v", i, text, err, store.lines[i])
		}
		if err := doc.Components.Schemas["AuditLine"].Value.VisitJSON(value); err != nil {
			t.Errorf("line %d is not as openapi.yaml says: %v", i, err)
		}
	}
}

func TestAuditSpan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ query, since, until, fails string }{
		{"", "", "", ""},
		{"?since=24h&until=0s", "2026-11-21T02:30:00Z", "2026-11-22T02:30:00Z", ""},
		{"?since=2026-11-01&until=2026-11-02T10:00:00%2B01:00", "2026-11-01T00:00:00Z", "2026-11-02T09:00:00Z", ""},
		{"?since=yesterday", "", "", "since must be a time such as"},
		{"?since=-1h", "", "", "since must be a time such as"},
		{"?until=2026-13-01", "", "", "until must be a time such as"},
		{"?from=x", "", "", `unknown parameter "from"`},
	} {
		since, until, err := serverOf(filled()).span(httptest.NewRequest(http.MethodGet, "/api/v1/audit"+test.query, nil))
		if test.fails != "" {
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%s: got %v, want %s", test.query, err, test.fails)
			}
			continue
		}
		if got := [2]string{rfc(since), rfc(until)}; err != nil || got != [2]string{test.since, test.until} {
			t.Errorf("%s: got %v, %v", test.query, got, err)
		}
	}
}

// rfc returns a time as RFC 3339 has it; "" for none.
func rfc(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// Nobody takes a part of the log for the whole: the connection breaks.
func TestAuditThatBreaksOff(t *testing.T) {
	t.Parallel()
	store := filled()
	store.lines = []bot.AuditLine{{At: clock, Kind: bot.AuditCommand, What: "x"}}
	store.fault = errors.New("the disk is gone")
	server := serverOf(store)
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("got %v, want %v", got, http.ErrAbortHandler)
		}
	}()
	r := httptest.NewRequest(http.MethodGet, "/api/v1/audit", nil)
	r.Header.Set("Authorization", "Bearer t0ken")
	server.Handler().ServeHTTP(httptest.NewRecorder(), r)
	t.Error("the answer ends as if it were whole")
}
