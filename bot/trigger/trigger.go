// Package trigger turns what asks for a run (a tag that a hook announces or that
// polling finds, a client of the API) into one stored request, and every other hook
// into a hint that wakes runs. A request is stored before it is answered, under a key
// that makes the second one the first.
//
// A hint is never a fact: what it speaks of is read again by the run that it wakes.
// The package never decides about a run and never looks at GitLab by itself, but for
// the tags that it polls.
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
	// Tagged returns the requests that a tag of a project makes: none for a project
	// that is no data project, an error, a sentence, for a tag that starts nothing.
	Tagged(project, tag string) ([]bot.Request, error)
	// Ways returns what the tags of a project can start.
	Ways(project string) []bot.Way
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
	// Baseline notes that something (a package and track of a project) is looked at for
	// the first time, and that the known requests are older than that: they start nothing.
	// After the first time it does nothing.
	Baseline(ctx context.Context, something string, known []bot.Request, now time.Time) (first bool, err error)
	// Active returns the runs that hold a lane.
	Active(ctx context.Context) ([]bot.Run, error)
}

// tagRequest completes a request that a tag makes. Hook and polling agree on it, so
// that a tag that both announce is one request.
func tagRequest(q bot.Request, project, tag, commit string) bot.Request {
	q.Origin = bot.OriginTag
	q.Subject = fmt.Sprintf("tag %s %s", project, tag)
	q.Commit = commit
	q.Key = fmt.Sprintf("tag %s %s %s", project, tag, commit)
	return q
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
