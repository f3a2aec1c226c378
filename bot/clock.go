package bot

import "time"

// A Clock measures for how long a source has been answering "not yet". The time in
// which nobody could tell is not counted: an outage is no verdict.
type Clock struct {
	From    time.Time `json:"from"`    // since when it runs; time in which nobody could tell moves it on
	Unknown time.Time `json:"unknown"` // since when nobody has been able to tell; zero while answers come
}

// start lets the clock run from now.
func (c *Clock) start(now time.Time) { *c = Clock{From: now} }

// missed notes that nobody could tell.
func (c *Clock) missed(now time.Time) {
	if c.Unknown.IsZero() {
		c.Unknown = now
	}
}

// answered ends the time in which nobody could tell, and leaves it out.
func (c *Clock) answered(now time.Time) {
	if c.From.Before(c.Unknown) {
		c.From = c.From.Add(c.lost(now))
	}
	c.Unknown = time.Time{}
}

// overdue reports that the clock has run for limit or longer.
func (c Clock) overdue(now time.Time, limit time.Duration) bool {
	return limit > 0 && now.Sub(c.From)-c.lost(now) >= limit
}

// lost returns for how long nobody has been able to tell, up to now.
func (c Clock) lost(now time.Time) time.Duration {
	if c.Unknown.IsZero() {
		return 0
	}
	return now.Sub(c.Unknown)
}
