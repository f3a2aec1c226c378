package repo

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// web speaks HTTP for all repositories, over one pool of connections.
var web = &http.Client{
	CheckRedirect: sameHost,
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
		// A connection that went silent would be used on until the kernel notices.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
	},
}

// sameHost follows a redirect of a question only within the host that was asked:
// GitLab redirects a renamed project, and nothing else has a reason to send us
// elsewhere, or away from encryption.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case req.URL.Host != first.URL.Host, first.URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("the server redirects from %s://%s to %s://%s: put the new address into the configuration if it is right",
			first.URL.Scheme, first.URL.Host, req.URL.Scheme, req.URL.Host)
	case first.Method != http.MethodGet:
		return errors.New("the server redirects to another address: the repository was moved just now")
	case len(via) >= 10:
		return errors.New("the server redirects without an end")
	}
	return nil
}

// within does work as one session: under the time limit, with credentials asked for
// now, and with an error that says what went wrong while doing what.
func (r *Repo) within(ctx context.Context, doing string, work func(context.Context, *session) error) error {
	limit := r.Timeout
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel() // also frees a connection whose answer was not read to its end

	s := &session{login: r.login()}
	at, err := address(r.URL)
	if err == nil {
		s.at = at
		err = work(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w", doing, r.Project, s.login.mask(explain(ctx, err)))
	}
	return nil
}

// A login is a user and an access token; the zero value stands for neither.
type login struct{ user, password string }

// login returns the credentials as they are now.
func (r *Repo) login() login {
	if r.Password == nil {
		return login{}
	}
	user := r.User
	if user == "" {
		user = "oauth2"
	}
	return login{user: user, password: r.Password()}
}

// A masked error reads as text and is what it wraps.
type masked struct {
	error
	text string
}

func (m masked) Error() string { return m.text }
func (m masked) Unwrap() error { return m.error }

// mask makes sure that err does not show the access token, whatever a server may have
// sent back of our request: nor more than 7 letters of its beginning, because what a
// server sent is shown up to some length.
func (l login) mask(err error) error {
	if l.password == "" {
		return err
	}
	header := base64.StdEncoding.EncodeToString([]byte(l.user + ":" + l.password))
	var masks []string
	for _, secret := range []string{l.password, header} {
		for n := len(secret); n >= min(len(secret), 8); n-- {
			masks = append(masks, secret[:n], "***")
		}
	}
	text := strings.NewReplacer(masks...).Replace(err.Error())
	if text == err.Error() {
		return err
	}
	return masked{error: err, text: text}
}

// address returns the repository's URL without a slash at its end. No error repeats
// it, because what is wrong with it may be the credentials in it.
func address(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("the repository's URL cannot be parsed")
	case u.User != nil:
		return "", errors.New("the repository's URL contains credentials: take them out and give the access token by itself")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", errors.New("the repository's URL must begin with https:// (or http://) and a host")
	case strings.ContainsAny(text, "?#"):
		return "", errors.New("the repository's URL must end with its path, without ? or #")
	}
	return strings.TrimRight(text, "/"), nil
}

// A session is the requests of one method call.
type session struct {
	at    string // the repository's URL, after redirects
	login login
}

// Git's services, as URLs name them.
const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// protocol2 asks for the second version of git's protocol, which names refs and
// objects one by one; servers that do not know it do not see it.
const protocol2 = "version=2"

// greet asks what a service offers, and follows a project that was renamed.
func (s *session) greet(ctx context.Context, service string) (io.ReadCloser, error) {
	const path = "/info/refs"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at+path+"?service="+service, nil)
	if err != nil {
		return nil, err
	}
	if service == uploadPack {
		req.Header.Set("Git-Protocol", protocol2)
	}
	answer, err := s.do(req)
	if err != nil {
		return nil, err
	}
	now := *answer.Request.URL
	now.RawQuery, now.User = "", nil
	if at, ok := strings.CutSuffix(now.String(), path); ok {
		s.at = at
	}
	return answer.Body, nil
}

// post sends a request to a service and returns the answer. version is that of the
// protocol, "" for the first.
func (s *session) post(ctx context.Context, service, version string, body []byte) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.at+"/"+service, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-"+service+"-request")
	req.Header.Set("Accept", "application/x-"+service+"-result")
	if version != "" {
		req.Header.Set("Git-Protocol", version)
	}
	answer, err := s.do(req)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// do sends req. Any status but 200 is an error.
func (s *session) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "git/lockstep") // GitLab tells git from browsers by it
	if s.login.password != "" {
		req.SetBasicAuth(s.login.user, s.login.password)
	}
	answer, err := web.Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		return nil, failed.Err // the URL is left out
	}
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10)) // what came is all that can be shown
		return nil, &turnedAway{status: answer.StatusCode, path: req.URL.Path, text: string(text)}
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		answer.Body.Close()
		return nil, errors.New("the server answered with a web page: check the address, and that no login stands before it")
	}
	return answer, nil
}
