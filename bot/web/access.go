package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lockstep/bot"
)

// An Access decides who may use the API and see the pages, and what each may do. A
// caller shows the token of the configuration, a token with a name, or the ID token of a
// CI job, as a bearer token or, for browsers, as the password of any user. Where the
// configuration has no token, callers on this machine need none.
type Access struct {
	Token  bot.Secret // of the configuration: its holder may do everything, in any name. Empty: callers on this machine may
	Tokens Tokens     // tokens with names; nil: there are none
	Jobs   *Jobs      // of GitLab CI; nil: none may
	Now    func() time.Time
	Log    *slog.Logger

	guesses guesses
}

// Tokens keeps the tokens with names.
type Tokens interface {
	// AddToken keeps a new token.
	AddToken(ctx context.Context, t bot.Token) error
	// Token returns a token by its id; bot.ErrNotFound without one.
	Token(ctx context.Context, id string) (bot.Token, error)
	// Tokens returns all tokens, the newest first.
	Tokens(ctx context.Context) ([]bot.Token, error)
	// RevokeToken lets a token count no more, and returns it; bot.ErrNotFound without one.
	RevokeToken(ctx context.Context, id, by string, now time.Time) (bot.Token, error)
	// TokenUsed notes that a token was used, to the minute.
	TokenUsed(ctx context.Context, id string, now time.Time) error
}

// A caller is who makes a request.
type caller struct {
	name   string           // who speaks; "": the holder of the configuration's token, who says it
	id     int64            // of their account in GitLab; 0: not known
	from   string           // where, for people: "API token nightly"
	link   string           // where that can be seen
	scopes []bot.TokenScope // what they may do
	tracks []string         // on which they may change something; nil: on all
}

// administrator is who has the token of the configuration, or calls from this machine.
var administrator = caller{from: "API", scopes: []bot.TokenScope{bot.MayAdmin}}

// foreign refuses what a page of another site makes a browser send.
var foreign = http.NewCrossOriginProtection()

// errNoToken says that what was shown is no token of ours.
var errNoToken = failure{http.StatusUnauthorized, "the API token is missing or wrong: send it as Authorization: Bearer TOKEN"}

// Require lets only those through to next who may do what scope is for, and tells the
// others why not.
func (a *Access) Require(scope bot.TokenScope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := a.admit(r, scope)
		if err != nil {
			a.turnAway(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// A callerKey is where the context of a request holds its caller.
type callerKey struct{}

// callerOf returns who makes a request that Require has let through.
func callerOf(r *http.Request) caller { return r.Context().Value(callerKey{}).(caller) }

// admit returns who calls, if they may do what scope is for.
func (a *Access) admit(r *http.Request, scope bot.TokenScope) (caller, error) {
	if foreign.Check(r) != nil {
		return caller{}, failed(http.StatusForbidden, "the page of another site sent this request")
	}
	c, err := a.identify(r)
	if err != nil {
		return caller{}, err
	}
	known(r, c)
	if !scope.In(c.scopes) {
		return caller{}, failed(http.StatusForbidden, "%s may not do this: it needs scope %s, and has %s", c.from, scope, scopesOf(c))
	}
	return c, nil
}

// scopesOf names the scopes of a caller.
func scopesOf(c caller) string {
	var names []string
	for _, s := range c.scopes {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// identify returns who calls. Only the token of the configuration may be one that can be
// guessed, so it alone is not looked at while an address has shown too many wrong ones.
func (a *Access) identify(r *http.Request) (caller, error) {
	token := presented(r)
	switch {
	case token == "" && !a.Token.Empty():
		return caller{}, errNoToken
	case token == "" && !local(r):
		return caller{}, failed(http.StatusForbidden, "without server.token in the configuration, only callers on this machine are answered, and those who show a token of their own")
	case token == "":
		return administrator, nil
	}
	held := a.guesses.held(r.RemoteAddr, a.Now())
	if !held && !a.Token.Empty() && equal(token, a.Token.Reveal()) {
		return administrator, nil
	}
	c, err := a.holder(r, token)
	switch {
	case !errors.Is(err, errNoToken):
		return c, err
	case held:
		return caller{}, failed(http.StatusTooManyRequests, "too many wrong tokens came from your address: wait a minute, then send the right one")
	}
	a.guesses.wrong(r.RemoteAddr, a.Now())
	return caller{}, err
}

// holder returns whose token it is, of those that have names.
func (a *Access) holder(r *http.Request, token string) (caller, error) {
	switch {
	case bot.TokenID(token) != "" && a.Tokens != nil:
		return a.named(r.Context(), token)
	case strings.Count(token, ".") == 2 && a.Jobs != nil:
		return a.Jobs.identify(r.Context(), token)
	}
	return caller{}, errNoToken
}

// named returns the holder of a token with a name. Why it does not count any more is told
// to its holder only.
func (a *Access) named(ctx context.Context, token string) (caller, error) {
	t, err := a.Tokens.Token(ctx, bot.TokenID(token))
	switch now := a.Now(); {
	case errors.Is(err, bot.ErrNotFound):
		return caller{}, errNoToken
	case err != nil:
		return caller{}, err
	case !t.Is(token):
		return caller{}, errNoToken
	case !t.Revoked.IsZero():
		return caller{}, failed(http.StatusUnauthorized, "token %s was revoked on %s: ask for a new one", t.Name, day(t.Revoked))
	case !now.Before(t.Expires):
		return caller{}, failed(http.StatusUnauthorized, "token %s expired on %s: ask for a new one", t.Name, day(t.Expires))
	case t.Used.Before(now.Truncate(time.Minute)):
		if err := a.Tokens.TokenUsed(ctx, t.ID, now); err != nil {
			return caller{}, err
		}
	}
	return caller{name: t.Name, from: "API token " + t.Name, scopes: t.Scopes}, nil
}

// day returns a time as sentences have it.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// turnAway tells who may not through why not.
func (a *Access) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := errors.AsType[failure](err)
	if !ok {
		if r.Context().Err() == nil {
			a.Log.Error("identify a caller", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		f = failure{http.StatusInternalServerError, "nobody can tell now whose token this is: try again, and see the log"}
	}
	switch f.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="Lockstep: the API token is the password"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "60")
	}
	refuse(w, f.status, "%s", f.sentence)
}

// within returns nil when a caller may change something on a track.
func (c caller) within(track string) error {
	if c.tracks == nil || slices.Contains(c.tracks, track) {
		return nil
	}
	return failed(http.StatusForbidden, "%s may change nothing on track %.100q, but on %s (server.ci in the configuration)", c.from, track, strings.Join(c.tracks, ", "))
}

// speaks returns in whose name a caller says something, and where: their own, whatever
// name the body of the request holds, but for the administrator, who may say any.
func (c caller) speaks(body string) (by, from string) {
	switch body = strings.TrimSpace(body); {
	case c.name == "":
		return body, c.from
	case body != "" && !strings.EqualFold(body, c.name):
		return c.name, fmt.Sprintf("%s, for %s", c.from, body)
	}
	return c.name, c.from
}

// presented returns the token that a request carries, "" for none.
func presented(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// local reports that a request came from this machine and was meant for it. The Host
// header is checked too, or a page of a site whose name leads to 127.0.0.1 could read
// the answers.
func local(r *http.Request) bool {
	caller, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !caller.Addr().Unmap().IsLoopback() {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// equal compares secrets in a time that says nothing about them.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
