package gates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"lockstep/gitops"
)

// What one question by HTTP may take and answer.
const (
	askWithin = 30 * time.Second
	maxAnswer = 1 << 20 // bytes
)

// A Token returns a bearer token; it is asked each time, because tokens are renewed.
type Token func(ctx context.Context) (string, error)

// authorize sets the bearer token of a request, where there is one.
func (t Token) authorize(r *http.Request) error {
	if t == nil {
		return nil
	}
	token, err := t(r.Context())
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// asking returns a client that waits no longer than askWithin and follows no redirect:
// where an answer comes from is configured.
func asking(c *http.Client) *http.Client {
	asks := http.Client{Timeout: askWithin}
	if c != nil {
		asks = *c
	}
	asks.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &asks
}

// send sends a request and reads its answer. The error names neither the query of the
// address nor the token.
func send(c *http.Client, r *http.Request) (status int, header http.Header, body []byte, err error) {
	response, err := asking(c).Do(r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ask %s: %w", place(r.URL), quiet(err))
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, nil, fmt.Errorf("read the answer of %s: %w", place(r.URL), quiet(err))
	case len(body) > maxAnswer:
		return 0, nil, nil, fmt.Errorf("the answer of %s has more than 1 MiB", place(r.URL))
	}
	return response.StatusCode, response.Header, body, nil
}

// place returns an address without what may be secret in it.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// quiet returns what went wrong without the address that net/http repeats.
func quiet(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// unsaid returns the error of an answer that says nothing about the version: the
// source is busy or broken, or does not know us.
func unsaid(at *url.URL, status int) error {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("%s answers %d: see to its token", place(at), status)
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusTooManyRequests || status >= 500:
		return fmt.Errorf("%s answers %d", place(at), status)
	}
	return nil
}

// refused wraps what asking again would not mend.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", gitops.ErrRefused, fmt.Sprintf(format, args...))
}
