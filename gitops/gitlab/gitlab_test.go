package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/gitops"
)

// serve answers every request of a client with handler.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client(t, server.URL)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	token := func() string { return "glpat-secret" }
	tests := []struct {
		url   string
		token func() string
		want  string
	}{
		{"", token, "gitlab: its URL must begin with https:// and name a host"},
		{"gitlab.example.com", token, "gitlab: its URL must begin with https:// and name a host"},
		{"ssh://gitlab.example.com", token, "gitlab: its URL must begin with https:// and name a host"},
		{"https://gitlab.example.com?private_token=glpat-secret", token, "gitlab: its URL must end with the path"},
		{"https://bot:glpat-secret@gitlab.example.com", token, "gitlab: its URL holds credentials: leave them out, the token is configured by itself"},
		{"https://glpat-secret@git lab", token, "gitlab: its URL cannot be read"},
		{"https://gitlab.example.com", nil, "gitlab: no token is configured"},
	}
	for _, test := range tests {
		_, err := New(Options{URL: test.url, Token: test.token})
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.url, got, test.want)
		}
	}
}

// TestURL: the API may be below a path, and its address may be given in full.
func TestURL(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", "/", "/git", "/git/", "/git/api/v4", "/git/api/v4/"} {
		paths := make(chan string, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths <- r.URL.EscapedPath()
			fmt.Fprint(w, `{"id":7}`)
		}))
		t.Cleanup(server.Close)
		if _, err := client(t, server.URL+suffix).Project(t.Context(), "env/mda.x"); err != nil {
			t.Fatal(err)
		}
		want := "/api/v4/projects/env%2Fmda%2Ex"
		if strings.Contains(suffix, "git") {
			want = "/git" + want
		}
		if got := <-paths; got != want {
			t.Errorf("%q: got %q, want %q", suffix, got, want)
		}
	}
}

// TestToken: a renewed token is used at once, and may be another user's.
func TestToken(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fmt.Fprintf(w, `{"id":%d,"username":%q}`, len(r.Header.Get("PRIVATE-TOKEN")), r.Header.Get("PRIVATE-TOKEN"))
	}))
	t.Cleanup(server.Close)
	token := "one\n"
	c, err := New(Options{URL: server.URL, Token: func() string { return token }})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []User{{3, "one"}, {3, "one"}, {5, "three"}} {
		if n == 2 {
			token = "three"
		}
		if got, err := c.User(t.Context()); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

// TestRetry: reads are repeated a few times, writes never.
func TestRetry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		status   int    // of the first answers; 0 cuts the connection
		failures int32  // how many of them
		after    string // Retry-After
		write    bool
		requests int32
		ok       bool
	}{
		{"read, 502 twice", 502, 2, "", false, 3, true},
		{"read, 429 once, no header", 429, 1, "", false, 2, true},
		{"read, 429 once, wait", 429, 1, "1", false, 2, true},
		{"read, 429, wait too long", 429, 1, "60", false, 1, false},
		{"read, cut once", 0, 1, "", false, 2, true},
		{"read, 503 for ever", 503, 99, "", false, 1 + maxRetries, false},
		{"read, 400", 400, 1, "", false, 1, false},
		{"write, 502", 502, 1, "", true, 1, false},
		{"write, 429", 429, 1, "1", true, 1, false},
		{"write, cut", 0, 1, "", true, 1, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) > test.failures {
					fmt.Fprint(w, `{}`)
					return
				}
				if test.status == 0 {
					panic(http.ErrAbortHandler)
				}
				if test.after != "" {
					w.Header().Set("Retry-After", test.after)
				}
				w.WriteHeader(test.status)
			})
			call := every["project"]
			if test.write {
				call = every["merge"]
			}
			err := call(t.Context(), c)
			if n := requests.Load(); (err == nil) != test.ok || n != test.requests {
				t.Errorf("got %v after %d requests, want %d", err, n, test.requests)
			}
		})
	}
}

// TestRetryStops: who waits for GitLab stops with its context.
func TestRetryStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "9")
		w.WriteHeader(http.StatusTooManyRequests)
		cancel()
	})
	if _, err := c.Project(ctx, env); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestRateHeaders: the client would slow down for ever after one answer with a small
// limit.
func TestRateHeaders(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("RateLimit-Limit", "1")
		fmt.Fprint(w, `{}`)
	})
	for range 5 {
		if _, err := c.Project(ctx, env); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	leaked := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked <- r.Header.Get("PRIVATE-TOKEN")
	}))
	t.Cleanup(other.Close)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.EscapedPath(), "moved%2Fmda"):
			http.Redirect(w, r, "/api/v4/projects/7", http.StatusMovedPermanently)
		case strings.HasSuffix(r.URL.Path, "/7"):
			fmt.Fprint(w, `{"id":7}`)
		default:
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	})
	if p, err := c.Project(t.Context(), "moved/mda"); err != nil || p.ID != 7 {
		t.Errorf("moved project: got %+v, %v", p, err)
	}
	if _, err := c.Project(t.Context(), env); err == nil || !strings.Contains(err.Error(), "it redirects to "+other.URL) {
		t.Errorf("other host: got %v", err)
	}
	if _, err := c.create(t.Context(), proposal(branch)); err == nil || !strings.Contains(err.Error(), "it redirects a write") {
		t.Errorf("write: got %v", err)
	}
	select {
	case token := <-leaked:
		t.Errorf("the other host was asked, with token %q", token)
	default:
	}
}

// every is one call of each method that speaks to GitLab.
var every = map[string]func(context.Context, *Client) error{
	"find":          func(ctx context.Context, c *Client) error { _, err := c.Find(ctx, env, branch); return err },
	"open":          func(ctx context.Context, c *Client) error { _, err := c.Open(ctx, proposal(branch)); return err },
	"merge request": func(ctx context.Context, c *Client) error { _, err := c.MergeRequest(ctx, env, 5); return err },
	"merge": func(ctx context.Context, c *Client) error {
		return c.Merge(ctx, gitops.MergeRequest{Project: env, IID: 5, SHA: "1111", Target: "main"})
	},
	"close": func(ctx context.Context, c *Client) error { return c.Close(ctx, env, 5) },
	"label": func(ctx context.Context, c *Client) error { return c.Label(ctx, env, 5, []string{"a"}, nil) },
	"note":  func(ctx context.Context, c *Client) error { return c.Note(ctx, env, 5, "m", "text") },
	"pipelines": func(ctx context.Context, c *Client) error {
		_, err := c.Pipelines(ctx, env, gitops.PipelineQuery{})
		return err
	},
	"jobs":   func(ctx context.Context, c *Client) error { _, err := c.Jobs(ctx, env, 12); return err },
	"cancel": func(ctx context.Context, c *Client) error { return c.Cancel(ctx, env, 12) },
	"trigger": func(ctx context.Context, c *Client) error {
		_, err := c.Trigger(ctx, gate, "main", key, variables("v"))
		return err
	},
	"triggered": func(ctx context.Context, c *Client) error {
		_, err := c.Triggered(ctx, gate, "main", key, "v", time.Now())
		return err
	},
	"newer":    func(ctx context.Context, c *Client) error { _, err := c.Newer(ctx, env, "main", "1111"); return err },
	"tags":     func(ctx context.Context, c *Client) error { _, err := c.Tags(ctx, env, 10); return err },
	"user":     func(ctx context.Context, c *Client) error { _, err := c.User(ctx); return err },
	"metadata": func(ctx context.Context, c *Client) error { _, err := c.Metadata(ctx); return err },
	"project":  func(ctx context.Context, c *Client) error { _, err := c.Project(ctx, env); return err },
}

// TestErrors holds what every error says, whatever GitLab or a proxy answers: no
// token, one line, not long, and no knowledge that it does not have.
func TestErrors(t *testing.T) {
	t.Parallel()
	page := "<html>" + strings.Repeat("glpat-secret ", 100_000) + "</html>"
	tests := []struct {
		name    string
		handler http.HandlerFunc // nil: nobody listens
		want    error            // what an error wraps; ErrRefused only where the first request is a write
		text    string           // what every error says
	}{
		{"expired", answer(401, "application/json", `{"error":"invalid_token","error_description":"Token glpat-secret is expired."}`), nil, "GitLab refuses the token (401): renew it"},
		{"forbidden", answer(403, "application/json", `{"message":"403 Forbidden\nfor glpat-secret"}`), gitops.ErrRefused, "GitLab answers 403: 403 Forbidden for ***"},
		{"absent", answer(404, "application/json", `{"message":"404 Project Not Found"}`), gitops.ErrNotFound, "GitLab answers 404"},
		{"limited", answer(429, "text/plain", "Retry later\n"), nil, "GitLab limits the rate (429, for another 1m0s): Retry later"},
		{"broken", answer(500, "text/html", page), nil, "GitLab answers 500: Internal Server Error"},
		{"talkative", answer(500, "text/plain", page), nil, "*** *** ***"},
		{"no JSON", answer(200, "text/html", page), nil, "talk to GitLab: invalid character '<'"},
		{"nobody", nil, nil, "connection refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(test.handler)
			t.Cleanup(server.Close)
			if test.handler == nil {
				server.Close()
			}
			c := client(t, server.URL)
			var asking sync.WaitGroup
			for name, call := range every {
				want := test.want
				if want == gitops.ErrRefused && name != "merge" {
					want = nil
				}
				asking.Go(func() { check(t, name, call(t.Context(), c), want, test.text) })
			}
			asking.Wait()
		})
	}
}

// check checks the error of a call: which sentinel it wraps, and its words.
func check(t *testing.T, call string, err, want error, words string) {
	t.Helper()
	text := fmt.Sprint(err)
	if strings.Contains(text, "secret") || strings.Contains(text, "\n") || len(text) > 500 || !strings.Contains(text, words) {
		t.Errorf("%s: got %q, want …%q…", call, text, words)
	}
	for _, kind := range []error{gitops.ErrNotFound, gitops.ErrConflict, gitops.ErrRefused} {
		if errors.Is(err, kind) != (kind == want) {
			t.Errorf("%s: got %q, want it to be %v", call, text, want)
		}
	}
}

// answer answers everything in the same way, and asks to wait too long to do so.
func answer(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
		want   error
		text   string
	}{
		{403, `{"message":"403 Forbidden"}`, gitops.ErrRefused, "GitLab answers 403: 403 Forbidden"},
		{403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges.","scope":"api"}`, gitops.ErrRefused, "The request requires higher privileges."},
		{409, `{"message":["Another open merge request already exists for this source branch: !5"]}`, gitops.ErrConflict, "Another open merge request already exists for this source branch: !5"},
		{400, `{"message":{"title":["can't be blank","is too short"],"base":["Reference not found"]}}`, nil, "Reference not found; title can't be blank; is too short"},
		{400, `{"error":"title is missing"}`, nil, "GitLab answers 400: title is missing"},
		{422, ``, nil, "GitLab answers 422: Unprocessable Entity"},
	}
	for _, test := range tests {
		c := serve(t, answer(test.status, "application/json", test.body))
		_, err := c.create(t.Context(), proposal(branch))
		if err == nil || !strings.Contains(err.Error(), test.text) || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%d %s: got %v, want …%q… as %v", test.status, test.body, err, test.text, test.want)
		}
	}
}
