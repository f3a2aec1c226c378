package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lockstep/bot"
)

// An Answer is the body of POST /api/v1/runs/{id}/confirm and …/deny.
type Answer struct {
	Gate        string `json:"gate"`
	Environment string `json:"environment"` // needed where several stages have a gate of that name
	By          string `json:"by"`          // who says it; needed from whoever has the token of the configuration
	Reason      string `json:"reason"`      // why; may be empty
}

// A Callback is the body of POST /callbacks/{run}/{environment}/{gate}.
type Callback struct {
	Passed *bool  `json:"passed"`
	Reason string `json:"reason"` // may be empty
}

// answer reads an answer to a gate. It has to come from a person, by name.
func answer(verb bot.Verb) func(*http.Request) (bot.Command, error) {
	return func(r *http.Request) (bot.Command, error) {
		var a Answer
		if err := readBody(r, &a, `JSON with "gate" and "by", perhaps "environment" and "reason"`); err != nil {
			return bot.Command{}, err
		}
		by, _ := callerOf(r).speaks(a.By)
		switch {
		case by == "":
			return bot.Command{}, failed(http.StatusBadRequest, `"by" is missing: an answer counts for the one who gives it`)
		case strings.EqualFold(by, bot.CallbackSpeaker):
			return bot.Command{}, failed(http.StatusBadRequest, `"by" must be a person: programs answer at the address that their gate has sent them`)
		}
		return bot.Command{
			Verb: verb, By: a.By, Reason: strings.TrimSpace(a.Reason), Run: r.PathValue("id"), Environment: a.Environment, Gate: a.Gate,
		}, Words{a.By, a.Reason}.check()
	}
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
	c, err := readCallback(r)
	if err != nil {
		return nil, err
	}
	run, err := s.Store.Run(r.Context(), id)
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return nil, unknown
	case err != nil:
		return nil, err
	}
	if q, _ := run.Answerable(environment, gate); q.Gate.Callback == nil {
		return nil, unknown
	}
	c.Run, c.Environment, c.Gate, c.At = id, environment, gate, s.Now()
	return s.do(r, "callback "+uuid.NewString(), c)
}

// readCallback reads the answer of a program strictly.
func readCallback(r *http.Request) (bot.Command, error) {
	var c Callback
	if err := readBody(r, &c, `JSON with "passed" (true or false) and perhaps "reason"`); err != nil {
		return bot.Command{}, err
	}
	if c.Passed == nil {
		return bot.Command{}, failed(http.StatusBadRequest, `"passed" is missing: it has to be true or false`)
	}
	verb := bot.VerbDeny
	if *c.Passed {
		verb = bot.VerbConfirm
	}
	return bot.Command{
		Verb: verb, By: bot.CallbackSpeaker, From: "the signed address of the gate", Reason: strings.TrimSpace(c.Reason),
	}, Words{Reason: c.Reason}.check()
}
