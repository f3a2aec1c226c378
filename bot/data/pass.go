package data

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"lockstep/bot"
)

// A phase is what a pass knows of a version so far.
type phase string

// The phases of a pass.
const (
	unknown  phase = ""
	surveyed phase = "surveyed" // the manifest is one, and says what has to be there
	listed   phase = "listed"   // what is there was listed
	copied   phase = "copied"   // everything but what comes last is at the destination
)

// A cursor is where a pass goes on. It is stored as the text of bot.Progress.Cursor.
type cursor struct {
	Phase phase     `json:"phase"`
	At    string    `json:"at,omitempty"`   // within the phase: a place in the manifest, or the last key that was listed
	Found tally     `json:"found,omitzero"` // listed so far
	Gone  tally     `json:"gone,omitzero"`  // gone through without a gap
	Text  text      `json:"text,omitzero"`  // of the manifest
	Reads []reading `json:"read,omitempty"` // of objects that are not gone through
}

// A tally counts objects.
type tally struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// count adds an object.
func (t *tally) count(size int64) {
	t.Objects++
	t.Bytes += size
}

// A text is which manifest a pass goes by.
type text struct {
	ETag   string `json:"etag,omitempty"`
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // in base64
}

// A pass is one call of Check or Copy: it goes on from a cursor for a few seconds.
type pass struct {
	*Packages
	cursor
	set      bot.DataSet
	from     *side
	to       *side // nil in a check
	ends     time.Time
	progress bot.Progress
	known    *names // of the manifest; nil: it was not read in this call
	partly   int64  // bytes that are done of objects that are not

	mu    sync.Mutex
	moved bool
	reads map[string]reading // by place
}

// restore takes up the cursor of an earlier call. One that cannot be read, as after a
// change of this program, begins the pass anew.
func (s *pass) restore() {
	if s.progress.Began.IsZero() {
		s.progress.Began = s.now()
	}
	if err := json.Unmarshal([]byte(s.progress.Cursor), &s.cursor); err != nil {
		s.restart()
	}
	s.reads = map[string]reading{}
	for _, at := range s.Reads {
		s.reads[at.Place] = at
	}
}

// restart begins the pass anew.
func (s *pass) restart() {
	s.cursor, s.known, s.partly, s.reads = cursor{}, nil, 0, map[string]reading{}
}

// run takes steps until the pass is done, has a problem, cannot tell or its time is
// over.
func (s *pass) run(ctx context.Context, step func(context.Context) error) (bot.Progress, error) {
	before := s.progress
	if before.Done || before.Problem != "" {
		return before, nil
	}
	var err error
	for first := true; err == nil && !s.progress.Done && (first || !s.over()); first = false {
		err = step(ctx)
	}
	var no problem
	switch {
	case errors.As(err, &no):
		s.progress.Problem = string(no)
	case errors.Is(err, errReplaced):
		s.restart()
	case err != nil && !s.moved:
		return before, err
	}
	return s.report(), nil
}

// report returns how far the pass has come.
func (s *pass) report() bot.Progress {
	s.Reads = nil
	for _, at := range s.reads {
		s.Reads = append(s.Reads, at)
	}
	stored, err := json.Marshal(s.cursor)
	if err != nil {
		panic("data: a cursor that cannot be written: " + err.Error())
	}
	p := s.progress
	p.Cursor, p.Objects, p.Bytes = string(stored), s.Gone.Objects, s.Gone.Bytes+s.partly
	if p.Done {
		p.Cursor = ""
	}
	return p
}

// over reports that the time of the call is over: nothing new is begun.
func (s *pass) over() bool { return !time.Now().Before(s.ends) }

// reach enters a phase.
func (s *pass) reach(p phase) { s.Phase, s.At, s.moved = p, "", true }

// advance moves the cursor over an object that is done.
func (s *pass) advance(o object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = true
	s.At = o.at
	if !o.list {
		s.Gone.count(o.size)
	}
	delete(s.reads, s.from.place(o.key))
	if s.to != nil {
		delete(s.reads, s.to.place(o.key))
	}
}
