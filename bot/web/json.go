package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"lockstep/bot"
)

// A failure is an answer that is not what was asked for: its status and its sentence.
type failure struct {
	status   int
	sentence string
}

func (f failure) Error() string { return f.sentence }

// A said is an answer with another status than 200.
type said struct {
	status int
	body   any
}

// failed returns a failure.
func failed(status int, format string, args ...any) error {
	return failure{status, fmt.Sprintf(format, args...)}
}

// json serves what answer returns as JSON to those who may do what scope is for.
func (s *Server) json(scope bot.TokenScope, answer func(*http.Request) (any, error)) http.Handler {
	return s.Access.Require(scope, s.answering(answer))
}

// answering serves what answer returns as JSON to whoever asks.
func (s *Server) answering(answer func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := answer(r)
		if err != nil {
			f := s.explain(r, err)
			refuse(w, f.status, "%s", f.sentence)
			return
		}
		if with, ok := body.(said); ok {
			reply(w, with.status, with.body)
			return
		}
		reply(w, http.StatusOK, body)
	})
}

// explain turns an error into what its reader is told. What is ours to mend is logged
// and not shown.
func (s *Server) explain(r *http.Request, err error) failure {
	f, ok := errors.AsType[failure](err)
	switch {
	case ok:
		return f
	case errors.Is(err, bot.ErrNotFound):
		return failure{http.StatusNotFound, fmt.Sprintf("there is no run %.100q", r.PathValue("id"))}
	case errors.Is(err, bot.ErrRefused):
		return failure{http.StatusConflict, strings.TrimPrefix(err.Error(), bot.ErrRefused.Error()+": ")}
	}
	if r.Context().Err() == nil {
		s.Log.Error("serve", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	return failure{http.StatusInternalServerError, "the store does not answer: try again, and see the log"}
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone away
}

// refuse answers with a sentence that says why not.
func refuse(w http.ResponseWriter, status int, format string, args ...any) {
	reply(w, status, map[string]string{"error": fmt.Sprintf(format, args...)})
}
