package notify

import (
	"time"

	"lockstep/bot"
)

// A Summary is what a run is and how it stands, for programs.
type Summary struct {
	ID           string     `json:"id"`
	Track        string     `json:"track"`
	Package      string     `json:"package"`
	Version      string     `json:"version"`
	Environments []string   `json:"environments"`
	State        string     `json:"state"`
	Result       string     `json:"result"` // in words; how it stands while it goes on
	Origin       string     `json:"origin"`
	By           string     `json:"by,omitempty"`
	Cause        string     `json:"cause,omitempty"` // why it was put back
	Created      time.Time  `json:"created"`
	Ended        *time.Time `json:"ended,omitempty"`
}

// summary returns the summary of a run.
func summary(r *bot.Run) Summary {
	s := Summary{
		ID: r.ID, Track: r.Track, Package: r.Package, Version: string(r.Version), Environments: environments(r),
		State: string(r.State), Result: r.Result(), Origin: string(r.Origin), By: r.By, Created: r.Created,
	}
	if r.Cause != nil {
		s.Cause = r.Cause.Sentence
	}
	if !r.Ended.IsZero() {
		ended := r.Ended
		s.Ended = &ended
	}
	return s
}

// marked returns t, and says in its title where it may be a repeat.
func (t Text) marked(repeat bool) Text {
	if repeat {
		t.Title = "(repeat) " + t.Title
	}
	return t
}
