package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
)

// maxWords is how large the body of a request may be, in bytes.
const maxWords = 16 << 10

// Words is the body of POST requests that steer a run or thaw a lane; it may be left out.
type Words struct {
	By     string `json:"by"`     // who says it; "somebody" when empty. With a token of their own callers speak for themselves, and this says for whom
	Reason string `json:"reason"` // why; may be empty
}

var (
	speaker = regexp.MustCompile(`^[\p{L}\p{N} ._@+-]{0,100}$`)
	oneLine = regexp.MustCompile(`^[^\p{C}\p{Zl}\p{Zp}]{0,500}$`)
)

// readWords reads the body of a request strictly. An empty body says nothing more.
func readWords(r *http.Request) (Words, error) {
	words := Words{}
	if err := readBody(r, &words, `empty or JSON with "by" and "reason"`); err != nil && !errors.Is(err, io.EOF) {
		return Words{}, err
	}
	return words, words.check()
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
