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
		if err := p.look(ctx); ctx.Err() == nil {
			p.note(err)
		}
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
	requests, known := p.requests(tags), map[bot.Way]bool{}
	if p.seen == nil { // ways do not become new while the process runs
		if known, err = p.baseline(ctx, requests); err != nil {
			return err
		}
	}
	if err := p.accept(ctx, requests, known); err != nil {
		return err
	}
	p.seen = append([]gitops.Tag{}, tags...)
	return nil
}

// baseline marks each way that the project's tags can go as looked at, also without any
// tag yet, and returns those for which this was the first time.
func (p *Poll) baseline(ctx context.Context, requests []bot.Request) (known map[bot.Way]bool, err error) {
	ways := map[bot.Way][]bot.Request{}
	for _, q := range requests {
		w := bot.Way{Package: q.Package, Track: q.Track}
		ways[w] = append(ways[w], q)
	}
	known = map[bot.Way]bool{}
	for _, w := range p.Catalog.Ways(p.Project) {
		first, err := p.Store.Baseline(ctx, p.Project+" "+w.Package+" "+w.Track, ways[w], p.Now())
		if err != nil {
			return nil, err
		}
		if known[w] = first; first {
			p.Log.Info("tags that were there before start nothing", "project", p.Project, "package", w.Package, "track", w.Track, "tags", len(ways[w]))
		}
	}
	return known, nil
}

// accept stores the requests whose way is not known as a whole.
func (p *Poll) accept(ctx context.Context, requests []bot.Request, known map[bot.Way]bool) error {
	for _, q := range requests {
		if known[bot.Way{Package: q.Package, Track: q.Track}] {
			continue
		}
		answer, err := p.Store.Accept(ctx, q, p.Now())
		if err != nil {
			return err
		}
		switch {
		case answer.Refused && !p.saw(q):
			p.Log.Warn("a tag is refused", "project", p.Project, "reason", answer.Sentence)
		case answer.New:
			p.Log.Info("found a tag whose hook was lost", "project", p.Project, "version", q.Version, "track", q.Track, "run", answer.Run)
			p.Wake()
		}
	}
	return nil
}

// saw reports that the tag of a request was there at the last look already.
func (p *Poll) saw(q bot.Request) bool {
	return slices.ContainsFunc(p.seen, func(tag gitops.Tag) bool {
		return tagRequest(bot.Request{}, p.Project, tag.Name, tag.Commit).Key == q.Key
	})
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
