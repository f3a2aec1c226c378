package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"lockstep/bot"
)

// maxWords is how large the body of a request may be, in bytes.
const maxWords = 16 << 10

// Words is the body of POST requests that steer; it may be left out.
type Words struct {
	By     string `json:"by"`     // who says it; "somebody" when empty
	Reason string `json:"reason"` // why; may be empty
}

// A Said is the answer to words that were taken.
type Said struct {
	Sentence string `json:"sentence"`
}

var (
	speaker = regexp.MustCompile(`^[\p{L}\p{N} ._@+-]{0,100}$`)
	oneLine = regexp.MustCompile(`^[^\p{C}\p{Zl}\p{Zp}]{0,500}$`)
)

// say answers POST /api/v1/runs/{id}/resume and …/cancel.
func (s *Server) say(verb bot.Verb) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		words, err := readWords(r)
		if err != nil {
			return nil, err
		}
		id := r.PathValue("id")
		if err := s.Steering.Say(r.Context(), id, bot.Word{Verb: verb, By: words.By, Reason: words.Reason, At: s.Now()}); err != nil {
			return nil, err
		}
		return Said{fmt.Sprintf("run %s was told to %s", id, verb)}, nil
	}
}

// readWords reads the body of a request strictly. An empty body says nothing more.
func readWords(r *http.Request) (Words, error) {
	words := Words{}
	if err := readBody(r, &words, `empty or JSON with "by" and "reason"`); err != nil && !errors.Is(err, io.EOF) {
		return Words{}, err
	}
	if err := words.check(); err != nil {
		return Words{}, err
	}
	if words.By == "" {
		words.By = "somebody"
	}
	return words, nil
}

// check returns nil when words can stand in a sentence.
func (w Words) check() error {
	switch {
	case !speaker.MatchString(w.By):
		return failed(http.StatusBadRequest, `"by" must be a name of at most 100 letters, digits, spaces and . _ @ + -`)
	case !oneLine.MatchString(w.Reason):
		return failed(http.StatusBadRequest, `"reason" must be one line of at most 500 characters`)
	}
	return nil
}

// readBody reads exactly one JSON value without fields that body does not have; form
// says what it has to be. The failure is io.EOF as well when there is nothing.
func readBody(r *http.Request, body any, form string) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxWords))
	d.DisallowUnknownFields()
	if err := d.Decode(body); err != nil {
		return errors.Join(failed(http.StatusBadRequest, "the body must be %s, and nothing else", form), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return failed(http.StatusBadRequest, "the body holds more than one JSON value")
	}
	return nil
}
