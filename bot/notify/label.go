package notify

import (
	"context"
	"slices"

	"lockstep/bot"
)

// label puts the label that mirrors a run onto each of its merge requests, and takes the
// others of ours away. Other labels stay as they are.
func (s *Sender) label(ctx context.Context, r *bot.Run) error {
	label := r.Label()
	others := slices.DeleteFunc(slices.Clone(bot.Labels), func(other string) bool { return other == label })
	for _, d := range r.Proposals() {
		err := s.Labels.Label(ctx, d.Change.Repo, d.IID, []string{label}, others)
		if err := s.unlessRefused(err, "switch gitlab.labels off, or let the bot edit merge requests"); err != nil {
			return err
		}
	}
	return nil
}
