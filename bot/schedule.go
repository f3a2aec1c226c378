package bot

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/netresearch/go-cron"

	"lockstep/gitops"
)

// A Schedule asks for a run of a track at certain times. Each of its times is a slot,
// which is answered once.
//
// A slot is a time that the clocks of the zone show. Where they are put back and show it
// twice, it is the first of both; where they are put forward past it, it is the moment
// in which that is done. Slots that fall onto one moment are one.
type Schedule struct {
	Track   string `json:"track"`
	Name    string `json:"name"`
	Package string `json:"package"`
	Cron    string `json:"cron"`
	Zone    string `json:"zone"`
	Project string `json:"project,omitempty"` // whose newest tag names the version; "" with GoodOf
	GoodOf  string `json:"good_of,omitempty"` // the track whose newest good version it is
	CatchUp bool   `json:"catch_up"`          // a missed slot is made up for, the newest of several alone

	times *cron.SpecSchedule
	loc   *time.Location
}

// A Slot is a time of a schedule, with what became of it.
type Slot struct {
	Track    string         `json:"track"`
	Schedule string         `json:"schedule"`
	Local    string         `json:"local"` // "2026-11-30 02:30 Europe/Berlin"; the slot's identity
	At       time.Time      `json:"at"`
	Version  gitops.Version `json:"version,omitempty"` // what was asked for; "" for nothing
	Run      string         `json:"run,omitempty"`     // that serves it; "" for none
	Sentence string         `json:"sentence"`          // what became of it
	Answered time.Time      `json:"answered"`
}

// Key is the key of the request that a slot makes: whatever happens, it is one.
func (s Slot) Key() string { return fmt.Sprintf("schedule %s %s %s", s.Track, s.Schedule, s.Local) }

// prepare parses the cron expression and the zone; the error is a sentence.
func (s *Schedule) prepare() (err error) {
	if s.times, err = parseCron(s.Cron); err != nil {
		return err
	}
	s.loc, err = loadZone(s.Zone)
	return err
}

// cronParser reads the five fields of crontab. As there, days of the month and of the
// week are alternatives when both are given. Nine years hold a leap day in any century.
var cronParser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom).WithMaxSearchYears(9)

// parseCron reads a cron expression; the error is a sentence.
func parseCron(text string) (*cron.SpecSchedule, error) {
	if n := len(strings.Fields(text)); n != 5 {
		return nil, fmt.Errorf("want 5 fields, have %d: write minute, hour, day of the month, month and weekday, such as 30 2 * * *", n)
	}
	parsed, err := cronParser.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("not a cron expression: %v", err)
	}
	times, ok := parsed.(*cron.SpecSchedule)
	if !ok || times.Next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, errors.New("such a day never comes: mend the day or the month")
	}
	return times, nil
}

// Next returns the first slot after t.
func (s *Schedule) Next(t time.Time) Slot {
	wall := wallOf(t, s.loc)
	for {
		wall = s.times.Next(wall.Truncate(time.Minute).Add(59 * time.Second)) // which goes on by the second
		if at := moments(wall, s.loc)[0]; at.After(t) {
			return s.slot(at)
		}
	}
}

// Due returns the newest slot that is not after t. None: false.
func (s *Schedule) Due(t time.Time) (slot Slot, found bool) {
	wall := wallOf(t, s.loc).Add(s.shownAgain(t)).Truncate(time.Minute).Add(time.Second)
	for {
		if wall = s.times.Prev(wall); wall.IsZero() {
			return Slot{}, false
		}
		if at := moments(wall, s.loc)[0]; !at.After(t) {
			return s.slot(at), true
		}
	}
}

// shownAgain returns how much of what the clocks have shown before t they are about to
// show again, because they have just been put back.
func (s *Schedule) shownAgain(t time.Time) time.Duration {
	begin, _ := t.In(s.loc).ZoneBounds()
	if begin.IsZero() {
		return 0
	}
	back := time.Duration(offsetAt(begin.Add(-time.Second))-offsetAt(t.In(s.loc))) * time.Second
	return max(back-t.Sub(begin), 0)
}

// slot returns the slot at a moment.
func (s *Schedule) slot(at time.Time) Slot {
	at = at.In(s.loc)
	return Slot{Track: s.Track, Schedule: s.Name, Local: at.Format("2006-01-02 15:04 ") + s.Zone, At: at}
}

// Wants says which version the schedule asks for.
func (s *Schedule) Wants() string {
	if s.GoodOf != "" {
		return newestGood + s.GoodOf
	}
	return versionLatest
}

// What a schedule may ask for.
const (
	versionLatest = "latest"
	newestGood    = "newest good of "
)
