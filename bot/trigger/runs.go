package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/google/uuid"

	"lockstep/bot"
)

// maxRequest is how large the body of a request may be, in bytes.
const maxRequest = 64 << 10

// A Runs is the handler of POST /api/v1/runs, by which a client asks for a run. Who
// may call it is decided before.
type Runs struct {
	Catalog Catalog
	Store   Store
	Wake    func() // there is a new request
	Now     func() time.Time
	Log     *slog.Logger
}

// An asked is the body of a request.
type asked struct {
	Package string `json:"package"`
	Track   string `json:"track"`
	Version string `json:"version"`
	By      string `json:"by"` // who asks, as the client says
}

var (
	clientKey = regexp.MustCompile(`^[!-~]{1,200}$`)
	asker     = regexp.MustCompile(`^[\p{L}\p{N} ._@+-]{0,100}$`)
)

// ServeHTTP answers 201 with the run that it made, 200 with one that was there, 409
// when the request was refused, 400 when it makes no sense. The header Idempotency-Key
// makes a repeat the same request.
func (h *Runs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := h.read(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	answer, err := h.Store.Accept(r.Context(), q, h.Now())
	switch {
	case err != nil:
		h.Log.Error("store request", "key", q.Key, "error", err)
		refuse(w, http.StatusInternalServerError, "the request could not be stored: send it again with the same Idempotency-Key")
		return
	case answer.Refused:
		reply(w, http.StatusConflict, answer)
		return
	}
	h.Wake()
	status := http.StatusOK
	if answer.New {
		status = http.StatusCreated
	}
	reply(w, status, answer)
}

// read reads a request strictly.
func (h *Runs) read(w http.ResponseWriter, r *http.Request) (bot.Request, error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	var a asked
	if err := d.Decode(&a); err != nil {
		return bot.Request{}, errors.New(`the body must be JSON with "package", "track", "version" and perhaps "by", and nothing else`)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bot.Request{}, errors.New("the body holds more than one JSON value")
	}
	if !asker.MatchString(a.By) {
		return bot.Request{}, errors.New(`"by" must be a name of at most 100 letters, digits, spaces and . _ @ + -`)
	}
	q, err := h.Catalog.Request(a.Package, a.Track, a.Version)
	if err != nil {
		return bot.Request{}, err
	}
	key := r.Header.Get("Idempotency-Key")
	switch {
	case key == "":
		key = uuid.NewString()
	case !clientKey.MatchString(key):
		return bot.Request{}, errors.New("Idempotency-Key must be 1 to 200 visible ASCII characters")
	}
	q.Origin, q.By = bot.OriginAPI, a.By
	// The key names one request: with another body it is refused, like a tag that moves.
	q.Subject, q.Commit = "Idempotency-Key "+key, fmt.Sprintf("%s %s on %s", q.Package, q.Version, q.Track)
	q.Key = "api " + key + " " + q.Commit
	return q, nil
}
