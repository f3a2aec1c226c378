package repo

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lockstep/gitops"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const ref = "refs/heads/b"
	tests := []struct {
		unpack, ref, status, remarks string
		is                           error // nil: we could not tell
		says                         string
	}{
		{"ok", ref, "incorrect old value provided", "", gitops.ErrConflict, "incorrect old value provided"},
		{"ok", ref, "failed to update ref", "error: cannot lock ref 'refs/heads/b': is at a but expected c\n", gitops.ErrConflict, "is at a"},
		{"ok", ref, "cannot lock ref", "", gitops.ErrConflict, ""},
		{"ok", ref, "fetch first", "", gitops.ErrConflict, ""},
		{"ok", ref, "reference already exists", "", gitops.ErrConflict, ""},
		{"ok", ref, "reference does not exist", "", gitops.ErrConflict, ""},
		{"ok", ref, "refname conflict", "", gitops.ErrConflict, ""},
		{"ok", ref, "reference does not point to expected object", "", gitops.ErrConflict, ""},
		{"ok", ref, "reference is already locked", "", gitops.ErrConflict, ""},
		{"ok", ref, "file directory conflict", "", gitops.ErrConflict, ""},
		{"ok", ref, "non-fast-forward", "error: denying non-fast-forward refs/heads/b (you should pull first)", gitops.ErrRefused, "denying"},
		{"ok", ref, "update hook failed", "GL-HOOK-ERR: no", gitops.ErrRefused, "GL-HOOK-ERR: no"},
		{"ok", ref, "deny updating a hidden ref", "", gitops.ErrRefused, "hidden ref"},
		{"ok", ref, "pre-receive hook declined", "GitLab: You are not allowed to push code", gitops.ErrRefused, "hook declined: GitLab: You are"},
		{"ok", ref, "pre-receive hook declined", "please fetch first", gitops.ErrRefused, "please fetch first"},
		{"ok", ref, "hook declined", "", gitops.ErrRefused, "refused: hook declined"},
		{"ok", ref, "protected branch", "", gitops.ErrRefused, ""},
		{"ok", ref, "deletion prohibited", "", gitops.ErrRefused, ""},
		{"ok", ref, "pre-receive hook declined", "GitLab: 500 Internal Server Error", nil, "could not decide"},
		{"ok", ref, "pre-receive hook declined", "GitLab: You can't push code to a read-only GitLab instance.", nil, "could not decide"},
		{"ok", ref, "pre-receive hook declined", "error executing git hook\n", nil, "could not decide"},
		{"ok", ref, "pre-receive hook declined", "GitLab: /allowed endpoint respond with unsupported content type: text/html", nil, "could not decide"},
		{"ok", ref, "pre-receive hook declined", "GitLab: This endpoint has been requested too many times. Try again later.", nil, "could not decide"},
		{"ok", ref, "pre-receive hook declined", strings.Repeat("checking\n", 60) + "GitLab: Internal API unreachable", nil, "could not decide"},
		{"ok", ref, "fail to run proc-receive hook", "error executing git hook\n", nil, "could not decide"},
		{"ok", ref, "missing necessary objects", "", nil, "did not take the push"},
		{"index-pack abnormal exit", ref, "unpacker error", "", nil, "could not unpack the commit (index-pack abnormal exit)"},
		{"ok", "refs/heads/other", "ok", "", nil, "does not mention refs/heads/b"},
		{"ok", ref, "", "", nil, "does not mention"},
	}
	for _, test := range tests {
		answer := report{unpack: test.unpack, refs: map[string]string{test.ref: test.status}}
		err := answer.judge(ref, test.remarks)
		if err == nil || knowledge(err) != (test.is != nil) || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s, %s %s, %q: %v, want %v, %q", test.unpack, test.ref, test.status, test.remarks, err, test.is, test.says)
		}
	}
	done := report{unpack: "ok", refs: map[string]string{ref: "ok"}}
	if err := done.judge(ref, "not allowed"); err != nil {
		t.Errorf("done: %v", err)
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "",
		"\n=======\n\nGitLab:\x07  no.\r\n\n====\n": "GitLab: no.",
		"caf\xe9":                  "caf?",
		strings.Repeat("äb ", 200): strings.Repeat("äb ", 100) + " …",
	} {
		if got := sentence(text); got != want {
			t.Errorf("sentence(%q) = %q, want %q", text, got, want)
		}
	}
}

const secret = "glpat-Zm9vYmFy"

// TestNoSecretInErrors makes every kind of failure that a server can, with a server
// that sends back what it was sent.
func TestNoSecretInErrors(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"401": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"403": func(w http.ResponseWriter, req *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, password, _ := req.BasicAuth()
			fmt.Fprintf(w, "no entry for %s with %s", password, req.Header.Get("Authorization"))
		},
		"page":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>No.</html>", http.StatusForbidden) },
		"404":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"502":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"cut":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"garbage": func(w http.ResponseWriter, req *http.Request) { fmt.Fprint(w, req.Header) },
		"ERR": func(w http.ResponseWriter, req *http.Request) {
			_, password, _ := req.BasicAuth()
			text := "ERR go away, " + password + "\n"
			fmt.Fprintf(w, "%04x%s", len(text)+4, text)
		},
	}
	want := map[string]string{
		"401": "does not accept the access token (401)", "403": "(403): no entry for *** with Basic ***:", "404": "no repository at /env/mda.git (404)",
		"page": "may not do this (403): give its user", "502": "status 502", "ERR": "the server says: go away, ***",
	}
	for name, answer := range answers {
		srv := httptest.NewServer(answer)
		t.Cleanup(srv.Close)
		r := &Repo{URL: srv.URL + "/env/mda.git", Project: "env/mda", Password: func() string { return secret }}
		_, head := r.Head(t.Context(), "main")
		for _, err := range []error{head, r.Delete(t.Context(), "main", strings.Repeat("ab", 20))} {
			if err == nil || knowledge(err) || !strings.Contains(err.Error(), want[name]) {
				t.Errorf("%s: %v, want %q", name, err, want[name])
			}
			hidden(t, name, err)
		}
	}
	gone := &Repo{URL: "http://127.0.0.1:1/env/mda.git", Project: "env/mda", Password: func() string { return secret }}
	_, err := gone.Head(t.Context(), "main")
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody listens: %v", err)
	}
	hidden(t, "nobody listens", err)
}

// hidden fails the test if err shows the access token, plain or as it is sent, or more
// of its beginning than its kind.
func hidden(t *testing.T, when string, err error) {
	t.Helper()
	sent := base64.StdEncoding.EncodeToString([]byte("oauth2:" + secret))
	if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, secret[:8]) || strings.Contains(text, sent[:16]) {
		t.Errorf("%s: the error shows the access token: %s", when, text)
	}
}

// What a server sends back of our request is cut at some length, perhaps in the middle
// of the access token.
func TestNoPartOfTheSecret(t *testing.T) {
	t.Parallel()
	l := login{user: "oauth2", password: secret}
	sent := base64.StdEncoding.EncodeToString([]byte("oauth2:" + secret))
	for pad := range 60 {
		for _, echo := range []string{secret, sent} {
			line := strings.Repeat("x", 340+pad) + echo
			hidden(t, "cut", l.mask(errors.New(sentence(line))))
			hidden(t, "quoted", l.mask(fmt.Errorf("%.380q", line)))
		}
	}
	if err := (login{user: "u", password: "pw"}).mask(errors.New("pw p")); err.Error() != "*** p" {
		t.Errorf("a short one: %v", err)
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"":                               "must begin with https://",
		"git@gitlab.example.com:env.git": "cannot be parsed",
		"ssh://gitlab.example.com/env":   "must begin with https://",
		"/srv/env.git":                   "must begin with https://",
		"https:///env.git":               "must begin with https://",
		"https://x/env.git?a=b":          "without ? or #",
		"https://x/env.git#a":            "without ? or #",
		"https://x/env.git?":             "without ? or #",
		"https://x/env.git#":             "without ? or #",
		"https://oauth2:" + secret + "@gitlab.example.com/env.git":    "contains credentials",
		"https://" + secret + "@gitlab.example.com/env.git":           "contains credentials",
		"https://oauth2:" + secret + "%zz@gitlab.example.com/env.git": "cannot be parsed",
	} {
		r := &Repo{URL: url, Project: "env/mda"}
		_, err := r.Head(t.Context(), "main")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", url, err, says)
		}
		hidden(t, url, err)
	}
}

func TestPasswordIsAskedForEachTime(t *testing.T) {
	t.Parallel()
	s := serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if user, password, _ := req.BasicAuth(); user != "oauth2" || password != secret {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			backend.ServeHTTP(w, req)
		})
	})
	if _, err := s.repo.Head(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("anonymous: %v, want 401", err)
	}
	token := "expired"
	s.repo.Password = func() string { return token }
	if _, err := s.repo.Head(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("expired: %v, want 401", err)
	}
	token = secret
	if _, err := s.repo.Push(t.Context(), s.base(t), bump("b"), map[string][]byte{values: []byte(bumped)}, ""); err != nil {
		t.Errorf("renewed: %v", err)
	}
}

func TestEmptyAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method != http.MethodPost || strings.HasSuffix(req.URL.Path, "/git-upload-pack") {
				backend.ServeHTTP(w, req)
			}
		})
	})
	_, err := s.repo.Push(t.Context(), s.base(t), bump("b"), map[string][]byte{values: []byte(bumped)}, "")
	if err == nil || knowledge(err) || !strings.Contains(err.Error(), "whether the server took the push is not known") {
		t.Errorf("an empty answer: %v, want an error that knows nothing", err)
	}
}
