// Package gitlab is what Lockstep asks of GitLab and does in GitLab, in the types
// of package gitops: merge requests and the rules for them, pipelines and their jobs,
// notes, tags. It is the only package that imports the GitLab client, whose successor
// will have to replace it one day.
//
// Every write is looked for before it is done, so that doing it again after a lost
// answer does it once. Reads are repeated a few times here, writes never: whether a
// write whose answer was lost took effect is found out by looking, at the next call.
//
// Errors tell apart what a caller can decide on: gitops.ErrNotFound,
// gitops.ErrConflict (read again), gitops.ErrRefused (a person has to mend it); all
// others mean that nobody could tell. No error holds the token.
//
// It keeps nothing but the bot's own user, and never decides anything about a run.
package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	api "github.com/xanzy/go-gitlab"
	"golang.org/x/time/rate"
)

//lint:file-ignore SA1019 the client is frozen and does what we need; this package hides it until it is replaced.

// Options say which GitLab to use, and as whom. URL and Token are required.
type Options struct {
	// URL is where GitLab is: "https://gitlab.example.com". It holds no credentials.
	URL string

	// Token returns the access token of the bot. It is called for every request, so
	// that a renewed token is used at once.
	Token func() string

	// HTTP makes the requests; nil means a client of our own, which gives up after
	// 30 seconds. It is copied, its redirect policy is replaced.
	HTTP *http.Client

	// Rate is how many requests per second are made at most, in bursts of twice as
	// many; 0 means 10.
	Rate rate.Limit

	// Asked is told of each request that GitLab was sent, repeats included: its method, the
	// status of the answer, 0 when none came, and how long it took until the answer began.
	// A request whose caller gave it up is left out. nil: nobody is told.
	Asked func(method string, status int, took time.Duration)

	// Waited is told how long a request had to wait for Rate. nil: nobody is told.
	Waited func(wait time.Duration)
}

// A Client speaks to one GitLab as one bot. It is safe for concurrent use.
type Client struct {
	// send makes one request with the library's client and decodes the answer. The
	// library's client is no field of its own: the linker would keep each of its
	// hundred services for whoever might look at them by reflection.
	send  func(ctx context.Context, method, path string, options, answer any) (*api.Response, error)
	token func() string

	mu   sync.Mutex
	user User   // the owner of the token below; its zero value: not asked yet
	of   string // the token that user was asked with
}

const (
	timeout    = 30 * time.Second // of one request, its answer's body included
	perPage    = 100              // GitLab gives no more
	rateLimit  = 10               // requests per second
	answerSize = 32 << 20         // bytes of an answer that are read at most
	errorSize  = 64 << 10         // bytes of an answer that tells of an error
)

// New returns a client. It sends nothing yet, so that an outage of GitLab keeps
// nobody from starting; options that cannot work are errors.
func New(o Options) (*Client, error) {
	base, err := baseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("gitlab: %v", err)
	}
	if o.Token == nil {
		return nil, errors.New("gitlab: no token is configured")
	}
	if o.Asked == nil {
		o.Asked = func(string, int, time.Duration) {}
	}
	if o.Waited == nil {
		o.Waited = func(time.Duration) {}
	}
	c := &Client{token: func() string { return strings.TrimSpace(o.Token()) }}
	limit := cmp.Or(o.Rate, rateLimit)
	client, err := api.NewClient("", // the transport sets the token
		api.WithBaseURL(base.String()),
		api.WithHTTPClient(httpClient(o.HTTP, base, signer{token: c.token, asked: o.Asked})),
		// Without a limiter the client obeys the headers of its first answer for ever.
		api.WithCustomLimiter(limiter{rate.NewLimiter(limit, max(1, int(2*limit))), o.Waited}),
		api.WithCustomRetryMax(maxRetries),
		api.WithCustomRetry(retryRead), // the client's own repeats writes as well
		api.WithCustomBackoff(backoff),
	)
	if err != nil {
		return nil, fmt.Errorf("gitlab: %v", err)
	}
	c.send = func(ctx context.Context, method, path string, options, answer any) (*api.Response, error) {
		request, err := client.NewRequest(method, path, options, []api.RequestOptionFunc{api.WithContext(ctx)})
		if err != nil {
			return nil, err
		}
		return client.Do(request, answer)
	}
	return c, nil
}

// baseURL checks the configured URL. Its errors do not repeat it: it may hold a
// password that should not be there.
func baseURL(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("its URL cannot be read")
	case base.User != nil:
		return nil, errors.New("its URL holds credentials: leave them out, the token is configured by itself")
	case base.Scheme != "https" && base.Scheme != "http", base.Host == "":
		return nil, errors.New("its URL must begin with https:// and name a host")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("its URL must end with the path")
	}
	return base, nil
}

// httpClient returns a copy of given (nil: one of our own) whose requests go through sign,
// and which stays at the origin of base.
func httpClient(given *http.Client, base *url.URL, sign signer) *http.Client {
	client := http.Client{Timeout: timeout}
	if given != nil {
		client = *given
	}
	if sign.base = client.Transport; sign.base == nil {
		sign.base = http.DefaultTransport
	}
	client.Transport = sign
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case via[0].Method != http.MethodGet:
			return errors.New("it redirects a write: configure the URL or the path of the project that it has now")
		case next.URL.Scheme != base.Scheme || next.URL.Host != base.Host:
			return fmt.Errorf("it redirects to %s://%s: configure that as its URL", next.URL.Scheme, next.URL.Host)
		case len(via) >= 5:
			return errors.New("it redirects in a circle")
		}
		return nil
	}
	return &client
}

// A limiter holds requests back, and tells for how long.
type limiter struct {
	*rate.Limiter
	waited func(time.Duration)
}

// Wait returns when the next request may go, or ctx ends.
func (l limiter) Wait(ctx context.Context) error {
	began := time.Now()
	err := l.Limiter.Wait(ctx)
	l.waited(time.Since(began))
	return err
}

// A signer adds the token to each request, tells of it, and bounds what is read of its
// answer.
type signer struct {
	base  http.RoundTripper
	token func() string
	asked func(method string, status int, took time.Duration)
}

// RoundTrip implements http.RoundTripper.
func (s signer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("PRIVATE-TOKEN", s.token())
	began := time.Now()
	answer, err := s.base.RoundTrip(r)
	if err != nil {
		if !errors.Is(r.Context().Err(), context.Canceled) {
			s.asked(r.Method, 0, time.Since(began))
		}
		return nil, err
	}
	s.asked(r.Method, answer.StatusCode, time.Since(began))
	if answer.StatusCode >= http.StatusBadRequest {
		answer.Body = head(answer.Body, errorSize)
	} else {
		answer.Body = http.MaxBytesReader(nil, answer.Body, answerSize)
	}
	return answer, nil
}

// do sends one request and decodes what it needs of the answer into answer. The
// answers are types of our own: those of the client know every field, and fail when
// GitLab changes the type of one that nobody here reads.
func (c *Client) do(ctx context.Context, method, path string, options, answer any) (*api.Response, error) {
	response, err := c.send(ctx, method, path, options, answer)
	return response, c.why(err)
}

// read asks for one thing.
func read[T any](ctx context.Context, c *Client, path string, options any) (T, error) {
	var answer T
	_, err := c.do(ctx, http.MethodGet, path, options, &answer)
	return answer, err
}

// list asks for page after page until there is no more or limit items are there.
// Options returns the parameters for one page.
func list[T any](ctx context.Context, c *Client, limit int, path string, options func(api.ListOptions) any) ([]T, error) {
	var items []T
	page := api.ListOptions{PerPage: min(limit, perPage), Page: 1}
	for {
		var more []T
		response, err := c.do(ctx, http.MethodGet, path, options(page), &more)
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
		if len(items) >= limit {
			return items[:limit], nil
		}
		if page.Page = response.NextPage; page.Page == 0 {
			return items, nil
		}
	}
}

// projectPath returns where the API has a project; project is its path or its id.
func projectPath(project string) string { return "projects/" + api.PathEscape(project) }

// optional returns nil for "", which leaves a parameter out of a request.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
