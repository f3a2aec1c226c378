package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"lockstep/bot"
)

// A FreezeWords is the body of POST /api/v1/lanes/{lane}/freeze and /api/v1/freeze.
type FreezeWords struct {
	By     string `json:"by"`              // who says it; "somebody" when empty
	Reason string `json:"reason"`          // why; needed
	Until  string `json:"until,omitempty"` // when it ends by itself: a time in RFC 3339, or how long it lasts, such as 2h; empty: when somebody thaws it
}

// freeze answers POST /api/v1/lanes/{lane}/freeze and, for everything, /api/v1/freeze.
func (s *Server) freeze(r *http.Request) (any, error) {
	var words FreezeWords
	if err := readBody(r, &words, `JSON with "reason", perhaps "by" and "until"`); err != nil {
		return nil, err
	}
	f, err := s.freezeOf(words)
	if err != nil {
		return nil, err
	}
	lane, err := s.laneOf(r)
	if err != nil {
		return nil, err
	}
	if err := s.Steering.Freeze(r.Context(), lane, f); err != nil {
		return nil, err
	}
	return Said{fmt.Sprintf("%s is %s", calledLane(lane), f)}, nil
}

// freezeOf returns the freeze that words ask for.
func (s *Server) freezeOf(words FreezeWords) (bot.Freeze, error) {
	if err := (Words{words.By, words.Reason}).check(); err != nil {
		return bot.Freeze{}, err
	}
	f := bot.Freeze{By: strings.TrimSpace(words.By), Reason: strings.TrimSpace(words.Reason), At: s.Now()}
	if f.By == "" {
		f.By = "somebody"
	}
	if f.Reason == "" {
		return bot.Freeze{}, failed(http.StatusBadRequest, `"reason" is missing: those who wait are told why`)
	}
	if words.Until == "" {
		return f, nil
	}
	lasts, short := time.ParseDuration(words.Until)
	until, wrong := time.Parse(time.RFC3339, words.Until)
	switch {
	case short == nil && lasts > 0:
		f.Until = f.At.Add(lasts)
	case wrong == nil && until.After(f.At):
		f.Until = until
	case short == nil || wrong == nil:
		return bot.Freeze{}, failed(http.StatusBadRequest, `"until" is past: write a time to come, or leave it out`)
	default:
		return bot.Freeze{}, failed(http.StatusBadRequest, `"until" must be a time such as 2026-11-30T08:00:00Z, or how long it lasts, such as 2h`)
	}
	return f, nil
}

// thaw answers POST /api/v1/lanes/{lane}/thaw and, for everything, /api/v1/thaw.
func (s *Server) thaw(r *http.Request) (any, error) {
	words, err := readWords(r)
	if err != nil {
		return nil, err
	}
	lane, err := s.laneOf(r)
	if err != nil {
		return nil, err
	}
	if err := s.Steering.Thaw(r.Context(), lane, words.By, words.Reason); err != nil {
		return nil, err
	}
	if lane == bot.Everything {
		return Said{"everything is thawed, but for lanes that are frozen by themselves"}, nil
	}
	return Said{fmt.Sprintf("lane %s is thawed", lane)}, nil
}

// laneOf returns the lane of a request, by its own name or that of a track;
// bot.Everything where the path names none. A lane that is not configured any more can
// still be frozen.
func (s *Server) laneOf(r *http.Request) (string, error) {
	name := r.PathValue("lane")
	if name == "" {
		return bot.Everything, nil
	}
	if s.Lane == nil {
		return name, nil
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

// calledLane names a lane, or all of them.
func calledLane(lane string) string {
	if lane == bot.Everything {
		return "everything"
	}
	return "lane " + lane
}
