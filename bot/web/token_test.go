package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// A token is made, shown once, listed, used and revoked.
func TestLifeOfAToken(t *testing.T) {
	t.Parallel()
	tokens := &safe{tokens: map[string]bot.Token{}}
	server := serverOf(filled())
	server.Access.Tokens = tokens
	w := ask(t, server, http.MethodPost, "/api/v1/tokens", `{"name":"nightly","scopes":["run","approve"],"by":"ana"}`)
	var made MadeToken
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, %v, want 201", w.Code, w.Body, err)
	}
	if !strings.HasPrefix(made.Secret, "lst_"+made.Token.ID+"_") || len(made.Secret) != 4+12+1+64 {
		t.Errorf("the token is %q", made.Secret)
	}
	if of := made.Token; of.Name != "nightly" || of.By != "ana" || !of.Made.Equal(clock) || of.Expires.Sub(clock) != 90*24*time.Hour {
		t.Errorf("got %+v, want one of ana's for 90 days", of)
	}
	who := "Bearer " + made.Secret
	if w := askAs(t, server, who, http.MethodPost, "/api/v1/runs/stalled/cancel", ""); w.Code != http.StatusOK {
		t.Errorf("its holder: got %d %s", w.Code, w.Body)
	}
	w = ask(t, server, http.MethodGet, "/api/v1/tokens", "")
	hash := tokens.tokens[made.Token.ID].Hash
	if got := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(got, `"used":"2026-11-22T02:30:00Z"`) || strings.Contains(got, hash) || strings.Contains(got, made.Secret[17:]) {
		t.Errorf("got %d %s, want when it was used, and nothing secret", w.Code, w.Body)
	}
	for range 2 {
		w = ask(t, server, http.MethodDelete, "/api/v1/tokens/"+made.Token.ID+"?by=bob", "")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"revoked":"2026-11-22T02:30:00Z","revoked_by":"bob"`) {
			t.Errorf("got %d %s, want it revoked", w.Code, w.Body)
		}
	}
	if w := askAs(t, server, who, http.MethodGet, "/api/v1/runs", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("its holder, then: got %d %s, want 401", w.Code, w.Body)
	}
	if w := ask(t, server, http.MethodDelete, "/api/v1/tokens/"+made.Token.ID+"?by=%3Cb%3E", ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `\"by\" must be a name`) {
		t.Errorf("by nobody that there can be: got %d %s, want 400", w.Code, w.Body)
	}
	if w := ask(t, server, http.MethodDelete, "/api/v1/tokens/nothing", ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `there is no token \"nothing\"`) {
		t.Errorf("an unknown one: got %d %s, want 404", w.Code, w.Body)
	}
}

func TestTokensThatAreNotMade(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                                `the body must be JSON with \"name\" and \"scopes\"`,
		`{"name":"x"}`:                    `\"scopes\" is missing: write what the token is for, of read, run, approve, freeze, admin`,
		`{"scopes":["run"]}`:              `\"name\" must be 1 to 100 letters`,
		`{"name":"<b>","scopes":["run"]}`: `\"name\" must be 1 to 100 letters`,
		`{"name":"Callback","scopes":["approve"]}`:                                         `\"name\" cannot be Callback: Lockstep uses it for others`,
		`{"name":"x","scopes":["root"]}`:                                                   `\"scopes\" holds \"root\", which is none`,
		`{"name":"x","scopes":["run","run"]}`:                                              `\"scopes\" holds run twice`,
		`{"name":"x","scopes":["run"],"expires_in":"9000h"}`:                               `the token would count for 375 days: write 366 at most`,
		`{"name":"x","scopes":["run"],"expires":"2026-11-22T02:00:00Z"}`:                   `\"expires\" is past`,
		`{"name":"x","scopes":["run"],"expires":"2027-11-22T02:00:00Z","expires_in":"1h"}`: `write \"expires\" or \"expires_in\", not both`,
		`{"name":"x","scopes":["run"],"expires_in":"never"}`:                               `\"expires\" must be a time`,
		`{"name":"x","scopes":["run"],"by":"<b>"}`:                                         `\"by\" must be a name`,
		`{"name":"x","scopes":["run"],"id":"y"}`:                                           `and nothing else`,
		`{"name":"` + strings.Repeat("x", maxWords) + `"}`:                                 `the body must be JSON`,
	} {
		tokens := &safe{tokens: map[string]bot.Token{}}
		server := serverOf(filled())
		server.Access.Tokens = tokens
		w := ask(t, server, http.MethodPost, "/api/v1/tokens", body)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) || len(tokens.tokens) > 0 {
			t.Errorf("%.80s: got %d %s, want 400 with %s", body, w.Code, w.Body, want)
		}
	}
}
