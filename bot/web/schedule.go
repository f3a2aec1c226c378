package web

import (
	"context"
	"net/http"
	"time"

	"lockstep/bot"
)

// nextSlots is how many of the next times of a schedule are shown.
const nextSlots = 10

// A ScheduleReport is a schedule with its times.
type ScheduleReport struct {
	Track   string      `json:"track"`
	Name    string      `json:"name"`
	Package string      `json:"package"`
	Cron    string      `json:"cron"`
	Zone    string      `json:"zone"`
	Version string      `json:"version"` // what is asked for, in the words of the configuration
	CatchUp bool        `json:"catch_up"`
	Next    []time.Time `json:"next"`           // with the offset of the zone
	Last    *bot.Slot   `json:"last,omitempty"` // that was answered last, and what became of it
}

// A ScheduleList is the answer of GET /api/v1/schedules.
type ScheduleList struct {
	Schedules []ScheduleReport `json:"schedules"` // by track, in the order of the configuration
}

// schedules answers GET /api/v1/schedules.
func (s *Server) schedules(r *http.Request) (any, error) {
	all, err := s.scheduled(r.Context(), nextSlots)
	if err != nil {
		return nil, err
	}
	return ScheduleList{all}, nil
}

// scheduled returns the schedules with their next times, so many of each; never nil, so
// that JSON says [].
func (s *Server) scheduled(ctx context.Context, times int) ([]ScheduleReport, error) {
	all := []ScheduleReport{}
	for i := range s.Schedules {
		schedule := &s.Schedules[i]
		report := ScheduleReport{
			Track: schedule.Track, Name: schedule.Name, Package: schedule.Package, Cron: schedule.Cron, Zone: schedule.Zone,
			Version: schedule.Wants(), CatchUp: schedule.CatchUp,
		}
		for at := s.Now(); len(report.Next) < times; {
			at = schedule.Next(at).At
			report.Next = append(report.Next, at)
		}
		last, found, err := s.Store.LastSlot(ctx, schedule.Track, schedule.Name)
		if err != nil {
			return nil, err
		}
		if found {
			report.Last = &last
		}
		all = append(all, report)
	}
	return all, nil
}
