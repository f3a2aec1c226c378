package data

import (
	"context"

	"lockstep/bot"
)

// Reach returns why a bucket cannot be listed; nil where it can, whether or not anything
// lies below its prefix.
func (p *Packages) Reach(ctx context.Context, at bot.Bucket) error {
	s, err := p.side(ctx, at)
	if err != nil {
		return err
	}
	_, err = s.page(ctx, "", 1)
	return err
}
