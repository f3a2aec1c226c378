package trigger

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// How many of the newest tags, releases or pipelines a look reads. The first look of a
// process reads many more than the later ones: what comes into sight only because newer
// ones were removed is known then, and starts nothing. More than maxTags between two
// looks, all with lost hooks, would be missed. Of a branch the newest pipeline alone is
// looked at, among a few that may not count.
const (
	maxTags   = 100
	maxKnown  = 1000
	maxBranch = 10
)

// Tags reads the tags of a project.
type Tags interface {
	// Tags returns at most limit tags, the newest first.
	Tags(ctx context.Context, project string, limit int) ([]gitops.Tag, error)
}

// A Poll looks for announcements of one kind in one place whose hooks were lost. For each
// package and track, what is there when a process looks for the first time is taken as
// known: it starts nothing. So neither a new Lockstep nor a track that is new in the
// configuration takes up all versions that ever were.
type Poll struct {
	Sources []bot.Source // of one kind and project, or one of a listing
	Every   time.Duration
	Forge   Forge
	Shelf   Shelf // of a listing
	Catalog Catalog
	Store   Store
	Wake    func() // there is a new request
	Now     func() time.Time
	Log     *slog.Logger

	// Looked is told of each look that found out everything, with the wait until the next;
	// nil: nobody is told.
	Looked func(again time.Duration)

	begun   bool           // a look has ended well
	seen    []announcement // at the last look that left nothing open
	trouble string         // what went wrong at the last look; said once

	ofBranch map[string]int64 // by branch, the last pipeline of which it is known that it ran for that
}

// Polls returns the polls of sources, one for each kind and project, with what p gives to
// all of them.
func Polls(sources []bot.Source, p Poll) []*Poll {
	var polls []*Poll
	for _, s := range sources {
		if s.Poll == 0 || len(s.Tracks) == 0 {
			continue
		}
		i := slices.IndexFunc(polls, func(p *Poll) bool {
			first := p.Sources[0]
			return s.Data == nil && first.Origin == s.Origin && first.Project == s.Project
		})
		if i < 0 {
			one := p
			one.Every, i = s.Poll, len(polls)
			polls = append(polls, &one)
		}
		polls[i].Sources = append(polls[i].Sources, s)
		polls[i].Every = min(polls[i].Every, s.Poll)
	}
	return polls
}

// Run looks until ctx ends, and returns nil then. Each wait is up to a tenth longer
// than Every, so that many projects are not asked at once.
func (p *Poll) Run(ctx context.Context) error {
	p.Log = p.Log.With("kind", p.origin(), "place", p.place())
	for {
		if err := p.look(ctx); ctx.Err() == nil {
			p.note(err)
			looked(p.Looked, err, p.Every)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(p.Every + rand.N(p.Every/10+1)):
		}
	}
}

// origin returns what p looks for.
func (p *Poll) origin() bot.Origin { return p.Sources[0].Origin }

// place returns where p looks.
func (p *Poll) place() string {
	if d := p.Sources[0].Data; d != nil {
		return "s3://" + d.Bucket.Name + "/" + d.Bucket.Prefix
	}
	return p.Sources[0].Project
}

// note says what is wrong when it begins to be wrong, and when it is over.
func (p *Poll) note(err error) {
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	switch {
	case trouble == p.trouble:
	case err != nil:
		p.Log.Warn("read announcements; will look again", "every", p.Every, "error", err)
	default:
		p.Log.Info("announcements can be read again")
	}
	p.trouble = trouble
}

// look reads what is there and stores a request for each that is not known. It is done
// when nothing has changed since the last look that left nothing open.
func (p *Poll) look(ctx context.Context) error {
	limit := maxTags
	if !p.begun {
		limit = maxKnown
	}
	found, err := p.read(ctx, limit)
	if err != nil || p.begun && p.seen != nil && slices.Equal(found, p.seen) {
		return err
	}
	var open bool
	for _, s := range p.Sources {
		left, failed := p.source(ctx, s, found)
		open, err = open || left, errors.Join(err, failed)
	}
	if err != nil {
		return err
	}
	p.begun, p.seen = true, append([]announcement{}, found...)
	if open {
		p.seen = nil
	}
	return nil
}

// An asking is an announcement with what it asks for.
type asking struct {
	announcement
	requests []bot.Request
}

// source stores requests for what is announced to one source and not known, the oldest
// first. It reports that some of it cannot be told yet.
func (p *Poll) source(ctx context.Context, s bot.Source, found []announcement) (open bool, err error) {
	var all []asking
	for _, a := range slices.Backward(found) {
		requests, why, err := desk{p.Forge, p.Catalog}.requests(ctx, s, a)
		if err != nil {
			return false, err
		}
		if why != "" && s.File != "" && s.Branch == a.branch {
			p.Log.Warn("no version can be read", "file", s.File, "package", s.Package, "reason", why)
		}
		all = append(all, asking{a, requests})
	}
	if !p.begun { // tracks do not become new while the process runs
		if err := p.baseline(ctx, s, all); err != nil {
			return false, err
		}
	}
	if all, err = p.unanswered(ctx, all); err != nil {
		return false, err
	}
	if s.Data != nil && len(all) > maxChecks {
		all, open = all[len(all)-maxChecks:], true
	}
	for _, q := range all {
		left, err := p.accept(ctx, s, q)
		if err != nil {
			return false, err
		}
		open = open || left
	}
	return open, nil
}

// baseline marks each track that a source can start as looked at, also without anything
// there yet. What is there is known where this was the first time.
func (p *Poll) baseline(ctx context.Context, s bot.Source, all []asking) error {
	known := map[string][]bot.Request{}
	for _, q := range all {
		for _, q := range q.requests {
			known[q.Track] = append(known[q.Track], q)
		}
	}
	for _, track := range s.Tracks {
		something := p.place() + " " + s.Package + " " + track
		if s.Origin != bot.OriginTag { // whose name is older than the others
			something = string(s.Origin) + " " + something
		}
		first, err := p.Store.Baseline(ctx, something, known[track], p.Now())
		switch {
		case err != nil:
			return err
		case first:
			p.Log.Info("what was there before starts nothing", "package", s.Package, "track", track, "known", len(known[track]))
		}
	}
	return nil
}

// unanswered returns the requests that have no answer yet.
func (p *Poll) unanswered(ctx context.Context, all []asking) ([]asking, error) {
	var left []asking
	for _, q := range all {
		var requests []bot.Request
		for _, q := range q.requests {
			answered, err := p.Store.Answered(ctx, q)
			if err != nil {
				return nil, err
			}
			if !answered {
				requests = append(requests, q)
			}
		}
		if len(requests) > 0 {
			left = append(left, asking{q.announcement, requests})
		}
	}
	return left, nil
}

// accept stores the requests of an announcement. It reports that it cannot be told yet
// what becomes of them.
func (p *Poll) accept(ctx context.Context, s bot.Source, q asking) (open bool, err error) {
	unfit, why, err := p.fit(ctx, s, q)
	if err != nil || why != "" {
		return why != "" && s.Data != nil, err
	}
	for _, q := range q.requests {
		q.Unfit = unfit
		answer, err := p.Store.Accept(ctx, q, p.Now())
		switch {
		case err != nil:
			return false, err
		case answer.Refused:
			p.Log.Warn("an announcement is refused", "reason", answer.Sentence)
		case answer.New:
			p.Log.Info("polling has found a version", "package", q.Package, "version", q.Version, "track", q.Track, "run", answer.Run)
			p.Wake()
		}
	}
	return false, nil
}

// fit says why an announcement is to be refused, or why it announces nothing now.
func (p *Poll) fit(ctx context.Context, s bot.Source, q asking) (unfit, why string, err error) {
	if s.Data != nil {
		why, err = p.published(ctx, s, q.requests[0].Version)
		return "", why, err
	}
	return desk{p.Forge, p.Catalog}.protection(ctx, s, q.announcement)
}
