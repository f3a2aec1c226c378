package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
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
	Package string `json:"package"` // may be left out where the track takes one
	Track   string `json:"track"`
	Version string `json:"version"`
	By      string `json:"by"`    // who asks, as the client says
	Force   string `json:"force"` // why it is to run although the version is condemned
}

var (
	clientKey = regexp.MustCompile(`^[!-~]{1,200}$`)
	asker     = regexp.MustCompile(`^[\p{L}\p{N} ._@+-]{0,100}$`)
	oneLine   = regexp.MustCompile(`^[^\p{C}\p{Zl}\p{Zp}]{0,500}$`)
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
	answered(w, answer, err, h.Wake, h.Log.With("key", q.Key))
}

// answered tells a client what became of its request.
func answered(w http.ResponseWriter, answer bot.Answer, err error, wake func(), log *slog.Logger) {
	switch {
	case err != nil:
		log.Error("store request", "error", err)
		refuse(w, http.StatusInternalServerError, "the request could not be stored: send it again with the same Idempotency-Key")
	case answer.Refused:
		reply(w, http.StatusConflict, answer)
	case answer.New:
		wake()
		reply(w, http.StatusCreated, answer)
	default:
		wake()
		reply(w, http.StatusOK, answer)
	}
}

// read reads a request strictly.
func (h *Runs) read(w http.ResponseWriter, r *http.Request) (bot.Request, error) {
	var a asked
	if err := decode(w, r, &a, `"track", "version" and perhaps "package", "by" and "force"`); err != nil {
		return bot.Request{}, err
	}
	if !asker.MatchString(a.By) {
		return bot.Request{}, errAsker
	}
	if !oneLine.MatchString(a.Force) || a.Force != "" && strings.TrimSpace(a.Force) == "" {
		return bot.Request{}, errors.New(`"force" must be the reason, one line of at most 500 characters`)
	}
	q, err := h.Catalog.Request(a.Package, a.Track, a.Version)
	if err != nil {
		return bot.Request{}, err
	}
	q.Origin, q.By, q.Force = bot.OriginAPI, a.By, strings.TrimSpace(a.Force)
	key, err := keyOf(r.Header)
	if err != nil {
		return bot.Request{}, err
	}
	if key == "" {
		key = uuid.NewString()
	}
	what := fmt.Sprintf("%s %s on %s", q.Package, q.Version, q.Track)
	if q.Force != "" {
		what += ", forced"
	}
	identify(&q, key, what)
	return q, nil
}

// identify lets a client's key name one request: with another body it is refused, like
// a tag that moves.
func identify(q *bot.Request, key, what string) {
	q.Subject, q.Commit = "Idempotency-Key "+key, what
	q.Key = "api " + key + " " + what
}

// keyOf returns the client's own key of a request; "" without one.
func keyOf(h http.Header) (string, error) {
	key := h.Get("Idempotency-Key")
	if key != "" && !clientKey.MatchString(key) {
		return "", errors.New("Idempotency-Key must be 1 to 200 visible ASCII characters")
	}
	return key, nil
}

var errAsker = errors.New(`"by" must be a name of at most 100 letters, digits, spaces and . _ @ + -`)

// decode reads the body of a request strictly; fields says what may stand in it.
func decode(w http.ResponseWriter, r *http.Request, body any, fields string) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(body); err != nil {
		return fmt.Errorf("the body must be JSON with %s, and nothing else", fields)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the body holds more than one JSON value")
	}
	return nil
}
