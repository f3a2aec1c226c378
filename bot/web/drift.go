package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"lockstep/bot"
)

// driftLimit is how long the outside may be asked.
const driftLimit = 60 * time.Second

// A DriftList is the answer of GET /api/v1/drift.
type DriftList struct {
	Drifts []DriftReport `json:"drifts"` // by track and package
}

// A DriftReport is what stands in the environments of a track.
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

// drift answers GET /api/v1/drift?track=&package=, which select. It asks everything
// outside, so it does so for one caller at a time.
func (s *Server) drift(r *http.Request) (any, error) {
	list, err := s.driftOf(r)
	if err != nil {
		return nil, err
	}
	if !s.looking.TryLock() {
		return nil, failed(http.StatusServiceUnavailable, "somebody is looking already: try again in a minute")
	}
	defer s.looking.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), driftLimit)
	defer cancel()
	for i := range list.Drifts {
		d := &list.Drifts[i]
		drifts, err := s.Drift(ctx, d.Track, d.Package)
		switch {
		case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, failed(http.StatusGatewayTimeout, "nobody could tell within %s: %v", driftLimit, err)
		case err != nil:
			return nil, failed(http.StatusBadGateway, "nobody could tell: %v", err)
		}
		d.Environments = append([]bot.Drift{}, drifts...)
	}
	return list, nil
}

// driftOf reads which tracks and packages are meant.
func (s *Server) driftOf(r *http.Request) (list DriftList, err error) {
	query := r.URL.Query()
	for name := range query {
		if name != "track" && name != "package" {
			return list, failed(http.StatusBadRequest, "unknown parameter %.100q: drift is selected by track and package", name)
		}
	}
	track, pkg := query.Get("track"), query.Get("package")
	packages, known := s.Tracks[track]
	switch {
	case track != "" && !known:
		return list, failed(http.StatusNotFound, "there is no track %.100q", track)
	case track != "" && pkg != "" && !slices.Contains(packages, pkg):
		return list, failed(http.StatusNotFound, "track %s takes no package %.100q, but %s", track, pkg, strings.Join(packages, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Tracks)) {
		for _, p := range s.Tracks[name] {
			if (track == "" || track == name) && (pkg == "" || pkg == p) {
				list.Drifts = append(list.Drifts, DriftReport{Track: name, Package: p})
			}
		}
	}
	if len(list.Drifts) == 0 {
		return list, failed(http.StatusNotFound, "no track takes a package %.100q", pkg)
	}
	return list, nil
}
