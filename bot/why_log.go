package bot

import (
	"cmp"
	"slices"
	"time"
)

// Logs are the logs of runs that may have had to do with a service, and how complete
// they are.
type Logs struct {
	Runs   []RunLog
	Floor  time.Time // every run is among Runs that ended after it, or has not; zero: every run
	Looked int       // how many runs were looked at where the search was given up; 0: it was not
	Past   bool      // it is asked for a time that is past
}

// Explain says why a service runs what it runs at the time of s. It reports false when
// older runs have to be read for that.
func Explain(s Spot, logs Logs) (w Why, enough bool) {
	c := chronicle{floor: logs.Floor}
	for _, l := range logs.Runs {
		c.moves = append(c.moves, l.moves(s)...)
	}
	slices.SortStableFunc(c.moves, func(a, b move) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.run.ID, b.run.ID))
	})
	w = Why{Spot: s, Looked: logs.Looked}
	now := c.until(s.At)
	at, enough := c.last(now)
	if at >= 0 {
		since, known := c.effective(at)
		origin, sure := c.origin(since)
		enough = enough && known && sure
		w.fill(&c.moves[since], origin)
	}
	w.Doubt, w.Later = c.doubt(now), c.later(now)
	w.say(logs.Past)
	return w, enough
}

// A chronicle is what runs did to one service, in order.
type chronicle struct {
	moves []move
	floor time.Time // from then on everything is known; zero: all of it
}

// until returns the index of the first move after t.
func (c *chronicle) until(t time.Time) int {
	n, _ := slices.BinarySearchFunc(c.moves, t, func(m move, t time.Time) int {
		if m.at.After(t) {
			return 1
		}
		return -1
	})
	return n
}

// last returns the index of the last move before index n that says which version runs; -1
// without one. It reports false when another one may have come after it.
func (c *chronicle) last(n int) (int, bool) {
	for i := n - 1; i >= 0; i-- {
		if c.moves[i].kind != doubt {
			return i, c.moves[i].at.After(c.floor)
		}
	}
	return -1, c.floor.IsZero()
}

// before returns the index of the last move that says which version ran before the run of
// move i, or before the one that it undoes, did anything.
func (c *chronicle) before(i int) (int, bool) {
	r := c.moves[i].run
	id := cmp.Or(r.Undoes, r.ID)
	first := slices.IndexFunc(c.moves, func(m move) bool { return m.run.ID == id })
	if first < 0 { // the run that it undoes is not known
		return -1, c.floor.IsZero()
	}
	return c.last(min(first, i))
}

// effective returns the move since which the version of move i runs. A run that found its
// version where another one had brought it has changed nothing.
func (c *chronicle) effective(i int) (int, bool) {
	for c.moves[i].kind == found {
		earlier, known := c.before(i)
		if !known || earlier < 0 || c.moves[earlier].version != c.moves[i].version {
			return i, known
		}
		i = earlier
	}
	return i, true
}

// origin returns the move that brought the version of move i; nil where none did. What
// was put back stood there before, and some run may have brought it.
func (c *chronicle) origin(i int) (*move, bool) {
	for c.moves[i].kind != brought {
		earlier, known := c.before(i)
		if !known || earlier < 0 || c.moves[earlier].version != c.moves[i].version {
			return nil, known
		}
		i = earlier
	}
	return &c.moves[i], true
}

// doubt returns what throws doubt on the version that runs at index n.
func (c *chronicle) doubt(n int) string {
	if n == 0 || c.moves[n-1].kind != doubt {
		return ""
	}
	return c.moves[n-1].doubt
}

// later returns what a run did from index n on.
func (c *chronicle) later(n int) *WhyLater {
	for _, m := range c.moves[n:] {
		switch m.kind {
		case brought:
			return &WhyLater{At: m.at, Run: m.run.ID, Version: m.version}
		case putBack, stood:
			return &WhyLater{At: m.at, Run: m.run.ID, Version: m.version, Back: true}
		}
	}
	return nil
}
