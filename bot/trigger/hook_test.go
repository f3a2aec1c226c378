package trigger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

const (
	commit  = "82b3d5ae55f7080f1e6022629cdb57bfae7cccc7"
	signing = "whsec_c2lnbmluZyBrZXk=" // "signing key"
)

// tagPush returns the body of a hook that announces a tag of a project.
func tagPush(project, tag, sha string) string {
	after := sha
	if sha == "" {
		after = strings.Repeat("0", 40)
	}
	checkout, _ := json.Marshal(sha)
	if sha == "" {
		checkout = []byte("null")
	}
	return fmt.Sprintf(`{"object_kind":"tag_push","ref":"refs/tags/%s","after":%q,"checkout_sha":%s,"user_username":"ana","user_id":7,`+
		`"project":{"path_with_namespace":%q,"web_url":"https://gitlab.example.com/%s"}}`, tag, after, checkout, project, project)
}

// signed returns the headers of a signed hook.
func signed(id string, at time.Time, body string) http.Header {
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte("signing key"))
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {stamp},
		"Webhook-Signature": {"v1,b3RoZXI= v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}

// post sends a hook and returns its answer.
func post(g *GitLab, body string, headers ...http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/gitlab", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		for name, values := range h {
			r.Header[name] = values
		}
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// hook returns a handler over s that needs no secret.
func hook(t *testing.T, s Store) *GitLab {
	t.Helper()
	return &GitLab{
		Catalog: catalog(t, config), Store: s, Wake: func() {}, Log: quiet, Now: func() time.Time { return clock },
		Hint: func(context.Context, string, string) error { return nil },
	}
}

func TestHookProvesItself(t *testing.T) {
	t.Parallel()
	body := tagPush("data/other", "v1", commit)
	token := func(value string) http.Header { return http.Header{"X-Gitlab-Token": {value}} }
	stale := signed("d1", clock.Add(-6*time.Minute), body)
	unnamed := signed("d1", clock, body)
	unnamed.Del("Webhook-Id")
	tests := []struct {
		name            string
		secret, signing string
		headers         http.Header
		status          int
		want            string // in the answer
	}{
		{"right token", "s3cret", "", token("s3cret"), 200, ""},
		{"wrong token", "s3cret", "", token("s3creT"), 401, "X-Gitlab-Token is not the secret"},
		{"no token", "s3cret", "", nil, 401, "X-Gitlab-Token is not the secret"},
		{"right signature", "", signing, signed("d1", clock, body), 200, ""},
		{"right signature, clocks differ", "", signing, signed("d1", clock.Add(4*time.Minute), body), 200, ""},
		{"stale signature", "", signing, stale, 401, "from another time (6m0s away)"},
		{"signature from the future", "", signing, signed("d1", clock.Add(6*time.Minute), body), 401, "from another time"},
		{"signature of another body", "", signing, signed("d1", clock, body+" "), 401, "does not fit the body"},
		{"signature without id", "", signing, unnamed, 401, "no webhook-id"},
		{"no signature", "", signing, token("s3cret"), 401, "the hook is not signed"},
		{"signature, nothing to check it with", "", "", signed("d1", clock, body), 401, "gitlab.webhook.signing is not configured"},
		{"wrong signature, right token", "s3cret", signing, merged(stale, token("s3cret")), 401, "from another time"},
		{"no signature, right token", "s3cret", signing, token("s3cret"), 200, ""},
		{"nothing configured", "", "", nil, 200, ""},
	}
	for _, test := range tests {
		g := hook(t, broken{}) // a project that is none of ours: the store is not asked
		g.Secret, g.Signing = bot.NewSecret(test.secret), bot.NewSecret(test.signing)
		w := post(g, body, test.headers)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s, want %d with %q", test.name, w.Code, w.Body, test.status, test.want)
		}
		if strings.Contains(w.Body.String(), "s3cret") || strings.Contains(w.Body.String(), signing) {
			t.Errorf("%s: the answer holds a secret: %s", test.name, w.Body)
		}
	}
}

// merged returns the headers of all.
func merged(all ...http.Header) http.Header {
	h := http.Header{}
	for _, one := range all {
		for name, values := range one {
			h[name] = values
		}
	}
	return h
}

func TestHookRefusesWhatIsNoHook(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		method, kind string
		body         string
		status       int
		want         string
	}{
		{"GET", "GET", "application/json", "", 405, "webhooks are sent by POST, not GET"},
		{"a form", "POST", "application/x-www-form-urlencoded", "a=b", 415, "a webhook is application/json"},
		{"no type", "POST", "", "{}", 415, "a webhook is application/json"},
		{"with charset", "POST", "application/json; charset=utf-8", `{"object_kind":"build"}`, 500, "could not be read"},
		{"no JSON", "POST", "application/json", "<xml/>", 400, "not the JSON of a GitLab webhook"},
		{"a list", "POST", "application/json", "[]", 400, "not the JSON of a GitLab webhook"},
		{"nothing", "POST", "application/json", "", 400, "not the JSON of a GitLab webhook"},
		{"another sender", "POST", "application/json", `{"action":"opened"}`, 400, "names no object_kind"},
		{"an odd commit", "POST", "application/json", `{"object_kind":"tag_push","checkout_sha":"; rm"}`, 400, "not the id of a commit"},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, "/webhooks/gitlab", strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.kind)
		w := httptest.NewRecorder()
		hook(t, broken{}).ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), `{"error":"`) || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s, want %d with %q", test.name, w.Code, w.Body, test.status, test.want)
		}
	}
}

// Anybody who may comment can make a hook large: were that an error, GitLab would switch the
// hook off after four of them. It is read to its end, or GitLab would see a connection that
// breaks.
func TestHookThatIsTooLarge(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(hook(t, broken{}))
	defer s.Close()
	body := `{"object_kind":"note","object_attributes":{"note":"` + strings.Repeat("x", 10<<20) + `"}}`
	for range 4 {
		r, err := http.Post(s.URL, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != 200 || r.Close || !strings.Contains(string(answer), "larger than 1024 KiB") {
			t.Errorf("got %s %s, %v, closed %t, want 200 that says why nothing comes of it", r.Status, answer, err, r.Close)
		}
	}
}

func TestTagPush(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		want       string // in the answer
		runs       []string
	}{
		{"a version", tagPush("data/mda", "v2026.11.3", commit), 202, `"new":true`, []string{"integration 2026.11.3"}},
		{"another project", tagPush("data/other", "v2026.11.3", commit), 200, `is no data project of the configuration`, nil},
		{"another form", tagPush("data/mda", "2026.11.3", commit), 200, `the tags of package \"mda\" have the form v{version}`, nil},
		{"breaks the pattern", tagPush("data/mda", "vlatest", commit), 200, `it must match`, nil},
		{"removed", tagPush("data/mda", "v2026.11.3", ""), 200, "a tag was removed, which starts nothing", nil},
		{"a branch", strings.Replace(tagPush("data/mda", "x", commit), "refs/tags", "refs/heads", 1), 200, "names no tag", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			w := post(hook(t, s), test.body)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("got %d %s, want %d with %q", w.Code, w.Body, test.status, test.want)
			}
			if got := versions(t, s); !slices.Equal(got, test.runs) {
				t.Errorf("got runs %q, want %q", got, test.runs)
			}
		})
	}
}

func TestTagPushMakesOneRunHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	g := hook(t, s)
	woken := 0
	g.Wake = func() { woken++ }
	body := tagPush("data/mda", "v2026.11.3", commit)
	first := post(g, body, http.Header{"Idempotency-Key": {"d1"}})
	for _, again := range []http.Header{{"Idempotency-Key": {"d1"}}, {"Idempotency-Key": {"d2"}}, nil, signed("d3", clock, "")} {
		again.Del("Webhook-Signature")
		w := post(g, body, again)
		if w.Code != http.StatusAccepted || strings.Contains(w.Body.String(), `"new":true`) {
			t.Errorf("the repeat %v: got %d %s", again, w.Code, w.Body)
		}
	}
	if first.Code != http.StatusAccepted || woken == 0 {
		t.Errorf("the first: got %d %s, woke the engine %d times", first.Code, first.Body, woken)
	}
	if got := versions(t, s); len(got) != 1 {
		t.Errorf("got runs %q, want one", got)
	}
	runs, err := s.Runs(t.Context(), bot.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	r := runs[0]
	if r.Key != "tag data/mda v2026.11.3 "+commit || r.By != "ana" || r.Origin != bot.OriginTag || r.Link != "https://gitlab.example.com/data/mda/-/tags/v2026.11.3" {
		t.Errorf("the run has key %q, by %q, origin %q, link %q", r.Key, r.By, r.Origin, r.Link)
	}
}

func TestTagThatMovedIsRefused(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	g := hook(t, s)
	post(g, tagPush("data/mda", "v2026.11.3", commit))
	w := post(g, tagPush("data/mda", "v2026.11.3", strings.Repeat("a", 40)))
	if w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), `"refused":true`) || !strings.Contains(w.Body.String(), commit) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if got := versions(t, s); len(got) != 1 {
		t.Errorf("got runs %q, want one", got)
	}
}

func TestHookThatCannotBeStoredIsAnError(t *testing.T) {
	t.Parallel()
	w := post(hook(t, broken{}), tagPush("data/mda", "v2026.11.3", commit))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), errBroken.Error()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// lanes is a Store with runs that hold lanes.
type lanes struct {
	broken
	runs []bot.Run
}

func (l lanes) Active(context.Context) ([]bot.Run, error) { return l.runs, nil }

func TestOtherHooksWakeTheRunsOfTheirProject(t *testing.T) {
	t.Parallel()
	mda := bot.Run{ID: "mda", Stages: []bot.Stage{{Plan: bot.StagePlan{Repo: "env/mda", Gates: []bot.GatePlan{{Pipeline: &bot.PipelineGate{Project: "qa/int-test"}}}}}}}
	other := bot.Run{ID: "other", Stages: []bot.Stage{{Plan: bot.StagePlan{Repo: "env/other"}}}}
	tests := []struct{ kind, project, want string }{
		{"merge_request", "env/mda", "mda"},
		{"pipeline", "qa/int-test", "mda"},
		{"push", "env/other", "other"},
		{"note", "env/nobody", ""},
	}
	for _, test := range tests {
		g := hook(t, lanes{runs: []bot.Run{mda, other}})
		var woken []string
		g.Hint = func(_ context.Context, run, delivery string) error {
			if delivery != "hook d1" {
				t.Errorf("delivery is %q", delivery)
			}
			woken = append(woken, run)
			return nil
		}
		body := fmt.Sprintf(`{"object_kind":%q,"project":{"path_with_namespace":%q}}`, test.kind, test.project)
		w := post(g, body, http.Header{"Idempotency-Key": {"d1"}})
		if got := strings.Join(woken, " "); w.Code != http.StatusOK || got != test.want {
			t.Errorf("%s of %s: got %d, woke %q, want %q", test.kind, test.project, w.Code, got, test.want)
		}
	}
}

func TestHintThatFailsIsNoFailureOfTheHook(t *testing.T) {
	t.Parallel()
	g := hook(t, lanes{runs: []bot.Run{{ID: "mda", Stages: []bot.Stage{{Plan: bot.StagePlan{Repo: "env/mda"}}}}}})
	g.Hint = func(context.Context, string, string) error { return errors.New("no") }
	w := post(g, `{"object_kind":"push","project":{"path_with_namespace":"env/mda"}}`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "woke 0 runs") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestPayloadsOfOthers reads hooks that others have collected, where they are present.
func TestPayloadsOfOthers(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("LOCKSTEP_CONTRACT")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "gitlab-contract")
	}
	files, err := filepath.Glob(filepath.Join(dir, "webhooks", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no collected payloads here: set LOCKSTEP_CONTRACT to their folder")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w := post(hook(t, lanes{}), string(body))
		if w.Code != http.StatusOK && !strings.Contains(w.Body.String(), "object_kind") {
			t.Errorf("%s: got %d %s", file, w.Code, w.Body)
		}
		if e, err := parseEvent(body); strings.Contains(file, "tag") && err == nil && (e.Commit == "" || e.Project.Path == "" || !strings.HasPrefix(e.Ref, "refs/tags/")) {
			t.Errorf("%s: got %+v", file, e)
		}
	}
}

func FuzzWebhook(f *testing.F) {
	for _, body := range []string{
		tagPush("data/mda", "v2026.11.3", commit), tagPush("data/mda", "v2026.11.3", ""),
		`{"object_kind":"pipeline","project":{"path_with_namespace":"env/mda"}}`, `{"object_kind":1}`, `{"project":[]}`, `[[`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		g := hook(t, accepting{})
		if w := post(g, string(body)); w.Code >= http.StatusInternalServerError || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: got %d %s", body, w.Code, w.Body)
		}
	})
}

// accepting is a Store that takes whatever is well formed.
type accepting struct{ lanes }

func (accepting) AcceptAll(_ context.Context, delivery string, requests []bot.Request, _ time.Time) ([]bot.Answer, error) {
	for _, q := range requests {
		if _, err := gitops.ParseVersion(string(q.Version)); err != nil || delivery == "" || (q.Subject != "" || q.Commit != "") && !commitID.MatchString(q.Commit) {
			return nil, fmt.Errorf("request %+v of delivery %q is not well formed", q, delivery)
		}
	}
	return make([]bot.Answer, len(requests)), nil
}
