package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lockstep/bot"
)

// driftLimit is how long the outside may be asked.
const driftLimit = 60 * time.Second

// A DriftReport is the answer of GET /api/v1/drift.
type DriftReport struct {
	Track        string      `json:"track"`
	Package      string      `json:"package"`
	Environments []bot.Drift `json:"environments"` // in the order of the track
}

// patient lets next take longer than other requests may.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		until := time.Now().Add(driftLimit + 10*time.Second)
		c := http.NewResponseController(w)
		_ = c.SetReadDeadline(until) // when it passes, the request is taken for given up
		_ = c.SetWriteDeadline(until)
		next.ServeHTTP(w, r)
	})
}

// drift answers GET /api/v1/drift?track=&package=. The package may be left out where the
// track has one. It asks everything outside, so it does so for one caller at a time.
func (s *Server) drift(r *http.Request) (any, error) {
	track, pkg, err := s.driftOf(r)
	if err != nil {
		return nil, err
	}
	if !s.looking.TryLock() {
		return nil, failed(http.StatusServiceUnavailable, "somebody is looking already: try again in a minute")
	}
	defer s.looking.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), driftLimit)
	defer cancel()
	drifts, err := s.Drift(ctx, track, pkg)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, failed(http.StatusGatewayTimeout, "nobody could tell within %s: %v", driftLimit, err)
	case err != nil:
		return nil, failed(http.StatusBadGateway, "nobody could tell: %v", err)
	}
	return DriftReport{Track: track, Package: pkg, Environments: append([]bot.Drift{}, drifts...)}, nil
}

// driftOf reads which track and package are meant.
func (s *Server) driftOf(r *http.Request) (track, pkg string, err error) {
	query := r.URL.Query()
	for name := range query {
		if name != "track" && name != "package" {
			return "", "", failed(http.StatusBadRequest, "unknown parameter %.100q: name the track, and perhaps the package", name)
		}
	}
	track, pkg = query.Get("track"), query.Get("package")
	packages := s.Packages(track)
	switch {
	case track == "":
		return "", "", failed(http.StatusBadRequest, "name the track: ?track=NAME")
	case len(packages) == 0:
		return "", "", failed(http.StatusNotFound, "there is no track %.100q", track)
	case pkg == "" && len(packages) == 1:
		return track, packages[0], nil
	case pkg == "":
		return "", "", failed(http.StatusBadRequest, "name the package as well: track %s takes %s", track, strings.Join(packages, ", "))
	case !slices.Contains(packages, pkg):
		return "", "", failed(http.StatusNotFound, "track %s takes no package %.100q, but %s", track, pkg, strings.Join(packages, ", "))
	}
	return track, pkg, nil
}
