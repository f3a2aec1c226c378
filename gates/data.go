package gates

import (
	"context"
	"errors"
	"fmt"

	"lockstep/gitops"
)

// Contents is what a version consists of.
type Contents struct {
	Objects, Bytes int64
	Manifest       any // decoded JSON; nil without one
}

// An Inventory knows the data of versions; gitops.ErrNotFound where there is none.
type Inventory interface {
	Contents(ctx context.Context, s Subject) (Contents, error)
}

// A Data is a gate on the version itself. Its condition speaks of objects, bytes and
// manifest.
type Data struct {
	From Inventory
	Pass string // the gate passes when it holds, else it fails
}

// Start begins nothing.
func (g Data) Start(context.Context, Subject) (string, error) { return "", nil }

// Ask looks at the version: it does not change, so there is no "not yet".
func (g Data) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	c, err := g.From.Contents(ctx, s)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		return Verdict{Result: Failed, Reason: fmt.Sprintf("there is no data of %s", s.Version)}, nil
	case err != nil:
		return Verdict{}, fmt.Errorf("look at the data: %w", err)
	}
	passed, err := g.holds(s, c)
	what := fmt.Sprintf("%d objects of %d bytes", c.Objects, c.Bytes)
	switch {
	case errors.Is(err, errUnmet):
		return Verdict{Result: Failed, Reason: fmt.Sprintf("%s: %v", what, err)}, nil
	case err != nil:
		return Verdict{}, refused("%v", err)
	case !passed:
		return Verdict{Result: Failed, Reason: fmt.Sprintf("%s: not %s", what, g.Pass)}, nil
	}
	return Verdict{Result: Passed, Reason: fmt.Sprintf("%s: %s", what, g.Pass)}, nil
}

// holds evaluates the condition on what the version consists of.
func (g Data) holds(s Subject, c Contents) (bool, error) {
	pass, err := dataWords.compile(g.Pass)
	if err != nil {
		return false, err
	}
	words := s.words()
	words["objects"], words["bytes"], words["manifest"] = c.Objects, c.Bytes, c.Manifest
	return pass.holds(words)
}
