package trigger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep/bot"
)

// The limits of a signed call.
const (
	maxCall   = 16 << 10 // bytes of a body
	MinSecret = 24       // characters of the key of the signatures
)

// A Calls is the handler of POST /hooks/{package}, by which programs announce versions.
type Calls struct {
	Catalog Catalog
	Store   Store
	Secrets map[string]bot.Secret // the keys of the signatures, by package
	Wake    func()                // there is a new request
	Now     func() time.Time
	Log     *slog.Logger
}

// A call is the body of a signed call.
type call struct {
	Version string `json:"version"`
	By      string `json:"by"` // who announces it, as the program says
	ID      string `json:"id"` // stands for one version; may be left out
}

var (
	callID = regexp.MustCompile(`^[!-~]([ -~]{0,198}[!-~])?$`)
	caller = regexp.MustCompile(`^[\p{L}\p{N} ._@+-]{0,100}$`)
)

// ServeHTTP takes one call. Its sender waits for the answer, so a refusal is not kept: it
// may be sent again.
func (h *Calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pkg := r.PathValue("package")
	secret, ok := h.Secrets[pkg]
	if !ok || secret.Empty() {
		refuse(w, http.StatusNotFound, "no package %.100q has a hook", pkg)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, "the body is larger than %d KiB", maxCall>>10)
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "the body ended early")
		return
	}
	if err := h.prove(r.Header, secret, body); err != nil {
		refuse(w, http.StatusUnauthorized, "%v", err)
		return
	}
	requests, err := h.requests(pkg, body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	h.accept(w, r, requests)
}

// prove checks the signature of a call: HMAC-SHA256 over timestamp.body.
func (h *Calls) prove(header http.Header, secret bot.Secret, body []byte) error {
	stamp := header.Get("X-Lockstep-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("X-Lockstep-Timestamp is missing: send the time in seconds since 1970")
	}
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	fmt.Fprintf(mac, "%s.", stamp)
	mac.Write(body)
	if !equal(header.Get("X-Lockstep-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil))) {
		return errors.New("X-Lockstep-Signature does not fit: send sha256= and the HMAC-SHA256 of the timestamp, a dot and the body in hexadecimal digits")
	}
	if age := h.Now().Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errors.New("the signature is more than five minutes from now: check the clocks, and sign each call anew")
	}
	return nil
}

// requests reads a call strictly.
func (h *Calls) requests(pkg string, body []byte) ([]bot.Request, error) {
	var c call
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&c)
	if _, end := d.Token(); err != nil || !errors.Is(end, io.EOF) {
		return nil, errors.New(`the body must be JSON with "version" and perhaps "by" and "id", and nothing else`)
	}
	if !caller.MatchString(c.By) {
		return nil, errors.New(`"by" must be a name of at most 100 letters, digits, spaces and . _ @ + -`)
	}
	if c.ID != "" && !callID.MatchString(c.ID) {
		return nil, errors.New(`"id" must be 1 to 200 printable ASCII characters, without a space at an end`)
	}
	sources := slices.DeleteFunc(h.Catalog.Sources(), func(s bot.Source) bool { return s.Origin != bot.OriginHook || s.Package != pkg })
	if len(sources) == 0 {
		return nil, fmt.Errorf("package %q has no hook", pkg)
	}
	requests, err := h.Catalog.Announced(sources[0], c.Version)
	for i := range requests {
		identifyCall(&requests[i], c)
	}
	return requests, err
}

// identifyCall lets the id of a call stand for one version: with another one it is
// refused, as a tag that moves.
func identifyCall(q *bot.Request, c call) {
	q.By, q.Announced = strings.TrimSpace(c.By), true
	q.Key = fmt.Sprintf("hook %s %s", q.Package, q.Version)
	if c.ID != "" {
		q.Subject, q.Commit = fmt.Sprintf("hook %s %s", q.Package, c.ID), string(q.Version)
		q.Key = fmt.Sprintf("hook %s %s %s", q.Package, c.ID, q.Version)
	}
}

// accept stores the requests of a call and answers it.
func (h *Calls) accept(w http.ResponseWriter, r *http.Request, requests []bot.Request) {
	var answers []bot.Answer
	status := http.StatusConflict
	for _, q := range requests {
		answer, err := h.Store.Accept(r.Context(), q, h.Now())
		if err != nil {
			h.Log.Error("store a signed call", "key", q.Key, "error", err)
			refuse(w, http.StatusInternalServerError, "the call could not be stored: send it again")
			return
		}
		if !answer.Refused {
			status = http.StatusAccepted
		}
		answers = append(answers, answer)
	}
	h.Wake()
	reply(w, status, map[string][]bot.Answer{"answers": answers})
}
