package web

import (
	"net/http"
	"strings"
	"testing"

	"lockstep/bot"
)

// A commanded is a POST with the answer that is wanted, and what is handed on.
type commanded struct {
	path, body string
	status     int
	want       string // in the body
	said       string // "": nothing
}

// hold holds the answers to what is sent by POST, each to a new server, against those that are wanted.
func (c commanded) hold(t *testing.T, store *shelf, who string) {
	t.Helper()
	w := askAs(t, serverOf(store), who, http.MethodPost, c.path, c.body)
	if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
		t.Errorf("%s %.60s: got %d %s\nwant %d with %s", c.path, c.body, w.Code, w.Body, c.status, c.want)
	}
	if got := strings.Join(store.said, "; "); got != c.said {
		t.Errorf("%s %.60s: handed on %q, want %q", c.path, c.body, got, c.said)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	const runs, stalled, ended = "/api/v1/runs", "/api/v1/runs/stalled/", "/api/v1/runs/ended/"
	for _, test := range []commanded{
		{runs, `{"package":"mda","track":"integration","version":"2026.11.3","by":"Jörg M.","reason":"new prices"}`, 201, `{"run":"made","new":true,`, "promote mda 2026.11.3 on integration, Jörg M. from API (new prices) at 02:30:00"},
		{runs, `{"track":"integration","version":"2026.11.3","force":" the gate was wrong "}`, 201, `"new":true`, "promote mda 2026.11.3 on integration force the gate was wrong, somebody from API () at 02:30:00"},
		{ended + "rollback", `{"by":"ana","reason":" wrong prices "}`, 201, `"new":true`, "rollback ended, ana from API (wrong prices) at 02:30:00"},
		{ended + "rollback", ``, 201, `"new":true`, "rollback ended, somebody from API () at 02:30:00"},
		{stalled + "retry", ``, 200, `{"run":"stalled","new":false,"sentence":"it is done"}`, "retry stalled, somebody from API () at 02:30:00"},
		{stalled + "hold", `{"by":"ana"}`, 200, `it is done`, "hold stalled, ana from API () at 02:30:00"},
		{stalled + "resume", `{"by":"ana","reason":"mended"}`, 200, `it is done`, "resume stalled, ana from API (mended) at 02:30:00"},
		{stalled + "cancel", ``, 200, `it is done`, "cancel stalled, somebody from API () at 02:30:00"},
		{stalled + "confirm", `{"gate":"go-live","environment":"prd","by":"bob","reason":"go"}`, 200, `it is done`, "confirm stalled prd go-live, bob from API (go) at 02:30:00"},
		{stalled + "deny", `{"gate":"go-live","by":" bob "}`, 200, `it is done`, "deny stalled go-live, bob from API () at 02:30:00"},
		{"/api/v1/lanes/promote/freeze", `{"reason":"the fair","until":"2h"}`, 200, `it is done`, "freeze integration until 2026-11-22 04:30:00, somebody from API (the fair) at 02:30:00"},
		{"/api/v1/lanes/integration/thaw", `{"by":"Jörg M."}`, 200, `it is done`, "thaw integration, Jörg M. from API () at 02:30:00"},
		{"/api/v1/freeze", `{"by":"ana","reason":"fire","until":"2026-11-30T08:00:00+01:00"}`, 200, `it is done`, "freeze * until 2026-11-30 07:00:00, ana from API (fire) at 02:30:00"},
		{"/api/v1/thaw", `{}`, 200, `it is done`, "thaw *, somebody from API () at 02:30:00"},
		{"/api/v1/lanes/release/freeze", `{"reason":"the fair"}`, 409, `{"new":false,"refused":true,"sentence":"lane release is frozen already"}`, ""},
		{ended + "resume", `{}`, 409, `"sentence":"run ended has ended: failed, rollback failed"`, ""},
		{runs + "/nobody/cancel", `{}`, 404, `{"error":"there is no run \"nobody\""}`, ""},
		{runs + "/%3Cb%3E%0A/rollback", `{}`, 404, `there is no run \"\u003cb\u003e\\n\"`, ""},
		{"/api/v1/lanes/nowhere/freeze", `{"reason":"the fair"}`, 404, `{"error":"unknown lane"}`, ""},
	} {
		test.hold(t, filled(), "Bearer t0ken")
	}
}

func TestBadCommands(t *testing.T) {
	t.Parallel()
	const runs, cancel, confirm, freeze = "/api/v1/runs", "/api/v1/runs/stalled/cancel", "/api/v1/runs/stalled/confirm", "/api/v1/lanes/integration/freeze"
	wanted := `{"package":"mda","track":"integration","version":"2026.11.3","by":"ana"}`
	with := func(field string) string { return strings.Replace(wanted, `"by"`, field+`,"by"`, 1) }
	for _, test := range []commanded{
		{runs, "package=mda", 400, "the body must be JSON", ""},
		{runs, "", 400, "the body must be JSON", ""},
		{runs, with(`"undoes":"x"`), 400, "and nothing else", ""},
		{runs, with(`"force":true`), 400, "and nothing else", ""},
		{runs, with(`"force":" "`), 400, `\"force\" must be the reason`, ""},
		{runs, with(`"force":"a\nb"`), 400, `\"force\" must be the reason`, ""},
		{runs, with(`"force":"a\u202eb"`), 400, `\"force\" must be the reason`, ""},
		{runs, with(`"force":"` + strings.Repeat("é", 501) + `"`), 400, `\"force\" must be the reason`, ""},
		{runs, with(`"reason":"a\nb"`), 400, `\"reason\" must be one line`, ""},
		{runs, wanted + wanted, 400, "more than one JSON value", ""},
		{runs, `{"track":"release","version":"2026.11.3"}`, 400, `unknown track \"release\"`, ""},
		{runs, `{"package":"mdb","track":"integration","version":"2026.11.3"}`, 400, "mdb", ""},
		{runs, `{"track":"integration","version":"a b"}`, 400, "version", ""},
		{runs, strings.Replace(wanted, "ana", "<b>", 1), 400, `\"by\" must be a name`, ""},
		{runs, `{"package":"` + strings.Repeat("x", maxWords) + `"}`, 400, "the body must be JSON", ""},
		{cancel, `{"why":"x"}`, 400, `and nothing else`, ""},
		{cancel, `{} {}`, 400, `more than one JSON value`, ""},
		{cancel, `[]`, 400, `and nothing else`, ""},
		{cancel, `{"by":"<b>"}`, 400, `\"by\" must be a name`, ""},
		{cancel, `{"reason":"a\nb"}`, 400, `\"reason\" must be one line`, ""},
		{cancel, `{"reason":"` + strings.Repeat("x", maxWords) + `"}`, 400, `the body must be empty or JSON`, ""},
		{confirm, `{"gate":"go-live"}`, 400, `\"by\" is missing`, ""},
		{confirm, `{"gate":"go-live","by":" "}`, 400, `\"by\" is missing`, ""},
		{confirm, `{"gate":"go-live","by":"Callback "}`, 400, `\"by\" must be a person`, ""},
		{confirm, `{"gate":"go-live","by":"<b>"}`, 400, `\"by\" must be a name`, ""},
		{confirm, `{"gate":"go-live","by":"bob","reason":"a\nb"}`, 400, `\"reason\" must be one line`, ""},
		{confirm, `{"gate":"go-live","by":"bob","yes":true}`, 400, "and nothing else", ""},
		{confirm, ``, 400, `the body must be JSON with \"gate\" and \"by\"`, ""},
		{freeze, `{"by":"ana","reason":" "}`, 400, `\"reason\" is missing: those who wait are told why`, ""},
		{freeze, ``, 400, `the body must be JSON with`, ""},
		{"/api/v1/freeze", `{"reason":"fire","until":"tomorrow"}`, 400, `\"until\" must be a time such as 2026-11-30T08:00:00Z, or how long it lasts, such as 2h`, ""},
		{"/api/v1/freeze", `{"reason":"fire","until":"-2h"}`, 400, `\"until\" is past`, ""},
		{"/api/v1/freeze", `{"reason":"fire","until":"2026-11-22T02:00:00Z"}`, 400, `\"until\" is past`, ""},
	} {
		test.hold(t, filled(), "Bearer t0ken")
	}
}

// A client's own key is the identity of its command; without one each call is a new one.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	store := filled()
	server := serverOf(store)
	for _, key := range []string{"k1", "k1", ""} {
		if w := ask(t, server, http.MethodPost, "/api/v1/runs/stalled/cancel", "", "Idempotency-Key", key); w.Code != http.StatusOK {
			t.Errorf("key %q: got %d %s", key, w.Code, w.Body)
		}
	}
	b := store.batches
	if b[0].Source != "api k1" || b[1].Source != "api k1" || len(b[2].Source) < 36 || !b[0].Again || b[0].Reply != "" || len(b[0].Commands) != 1 {
		t.Errorf("got %+v", b)
	}
	for _, key := range []string{"a key", strings.Repeat("k", 201)} {
		w := ask(t, server, http.MethodPost, "/api/v1/runs/stalled/cancel", "", "Idempotency-Key", key)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Idempotency-Key must be") {
			t.Errorf("key %q: got %d %s", key, w.Code, w.Body)
		}
	}
}

// What asks for a run carries everything that its command says.
func TestPromoteMakesARequest(t *testing.T) {
	t.Parallel()
	store := filled()
	body := `{"track":"integration","version":"2026.11.3","by":"ana","reason":"new prices"}`
	ask(t, serverOf(store), http.MethodPost, "/api/v1/runs", body)
	want := bot.Request{
		Package: "mda", Track: "integration", Version: "2026.11.3", Origin: bot.OriginAPI, By: "ana", Reason: "new prices", Lane: "integration",
	}
	if got := *store.batches[0].Commands[0].Request; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCommandThatCannotBeStored(t *testing.T) {
	t.Parallel()
	store := filled()
	store.fault = http.ErrHandlerTimeout
	w := ask(t, serverOf(store), http.MethodPost, "/api/v1/thaw", "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), http.ErrHandlerTimeout.Error()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
