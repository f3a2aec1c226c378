package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"lockstep/bot"
)

// An Answer is the body of POST /api/v1/runs/{id}/confirm and …/deny.
type Answer struct {
	Gate        string `json:"gate"`
	Environment string `json:"environment"` // needed where several stages have a gate of that name
	By          string `json:"by"`          // who says it; needed
	Reason      string `json:"reason"`      // why; may be empty
}

// A Callback is the body of POST /callbacks/{run}/{environment}/{gate}.
type Callback struct {
	Passed *bool  `json:"passed"`
	Reason string `json:"reason"` // may be empty
}

// answer answers POST /api/v1/runs/{id}/confirm and …/deny.
func (s *Server) answer(yes bool) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var a Answer
		if err := a.read(r); err != nil {
			return nil, err
		}
		run, err := s.Store.Run(r.Context(), r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		q, err := run.Answerable(a.Environment, a.Gate)
		if errors.Is(err, bot.ErrNotFound) {
			return nil, failed(http.StatusNotFound, "%s", strings.TrimPrefix(err.Error(), bot.ErrNotFound.Error()+": "))
		}
		return s.opine(r.Context(), run, q, err, bot.Opinion{Gate: a.Gate, By: a.By, Yes: yes, Reason: a.Reason, At: s.Now()})
	}
}

// read reads an answer strictly. It has to come from a person, by name.
func (a *Answer) read(r *http.Request) error {
	if err := readBody(r, a, `JSON with "gate" and "by", perhaps "environment" and "reason"`); err != nil {
		return err
	}
	a.By = strings.TrimSpace(a.By)
	switch {
	case a.By == "":
		return failed(http.StatusBadRequest, `"by" is missing: an answer counts for the one who gives it`)
	case strings.EqualFold(a.By, bot.CallbackSpeaker):
		return failed(http.StatusBadRequest, `"by" must be a person: programs answer at the address that their gate has sent them`)
	}
	return Words{a.By, a.Reason}.check()
}

// callback answers POST /callbacks/{run}/{environment}/{gate}?signature=HEX. Whoever
// cannot prove that the gate asked them is told nothing about it, not even whether it
// is there.
func (s *Server) callback(r *http.Request) (any, error) {
	unknown := failed(http.StatusNotFound, "no gate is answered at this address: use the one that the gate has sent, with its signature")
	id, environment, gate := r.PathValue("run"), r.PathValue("environment"), r.PathValue("gate")
	if s.Signed == nil || !s.Signed(id+"/"+environment+"/"+gate, r.URL.Query().Get("signature")) {
		return nil, unknown
	}
	var c Callback
	if err := c.read(r); err != nil {
		return nil, err
	}
	run, err := s.Store.Run(r.Context(), id)
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return nil, unknown
	case err != nil:
		return nil, err
	}
	q, err := run.Answerable(environment, gate)
	if q.Gate.Callback == nil {
		return nil, unknown
	}
	return s.opine(r.Context(), run, q, err, bot.Opinion{Gate: gate, By: bot.CallbackSpeaker, Yes: *c.Passed, Reason: c.Reason, At: s.Now()})
}

// read reads an answer strictly.
func (c *Callback) read(r *http.Request) error {
	if err := readBody(r, c, `JSON with "passed" (true or false) and perhaps "reason"`); err != nil {
		return err
	}
	if c.Passed == nil {
		return failed(http.StatusBadRequest, `"passed" is missing: it has to be true or false`)
	}
	return Words{Reason: c.Reason}.check()
}

// opine hands an answer on. refused is why the gate takes none now; what was said
// before may be said again all the same, because the answer to it may have been lost.
func (s *Server) opine(ctx context.Context, run *bot.Run, q bot.Question, refused error, o bot.Opinion) (any, error) {
	if q.Environment == "" {
		return nil, refused
	}
	opinions, err := s.Store.Opinions(ctx, run.ID, q.Environment, o.Gate)
	if err != nil {
		return nil, err
	}
	for _, earlier := range opinions {
		switch {
		case !strings.EqualFold(earlier.By, o.By):
		case earlier.Yes == o.Yes:
			return Said{fmt.Sprintf("%s was %s by %s before: nothing is new", q, saying(o), o.By)}, nil
		default:
			return nil, failed(http.StatusConflict, "%s was %s by %s before, and the first answer counts", q, saying(earlier), o.By)
		}
	}
	if refused != nil {
		return nil, refused
	}
	if err := q.MayAnswer(o.By); err != nil {
		return nil, err
	}
	if err := s.Steering.Opine(ctx, run.ID, q.Environment, o); err != nil {
		return nil, err
	}
	return Said{fmt.Sprintf("%s is %s by %s", q, saying(o), o.By)}, nil
}

// saying says what an opinion does to its gate.
func saying(o bot.Opinion) string {
	switch {
	case o.By == bot.CallbackSpeaker && o.Yes:
		return "passed"
	case o.By == bot.CallbackSpeaker:
		return "failed"
	case o.Yes:
		return "confirmed"
	}
	return "denied"
}
