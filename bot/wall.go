package bot

import (
	"sync"
	"time"
	_ "time/tzdata" // zones are known in an image without them too
)

// A wall time is what a clock on a wall of some zone shows. It is kept as a time in UTC
// with the same numbers, so that one can count with it as if no clock was ever changed.

// zones are the locations that were loaded, by name.
var zones sync.Map

// zone returns a location by its name, which was checked when the configuration was.
func zone(name string) *time.Location {
	loc, err := loadZone(name)
	if err != nil {
		panic("bot: zone " + name + ": " + err.Error())
	}
	return loc
}

// loadZone returns a location by its name.
func loadZone(name string) (*time.Location, error) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, loc)
	}
	return loc, err
}

// wallOf returns what the clocks of loc show at t.
func wallOf(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// moments returns when the clocks of loc show wall: twice where they are put back, and
// where they are put forward past it, the moment in which that is done.
func moments(wall time.Time, loc *time.Location) []time.Time {
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, loc)
	begin, end := near.ZoneBounds()
	offsets := []int{offsetAt(near)}
	if !begin.IsZero() {
		offsets = append(offsets, offsetAt(begin.Add(-time.Second)))
	}
	if !end.IsZero() {
		offsets = append(offsets, offsetAt(end))
	}
	var found []time.Time
	for _, offset := range offsets {
		at := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if !wallOf(at, loc).Equal(wall) || len(found) > 0 && found[0].Equal(at) {
			continue
		}
		if found = append(found, at); len(found) == 2 && found[1].Before(found[0]) {
			found[0], found[1] = found[1], found[0]
		}
	}
	if len(found) > 0 {
		return found
	}
	if begin.IsZero() || !end.IsZero() && end.Sub(near) < near.Sub(begin) {
		return []time.Time{end.In(loc)}
	}
	return []time.Time{begin.In(loc)}
}

// offsetAt returns how far the clocks of t's zone are ahead of UTC then, in seconds.
func offsetAt(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// day writes a moment with its weekday, as people read when something opens.
func day(t time.Time) string { return t.Format("Mon 2006-01-02 15:04 MST") }
