package bot

import (
	"fmt"
	"slices"
	"time"
)

// A Windows says when an environment may be changed, or a track may begin: while a span
// of Allow covers the time, or none is given, and no span of Deny does. Its times are
// what the clocks of the zone show. Nil is always open, and a rollback asks nobody.
type Windows struct {
	Zone  string `json:"zone"`
	Allow []Span `json:"allow,omitempty"`
	Deny  []Span `json:"deny,omitempty"`
}

// Closed reports that w is closed at now, and when it opens: zero when it never does.
func (w *Windows) Closed(now time.Time) (opens time.Time, closed bool) {
	if w == nil || w.open(now) {
		return time.Time{}, false
	}
	loc := zone(w.Zone)
	for t, last := now, w.horizon(now, loc); t.Before(last); {
		if t = w.change(t, loc); t.IsZero() {
			break
		}
		if w.open(t) {
			return t.In(loc), true
		}
	}
	return time.Time{}, true
}

// open reports that w is open at t.
func (w *Windows) open(t time.Time) bool {
	wall := wallOf(t, zone(w.Zone))
	covers := func(s Span) bool { return s.covers(wall) }
	return (len(w.Allow) == 0 || slices.ContainsFunc(w.Allow, covers)) && !slices.ContainsFunc(w.Deny, covers)
}

// horizon returns when everything that can change has: two weeks, with a change of the
// clocks in one of them, after the last date.
func (w *Windows) horizon(now time.Time, loc *time.Location) time.Time {
	last := now
	for _, s := range slices.Concat(w.Allow, w.Deny) {
		if end := moments(s.end, loc); !s.weekly() && end[0].After(last) {
			last = end[0]
		}
	}
	return last.AddDate(0, 0, 15)
}

// change returns the first moment after t in which a span begins or ends, or the clocks
// are changed. Within a dated denial only its end matters.
func (w *Windows) change(t time.Time, loc *time.Location) time.Time {
	wall := wallOf(t, loc)
	edges := make([]time.Time, 0, 64)
	for _, s := range w.Deny {
		if !s.weekly() && s.covers(wall) {
			return moments(s.end, loc)[0]
		}
	}
	for _, s := range slices.Concat(w.Allow, w.Deny) {
		for _, edge := range s.edges(wall) {
			edges = append(edges, moments(edge, loc)...)
		}
	}
	if _, end := t.In(loc).ZoneBounds(); !end.IsZero() {
		edges = append(edges, end)
	}
	var first time.Time
	for _, edge := range edges {
		if edge.After(t) && (first.IsZero() || edge.Before(first)) {
			first = edge
		}
	}
	return first
}

// closure says that something is closed, until when, and whose windows say so; "" when
// it is open.
func (w *Windows) closure(kind, name string, now time.Time) (sentence string, opens time.Time) {
	opens, closed := w.Closed(now)
	switch {
	case !closed:
		return "", opens
	case opens.IsZero():
		return fmt.Sprintf("%s %s: closed, and no window is to come (windows of %s)", kind, name, name), opens
	}
	return fmt.Sprintf("%s %s: closed until %s (windows of %s)", kind, name, day(opens), name), opens
}

// Shut says until when a queued run may not begin because of the windows of its track,
// and when that ends, zero for never; "" when it may. What puts a run back always may.
func (r *Run) Shut(now time.Time) (sentence string, opens time.Time) {
	if r.Undoes != "" {
		return "", time.Time{}
	}
	return r.Windows.closure("track", r.Track, now)
}
