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

// How many of the newest tags a look reads. The first look of a process reads many
// more than the later ones: a tag that comes into sight only because newer ones were
// removed is known then, and starts nothing. More than maxTags between two looks, all
// with lost hooks, would be missed.
const (
	maxTags  = 100
	maxKnown = 1000
)

// Tags reads the tags of a project.
type Tags interface {
	// Tags returns at most limit tags, the newest first.
	Tags(ctx context.Context, project string, limit int) ([]gitops.Tag, error)
}

// A Poll looks for tags of one data project whose hooks were lost. For each package
// and track, the tags that are there when a process looks for the first time are taken
// as known: they start nothing. So neither a new Lockstep nor a track that is new in
// the configuration takes up all versions that ever were.
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
	limit := maxTags
	if p.seen == nil {
		limit = maxKnown
	}
	tags, err := p.Tags.Tags(ctx, p.Project, limit)
	if err != nil || p.seen != nil && slices.Equal(tags, p.seen) {
		return err
	}
	requests := p.requests(tags)
	known, err := p.baseline(ctx, requests)
	if err != nil {
		return err
	}
	if err := p.accept(ctx, requests, known); err != nil {
		return err
	}
	p.seen = append([]gitops.Tag{}, tags...)
	return nil
}

// A way is what one tag can start: a package on a track.
type way struct{ pkg, track string }

// baseline marks each way of the requests as looked at, and returns those for which
// this was the first time. Only the first look of a process takes requests as known:
// ways do not become new while it runs.
func (p *Poll) baseline(ctx context.Context, requests []bot.Request) (known map[way]bool, err error) {
	ways := map[way][]bot.Request{}
	for _, q := range requests {
		w := way{q.Package, q.Track}
		ways[w] = append(ways[w], q)
	}
	known = map[way]bool{}
	for w, there := range ways {
		if p.seen != nil {
			there = nil
		}
		first, err := p.Store.Baseline(ctx, p.Project+" "+w.pkg+" "+w.track, there, p.Now())
		if err != nil {
			return nil, err
		}
		if known[w] = first && p.seen == nil; known[w] {
			p.Log.Info("tags that were there before start nothing", "project", p.Project, "package", w.pkg, "track", w.track, "tags", len(there))
		}
	}
	return known, nil
}

// accept stores the requests whose way is not known as a whole.
func (p *Poll) accept(ctx context.Context, requests []bot.Request, known map[way]bool) error {
	for _, q := range requests {
		if known[way{q.Package, q.Track}] {
			continue
		}
		answer, err := p.Store.Accept(ctx, q, p.Now())
		if err != nil {
			return err
		}
		if answer.New {
			p.Log.Info("found a tag whose hook was lost", "project", p.Project, "version", q.Version, "track", q.Track, "run", answer.Run)
			p.Wake()
		}
	}
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
