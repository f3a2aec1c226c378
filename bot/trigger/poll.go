package trigger

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// maxTags is how many of the newest tags a look reads. More than these between two
// looks, all with lost hooks, would be missed.
const maxTags = 100

// Tags reads the tags of a project.
type Tags interface {
	// Tags returns at most limit tags, the newest first.
	Tags(ctx context.Context, project string, limit int) ([]gitops.Tag, error)
}

// A Poll looks for tags of one data project whose hooks were lost. The tags that are
// there at the very first look are taken as known: they start nothing.
type Poll struct {
	Project string
	Every   time.Duration
	Tags    Tags
	Catalog Catalog
	Store   Store
	Wake    func() // there is a new request
	Now     func() time.Time
	Log     *slog.Logger

	seen    []gitops.Tag // at the last look that was stored
	trouble string       // what went wrong at the last look; said once
}

// Run looks until ctx ends, and returns nil then. Each wait is up to a tenth longer
// than Every, so that many projects are not asked at once.
func (p *Poll) Run(ctx context.Context) error {
	for {
		p.note(p.look(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(p.Every + rand.N(p.Every/10+1)):
		}
	}
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
		p.Log.Warn("poll tags; will look again", "project", p.Project, "every", p.Every, "error", err)
	default:
		p.Log.Info("tags can be read again", "project", p.Project)
	}
	p.trouble = trouble
}

// look reads the tags and stores a request for each that is not known. It is done when
// nothing has changed since the last look.
func (p *Poll) look(ctx context.Context) error {
	tags, err := p.Tags.Tags(ctx, p.Project, maxTags)
	if err != nil || p.seen != nil && slices.Equal(tags, p.seen) {
		return err
	}
	requests := p.requests(tags)
	first, err := p.Store.Baseline(ctx, p.Project, requests, p.Now())
	if err != nil {
		return err
	}
	fresh := 0
	for _, q := range requests {
		if first {
			break
		}
		answer, err := p.Store.Accept(ctx, q, p.Now())
		if err != nil {
			return err
		}
		if answer.New {
			fresh++
			p.Log.Info("found a tag whose hook was lost", "project", p.Project, "version", q.Version, "track", q.Track, "run", answer.Run)
		}
	}
	if fresh > 0 {
		p.Wake()
	}
	p.seen = append([]gitops.Tag{}, tags...)
	return nil
}

// requests returns what tags ask for, the oldest first. Tags that start nothing are
// passed over: the hook has said so.
func (p *Poll) requests(tags []gitops.Tag) []bot.Request {
	var requests []bot.Request
	for _, tag := range slices.Backward(tags) {
		found, err := p.Catalog.Tagged(p.Project, tag.Name)
		if err != nil {
			continue
		}
		for _, q := range found {
			requests = append(requests, tagRequest(q, p.Project, tag.Name, tag.Commit))
		}
	}
	return requests
}
