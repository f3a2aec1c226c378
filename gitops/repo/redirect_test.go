package repo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRedirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		t.Errorf("the other host was asked for %s", req.URL)
	}))
	t.Cleanup(other.Close)
	away := httptest.NewServer(http.RedirectHandler(other.URL+"/env/mda.git/info/refs?service=git-upload-pack", http.StatusMovedPermanently))
	t.Cleanup(away.Close)
	r := &Repo{URL: away.URL + "/env/mda.git", Project: "env/mda", Password: func() string { return secret }}
	if _, err := r.Head(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "redirects from") {
		t.Errorf("to another host: %v, want a refusal", err)
	}

	s := serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if path, ok := strings.CutPrefix(req.URL.Path, "/old/"); ok {
				http.Redirect(w, req, "/"+path+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
				return
			}
			backend.ServeHTTP(w, req)
		})
	})
	s.repo.URL = strings.Replace(s.repo.URL, "/env.git", "/old/env.git", 1)
	if _, err := s.repo.Push(t.Context(), s.base(t), bump("b"), map[string][]byte{values: []byte(bumped)}, ""); err != nil {
		t.Errorf("within the host, as after a rename: %v", err)
	}
}

// Where a redirect leads is decided by the first request, and before anything is sent
// there.
func TestWhereRedirectsLead(t *testing.T) {
	t.Parallel()
	const says = "redirects from https://"
	for name, test := range map[string]struct{ to, says string }{
		"the same host":               {"https://HOST/new", ""},
		"a path alone":                {"/new", ""},
		"without encryption":          {"http://HOST/new", says},
		"another host":                {"https://gitlab.invalid/new", says},
		"another port":                {"https://127.0.0.1:1/new", says},
		"with credentials":            {"https://a:b@gitlab.invalid/new", says},
		"encryption is lost later":    {"/hop?to=http://HOST/new", says},
		"the host changes later":      {"/hop?to=https://gitlab.invalid/new", says},
		"itself":                      {"/loop", "without an end"},
		"another scheme":              {"file:///etc/passwd", says},
		"a host as the user's name":   {"https://HOST@gitlab.invalid/new", says},
		"a backslash before the host": {"https://gitlab.invalid\\@HOST/new", "Location"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				to := strings.ReplaceAll(test.to, "HOST", req.Host)
				switch req.URL.Path {
				case "/hop":
					to = req.URL.Query().Get("to")
				case "/loop":
					to = "/loop"
				case "/new":
					return
				}
				w.Header()["Location"] = []string{to}
				w.WriteHeader(http.StatusFound)
			}))
			t.Cleanup(srv.Close)
			client := &http.Client{CheckRedirect: web.CheckRedirect, Transport: srv.Client().Transport}
			answer, err := client.Get(srv.URL + "/old")
			if err == nil {
				answer.Body.Close()
			}
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("to %s: %v, want %q", test.to, err, test.says)
			}
		})
	}
}

// A request that carries something is not sent anywhere else: of a push it would not be
// known what it did.
func TestRedirectedPush(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		var followed atomic.Bool
		s := serve(t, func(backend http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				switch {
				case strings.HasPrefix(req.URL.Path, "/new/"):
					followed.Store(true)
				case isPush(req):
					http.Redirect(w, req, "/new"+req.URL.Path, status)
				default:
					backend.ServeHTTP(w, req)
				}
			})
		})
		_, err := s.repo.Push(t.Context(), s.base(t), bump("b"), map[string][]byte{values: []byte(bumped)}, "")
		if err == nil || knowledge(err) || followed.Load() || !strings.Contains(err.Error(), "the repository was moved just now") {
			t.Errorf("%d: %v, followed: %v, want an error that knows nothing", status, err, followed.Load())
		}
	}
}

// A project that is renamed while its greeting is remembered is found at its new path.
func TestRenamedMeanwhile(t *testing.T) {
	t.Parallel()
	var renamed atomic.Bool
	s := serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			path, isNew := strings.CutPrefix(req.URL.Path, "/new/")
			switch {
			case isNew:
				req.URL.Path = "/" + path
				backend.ServeHTTP(w, req)
			case renamed.Load():
				http.Redirect(w, req, "/new"+req.URL.RequestURI(), http.StatusMovedPermanently)
			default:
				backend.ServeHTTP(w, req)
			}
		})
	})
	for _, moved := range []bool{false, true, true} {
		renamed.Store(moved)
		base := s.base(t)
		if got, err := base.File(values); err != nil || string(got) != version {
			t.Errorf("moved %v: %q, %v", moved, got, err)
		}
	}
}
