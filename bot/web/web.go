// Package web shows runs and lanes to people and programs: read-only pages without
// scripts, and a JSON API that also takes commands (promote, roll back, freeze …) and the
// answers of people and programs to gates. Everything is read from the store on each
// request; what drifts is looked up outside. bot/web/openapi.yaml describes the API.
//
// It never changes a run: a command is handed on, and the run obeys it.
package web

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

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
	// Audit calls emit with each line of the audit log from since on and before until, in
	// the order of time, until emit returns an error. Zero times do not restrict.
	Audit(ctx context.Context, since, until time.Time, emit func(bot.AuditLine) error) error
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

// Commands does what people and programs want done.
type Commands interface {
	// Do does a batch of commands and returns an answer for each; the same batch again gets
	// the same answers. bot.ErrNotFound without the run that one is for.
	Do(ctx context.Context, b bot.Batch) ([]bot.Answer, error)
}

// A Catalog knows which requests make sense. bot.Config is one.
type Catalog interface {
	// Request returns the request for a version of a package on a track; the error is a
	// sentence for the one who asked.
	Request(pkg, track, version string) (bot.Request, error)
}

// A Server is everything that is served by HTTP.
type Server struct {
	Store    Store
	Commands Commands
	Catalog  Catalog
	History  Historian
	Access   *Access
	Metrics  *Metrics
	Hook     http.Handler // POST /webhooks/gitlab; it proves by itself who calls
	Calls    http.Handler // POST /hooks/{package}; so does it

	// Signed reports, in constant time, that signature stands for key, which is
	// run/environment/gate. nil: no program may answer a gate.
	Signed func(key, signature string) bool
	// Tracks are the data packages of each track.
	Tracks map[string][]string
	// Lane returns the lane of that name, or that of the track of that name; the error is
	// a sentence.
	Lane func(name string) (string, error)
	// Schedules are those of all tracks, in the order shown.
	Schedules []bot.Schedule
	// Sites are all environments, in the order shown.
	Sites []Site
	// Drift asks the outside where a package of a track disagrees; see bot.Bot.Drift.
	Drift func(ctx context.Context, track, pkg string) ([]bot.Drift, error)

	// Refused notes a request that was to change something and was turned away; nil: nobody
	// does.
	Refused func(r bot.Refusal)

	Version string // of this program
	Now     func() time.Time
	Log     *slog.Logger

	looking sync.Mutex // held while the outside is asked
}

// A route is a pattern of http.ServeMux with its handler.
type route struct {
	pattern string
	handler http.Handler
}

// routes are all routes. Those without a scope prove by themselves who calls, or say
// nothing about runs.
func (s *Server) routes() []route {
	return []route{
		{"/webhooks/gitlab", s.Metrics.gitlabHooks(s.Hook)},
		{"POST /hooks/{package}", s.Metrics.counted("call", s.Calls)},
		{"POST /callbacks/{run}/{environment}/{gate}", s.answering(s.callback)},

		{"POST /api/v1/runs", s.json(bot.MayRun, s.command(s.promote))},
		{"POST /api/v1/runs/{id}/rollback", s.json(bot.MayRun, s.command(tell(bot.VerbRollback)))},
		{"POST /api/v1/runs/{id}/retry", s.json(bot.MayRun, s.command(tell(bot.VerbRetry)))},
		{"POST /api/v1/runs/{id}/cancel", s.json(bot.MayRun, s.command(tell(bot.VerbCancel)))},
		{"POST /api/v1/runs/{id}/hold", s.json(bot.MayRun, s.command(tell(bot.VerbHold)))},
		{"POST /api/v1/runs/{id}/resume", s.json(bot.MayRun, s.command(tell(bot.VerbResume)))},
		{"POST /api/v1/runs/{id}/confirm", s.json(bot.MayApprove, s.command(answer(bot.VerbConfirm)))},
		{"POST /api/v1/runs/{id}/deny", s.json(bot.MayApprove, s.command(answer(bot.VerbDeny)))},
		{"POST /api/v1/lanes/{lane}/freeze", s.json(bot.MayFreeze, s.command(s.freeze))},
		{"POST /api/v1/lanes/{lane}/thaw", s.json(bot.MayFreeze, s.command(s.thaw))},
		{"POST /api/v1/freeze", s.json(bot.MayFreeze, s.command(s.freeze))},
		{"POST /api/v1/thaw", s.json(bot.MayFreeze, s.command(s.thaw))},

		{"GET /api/v1/runs", s.json(bot.MayRead, s.runs)},
		{"GET /api/v1/runs/{id}", s.json(bot.MayRead, s.run)},
		{"GET /api/v1/runs/{id}/why", s.json(bot.MayRead, s.runWhy)},
		{"GET /api/v1/why", s.json(bot.MayRead, s.why)},
		{"GET /api/v1/lanes", s.json(bot.MayRead, s.lanes)},
		{"GET /api/v1/queue", s.json(bot.MayRead, s.queue)},
		{"GET /api/v1/schedules", s.json(bot.MayRead, s.schedules)},
		{"GET /api/v1/status", s.json(bot.MayRead, s.status)},
		{"GET /api/v1/condemned", s.json(bot.MayRead, s.condemned)},
		{"GET /api/v1/drift", patient(s.json(bot.MayRead, s.drift))},

		{"POST /api/v1/tokens", s.json(bot.MayAdmin, s.makeToken)},
		{"GET /api/v1/tokens", s.json(bot.MayAdmin, s.tokens)},
		{"DELETE /api/v1/tokens/{id}", s.json(bot.MayAdmin, s.revokeToken)},
		{"GET /api/v1/audit", s.Access.Require(bot.MayAdmin, http.HandlerFunc(s.audit))},

		{"GET /api/v1/openapi.yaml", http.HandlerFunc(serveDescription)},
		{"GET /{$}", s.page("index.html", s.indexPage)},
		{"GET /runs/{id}", s.page("run.html", s.runPage)},
		{"GET /style.css", http.HandlerFunc(serveStyle)},
		{"GET /metrics", s.metrics()},
		{"GET /healthz", http.HandlerFunc(serveHealth)},
		{"GET /readyz", http.HandlerFunc(s.serveReady)},
		{"/", http.HandlerFunc(serveNothing)},
	}
}

// Handler returns the handler of all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, r.handler)
	}
	return guarded(s.witnessed(legible(mux)))
}

// legible refuses requests whose address holds what is no text: no database would take it.
func legible(next http.Handler) http.Handler {
	text := func(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ok := text(r.URL.Path)
		for _, values := range r.URL.Query() {
			ok = ok && !slices.ContainsFunc(values, func(v string) bool { return !text(v) })
		}
		if !ok {
			refuse(w, http.StatusBadRequest, "the address holds what is no text: write UTF-8 without NUL")
			return
		}
		next.ServeHTTP(w, r)
	})
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
	refuse(w, http.StatusNotFound, "there is no %s %.100q: docs/api.md has every call", r.Method, r.URL.Path)
}

//go:embed openapi.yaml
var description []byte

// serveDescription serves the description of the API, which says nothing about runs.
func serveDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(description) // the client may have gone away
}

// serveHealth says that the process answers. It asks nothing of the store, so that a
// database that is away does not get the process killed.
func serveHealth(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}
