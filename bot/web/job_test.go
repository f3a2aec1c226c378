package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
)

const audience = "https://lockstep.example.com"

// forge starts a GitLab with two projects whose branch main is protected.
func forge(t *testing.T) *fixtures.GitLab {
	t.Helper()
	g, err := fixtures.NewGitLab(fixtures.Options{Dir: t.TempDir(), Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, path := range []string{"data/exports", "data/others"} {
		if err := g.Create(fixtures.Project{Path: path, Files: map[string]string{"README.md": "x\n"}}); err != nil {
			t.Fatal(err)
		}
	}
	g.AddPerson("ana", 30, "data/exports")
	return g
}

// jobsOf returns a server that lets the jobs of entries in; without any those of
// data/exports on main.
func jobsOf(g *fixtures.GitLab, store *shelf, entries ...bot.CIConfig) *Server {
	server := serverOf(store)
	if entries == nil {
		entries = []bot.CIConfig{{Project: "data/exports", Ref: "main", RefType: "branch", Protected: true, Scopes: []string{"run"}}}
	}
	server.Access.Jobs = &Jobs{Issuer: g.URL(), Audience: audience, Entries: entries, Client: http.DefaultClient, Now: time.Now}
	return server
}

// job returns the ID token of a job of ana on main of data/exports, with other claims.
func job(g *fixtures.GitLab, claims map[string]any) string {
	return g.IDToken(fixtures.JobToken{Project: "data/exports", User: "ana", Audience: []string{audience}, Claims: claims})
}

// A job speaks in the name of its user, and people can look at it.
func TestJobSpeaks(t *testing.T) {
	t.Parallel()
	g, store := forge(t), filled()
	token := job(g, map[string]any{"job_id": "4711"})
	w := askAs(t, jobsOf(g, store), "Bearer "+token, http.MethodPost, "/api/v1/runs", `{"track":"integration","version":"2026.11.3","by":"bob"}`)
	if want := "promote mda 2026.11.3 on integration, ana from job 4711 of data/exports (main), for bob () at 02:30:00"; w.Code != http.StatusCreated || store.said[0] != want {
		t.Fatalf("got %d %s, handed on %q, want %s", w.Code, w.Body, store.said, want)
	}
	c, link := store.batches[0].Commands[0], g.URL()+"/data/exports/-/jobs/4711"
	if c.Link != link || c.Request.Link != link || c.Request.By != "ana" || c.ByID == 0 || c.ByID != int64(g.UserID("ana")) || c.Request.ByID != c.ByID {
		t.Errorf("got %+v, want %s", c, link)
	}
}

// Where an entry has the number of its project, another project that gets its path later
// does not fit.
func TestJobOfAnotherProjectWithThePath(t *testing.T) {
	t.Parallel()
	g := forge(t)
	entry := bot.CIConfig{Project: "data/exports", ProjectID: 4711, RefType: "branch", Protected: true, Scopes: []string{"run"}}
	for _, test := range []struct {
		number any
		status int
		want   string
	}{
		{"4711", 200, ""},
		{"4712", 403, "is for jobs of data/exports (project 4712) on branch main"},
		{nil, 403, "is for jobs of data/exports (project 0) on branch main"},
		{4711, 200, ""},
		{"none", 403, "(project 0)"},
	} {
		token := job(g, map[string]any{"project_id": test.number})
		w := askAs(t, jobsOf(g, filled(), entry), "Bearer "+token, http.MethodGet, "/api/v1/runs", "")
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("project %v: got %d %s, want %d with %s", test.number, w.Code, w.Body, test.status, test.want)
		}
	}
}

func TestJobsThatAreTurnedAway(t *testing.T) {
	t.Parallel()
	g := forge(t)
	with := func(name string, value any) string { return job(g, map[string]any{name: value}) }
	at := func(t time.Time) int64 { return t.Unix() }
	right, wrong := job(g, nil), errNoToken.sentence
	parts := strings.Split(right, ".")
	for _, test := range []struct {
		name, token string
		status      int
		want        string
	}{
		{"right", right, 200, `{"runs":[`},
		{"of a foreign key", g.IDToken(fixtures.JobToken{Project: "data/exports", Audience: []string{audience}, Foreign: true}), 401, wrong},
		{"without a signature", parts[0] + "." + parts[1] + ".", 401, wrong},
		{"with another payload", parts[0] + "." + encoded(`{"sub":"x"}`) + "." + parts[2], 401, wrong},
		{"alg none", encoded(`{"alg":"none"}`) + "." + parts[1] + ".", 401, wrong},
		{"alg HS256 with the public key", hmacSigned(t, g, parts), 401, wrong},
		{"no JWT", "a.b.c", 401, wrong},
		{"from elsewhere", with("iss", "https://gitlab.example.org"), 401, `the ID token is from \"https://gitlab.example.org\", not from http://127.0.0.1`},
		{"for somebody else", with("aud", "https://vault.example.com"), 401, `write aud: https://lockstep.example.com below id_tokens of the job`},
		{"for many", with("aud", []string{"https://vault.example.com", audience}), 200, ``},
		{"for nobody", with("aud", nil), 401, "the ID token is for []"},
		{"expired", with("exp", at(time.Now().Add(-time.Minute))), 401, "the ID token has expired"},
		{"expired just now", with("exp", at(time.Now().Add(-clockSkew/2))), 200, ""},
		{"for ever", with("exp", nil), 401, "the ID token has expired"},
		{"of tomorrow", with("nbf", at(time.Now().Add(time.Hour))), 401, "does not count yet"},
		{"of another project", g.IDToken(fixtures.JobToken{Project: "data/others", Audience: []string{audience}}), 403, "no entry of server.ci in the configuration is for jobs of data/others (project "},
		{"of a project that is called alike", with("project_path", "data/exports2"), 403, "no entry of server.ci"},
		{"on another branch", with("ref", "maine"), 403, "no entry of server.ci"},
		{"on a tag of that name", with("ref_type", "tag"), 403, "on tag main"},
		{"on a branch that is not protected", with("ref_protected", "false"), 403, "on branch main, which is not protected"},
		{"that does not say whether it is protected", with("ref_protected", nil), 403, "not protected"},
		{"of nobody", with("user_login", nil), 403, "does not say whose job it is"},
		{"of a program", with("user_login", "Callback"), 403, "does not say whose job it is"},
		{"of somebody hostile", with("user_login", "<b>"), 403, "does not say whose job it is"},
		{"of a user without a number", with("user_id", "none"), 200, ""},
		{"with claims of other types", with("user_login", 7), 401, wrong},
	} {
		w := askAs(t, jobsOf(g, filled()), "Bearer "+test.token, http.MethodGet, "/api/v1/runs", "")
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s\nwant %d with %s", test.name, w.Code, w.Body, test.status, test.want)
		}
	}
	if w := askAs(t, serverOf(filled()), "Bearer "+right, http.MethodGet, "/api/v1/runs", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("without server.ci: got %d %s", w.Code, w.Body)
	}
}

// encoded returns a part of a JWT.
func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// hmacSigned signs the payload of a token with the public key as if it were a secret.
func hmacSigned(t *testing.T, g *fixtures.GitLab, parts []string) string {
	t.Helper()
	j := &Jobs{Issuer: g.URL(), Client: http.DefaultClient}
	keys, err := j.readKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, key := range keys {
		text := encoded(fmt.Sprintf(`{"alg":"HS256","kid":%q}`, id)) + "." + parts[1]
		mac := hmac.New(sha256.New, key.N.Bytes())
		mac.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	t.Fatal("no key")
	return ""
}

// What an entry restricts a job to holds for every command.
func TestJobOfOneTrack(t *testing.T) {
	t.Parallel()
	g := forge(t)
	entry := bot.CIConfig{Project: "data/exports", RefType: "branch", Scopes: []string{"run", "freeze"}, Tracks: []string{"integration"}}
	for _, test := range []commanded{
		{"/api/v1/runs", `{"track":"integration","version":"1"}`, 201, "", ""},
		{"/api/v1/runs/stalled/cancel", "", 200, "", ""},
		{"/api/v1/runs/ended/rollback", "", 403, `job 1 of data/exports (main) may change nothing on track \"release\", but on integration`, ""},
		{"/api/v1/runs/nobody/cancel", "", 404, "there is no run", ""},
		{"/api/v1/lanes/integration/freeze", `{"reason":"x"}`, 200, "", ""},
		{"/api/v1/lanes/release/thaw", "", 403, "may freeze and thaw nothing but the lanes of integration", ""},
		{"/api/v1/freeze", `{"reason":"x"}`, 403, "may freeze and thaw nothing but the lanes of integration", ""},
		{"/api/v1/runs/stalled/confirm", `{"gate":"g"}`, 403, "it needs scope approve, and has read, run, freeze", ""},
		{"/api/v1/tokens", `{}`, 403, "it needs scope admin", ""},
	} {
		store := filled()
		w := askAs(t, jobsOf(g, store, entry), "Bearer "+job(g, map[string]any{"job_id": "1"}), http.MethodPost, test.path, test.body)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) || (w.Code < 300) != (len(store.said) == 1) {
			t.Errorf("%s: got %d %s, handed on %q, want %d with %s", test.path, w.Code, w.Body, store.said, test.status, test.want)
		}
	}
}

// A lane that other tracks share is theirs as well.
func TestJobOfOneTrackInASharedLane(t *testing.T) {
	t.Parallel()
	server := serverOf(filled())
	server.Tracks = map[string][]string{"integration": nil, "nightly": nil, "release": nil}
	server.Lane = func(name string) (string, error) {
		return map[string]string{"integration": "one", "nightly": "one", "release": "two"}[name], nil
	}
	for _, test := range []struct {
		tracks []string
		lane   string
		want   string
	}{
		{[]string{"integration"}, "one", "may not freeze or thaw lane one: track nightly shares it"},
		{[]string{"integration", "nightly"}, "one", ""},
		{[]string{"integration", "nightly"}, "two", "may freeze and thaw nothing but the lanes of integration, nightly"},
		{[]string{"integration", "nightly", "release"}, bot.Everything, "may freeze and thaw nothing but"},
		{nil, bot.Everything, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller{from: "job 1", tracks: test.tracks}))
		err := server.mayChange(r, bot.Command{Verb: bot.VerbThaw, Lane: test.lane})
		if got := fmt.Sprint(err); (err == nil) != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%q in lane %s: got %v, want %q", test.tracks, test.lane, err, test.want)
		}
	}
}

// GitLab's keys are asked for once, and again when a token names one that is not known.
// An outage of GitLab is no reason to call a token wrong.
func TestKeysOfGitLab(t *testing.T) {
	t.Parallel()
	g, now := forge(t), time.Now()
	server := jobsOf(g, filled())
	server.Access.Jobs.Now = func() time.Time { return now }
	look := func(token string) int {
		return askAs(t, server, "Bearer "+token, http.MethodGet, "/api/v1/runs", "").Code
	}
	foreign := strings.Replace(job(g, nil), ".", "x.", 1)
	g.HideKeys(true)
	if got := look(job(g, nil)); got != http.StatusServiceUnavailable {
		t.Errorf("during an outage: got %d, want 503", got)
	}
	g.HideKeys(false)
	if got := look(job(g, nil)); got != http.StatusServiceUnavailable {
		t.Errorf("just after: got %d, want 503: GitLab is not asked at once again", got)
	}
	now = now.Add(keysPause)
	old := job(g, nil)
	if got := look(old); got != http.StatusOK {
		t.Errorf("after an outage: got %d, want 200", got)
	}
	if got := look(foreign); got != http.StatusUnauthorized {
		t.Errorf("what is no token: got %d, want 401", got)
	}
	g.RotateKey()
	if got := look(job(g, nil)); got != http.StatusUnauthorized {
		t.Errorf("a key of GitLab's that was asked for just now: got %d, want 401", got)
	}
	now = now.Add(keysPause)
	if got := look(job(g, nil)); got != http.StatusOK {
		t.Errorf("a new key: got %d, want 200", got)
	}
	if got := look(old); got != http.StatusUnauthorized {
		t.Errorf("the key before: got %d, want 401: GitLab does not show it any more", got)
	}
	g.HideKeys(true)
	now = now.Add(keysPause)
	if got := look(job(g, nil)); got != http.StatusOK {
		t.Errorf("a key that is known, in an outage: got %d, want 200", got)
	}
	if got := look(old); got != http.StatusServiceUnavailable {
		t.Errorf("one that is not, in an outage: got %d, want 503", got)
	}
	now = now.Add(keysLast)
	if got := look(job(g, map[string]any{"exp": now.Add(time.Minute).Unix()})); got != http.StatusServiceUnavailable {
		t.Errorf("long after: got %d, want 503", got)
	}
}

// However many unknown keys are named, GitLab is asked at a bounded pace.
func TestUnknownKeysAskSeldom(t *testing.T) {
	t.Parallel()
	asked := 0
	var issuer string
	gitlab := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "jwks_uri": issuer + "/keys", "keys": []any{map[string]string{"kty": "future"}}})
	}))
	defer gitlab.Close()
	issuer = gitlab.URL
	now := clock
	j := &Jobs{Issuer: issuer, Client: gitlab.Client(), Now: func() time.Time { return now }}
	for range 100 {
		if key, err := j.keys.key(t.Context(), j, "unknown"); key != nil || err != nil {
			t.Fatalf("got %v, %v", key, err)
		}
		now = now.Add(time.Second)
	}
	if asked != 2*10 {
		t.Errorf("asked %d times in 100 s, want 20: two documents each 10 s", asked)
	}
}

// What does not look like GitLab gives no keys.
func TestHostileDiscovery(t *testing.T) {
	t.Parallel()
	var answer string
	gitlab := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	defer gitlab.Close()
	for _, test := range []struct{ answer, want string }{
		{`<html>`, "GitLab does not answer with JSON"},
		{`{"issuer":"https://evil.example.com"}`, `GitLab calls itself "https://evil.example.com", and gitlab.url is`},
		{`{"issuer":"` + gitlab.URL + `","jwks_uri":"http://evil.example.com/keys"}`, "GitLab names no address with https for its keys"},
		{`{"issuer":"` + gitlab.URL + `","jwks_uri":"file:///etc/passwd"}`, "GitLab names no address with https for its keys"},
		{`{"issuer":"` + gitlab.URL + `"}`, "GitLab names no address with https for its keys"},
	} {
		answer = test.answer
		j := &Jobs{Issuer: gitlab.URL, Client: gitlab.Client()}
		if keys, err := j.readKeys(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, %v, want %s", test.answer, keys, err, test.want)
		}
	}
}

// While GitLab hangs, those who show tokens of unknown keys do not keep the others waiting
// one after the other: the pause begins when GitLab was given up.
func TestKeysOfAGitLabThatHangs(t *testing.T) {
	t.Parallel()
	now, asked := clock, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		now = now.Add(20 * time.Second)
		w.WriteHeader(http.StatusGatewayTimeout)
	}))
	defer s.Close()
	j := &Jobs{Issuer: s.URL, Client: http.DefaultClient, Now: func() time.Time { return now }}
	for range 5 {
		if key, err := j.keys.key(t.Context(), j, "unknown"); key != nil || err == nil {
			t.Errorf("got %v, %v, want that GitLab could not be asked", key, err)
		}
	}
	if asked != 1 {
		t.Errorf("GitLab was asked %d times, want once", asked)
	}
}
