// Package web shows runs and lanes to people and programs: read-only pages without
// scripts, and a JSON API that also takes the words by which people steer (freeze, thaw,
// resume, cancel, confirm, deny) and the answers of programs to gates. Everything is
// read from the store on each request; what drifts is looked up outside.
//
// It never changes a run: what people and programs say is handed on, and the run obeys
// it.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"lockstep/bot"
)

// A Store is what pages and API read.
type Store interface {
	Logbook
	// Lanes returns every lane, by name.
	Lanes(ctx context.Context) ([]bot.LaneState, error)
	// Place says in words where a run waits for its lane, and when it may start; "" when
	// it does not wait.
	Place(ctx context.Context, id string) (string, error)
	// Condemned returns the versions that are refused until they are forced, the newest
	// first.
	Condemned(ctx context.Context) ([]bot.Condemnation, error)
	// LastSlot returns the slot of a schedule that was answered last; false without one.
	LastSlot(ctx context.Context, track, schedule string) (bot.Slot, bool, error)
}

// A Logbook knows what happened in runs. bot.ErrNotFound says that there is no such run.
type Logbook interface {
	Run(ctx context.Context, id string) (*bot.Run, error)
	// Runs returns the runs that f selects, the newest first.
	Runs(ctx context.Context, f bot.Filter) ([]bot.Run, error)
	// Events returns what was decided in a run, in order.
	Events(ctx context.Context, id string) ([]bot.Event, error)
	// Opinions returns what was answered to a gate, in order.
	Opinions(ctx context.Context, run, environment, gate string) ([]bot.Opinion, error)
}

// Steering takes what people and programs say. It returns bot.ErrRefused with a
// sentence when that makes no sense now.
type Steering interface {
	// Say tells a run w; bot.ErrNotFound without such a run. Said twice, the second is
	// refused and changes nothing.
	Say(ctx context.Context, run string, w bot.Word) error
	// Opine keeps an answer to a gate of an environment. The first one of each speaker
	// counts: the same again is nil, another is refused.
	Opine(ctx context.Context, run, environment string, o bot.Opinion) error
	// Freeze keeps a lane, or bot.Everything, from being granted, and its holder from its
	// next stage.
	Freeze(ctx context.Context, lane string, f bot.Freeze) error
	// Thaw lets a frozen lane, or bot.Everything, be granted again.
	Thaw(ctx context.Context, lane, by, reason string) error
}

// A Server is everything that is served by HTTP.
type Server struct {
	Store    Store
	Steering Steering
	Access   Access
	Hook     http.Handler // POST /webhooks/gitlab; it proves by itself who calls
	Submit   http.Handler // POST /api/v1/runs, behind Access
	Rollback http.Handler // POST /api/v1/runs/{id}/rollback, behind Access

	// Signed reports, in constant time, that signature stands for key, which is
	// run/environment/gate. nil: no program may answer a gate.
	Signed func(key, signature string) bool
	// Tracks are the data packages of each track.
	Tracks map[string][]string
	// Lane returns the lane of that name, or that of the track of that name; the error is
	// a sentence. nil: a name is that of a lane.
	Lane func(name string) (string, error)
	// Schedules are those of all tracks, in the order shown.
	Schedules []bot.Schedule
	// Drift asks the outside where a package of a track disagrees; see bot.Bot.Drift.
	Drift func(ctx context.Context, track, pkg string) ([]bot.Drift, error)

	Version string // of this program
	Now     func() time.Time
	Log     *slog.Logger

	looking sync.Mutex // held while the outside is asked
}

// Handler returns the handler of all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/webhooks/gitlab", s.Hook)
	mux.Handle("POST /callbacks/{run}/{environment}/{gate}", s.answering(s.callback))
	mux.Handle("POST /api/v1/runs", s.Access.Require(s.Submit))
	mux.Handle("GET /api/v1/runs", s.json(s.runs))
	mux.Handle("GET /api/v1/runs/{id}", s.json(s.run))
	mux.Handle("POST /api/v1/runs/{id}/resume", s.json(s.say(bot.VerbResume)))
	mux.Handle("POST /api/v1/runs/{id}/cancel", s.json(s.say(bot.VerbCancel)))
	mux.Handle("POST /api/v1/runs/{id}/confirm", s.json(s.answer(true)))
	mux.Handle("POST /api/v1/runs/{id}/deny", s.json(s.answer(false)))
	mux.Handle("POST /api/v1/runs/{id}/rollback", s.Access.Require(s.Rollback))
	mux.Handle("GET /api/v1/lanes", s.json(s.lanes))
	mux.Handle("POST /api/v1/lanes/{lane}/freeze", s.json(s.freeze))
	mux.Handle("POST /api/v1/lanes/{lane}/thaw", s.json(s.thaw))
	mux.Handle("POST /api/v1/freeze", s.json(s.freeze))
	mux.Handle("POST /api/v1/thaw", s.json(s.thaw))
	mux.Handle("GET /api/v1/schedules", s.json(s.schedules))
	mux.Handle("GET /api/v1/status", s.json(s.status))
	mux.Handle("GET /api/v1/condemned", s.json(s.condemned))
	mux.Handle("GET /api/v1/drift", patient(s.json(s.drift)))
	mux.Handle("GET /{$}", s.page("index.html", s.indexPage))
	mux.Handle("GET /runs/{id}", s.page("run.html", s.runPage))
	mux.Handle("GET /style.css", http.HandlerFunc(serveStyle))
	mux.Handle("GET /healthz", http.HandlerFunc(serveHealth))
	mux.Handle("/", http.HandlerFunc(serveNothing))
	return guarded(mux)
}

// guarded sets the headers that keep a browser from doing more than showing a page.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// serveNothing answers what is no route.
func serveNothing(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, "there is no %s %.100q: docs/operations.md has every call", r.Method, r.URL.Path)
}

// serveHealth says that the process answers. It asks nothing of the store, so that a
// database that is away does not get the process killed.
func serveHealth(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}
