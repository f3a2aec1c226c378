package notify

import (
	"context"
	"errors"

	"lockstep/bot"
	"lockstep/gitops"
)

// status sets the commit statuses that mirror a run.
func (s *Sender) status(ctx context.Context, r *bot.Run) error {
	for _, c := range r.CommitStatuses() {
		c.Link = s.URL(r.ID)
		err := s.Statuses.SetStatus(ctx, c)
		if err := s.unlessRefused(err, "switch gitlab.statuses off, or make the bot Developer of the project"); err != nil {
			return err
		}
	}
	return nil
}

// unlessRefused returns err unless it says that the bot may not do that, or that what it
// is about is gone: asking again would not help, and the next event of the run asks anew.
// The log then says so, with the cure.
func (s *Sender) unlessRefused(err error, cure string) error {
	if !errors.Is(err, gitops.ErrRefused) && !errors.Is(err, gitops.ErrNotFound) {
		return err
	}
	s.Log.Warn("GitLab does not show how a run stands", "error", err, "cure", cure)
	return nil
}
