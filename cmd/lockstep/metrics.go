package main

import (
	"maps"
	"slices"
	"time"

	"lockstep/bot/web"
)

// metrics returns the metrics of the process with what the server knows.
func (s *server) metrics() *web.Metrics {
	m := s.outside.metrics
	m.Figures, m.Log, m.Open = s.store.Figures, s.log, s.cfg.Server.Metrics == "open"
	m.Lanes, m.Tracks, m.Channels = s.cfg.Lanes(), slices.Sorted(maps.Keys(s.cfg.Tracks)), slices.Sorted(maps.Keys(s.cfg.Notify))
	return m
}

// timed counts an operation on a repository that began at a time, when it has ended.
func (r *repositories) timed(operation string, began time.Time, err *error) {
	r.metrics.Git(operation, time.Since(began), *err)
}
