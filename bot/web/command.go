package web

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lockstep/bot"
)

// clientKey is what the header Idempotency-Key may hold.
var clientKey = regexp.MustCompile(`^[!-~]{1,200}$`)

// command serves the command that read finds in a request. The header Idempotency-Key
// makes a repeat the same command.
func (s *Server) command(read func(*http.Request) (bot.Command, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		source, err := sourceOf(r)
		if err != nil {
			return nil, err
		}
		c, err := read(r)
		if err != nil {
			return nil, err
		}
		if err := s.mayChange(r, c); err != nil {
			return nil, err
		}
		s.sign(r, &c)
		return s.do(r, source, c)
	}
}

// sourceOf returns the identity of the one command of a request.
func sourceOf(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	switch {
	case key == "":
		return "api " + uuid.NewString(), nil
	case !clientKey.MatchString(key):
		return "", failed(http.StatusBadRequest, "Idempotency-Key must be 1 to 200 visible ASCII characters")
	}
	return "api " + key, nil
}

// sign says in a command who gives it, where and when. c.By is what its body says.
func (s *Server) sign(r *http.Request, c *bot.Command) {
	caller := callerOf(r)
	c.By, c.From = caller.speaks(c.By)
	c.ByID, c.Link, c.At = caller.id, caller.link, s.Now()
	if q := c.Request; q != nil {
		q.By, q.ByID, q.Link, q.Reason = c.By, c.ByID, c.Link, c.Reason
	}
	if c.By == "" {
		c.By = "somebody"
	}
}

// mayChange returns nil when the caller may change what a command is for.
func (s *Server) mayChange(r *http.Request, c bot.Command) error {
	caller := callerOf(r)
	switch {
	case caller.tracks == nil:
		return nil
	case c.Request != nil:
		return caller.within(c.Request.Track)
	case c.Run != "":
		run, err := s.Store.Run(r.Context(), c.Run)
		if err != nil {
			return err
		}
		return caller.within(run.Track)
	}
	return s.mayFreeze(caller, c.Lane)
}

// mayFreeze returns nil when all tracks of a lane are among those of a caller.
func (s *Server) mayFreeze(c caller, lane string) error {
	in := func(track string) bool {
		l, err := s.Lane(track)
		return err == nil && l == lane
	}
	if !slices.ContainsFunc(c.tracks, in) {
		return failed(http.StatusForbidden, "%s may freeze and thaw nothing but the lanes of %s (server.ci in the configuration)", c.from, strings.Join(c.tracks, ", "))
	}
	for _, track := range slices.Sorted(maps.Keys(s.Tracks)) {
		if in(track) && !slices.Contains(c.tracks, track) {
			return failed(http.StatusForbidden, "%s may not freeze or thaw lane %s: track %s shares it (server.ci in the configuration)", c.from, lane, track)
		}
	}
	return nil
}

// do has a command done and answers: 201 with a new run, 409 where it is refused, else 200.
func (s *Server) do(r *http.Request, source string, c bot.Command) (any, error) {
	answers, err := s.Commands.Do(r.Context(), bot.Batch{Source: source, Commands: []bot.Command{c}, Again: true})
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return nil, failed(http.StatusNotFound, "there is no run %.100q", c.Run)
	case err != nil:
		return nil, err
	case answers[0].Refused:
		return said{http.StatusConflict, answers[0]}, nil
	case answers[0].New:
		return said{http.StatusCreated, answers[0]}, nil
	}
	return answers[0], nil
}

// tell reads a command for a run, with words: roll back, retry, cancel, hold or resume.
func tell(verb bot.Verb) func(*http.Request) (bot.Command, error) {
	return func(r *http.Request) (bot.Command, error) {
		words, err := readWords(r)
		return bot.Command{Verb: verb, By: words.By, Reason: strings.TrimSpace(words.Reason), Run: r.PathValue("id")}, err
	}
}
