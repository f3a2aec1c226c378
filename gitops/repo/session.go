package repo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// web speaks smart HTTP for all repositories, over one pool of connections.
var web = githttp.NewClient(&http.Client{
	CheckRedirect: sameHost,
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
	},
})

// sameHost follows a redirect only within the host that was asked: GitLab redirects
// a renamed project, and nothing else has a reason to send us elsewhere.
func sameHost(req *http.Request, via []*http.Request) error {
	if first := via[0].URL; req.URL.Host != first.Host {
		return fmt.Errorf("the server redirects from %s to %s: put the new address into the configuration if it is right", first.Host, req.URL.Host)
	}
	return nil
}

// A task is what a session is opened for. login is nil for an anonymous session.
type task func(ctx context.Context, at *transport.Endpoint, login *githttp.BasicAuth) error

// within does work as one session: under the time limit, with credentials asked for
// now, and with an error that says what went wrong while doing what.
func (r *Repo) within(ctx context.Context, doing string, work task) error {
	limit := r.Timeout
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel() // also frees a connection whose answer go-git did not read to its end

	login := r.login()
	at, err := endpoint(r.URL)
	if err == nil {
		err = work(ctx, at, login)
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w", doing, r.Project, mask(explain(ctx, err, at), login))
	}
	return nil
}

// login returns the credentials as they are now, nil for none.
func (r *Repo) login() *githttp.BasicAuth {
	if r.Password == nil {
		return nil
	}
	user := r.User
	if user == "" {
		user = "oauth2"
	}
	return &githttp.BasicAuth{Username: user, Password: r.Password()}
}

// endpoint returns address in go-git's form. No error repeats the address, because
// what is wrong with it may be the credentials in it.
func endpoint(address string) (*transport.Endpoint, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the repository's URL cannot be parsed")
	case u.User != nil:
		return nil, errors.New("the repository's URL contains credentials: take them out and give the access token by itself")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("the repository's URL must begin with https:// (or http://) and a host")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the repository's URL must end with its path, without ? or #")
	}
	return transport.NewEndpoint(address)
}

// A source is an open session that reads; refs is what the server advertised in it.
type source struct {
	session transport.UploadPackSession
	refs    *packp.AdvRefs
}

// read opens a session that reads, and does work in it.
func (r *Repo) read(ctx context.Context, doing string, work func(context.Context, *source) error) error {
	return r.within(ctx, doing, func(ctx context.Context, at *transport.Endpoint, login *githttp.BasicAuth) error {
		session, err := web.NewUploadPackSession(at, login) // go-git takes a nil login as none
		if err != nil {
			return err
		}
		refs, err := session.AdvertisedReferencesContext(ctx)
		if errors.Is(err, transport.ErrEmptyRemoteRepository) {
			refs, err = packp.NewAdvRefs(), nil // it answered: there is no branch yet
		}
		if err != nil {
			return err
		}
		return work(ctx, &source{session: session, refs: refs})
	})
}

// A sink is an open session that writes; refs is what the server advertised in it.
type sink struct {
	session transport.ReceivePackSession
	refs    *packp.AdvRefs
}

// write sends the move that plan returns, in a session that writes. plan comes before
// anything is sent.
func (r *Repo) write(ctx context.Context, doing string, plan func() (move, error)) error {
	return r.within(ctx, doing, func(ctx context.Context, at *transport.Endpoint, login *githttp.BasicAuth) error {
		m, err := plan()
		if err != nil {
			return err
		}
		session, err := web.NewReceivePackSession(at, login)
		if err != nil {
			return err
		}
		refs, err := session.AdvertisedReferencesContext(ctx)
		if err != nil {
			return err
		}
		s := &sink{session: session, refs: refs}
		return s.send(ctx, m)
	})
}

// choose sets the wanted capabilities in chosen; each must be in offered.
func choose(chosen, offered *capability.List, wanted ...capability.Capability) error {
	for _, c := range wanted {
		if !offered.Supports(c) {
			return fmt.Errorf("the server lacks the capability %q", c)
		}
		if err := chosen.Set(c); err != nil {
			return err
		}
	}
	return nil
}
