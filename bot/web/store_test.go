package web

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/bot/store"
)

// doer has commands done by a store.
type doer struct{ *store.Store }

func (d doer) Do(ctx context.Context, b bot.Batch) ([]bot.Answer, error) {
	return d.Store.Do(ctx, b, func(string) []string { return nil })
}

// real returns a server on a real store.
func real(t *testing.T) *Server {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	server := serverOf(filled())
	server.Store, server.Commands, server.Access.Tokens = s, doer{s}, s
	return server
}

// What clients are told of their commands, from a run that is asked for to its end, and
// what is kept of that.
func TestCommandsOnARealStore(t *testing.T) {
	t.Parallel()
	server := real(t)
	const wanted = `{"track":"integration","version":"2026.11.3","by":"ana"}`
	run := ""
	for _, test := range []struct {
		key, path, body string
		status          int
		want            string
	}{
		{"k1", "runs", wanted, 201, `"new":true`},
		{"k1", "runs", wanted, 200, `"new":false`},
		{"k1", "runs", strings.Replace(wanted, "ana", "bob", 1), 200, `"new":false`},
		{"k1", "runs", strings.Replace(wanted, "11.3", "11.4", 1), 409, `the same key stood for another command before (promote mda 2026.11.3 on integration)`},
		{"k1", "runs/RUN/cancel", "", 409, `the same key stood for another command before`},
		{"k2", "runs", wanted, 200, `"run":"RUN","new":false`},
		{"", "runs", wanted, 200, `"run":"RUN","new":false`},
		{"k3", "runs/RUN/resume", "", 409, `is not stalled`},
		{"", "runs/RUN/confirm", `{"gate":"go","by":"ana"}`, 409, `its gates are known once it has started`},
		{"k4", "runs/RUN/cancel", `{"by":"ana","reason":"wrong"}`, 200, `"run":"RUN"`},
		{"k4", "runs/RUN/cancel", `{"by":"ana","reason":"wrong"}`, 200, `"run":"RUN"`},
		{"k3", "runs/RUN/resume", "", 409, `has ended`},
		{"", "runs/nobody/rollback", "", 404, `there is no run \"nobody\"`},
		{"", "lanes/integration/freeze", `{"by":"ana","reason":"month end"}`, 200, "lane integration is frozen by ana: month end"},
		{"", "lanes/integration/freeze", `{"by":"ana","reason":"month end"}`, 409, "already"},
		{"", "freeze", `{"by":"ana","reason":"fire"}`, 200, "everything is frozen by ana: fire"},
		{"", "thaw", ``, 200, "everything is thawed"},
		{"", "thaw", ``, 409, "everything is not frozen"},
	} {
		w := ask(t, server, http.MethodPost, "/api/v1/"+strings.ReplaceAll(test.path, "RUN", run), test.body, "Idempotency-Key", test.key)
		if w.Code != test.status || !strings.Contains(w.Body.String(), strings.ReplaceAll(test.want, "RUN", run)) {
			t.Errorf("%s %s with key %q: got %d %s, want %d with %s", test.path, test.body, test.key, w.Code, w.Body, test.status, test.want)
		}
		if run == "" {
			_, after, _ := strings.Cut(w.Body.String(), `"run":"`)
			run, _, _ = strings.Cut(after, `"`)
		}
	}
	w := ask(t, server, http.MethodGet, "/api/v1/audit", "")
	for _, want := range []string{
		`"kind":"command","who":"ana","from":"API","what":"promote mda 2026.11.3 on integration","run":"` + run + `","after":"queued"`,
		`"kind":"decision","who":"lockstep","what":"mda 2026.11.3 on integration","run":"` + run + `","before":"queued","after":"cancelled"`,
		`"what":"cancel","run":"` + run + `","before":"queued","after":"cancelled"`,
		`"what":"freeze everything","before":"not frozen"`,
		`"refused":true`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the audit log does not have %s:\n%s", want, w.Body)
		}
	}
}
