package trigger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// How comments are looked for whose hooks were lost.
const (
	commentsEvery = time.Minute
	maxComments   = 200             // comments that one look at a project reads
	slack         = 5 * time.Minute // between GitLab's clock and ours
)

// A CommentPoll looks for comments whose hooks were lost, on all merge requests, whoever
// has opened them, since the last look; at first since as long ago as a comment is still
// obeyed.
type CommentPoll struct {
	Comments *Comments
	Every    time.Duration             // a minute when 0
	Looked   func(again time.Duration) // as in Poll, of a look at all projects

	looked  map[string]time.Time      // by project, when the last look that was complete began
	seen    map[string]map[int64]bool // by project, the notes that the last look has found and taken
	trouble map[string]string         // by project, what went wrong at the last look; said once
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
	p.looked, p.seen, p.trouble = map[string]time.Time{}, map[string]map[int64]bool{}, map[string]string{}
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

// look looks at one project. A comment of which nobody can tell anything keeps those that
// follow it on its merge request waiting, so that they are obeyed in order, and no others;
// the last error is returned, and the next look goes back as far.
func (p *CommentPoll) look(ctx context.Context, project string) error {
	began := p.Comments.Now()
	since := began.Add(-staleAfter)
	if looked := p.looked[project]; looked.After(since) {
		since = looked
	}
	found, err := p.Comments.Forum.Commented(ctx, project, since.Add(-slack), maxComments)
	if err != nil {
		return err
	}
	if len(found) == maxComments {
		p.Comments.Log.Warn("there are more comments than are looked at: older ones whose hooks were lost are not found", "project", project, "most", maxComments)
	}
	before := p.seen[project]
	p.seen[project] = make(map[int64]bool, len(found))
	late := map[int64]bool{} // the merge requests on which one has to be looked at again
	for _, c := range found {
		failed := error(nil)
		switch {
		case late[c.IID]:
			continue
		case !before[c.Note.ID]:
			failed = p.Comments.take(ctx, project, c.IID, c.Note)
		}
		if failed != nil {
			late[c.IID] = true
			err = fmt.Errorf("merge request !%d: note %d: %w", c.IID, c.Note.ID, failed)
			continue
		}
		p.seen[project][c.Note.ID] = true
	}
	if err == nil {
		p.looked[project] = began
	}
	return err
}
