package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lockstep/bot"
)

// Whoever wanted something changed and was turned away is noted, with what they were told,
// and never with a token.
func TestTurnedAway(t *testing.T) {
	t.Parallel()
	const stray = "lst_0123456789ab_cdef"
	tests := []struct {
		who, method, path, body string
		status                  int
		want                    string
	}{
		{"", "POST", "/api/v1/runs", "", 401, " | 192.0.2.1 | POST /api/v1/runs |  | 401: the API token is missing or wrong: send it as Authorization: Bearer TOKEN"},
		{"Bearer guessed", "POST", "/api/v1/runs/stalled/cancel", "", 401, " | 192.0.2.1 | POST /api/v1/runs/{id}/cancel |  | 401: the API token is missing or wrong: send it as Authorization: Bearer TOKEN"},
		{"Bearer t0ken", "POST", "/api/v1/runs/nobody/cancel", "", 404, " | API at 192.0.2.1 | POST /api/v1/runs/{id}/cancel | nobody | 404: there is no run \"nobody\""},
		{"Bearer t0ken", "POST", "/api/v1/runs/" + stray + "/cancel", "", 404, " | API at 192.0.2.1 | POST /api/v1/runs/{id}/cancel | … | 404: there is no run \"…\""},
		{"Bearer t0ken", "POST", "/api/v1/runs/t0ken/cancel", "", 404, " | API at 192.0.2.1 | POST /api/v1/runs/{id}/cancel | … | 404: there is no run \"…\""},
		{"Bearer t0ken", "POST", "/api/v1/lanes/integration/freeze", "{}", 400, " | API at 192.0.2.1 | POST /api/v1/lanes/{lane}/freeze |  | 400: \"reason\" is missing: those who wait are told why"},
		{"Bearer " + nightly, "POST", "/api/v1/tokens", "{}", 403, "nightly | API token nightly at 192.0.2.1 | POST /api/v1/tokens |  | 403: API token nightly may not do this: it needs scope admin, and has run"},
		{"", "POST", "/callbacks/ended/int/int-test?signature=x", "{}", 404, " | 192.0.2.1 | POST /callbacks/{run}/{environment}/{gate} |  | 404: no gate is answered at this address: use the one that the gate has sent, with its signature"},
		{"", "POST", "/wp-login.php", "", 404, " | 192.0.2.1 | POST / |  | 404: Not Found"},
		{"", "DELETE", "/api/v1/tokens/x", "", 401, " | 192.0.2.1 | DELETE /api/v1/tokens/{id} |  | 401: the API token is missing or wrong: send it as Authorization: Bearer TOKEN"},
		{"", "GET", "/api/v1/runs", "", 401, ""},
		{"Bearer t0ken", "POST", "/api/v1/runs/ended/rollback", "", 201, ""},
		{"Bearer t0ken", "POST", "/api/v1/runs/ended/resume", "", 409, ""}, // which is in the log as a command
	}
	for _, test := range tests {
		server := serverOf(filled())
		server.Access.Tokens = &safe{tokens: map[string]bot.Token{bot.TokenID(nightly): nightlyToken}}
		var got []string
		server.Refused = func(r bot.Refusal) {
			if !r.At.Equal(clock) || !r.Last.Equal(clock) || r.Times != 1 || r.Known != strings.Contains(r.From, "API") {
				t.Errorf("got %+v", r)
			}
			got = append(got, fmt.Sprintf("%s | %s | %s | %s | %d: %s", r.Who, r.From, r.What, r.Run, r.Status, r.Sentence))
		}
		w := askAs(t, server, test.who, test.method, test.path, test.body)
		if strings.Join(got, "\n") != test.want || w.Code != test.status {
			t.Errorf("%s %s by %q: %d and\ngot  %s\nwant %s", test.method, test.path, test.who, w.Code, strings.Join(got, "\n"), test.want)
		}
	}
}

// A token with the scope run.
var (
	nightlyToken, nightlySecret = bot.Token{Name: "nightly", Scopes: []bot.TokenScope{bot.MayRun}, Expires: clock.AddDate(0, 0, 9)}.Issue()
	nightly                     = nightlySecret.Reveal()
)

// What hooks are told is noted as well: they prove by themselves who calls.
func TestTurnedAwayHooks(t *testing.T) {
	t.Parallel()
	server := serverOf(filled())
	server.Hook = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusUnauthorized, "X-Gitlab-Token is not the secret of gitlab.webhook.secret")
	})
	var got []bot.Refusal
	server.Refused = func(r bot.Refusal) { got = append(got, r) }
	r := httptest.NewRequest(http.MethodPost, "/webhooks/gitlab", nil)
	r.RemoteAddr = "[2001:db8::1]:4711"
	server.Handler().ServeHTTP(httptest.NewRecorder(), r)
	if len(got) != 1 || got[0].What != "POST /webhooks/gitlab" || got[0].From != "2001:db8::/64" || got[0].Known || !strings.HasPrefix(got[0].Sentence, "X-Gitlab-Token is not") {
		t.Errorf("got %+v", got)
	}
}

// The same refusals are counted, many different ones are counted together, and what the
// store does not take is tried again.
func TestLedger(t *testing.T) {
	t.Parallel()
	var kept []bot.Refusal
	down := errors.New("the store is away")
	l := Ledger{Log: quiet, Keep: func(_ context.Context, all []bot.Refusal) error {
		if down == nil {
			kept = append(kept, all...)
		}
		return down
	}}
	r := bot.Refusal{At: clock, Last: clock, Times: 1, From: "192.0.2.1", What: "POST /api/v1/runs", Status: 401, Sentence: "no"}
	for range 3 {
		l.Note(r)
	}
	l.flush(t.Context())
	down = nil
	l.Note(r)
	l.flush(t.Context())
	if len(kept) != 1 || kept[0].Times != 4 {
		t.Errorf("kept %+v, want one refusal, 4 times", kept)
	}
	kept = nil
	for i := range 10 * mostNoted {
		r.Sentence = fmt.Sprint("no ", i)
		l.Note(r)
	}
	l.flush(t.Context())
	times := 0
	for _, r := range kept {
		times += r.Times
	}
	if len(kept) != mostNoted+1 || times != 10*mostNoted {
		t.Errorf("kept %d refusals, %d times, want %d and %d", len(kept), times, mostNoted+1, 10*mostNoted)
	}
	kept = nil
	if l.flush(t.Context()); len(kept) > 0 {
		t.Errorf("kept %+v once more", kept)
	}
}
