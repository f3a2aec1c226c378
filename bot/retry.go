package bot

import (
	"context"
	"fmt"
	"slices"
)

// TryAgain makes r, which has not begun, go on where the rollback of failed ended. What
// has landed is watched again: people may have mended what was broken. What has not is
// closed, and planned anew.
func (r *Run) TryAgain(failed *Run) {
	r.Retries, r.Stages, r.Stage = failed.ID, failed.Stages, failed.Stage
	if !failed.Cancel {
		r.Scope = failed.Scope
	}
	if failed.Cause != nil {
		r.Cause.Environment = failed.Cause.Environment
	}
	r.Backs = slices.Clone(failed.Backs)
	for i := range r.Backs {
		r.Backs[i].Seen = nil
	}
}

// reminded tells people how to thaw the lane that a failed rollback has frozen, when a
// later one has worked. That is for them to do: they know what else went wrong.
func (b *Bot) reminded(ctx context.Context, r *Run, o Outcome) (Outcome, error) {
	if o.State != RolledBack || r.Retries == "" || b.Frozen == nil {
		return o, nil
	}
	f, err := b.Frozen(ctx, r.Lane, b.Now())
	if err != nil {
		return Outcome{}, fmt.Errorf("look up whether lane %s is frozen: %w", r.Lane, err)
	}
	if f != nil {
		o.Reason += fmt.Sprintf("; lane %s is still frozen: say %s when it may go on", r.Lane, f.Thaw(r.Lane))
	}
	return o, nil
}

// Restored reports that the way back has put anything back and verified it.
func (r *Run) Restored() bool { return r.restoredServices() != "" }
