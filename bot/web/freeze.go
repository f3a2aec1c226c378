package web

import (
	"net/http"
	"strings"
	"time"

	"lockstep/bot"
)

// A FreezeWords is the body of POST /api/v1/lanes/{lane}/freeze and /api/v1/freeze.
type FreezeWords struct {
	By     string `json:"by"`              // who says it, as in Words
	Reason string `json:"reason"`          // why; needed
	Until  string `json:"until,omitempty"` // when it ends by itself: a time in RFC 3339, or how long it lasts, such as 2h; empty: when somebody thaws it
}

// freeze reads a command that freezes a lane or, where the path names none, everything.
func (s *Server) freeze(r *http.Request) (bot.Command, error) {
	var words FreezeWords
	if err := readBody(r, &words, `JSON with "reason", perhaps "by" and "until"`); err != nil {
		return bot.Command{}, err
	}
	if err := (Words{words.By, words.Reason}).check(); err != nil {
		return bot.Command{}, err
	}
	c := bot.Command{Verb: bot.VerbFreeze, By: words.By, Reason: strings.TrimSpace(words.Reason)}
	if c.Reason == "" {
		return bot.Command{}, failed(http.StatusBadRequest, `"reason" is missing: those who wait are told why`)
	}
	var err error
	if c.Until, err = s.timeToCome("until", words.Until); err != nil {
		return bot.Command{}, err
	}
	c.Lane, err = s.laneOf(r)
	return c, err
}

// timeToCome returns the time that a field holds, as a time or as how long it is until
// then; zero for an empty one.
func (s *Server) timeToCome(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	lasts, short := time.ParseDuration(text)
	until, wrong := time.Parse(time.RFC3339, text)
	switch {
	case short == nil && lasts > 0:
		return s.Now().Add(lasts), nil
	case wrong == nil && until.UTC().Year() > 9999: // which JSON cannot say
		return time.Time{}, failed(http.StatusBadRequest, `%q is after the year 9999: write an earlier time, or leave it out`, field)
	case wrong == nil && until.After(s.Now()):
		return until, nil
	case short == nil || wrong == nil:
		return time.Time{}, failed(http.StatusBadRequest, `%q is past: write a time to come, or leave it out`, field)
	}
	return time.Time{}, failed(http.StatusBadRequest, `%q must be a time such as 2026-11-30T08:00:00Z, or how long it lasts, such as 2h`, field)
}

// thaw reads a command that thaws a lane or, where the path names none, everything.
func (s *Server) thaw(r *http.Request) (bot.Command, error) {
	words, err := readWords(r)
	if err != nil {
		return bot.Command{}, err
	}
	lane, err := s.laneOf(r)
	return bot.Command{Verb: bot.VerbThaw, By: words.By, Reason: strings.TrimSpace(words.Reason), Lane: lane}, err
}

// laneOf returns the lane of a request, by its own name or that of a track;
// bot.Everything where the path names none. A lane that is not configured any more can
// still be frozen.
func (s *Server) laneOf(r *http.Request) (string, error) {
	name := r.PathValue("lane")
	if name == "" {
		return bot.Everything, nil
	}
	lane, unknown := s.Lane(name)
	if unknown == nil {
		return lane, nil
	}
	lanes, err := s.Store.Lanes(r.Context())
	if err != nil {
		return "", err
	}
	for _, l := range lanes {
		if l.Lane == name {
			return name, nil
		}
	}
	return "", failed(http.StatusNotFound, "%v", unknown)
}
