package web

import (
	"net/http"
	"strings"

	"lockstep/bot"
)

// A Wanted is the body of POST /api/v1/runs.
type Wanted struct {
	Package string `json:"package"` // may be left out where the track takes one
	Track   string `json:"track"`
	Version string `json:"version"`
	By      string `json:"by"`     // who asks, as in Words
	Reason  string `json:"reason"` // why; may be empty
	Force   string `json:"force"`  // why it is to run although the version is condemned
}

// promote reads a request for a run.
func (s *Server) promote(r *http.Request) (bot.Command, error) {
	var w Wanted
	if err := readBody(r, &w, `JSON with "track", "version" and perhaps "package", "by", "reason" and "force"`); err != nil {
		return bot.Command{}, err
	}
	if err := (Words{w.By, w.Reason}).check(); err != nil {
		return bot.Command{}, err
	}
	if !oneLine.MatchString(w.Force) || w.Force != "" && strings.TrimSpace(w.Force) == "" {
		return bot.Command{}, failed(http.StatusBadRequest, `"force" must be the reason, one line of at most 500 characters`)
	}
	q, err := s.Catalog.Request(w.Package, w.Track, w.Version)
	if err != nil {
		return bot.Command{}, failed(http.StatusBadRequest, "%v", err)
	}
	q.Origin, q.Force = bot.OriginAPI, strings.TrimSpace(w.Force)
	return bot.Command{Verb: bot.VerbPromote, By: w.By, Reason: strings.TrimSpace(w.Reason), Request: &q}, nil
}
