package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// How many runs a list shows.
const (
	defaultRuns = 50
	mostRuns    = 500
)

// A RunLine is a run in a list.
type RunLine struct {
	ID       string         `json:"id"`
	Package  string         `json:"package"`
	Version  gitops.Version `json:"version"`
	Track    string         `json:"track"`
	Lane     string         `json:"lane"`
	State    bot.State      `json:"state"`
	Result   string         `json:"result"`             // how it ended or stands, in words
	Reason   string         `json:"reason"`             // the sentence of its last decision
	Asked    string         `json:"asked"`              // who or what asked for it
	Commands []string       `json:"commands,omitempty"` // what a person may type where the run waits for one
	Created  time.Time      `json:"created"`
	Begun    time.Time      `json:"begun,omitzero"` // absent while it is queued
	Ended    time.Time      `json:"ended,omitzero"` // absent until it has settled
}

// A RunList is the answer of GET /api/v1/runs.
type RunList struct {
	Runs []RunLine `json:"runs"` // the newest first
}

// A RunReport is the answer of GET /api/v1/runs/{id}.
type RunReport struct {
	Run    *bot.Run     `json:"run"`
	Result string       `json:"result"`          // how it ended or stands, in words
	Place  string       `json:"place,omitempty"` // where it waits for its lane
	Board  []bot.Column `json:"board"`
	Gates  []Gate       `json:"gates,omitempty"` // of every environment, in order
	Events []bot.Event  `json:"events"`

	// Commands are what a person may type where the run needs one; absent elsewhere.
	Commands []string `json:"commands,omitempty"`
}

// A CondemnedList is the answer of GET /api/v1/condemned.
type CondemnedList struct {
	Condemned []bot.Condemnation `json:"condemned"` // the newest first
}

// A LaneList is the answer of GET /api/v1/lanes.
type LaneList struct {
	Lanes []bot.LaneState `json:"lanes"` // by name
}

// A Status is the answer of GET /api/v1/status: what is under way, and where people
// are needed.
type Status struct {
	Version string          `json:"version"` // of the program
	Active  []RunLine       `json:"active"`  // they hold a lane and go on by themselves
	Waiting []RunLine       `json:"waiting"` // for their lane, each lane in its order
	Stalled []RunLine       `json:"stalled"` // they hold a lane and need a person
	Frozen  []bot.LaneState `json:"frozen"`  // lanes that need a person
}

// line returns a run as a list shows it.
func line(r *bot.Run) RunLine {
	l := RunLine{
		ID: r.ID, Package: r.Package, Version: r.Version, Track: r.Track, Lane: r.Lane,
		State: r.State, Result: r.Result(), Reason: r.Reason, Asked: r.Asked(),
		Created: r.Created, Begun: r.Begun, Ended: r.Ended,
	}
	if !r.Settled() {
		l.Commands = r.Commands()
	}
	return l
}

// lines returns runs as a list shows them; never nil, so that JSON says [].
func lines(runs []bot.Run) []RunLine {
	all := make([]RunLine, 0, len(runs))
	for i := range runs {
		all = append(all, line(&runs[i]))
	}
	return all
}

// runs answers GET /api/v1/runs?track=&lane=&state=&limit=; state may be repeated.
func (s *Server) runs(r *http.Request) (any, error) {
	filter, err := parseFilter(r.URL.Query())
	if err != nil {
		return nil, err
	}
	runs, err := s.Store.Runs(r.Context(), filter)
	if err != nil {
		return nil, err
	}
	return RunList{lines(runs)}, nil
}

// parseFilter reads what a list is restricted to.
func parseFilter(query url.Values) (bot.Filter, error) {
	filter := bot.Filter{Track: query.Get("track"), Lane: query.Get("lane"), Limit: defaultRuns}
	for name := range query {
		if !slices.Contains([]string{"track", "lane", "state", "limit"}, name) {
			return bot.Filter{}, failed(http.StatusBadRequest, "unknown parameter %.100q: runs are selected by track, lane, state and limit", name)
		}
	}
	for _, state := range query["state"] {
		if !slices.Contains(bot.States, bot.State(state)) {
			return bot.Filter{}, failed(http.StatusBadRequest, "unknown state %.100q: the states are %q", state, bot.States)
		}
		filter.States = append(filter.States, bot.State(state))
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > mostRuns {
			return bot.Filter{}, failed(http.StatusBadRequest, "limit must be a number from 1 to %d", mostRuns)
		}
		filter.Limit = limit
	}
	return filter, nil
}

// run answers GET /api/v1/runs/{id}.
func (s *Server) run(r *http.Request) (any, error) {
	report, err := s.report(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return report, nil
}

// report reads everything about one run.
func (s *Server) report(ctx context.Context, id string) (RunReport, error) {
	run, err := s.Store.Run(ctx, id)
	if err != nil {
		return RunReport{}, err
	}
	events, err := s.Store.Events(ctx, id)
	if err != nil {
		return RunReport{}, err
	}
	place, err := s.Store.Place(ctx, id)
	if err != nil {
		return RunReport{}, err
	}
	commands, err := s.commands(ctx, run)
	if err != nil {
		return RunReport{}, err
	}
	board := run.Board()
	gates, err := s.gates(ctx, run, board)
	if err != nil {
		return RunReport{}, err
	}
	return RunReport{Run: run, Result: run.Result(), Place: place, Board: board, Gates: gates, Events: events, Commands: commands}, nil
}

// commands returns what a person may type where a run needs one. A run whose rollback
// failed needs nobody any more once its lane is thawed.
func (s *Server) commands(ctx context.Context, run *bot.Run) ([]string, error) {
	if run.State != bot.RollbackFailed {
		return run.Commands(), nil
	}
	lanes, err := s.Store.Lanes(ctx)
	if err != nil {
		return nil, err
	}
	for _, lane := range lanes {
		if lane.Lane == run.Lane && lane.Frozen != "" {
			return run.Commands(), nil
		}
	}
	return nil, nil
}

// lanes answers GET /api/v1/lanes.
func (s *Server) lanes(r *http.Request) (any, error) {
	lanes, err := s.Store.Lanes(r.Context())
	if err != nil {
		return nil, err
	}
	return LaneList{append([]bot.LaneState{}, lanes...)}, nil
}

// condemned answers GET /api/v1/condemned.
func (s *Server) condemned(r *http.Request) (any, error) {
	condemned, err := s.Store.Condemned(r.Context())
	if err != nil {
		return nil, err
	}
	return CondemnedList{append([]bot.Condemnation{}, condemned...)}, nil
}

// status answers GET /api/v1/status.
func (s *Server) status(r *http.Request) (any, error) {
	lanes, err := s.Store.Lanes(r.Context())
	if err != nil {
		return nil, err
	}
	open, err := s.open(r.Context())
	if err != nil {
		return nil, err
	}
	status := Status{Version: s.Version, Active: []RunLine{}, Waiting: []RunLine{}, Stalled: []RunLine{}, Frozen: []bot.LaneState{}}
	for _, lane := range lanes {
		if lane.Freeze() != nil {
			status.Frozen = append(status.Frozen, lane)
		}
		switch holder, ok := open[lane.Holder]; {
		case ok && holder.State == bot.Stalled:
			status.Stalled = append(status.Stalled, holder)
		case ok:
			status.Active = append(status.Active, holder)
		}
		for _, id := range lane.Waiting {
			if waiting, ok := open[id]; ok {
				status.Waiting = append(status.Waiting, waiting)
			}
		}
	}
	return status, nil
}

// open returns the runs that have not settled, by id.
func (s *Server) open(ctx context.Context) (map[string]RunLine, error) {
	var states []bot.State
	for _, state := range bot.States {
		if !state.Settled() {
			states = append(states, state)
		}
	}
	runs, err := s.Store.Runs(ctx, bot.Filter{States: states, Limit: mostRuns})
	if err != nil {
		return nil, err
	}
	open := map[string]RunLine{}
	for i := range runs {
		open[runs[i].ID] = line(&runs[i])
	}
	return open, nil
}
