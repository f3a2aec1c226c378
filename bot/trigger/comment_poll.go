package trigger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"lockstep/gitops"
)

// How comments are looked for whose hooks were lost.
const (
	commentsEvery = time.Minute
	maxUpdated    = 100             // merge requests that one look at a project finds
	maxNotes      = 100             // comments that one look at a merge request reads
	settles       = 2 * time.Minute // GitLab shows a merge request as updated once a minute at most
	slack         = 5 * time.Minute // between its clock and ours
)

// A CommentPoll looks for comments whose hooks were lost, on the merge requests that the
// bot has opened and that were updated since the last look; at first since as long ago as
// a comment is still obeyed. It reads a merge request only where something is new there.
type CommentPoll struct {
	Comments *Comments
	Every    time.Duration             // a minute when 0
	Looked   func(again time.Duration) // as in Poll, of a look at all projects

	looked  map[string]time.Time        // by project, when the last look that was complete began
	seen    map[string]map[int64]*sight // by project and merge request
	trouble map[string]string           // by project, what went wrong at the last look; said once
}

// A sight is what was seen of a merge request.
type sight struct {
	updated time.Time // as GitLab says
	since   time.Time // when that was seen for the first time
	last    int64     // the newest note that was taken
}

// Run looks until ctx ends, and returns nil then. Each wait is up to a tenth longer than
// Every.
func (p *CommentPoll) Run(ctx context.Context) error {
	p.reset()
	every := p.Every
	if every == 0 {
		every = commentsEvery
	}
	for {
		var failed error
		for _, project := range p.Comments.Config.EnvironmentRepositories() {
			err := p.look(ctx, project)
			if ctx.Err() != nil {
				return nil
			}
			p.note(project, err)
			failed = errors.Join(failed, err)
		}
		looked(p.Looked, failed, every)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every + rand.N(every/10+1)):
		}
	}
}

// reset forgets what was seen.
func (p *CommentPoll) reset() {
	p.looked, p.seen, p.trouble = map[string]time.Time{}, map[string]map[int64]*sight{}, map[string]string{}
}

// note says what is wrong with a project when it begins to be wrong, and when it is over.
func (p *CommentPoll) note(project string, err error) {
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	switch {
	case trouble == p.trouble[project]:
	case err != nil:
		p.Comments.Log.Warn("look for comments; will look again", "project", project, "error", err)
	default:
		p.Comments.Log.Info("comments can be read again", "project", project)
	}
	p.trouble[project] = trouble
}

// look looks at one project. A merge request of which nobody can tell anything does not
// keep it from the others; the last error is returned, and the next look goes back as far.
func (p *CommentPoll) look(ctx context.Context, project string) error {
	began := p.Comments.Now()
	since := began.Add(-staleAfter)
	if looked := p.looked[project]; looked.After(since) {
		since = looked
	}
	found, err := p.Comments.Forum.Updated(ctx, project, since.Add(-slack), maxUpdated)
	if err != nil {
		return err
	}
	before := p.seen[project]
	p.seen[project] = make(map[int64]*sight, len(found))
	for _, mr := range found {
		s := before[mr.IID]
		if s == nil {
			s = &sight{}
		}
		p.seen[project][mr.IID] = s
		if failed := p.lookAt(ctx, mr, s); failed != nil {
			err = fmt.Errorf("merge request !%d: %w", mr.IID, failed)
		}
	}
	if err == nil {
		p.looked[project] = began
	}
	return err
}

// lookAt takes the comments of a merge request that are new. What comes less than a minute
// after an update does not show as another one, so it looks a while longer after each.
func (p *CommentPoll) lookAt(ctx context.Context, mr gitops.MergeRequest, s *sight) error {
	now := p.Comments.Now()
	if !mr.Updated.Equal(s.updated) {
		s.since = now
	} else if now.Sub(s.since) > settles {
		return nil
	}
	notes, err := p.Comments.Forum.NotesAfter(ctx, mr.Project, mr.IID, s.last, maxNotes)
	if err != nil {
		return unlessMissing(err)
	}
	for _, n := range notes {
		if err := p.Comments.take(ctx, mr.Project, mr.IID, n); err != nil {
			return fmt.Errorf("note %d: %w", n.ID, err)
		}
		s.last = n.ID
	}
	s.updated = mr.Updated
	return nil
}
