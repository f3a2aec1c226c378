package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"lockstep/gitops"
)

// What asking services may take.
const (
	askWithin = 10 * time.Second // one service
	askAtOnce = 16               // services at the same time
	maxAnswer = 1 << 20          // bytes of an answer
)

// HTTP watches an environment by asking each service itself which version it runs. It
// serves where nothing else tells, such as where a parameter alone is deployed. Behind a
// balancer one instance speaks for all. A service is never Broken by what it answers:
// that a deployment failed, only the end of its time limit says.
type HTTP struct {
	Client *http.Client                              // nil: one of our own
	URL    string                                    // with {service} and {environment}
	Field  string                                    // where the version stands in the JSON answer: data.version; "": the whole answer is it
	Token  func(ctx context.Context) (string, error) // of the requests; nil: none
}

// Services says of each service of d, in the order asked, whether it answers with the
// version that d gives it. One that does not answer, or answers something else than a
// version, is Unsure. An error means that none could be asked.
func (w HTTP) Services(ctx context.Context, d gitops.Deployment) (gitops.Seen, error) {
	ask, err := w.asker(ctx)
	if err != nil {
		return nil, fmt.Errorf("watch services of %s: token: %w", d.Environment, err)
	}
	seen := make(gitops.Seen, len(d.Services))
	free := make(chan struct{}, askAtOnce)
	var asking sync.WaitGroup
	for i, target := range d.Services {
		free <- struct{}{}
		asking.Go(func() {
			defer func() { <-free }()
			seen[i] = w.compare(ctx, ask, d.Environment, target)
		})
	}
	asking.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("watch services of %s: %w", d.Environment, err)
	}
	return seen, nil
}

// asker returns what sends a request, with the token as it is now. It follows no
// redirect: where an answer comes from is configured.
func (w HTTP) asker(ctx context.Context) (func(*http.Request) (*http.Response, error), error) {
	client := http.Client{}
	if w.Client != nil {
		client = *w.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if w.Token == nil {
		return client.Do, nil
	}
	token, err := w.Token(ctx)
	return func(r *http.Request) (*http.Response, error) {
		r.Header.Set("Authorization", "Bearer "+token)
		return client.Do(r)
	}, err
}

// compare says what the answer of one service tells of it.
func (w HTTP) compare(ctx context.Context, ask func(*http.Request) (*http.Response, error), environment string, target gitops.Target) gitops.ServiceStatus {
	status := gitops.ServiceStatus{Service: target.Service}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.address(environment, target.Service), nil)
	if err != nil {
		status.Reason = "its address is none: see to the placeholders of the URL"
		return status
	}
	r.Header.Set("Cache-Control", "no-cache") // what a cache remembers is too old
	status.Link = place(r.URL)
	switch runs, err := w.version(ask, r); {
	case err != nil:
		status.Reason = err.Error()
	case runs == target.Version:
		status.Known, status.Reason = gitops.Running, fmt.Sprintf("runs %s", runs)
	default:
		status.Known, status.Reason = gitops.NotYet, fmt.Sprintf("still runs %s", runs)
	}
	return status
}

// address returns where a service answers. What is put into it brings no further parts
// of an address.
func (w HTTP) address(environment, service string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return strings.NewReplacer("{environment}", escape(environment), "{service}", escape(service)).Replace(w.URL)
}

// version returns the version that is answered. The error is a clause for people, which
// holds no more of the address than the link does, and nothing of the answer.
func (w HTTP) version(ask func(*http.Request) (*http.Response, error), r *http.Request) (gitops.Version, error) {
	answer, err := ask(r)
	if err != nil {
		return "", mute(err)
	}
	defer answer.Body.Close()
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return "", fmt.Errorf("answers %d: see to the token", code)
	case code >= 300 && code < 400:
		return "", fmt.Errorf("answers %d, a redirect, which is not followed: configure the URL to which it leads", code)
	case code != http.StatusOK:
		return "", fmt.Errorf("answers %d", code)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return "", mute(err)
	case len(body) > maxAnswer:
		return "", errors.New("answers more than 1 MiB")
	}
	text, err := pick(body, w.Field)
	if err != nil {
		return "", err
	}
	version, err := gitops.ParseVersion(text)
	if err != nil {
		return "", errors.New("answers something that is no version")
	}
	return version, nil
}

// pick returns the text or number at a dotted path in a JSON document; for no path the
// document itself, which may be plain text.
func pick(body []byte, field string) (string, error) {
	if field == "" && !bytes.HasPrefix(bytes.TrimSpace(body), []byte(`"`)) {
		return string(bytes.TrimSpace(body)), nil
	}
	var at any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // 1.10 is not 1.1
	if err := decoder.Decode(&at); err != nil {
		return "", errors.New("answers no JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("answers no JSON")
	}
	for _, name := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' }) {
		object, _ := at.(map[string]any)
		value, ok := object[name]
		if !ok {
			return "", fmt.Errorf("its answer has no %s", field)
		}
		at = value
	}
	switch value := at.(type) {
	case string:
		return value, nil
	case json.Number:
		return value.String(), nil
	}
	return "", fmt.Errorf("its %s is neither text nor a number", field)
}

// mute returns why there is no answer, without the address that net/http repeats.
func mute(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("did not answer within %v", askWithin)
	}
	return fmt.Errorf("did not answer: %v", err)
}

// place returns an address without what may be secret in it.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }
