// Package trigger turns what asks for a run (a version that a hook announces or that
// polling finds, a client of the API) into one stored request, and every other hook
// into a hint that wakes runs. A request is stored before it is answered, under a key
// that makes the second one the first.
//
// A hint is never a fact: what it speaks of is read again by the run that it wakes.
// The package never decides about a run, and looks outside only for what announces
// versions.
package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"lockstep/bot"
)

// A Catalog knows which requests make sense. bot.Config is one.
type Catalog interface {
	// Sources returns everything that announces versions.
	Sources() []bot.Source
	// Announced returns the requests that a source makes with a version; the error is a
	// sentence that says why it makes none.
	Announced(s bot.Source, version string) ([]bot.Request, error)
	// Request returns the request for a version of a package on a track; the error is
	// a sentence for the one who asked.
	Request(pkg, track, version string) (bot.Request, error)
}

// A Store keeps requests with their answers.
type Store interface {
	// Accept stores a request and returns its answer; the same request again gets the
	// first answer.
	Accept(ctx context.Context, q bot.Request, now time.Time) (bot.Answer, error)
	// AcceptAll does so for all requests of a delivery, at once.
	AcceptAll(ctx context.Context, delivery string, requests []bot.Request, now time.Time) ([]bot.Answer, error)
	// Answered reports that a request has an answer that it keeps.
	Answered(ctx context.Context, q bot.Request) (bool, error)
	// Baseline notes that something (a package and track of a project) is looked at for
	// the first time, and that the known requests are older than that: they start nothing.
	// After the first time it does nothing.
	Baseline(ctx context.Context, something string, known []bot.Request, now time.Time) (first bool, err error)
	// Active returns the runs that hold a lane.
	Active(ctx context.Context) ([]bot.Run, error)
}

// looked tells whoever wants to know that a look ended well, and when the next begins.
func looked(tell func(again time.Duration), err error, again time.Duration) {
	if tell != nil && err == nil {
		tell(again)
	}
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone away
}

// A said is an answer that is nothing but a sentence.
type said struct {
	Sentence string `json:"sentence,omitempty"`
	Error    string `json:"error,omitempty"`
}

// refuse answers that nothing was done, and why.
func refuse(w http.ResponseWriter, status int, format string, args ...any) {
	reply(w, status, said{Error: fmt.Sprintf(format, args...)})
}
