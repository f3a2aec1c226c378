package web

import (
	"encoding/json"
	"net/http"
	"time"

	"lockstep/bot"
)

// auditPatience is how long the reader of the audit log may take for each piece of it.
const auditPatience = time.Minute

// audit answers GET /api/v1/audit?since=&until= with a line of JSON for each thing that
// happened, in the order of time. What the reader got is whole lines; when the log cannot
// be read to its end, the connection breaks, so that nobody takes a part for the whole.
func (s *Server) audit(w http.ResponseWriter, r *http.Request) {
	since, until, err := s.span(r)
	if err != nil {
		f := s.explain(r, err)
		refuse(w, f.status, "%s", f.sentence)
		return
	}
	lines := &lineWriter{to: w, patience: http.NewResponseController(w)}
	err = s.Store.Audit(r.Context(), since, until, lines.write)
	switch {
	case err == nil:
		lines.begin()
	case !lines.begun:
		f := s.explain(r, err)
		refuse(w, f.status, "%s", f.sentence)
	default:
		s.explain(r, err) // which logs it
		panic(http.ErrAbortHandler)
	}
}

// A lineWriter writes the lines of an answer that begins with the first of them.
type lineWriter struct {
	to       http.ResponseWriter
	patience *http.ResponseController
	begun    bool
	extended time.Time // when the reader was given time last
}

// begin sends the head of the answer.
func (l *lineWriter) begin() {
	if !l.begun {
		l.begun = true
		l.to.Header().Set("Content-Type", "application/x-ndjson")
		l.to.WriteHeader(http.StatusOK)
	}
}

// write writes one line. A reader who takes it slowly is waited for, one who takes nothing
// is not.
func (l *lineWriter) write(line bot.AuditLine) error {
	l.begin()
	if now := time.Now(); now.Sub(l.extended) > auditPatience/10 {
		l.extended = now
		_ = l.patience.SetReadDeadline(now.Add(auditPatience)) // when it passes, the request is taken for given up
		_ = l.patience.SetWriteDeadline(now.Add(auditPatience))
	}
	return json.NewEncoder(l.to).Encode(line)
}

// span reads from when and until when the log is wanted.
func (s *Server) span(r *http.Request) (since, until time.Time, err error) {
	query := r.URL.Query()
	for name := range query {
		if name != "since" && name != "until" {
			return since, until, failed(http.StatusBadRequest, "unknown parameter %.100q: the audit log is selected by since and until", name)
		}
	}
	if since, err = s.timePast("since", query.Get("since")); err != nil {
		return since, until, err
	}
	until, err = s.timePast("until", query.Get("until"))
	return since, until, err
}

// timePast returns the time that a parameter holds, as a time or as how long ago it is;
// zero for an empty one.
func (s *Server) timePast(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return s.Now().Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, failed(http.StatusBadRequest, "%s must be a time such as 2026-11-30T08:00:00Z, a day such as 2026-11-30, or how long ago it is, such as 24h", name)
}
