package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"lockstep/bot"
)

// An Access decides who may use the API and see the pages. With a token, whoever has
// it: as a bearer token, or, for browsers, as the password of any user. Without one,
// callers on this machine only.
type Access struct {
	Token bot.Secret // empty: loopback only
}

// foreign refuses what a page of another site makes a browser send.
var foreign = http.NewCrossOriginProtection()

// Require lets only those who may through to next, and tells the others why not.
func (a Access) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case foreign.Check(r) != nil:
			refuse(w, http.StatusForbidden, "the page of another site sent this request")
		case a.Token.Empty() && !local(r):
			refuse(w, http.StatusForbidden, "without server.token in the configuration, only callers on this machine are answered")
		case !a.Token.Empty() && !equal(presented(r), a.Token.Reveal()):
			w.Header().Set("WWW-Authenticate", `Basic realm="Lockstep: the API token is the password"`)
			refuse(w, http.StatusUnauthorized, "the API token is missing or wrong: send it as Authorization: Bearer TOKEN")
		default:
			next.ServeHTTP(w, r)
		}
	})
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
