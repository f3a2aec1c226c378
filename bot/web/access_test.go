package web

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

func TestAccess(t *testing.T) {
	t.Parallel()
	const local, remote = "127.0.0.1:4711", "192.0.2.7:4711"
	tests := []struct {
		name                string
		token, caller, host string
		header, value       string
		method, path        string
		status              int
	}{
		{"right token", "t", remote, "lockstep.example.com", "Authorization", "Bearer t", "GET", "/api/v1/runs", 200},
		{"scheme in small letters", "t", remote, "lockstep.example.com", "Authorization", "bearer t", "GET", "/api/v1/runs", 200},
		{"token as password", "t", remote, "lockstep.example.com", "Authorization", "Basic YW5hOnQ=", "GET", "/", 200},
		{"wrong token", "t", remote, "lockstep.example.com", "Authorization", "Bearer x", "GET", "/api/v1/runs", 401},
		{"token in no scheme", "t", remote, "lockstep.example.com", "Authorization", "t", "GET", "/api/v1/runs", 401},
		{"no token, from here", "t", local, "127.0.0.1:8080", "", "", "GET", "/api/v1/runs", 401},
		{"page without token", "t", remote, "lockstep.example.com", "", "", "GET", "/runs/stalled", 401},
		{"hook proves by itself", "t", remote, "lockstep.example.com", "", "", "POST", "/webhooks/gitlab", 202},
		{"rollback with token", "t", remote, "lockstep.example.com", "Authorization", "Bearer t", "POST", "/api/v1/runs/ended/rollback", 201},
		{"callback proves by itself", "t", remote, "lockstep.example.com", "Authorization", "Bearer t", "POST", "/callbacks/ended/int/int-test?signature=t", 404},
		{"confirm from another site", "", local, "127.0.0.1:8080", "Sec-Fetch-Site", "cross-site", "POST", "/api/v1/runs/stalled/confirm", 403},
		{"health for everybody", "t", remote, "lockstep.example.com", "", "", "GET", "/healthz", 200},
		{"readiness for everybody", "t", remote, "lockstep.example.com", "", "", "GET", "/readyz", 200},
		{"metrics", "t", remote, "lockstep.example.com", "Authorization", "Bearer t", "GET", "/metrics", 200},
		{"metrics without token", "t", remote, "lockstep.example.com", "", "", "GET", "/metrics", 401},
		{"metrics, from here", "", local, "127.0.0.1:8080", "", "", "GET", "/metrics", 200},
		{"metrics from elsewhere", "", remote, "127.0.0.1:8080", "", "", "GET", "/metrics", 403},
		{"no token needed here", "", local, "127.0.0.1:8080", "", "", "GET", "/api/v1/runs", 200},
		{"a wrong one does not count here either", "", local, "127.0.0.1:8080", "Authorization", "Bearer x", "GET", "/api/v1/runs", 401},
		{"IPv6", "", "[::1]:4711", "[::1]:8080", "", "", "GET", "/api/v1/runs", 200},
		{"by name", "", local, "localhost", "", "", "GET", "/", 200},
		{"from elsewhere", "", remote, "127.0.0.1:8080", "", "", "GET", "/api/v1/runs", 403},
		{"a name that leads here", "", local, "evil.example.com:8080", "", "", "GET", "/api/v1/runs", 403},
		{"a page of another site", "", local, "127.0.0.1:8080", "Sec-Fetch-Site", "cross-site", "POST", "/api/v1/lanes/release/thaw", 403},
		{"a page of another site, old browser", "", local, "127.0.0.1:8080", "Origin", "https://evil.example.com", "POST", "/api/v1/runs", 403},
		{"a program", "", local, "127.0.0.1:8080", "", "", "POST", "/api/v1/lanes/integration/thaw", 200},
	}
	for _, test := range tests {
		server := serverOf(filled())
		server.Access.Token = bot.NewSecret(test.token)
		r := httptest.NewRequest(test.method, test.path, nil)
		r.RemoteAddr, r.Host = test.caller, test.host
		if test.header != "" {
			r.Header.Set(test.header, test.value)
		}
		w := served(t, server, r)
		if w.Code != test.status {
			t.Errorf("%s: got %d %s, want %d", test.name, w.Code, w.Body, test.status)
		}
		if w.Code >= 400 && !strings.Contains(w.Body.String(), `{"error":"`) {
			t.Errorf("%s: no sentence in %s", test.name, w.Body)
		}
	}
}

// safe keeps tokens in memory.
type safe struct {
	tokens map[string]bot.Token
	writes int
	fault  error
}

func (s *safe) AddToken(_ context.Context, t bot.Token) error {
	s.tokens[t.ID] = t
	return s.fault
}

func (s *safe) Token(_ context.Context, id string) (bot.Token, error) {
	t, ok := s.tokens[id]
	if !ok {
		return t, fmt.Errorf("token %q: %w", id, bot.ErrNotFound)
	}
	return t, s.fault
}

func (s *safe) Tokens(context.Context) (all []bot.Token, err error) {
	for _, t := range s.tokens {
		all = append(all, t)
	}
	return all, s.fault
}

func (s *safe) RevokeToken(ctx context.Context, id, by string, now time.Time) (bot.Token, error) {
	t, err := s.Token(ctx, id)
	if err == nil && t.Revoked.IsZero() {
		t.Revoked, t.RevokedBy = now, by
		s.tokens[id] = t
	}
	return t, err
}

func (s *safe) TokenUsed(_ context.Context, id string, now time.Time) error {
	t := s.tokens[id]
	t.Used = now.Truncate(time.Minute)
	s.tokens[id] = t
	s.writes++
	return s.fault
}

// issue makes a token that counts for an hour.
func (s *safe) issue(name string, scopes ...bot.TokenScope) string {
	t, secret := bot.Token{Name: name, Scopes: scopes, Made: clock, Expires: clock.Add(time.Hour)}.Issue()
	if s.tokens == nil {
		s.tokens = map[string]bot.Token{}
	}
	s.tokens[t.ID] = t
	return secret.Reveal()
}

// Each route wants one scope, and every scope may read.
func TestScopes(t *testing.T) {
	t.Parallel()
	for _, r := range []struct{ scope, method, path, body string }{
		{"read", "GET", "/api/v1/runs", ""},
		{"read", "GET", "/api/v1/runs/stalled", ""},
		{"read", "GET", "/api/v1/lanes", ""},
		{"read", "GET", "/api/v1/queue", ""},
		{"read", "GET", "/api/v1/schedules", ""},
		{"read", "GET", "/api/v1/status", ""},
		{"read", "GET", "/api/v1/condemned", ""},
		{"read", "GET", "/api/v1/drift", ""},
		{"read", "GET", "/metrics", ""},
		{"read", "GET", "/", ""},
		{"read", "GET", "/runs/stalled", ""},
		{"run", "POST", "/api/v1/runs", `{"track":"integration","version":"1"}`},
		{"run", "POST", "/api/v1/runs/ended/rollback", ""},
		{"run", "POST", "/api/v1/runs/stalled/retry", ""},
		{"run", "POST", "/api/v1/runs/stalled/cancel", ""},
		{"run", "POST", "/api/v1/runs/stalled/hold", ""},
		{"run", "POST", "/api/v1/runs/stalled/resume", ""},
		{"approve", "POST", "/api/v1/runs/stalled/confirm", `{"gate":"g"}`},
		{"approve", "POST", "/api/v1/runs/stalled/deny", `{"gate":"g"}`},
		{"freeze", "POST", "/api/v1/lanes/integration/freeze", `{"reason":"x"}`},
		{"freeze", "POST", "/api/v1/lanes/integration/thaw", ""},
		{"freeze", "POST", "/api/v1/freeze", `{"reason":"x"}`},
		{"freeze", "POST", "/api/v1/thaw", ""},
		{"admin", "GET", "/api/v1/tokens", ""},
		{"admin", "GET", "/api/v1/audit", ""},
		{"admin", "POST", "/api/v1/tokens", `{"name":"n","scopes":["read"]}`},
		{"admin", "DELETE", "/api/v1/tokens/none", ""},
	} {
		for _, have := range bot.TokenScopes {
			store, tokens := filled(), &safe{}
			server := serverOf(store)
			server.Access.Tokens = tokens
			w := askAs(t, server, "Bearer "+tokens.issue("nightly", have), r.method, r.path, r.body)
			may := string(have) == r.scope || have == bot.MayAdmin || r.scope == "read"
			if may != (w.Code != http.StatusForbidden) {
				t.Errorf("%s %s with scope %s: got %d %s", r.method, r.path, have, w.Code, w.Body)
			}
			if want := fmt.Sprintf(`{"error":"API token nightly may not do this: it needs scope %s, and has %s"}`, r.scope, have); !may && (!strings.Contains(w.Body.String(), want) || len(store.said) > 0) {
				t.Errorf("%s %s with scope %s: got %s, want %s", r.method, r.path, have, w.Body, want)
			}
		}
	}
}

// The holder of a token speaks in its name, whatever the body says.
func TestTokenSpeaksForItself(t *testing.T) {
	t.Parallel()
	for _, test := range []commanded{
		{"cancel", ``, 200, "", "cancel stalled, nightly from API token nightly () at 02:30:00"},
		{"cancel", `{"by":"ana"}`, 200, "", "cancel stalled, nightly from API token nightly, for ana () at 02:30:00"},
		{"cancel", `{"by":" Nightly"}`, 200, "", "cancel stalled, nightly from API token nightly () at 02:30:00"},
		{"confirm", `{"gate":"g","by":"ana"}`, 200, "", "confirm stalled g, nightly from API token nightly, for ana () at 02:30:00"},
		{"confirm", `{"gate":"g","by":"callback"}`, 200, "", "confirm stalled g, nightly from API token nightly, for callback () at 02:30:00"},
	} {
		store, tokens := filled(), &safe{}
		server := serverOf(store)
		server.Access.Tokens = tokens
		w := askAs(t, server, "Bearer "+tokens.issue("nightly", bot.MayRun, bot.MayApprove), http.MethodPost, "/api/v1/runs/stalled/"+test.path, test.body)
		if got := strings.Join(store.said, "; "); w.Code != test.status || got != test.said {
			t.Errorf("%s %s: got %d %s, handed on %q, want %q", test.path, test.body, w.Code, w.Body, got, test.said)
		}
	}
}

func TestTokensThatDoNotCount(t *testing.T) {
	t.Parallel()
	tokens := &safe{}
	right := tokens.issue("nightly", bot.MayRead)
	revoked, expired := tokens.issue("old", bot.MayAdmin), tokens.issue("older", bot.MayAdmin)
	change := func(token string, f func(*bot.Token)) {
		of := tokens.tokens[bot.TokenID(token)]
		f(&of)
		tokens.tokens[of.ID] = of
	}
	change(revoked, func(t *bot.Token) { t.Revoked = clock.Add(-time.Hour) })
	change(expired, func(t *bot.Token) { t.Expires = clock })
	const wrong = `{"error":"the API token is missing or wrong: send it as Authorization: Bearer TOKEN"}`
	for _, test := range []struct{ name, token, want string }{
		{"revoked", revoked, `{"error":"token old was revoked on 2026-11-22 01:30 UTC: ask for a new one"}`},
		{"expired", expired, `{"error":"token older expired on 2026-11-22 02:30 UTC: ask for a new one"}`},
		{"revoked, and wrong", revoked[:len(revoked)-1] + "x", wrong},
		{"cut short", right[:len(right)-1], wrong},
		{"longer", right + "0", wrong},
		{"in capitals", strings.ToUpper(right), wrong},
		{"its id alone", right[:17], wrong},
		{"an unknown id", bot.TokenPrefix + "0123456789ab_" + right[17:], wrong},
		{"a hostile id", bot.TokenPrefix + "' OR 1=1 --_" + right[17:], wrong},
		{"its hash", tokens.tokens[bot.TokenID(right)].Hash, wrong},
		{"nothing", "", wrong},
	} {
		server := serverOf(filled())
		server.Access.Tokens = tokens
		w := askAs(t, server, "Bearer "+test.token, http.MethodGet, "/api/v1/runs", "")
		if w.Code != http.StatusUnauthorized || strings.TrimSpace(w.Body.String()) != test.want {
			t.Errorf("%s: got %d %s, want 401 %s", test.name, w.Code, w.Body, test.want)
		}
	}
}

// When a token was used is written once a minute. Without an answer of the store nobody
// is let in.
func TestTokenIsUsed(t *testing.T) {
	t.Parallel()
	tokens, now := &safe{}, clock
	server := serverOf(filled())
	server.Access.Tokens, server.Access.Now = tokens, func() time.Time { return now }
	who := "Bearer " + tokens.issue("nightly", bot.MayRead)
	for range 4 {
		askAs(t, server, who, http.MethodGet, "/api/v1/runs", "")
		now = now.Add(29 * time.Second)
	}
	if tokens.writes != 2 {
		t.Errorf("written %d times in 87 s, want 2", tokens.writes)
	}
	tokens.fault = fmt.Errorf("dial postgres://user:secret@db")
	w := askAs(t, server, who, http.MethodGet, "/api/v1/runs", "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// Whoever guesses is held back, by address; who has a token that nobody can guess is not.
func TestGuessing(t *testing.T) {
	t.Parallel()
	tokens, now := &safe{}, clock
	server := serverOf(filled())
	server.Access.Tokens, server.Access.Now = tokens, func() time.Time { return now }
	named := tokens.issue("nightly", bot.MayRead)
	from := func(address, token string) int {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/runs", nil)
		r.RemoteAddr = address
		r.Header.Set("Authorization", "Bearer "+token)
		w := served(t, server, r)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("nobody is told when to try again")
		}
		return w.Code
	}
	const guesser, neighbour = "[2001:db8::1]:1", "[2001:db8::ffff]:2"
	for i := range guessBurst {
		if got := from(guesser, fmt.Sprintf("guess%d", i)); got != http.StatusUnauthorized {
			t.Fatalf("guess %d: got %d", i, got)
		}
	}
	for _, test := range []struct {
		after          time.Duration
		address, token string
		want           int
	}{
		{0, guesser, "guess", 429},
		{0, guesser, "t0ken", 429},
		{0, neighbour, "t0ken", 429},
		{0, guesser, named, 200},
		{0, guesser, bot.TokenPrefix + "0123456789ab_x", 429},
		{0, "[2001:db8:0:1::1]:1", "t0ken", 200},
		{guessEvery, guesser, "t0ken", 200},
		{0, guesser, "guess", 401},
		{0, guesser, "t0ken", 429},
	} {
		now = now.Add(test.after)
		if got := from(test.address, test.token); got != test.want {
			t.Errorf("%s with %.12s: got %d, want %d", test.address, test.token, got, test.want)
		}
	}
}

// However many addresses guess, what is remembered of them is bounded.
func TestGuessersAreForgotten(t *testing.T) {
	t.Parallel()
	var g guesses
	for i := range mostGuessers + 10 {
		g.wrong(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), clock)
	}
	if len(g.by) > mostGuessers {
		t.Errorf("%d are remembered", len(g.by))
	}
	g.wrong("192.0.2.1:1", clock.Add(time.Hour))
	if len(g.by) != 1 {
		t.Errorf("%d are remembered after an hour, want 1", len(g.by))
	}
}
