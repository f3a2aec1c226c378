package web

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"net/http"
	"time"

	"lockstep/bot"
)

//go:embed pages
var pages embed.FS

// templates are the pages by the name of their file. Each is a whole page that shares
// the head and foot of layout.html.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"glyph": func(m bot.Mark) string { return glyphs[m] },
	"class": func(m bot.Mark) string { return classes[m] },
	"tone":  func(r RunLine) string { return classes[tone(r.State, r.Result)] },
	"when":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
	"zoned": func(t time.Time) string { return t.Format("Mon 2006-01-02 15:04 MST") },
	"took":  took,
	"since": func(from, to time.Time) string { return to.Sub(from).Round(time.Second).String() },
}).ParseFS(pages, "pages/*.html"))

// glyphs show how a cell stands.
var glyphs = map[bot.Mark]string{
	bot.MarkOpen: "", bot.MarkRunning: "●", bot.MarkPassed: "✓", bot.MarkFailed: "✕",
	bot.MarkWarned: "!", bot.MarkSkipped: "»", bot.MarkUnsure: "?",
}

// classes are the names that the style sheet has for marks.
var classes = map[bot.Mark]string{
	bot.MarkOpen: "open", bot.MarkRunning: "running", bot.MarkPassed: "passed", bot.MarkFailed: "failed",
	bot.MarkWarned: "warned", bot.MarkSkipped: "skipped", bot.MarkUnsure: "unsure",
}

// tone says how a run stands, as a cell would.
func tone(state bot.State, result string) bot.Mark {
	switch state {
	case bot.Queued:
		return bot.MarkOpen
	case bot.Done:
		if result != "success" {
			return bot.MarkWarned
		}
		return bot.MarkPassed
	case bot.RolledBack:
		if result == string(bot.RolledBack) { // as it was asked to
			return bot.MarkPassed
		}
		return bot.MarkFailed
	case bot.RollbackFailed, bot.Failed:
		return bot.MarkFailed
	case bot.Stalled:
		return bot.MarkUnsure
	case bot.Cancelled, bot.Superseded, bot.Refused:
		return bot.MarkSkipped
	}
	return bot.MarkRunning
}

// took returns how long a run was or has been under way; "" before it begins.
func took(r RunLine, now time.Time) string {
	if r.Begun.IsZero() {
		return ""
	}
	end := r.Ended
	if end.IsZero() {
		end = now
	}
	return end.Sub(r.Begun).Round(time.Second).String()
}

// A view is what every page shows.
type view struct {
	Title   string
	Version string
	Now     time.Time
	Refresh int // seconds until the browser reads the page again; 0: never
	Data    any
}

// An indexView is the first page.
type indexView struct {
	Lanes     []laneView
	Condemned []bot.Condemnation
	Schedules []ScheduleReport // with the next time of each
	Runs      []RunLine
}

// A laneView is a lane with its runs.
type laneView struct {
	bot.LaneState
	Holder  *RunLine // nil when it is free
	Waiting []waitingView
	More    int // how many others wait behind those
}

// A waitingView is a run that waits for its lane.
type waitingView struct {
	RunLine
	Place string // where it waits, in words
}

// mostWaiting is how many waiting runs of a lane the first page shows.
const mostWaiting = 10

// page serves a page to those who may see it.
func (s *Server) page(name string, read func(*http.Request) (view, error)) http.Handler {
	return s.Access.Require(bot.MayRead, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := read(r)
		if err != nil {
			f := s.explain(r, err)
			s.show(w, f.status, "error.html", view{Title: http.StatusText(f.status), Data: f.sentence})
			return
		}
		s.show(w, http.StatusOK, name, v)
	}))
}

// show renders a page. It is sent only when it is whole.
func (s *Server) show(w http.ResponseWriter, status int, name string, v view) {
	v.Version, v.Now = s.Version, s.Now()
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, v); err != nil {
		s.Log.Error("show page", "page", name, "error", err)
		refuse(w, http.StatusInternalServerError, "the page cannot be shown: see the log")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may have gone away
}

// indexPage reads the first page: the lanes, the condemned versions, the schedules, the
// newest runs.
func (s *Server) indexPage(r *http.Request) (view, error) {
	lanes, err := s.Store.Lanes(r.Context())
	if err != nil {
		return view{}, err
	}
	open, err := s.open(r.Context())
	if err != nil {
		return view{}, err
	}
	newest, err := s.Store.Runs(r.Context(), bot.Filter{Limit: defaultRuns})
	if err != nil {
		return view{}, err
	}
	condemned, err := s.Store.Condemned(r.Context())
	if err != nil {
		return view{}, err
	}
	schedules, err := s.scheduled(r.Context(), 1)
	if err != nil {
		return view{}, err
	}
	data := indexView{Condemned: condemned, Schedules: schedules, Runs: lines(newest)}
	for _, lane := range lanes {
		v, err := s.lane(r.Context(), lane, open)
		if err != nil {
			return view{}, err
		}
		data.Lanes = append(data.Lanes, v)
	}
	return view{Title: "Runs", Refresh: 10, Data: data}, nil
}

// lane returns a lane with its runs, which are among open.
func (s *Server) lane(ctx context.Context, lane bot.LaneState, open map[string]RunLine) (laneView, error) {
	v := laneView{LaneState: lane}
	if holder, ok := open[lane.Holder]; ok {
		v.Holder = &holder
	}
	for _, id := range lane.Waiting {
		waiting, ok := open[id]
		switch {
		case !ok: // it has got its lane since
			continue
		case len(v.Waiting) == mostWaiting:
			v.More++
			continue
		}
		place, err := s.Store.Place(ctx, id)
		if err != nil {
			return laneView{}, err
		}
		v.Waiting = append(v.Waiting, waitingView{waiting, place})
	}
	return v, nil
}

// serveStyle serves the style sheet, which says nothing about runs.
func serveStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(w, r, pages, "pages/style.css")
}
