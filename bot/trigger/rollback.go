package trigger

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"lockstep/bot"
)

// A Rollback is the handler of POST /api/v1/runs/{id}/rollback, by which a client asks
// for a run that puts a finished one back. Who may call it is decided before.
type Rollback struct {
	Store RunStore
	Wake  func() // there is a new request
	Now   func() time.Time
	Log   *slog.Logger
}

// A RunStore keeps requests, and the runs that they speak of.
type RunStore interface {
	// Run returns a run; bot.ErrNotFound without one.
	Run(ctx context.Context, id string) (*bot.Run, error)
	// Accept stores a request and returns its answer; the same request again gets the
	// first answer.
	Accept(ctx context.Context, q bot.Request, now time.Time) (bot.Answer, error)
}

// A regret is the body of a request to put a run back; it may be left out.
type regret struct {
	By     string `json:"by"`     // who asks, as the client says
	Reason string `json:"reason"` // why
}

// ServeHTTP answers like Runs, and 404 without such a run. Without the header
// Idempotency-Key, all requests to put the same run back are one, until that has ended.
func (h *Rollback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, key, err := h.read(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	id := r.PathValue("id")
	run, err := h.Store.Run(r.Context(), id)
	if errors.Is(err, bot.ErrNotFound) {
		refuse(w, http.StatusNotFound, "there is no run %.100q", id)
		return
	}
	var answer bot.Answer
	if err == nil {
		answer, err = h.undo(r.Context(), run, body, key)
	}
	answered(w, answer, err, h.Wake, h.Log.With("undoes", id))
}

// read reads a request strictly. An empty body says nothing more.
func (h *Rollback) read(w http.ResponseWriter, r *http.Request) (body regret, key string, err error) {
	if r.ContentLength != 0 {
		if err := decode(w, r, &body, `"by" and "reason"`); err != nil {
			return regret{}, "", err
		}
	}
	switch {
	case !asker.MatchString(body.By):
		return regret{}, "", errAsker
	case !oneLine.MatchString(body.Reason):
		return regret{}, "", errors.New(`"reason" must be one line of at most 500 characters`)
	}
	body.Reason = strings.TrimSpace(body.Reason)
	key, err = keyOf(r.Header)
	return body, key, err
}

// undo stores the request. Where the client has no key of its own, a request that comes
// after one whose run has ended is a new one, of which the store says what there is to do.
func (h *Rollback) undo(ctx context.Context, run *bot.Run, body regret, key string) (bot.Answer, error) {
	q := bot.Request{
		Package: run.Package, Track: run.Track, Version: run.Version, Lane: run.Lane,
		Origin: bot.OriginAPI, By: cmp.Or(body.By, "somebody"), Reason: body.Reason, Undoes: run.ID,
	}
	if key != "" {
		identify(&q, key, "undo "+run.ID)
		return h.Store.Accept(ctx, q, h.Now())
	}
	q.Key = "undo " + run.ID
	for {
		answer, err := h.Store.Accept(ctx, q, h.Now())
		if err != nil || answer.New || answer.Refused {
			return answer, err
		}
		earlier, err := h.Store.Run(ctx, answer.Run)
		if err != nil {
			return bot.Answer{}, err
		}
		if !earlier.Settled() {
			return answer, nil
		}
		q.Key = "undo " + run.ID + " after " + earlier.ID
	}
}
