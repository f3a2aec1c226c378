package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// largestManifest is how many bytes of manifest Contents decodes: as values that a
// condition can be held against they take some ten times as much memory.
const largestManifest = 16 << 20

// Contents returns what a version consists of: how many objects of how many bytes, as
// its manifest says, and the manifest as decoded JSON; or as they are listed where it
// has none. It proves nothing; that is Check's. Without such a version the error wraps
// gitops.ErrNotFound, and gitops.ErrRefused where a person has to mend the manifest.
func (p *Packages) Contents(ctx context.Context, set bot.DataSet) (objects, bytes int64, manifest any, err error) {
	s, err := p.begin(ctx, set, nil, bot.Progress{})
	if err != nil {
		return 0, 0, nil, err
	}
	if set.Manifest == "" {
		objects, bytes, err = s.total(ctx)
		return objects, bytes, nil, err
	}
	if err := s.survey(ctx); err != nil {
		return 0, 0, nil, absentOr(err)
	}
	if manifest, err = s.decoded(ctx); err != nil {
		return 0, 0, nil, err
	}
	return s.progress.TotalObjects, s.progress.TotalBytes, manifest, nil
}

// total counts what is listed.
func (s *pass) total(ctx context.Context) (objects, bytes int64, err error) {
	for all := false; !all; {
		all, err = s.pages(ctx, func(o object) error {
			s.Found.count(o.size)
			return nil
		})
		if err != nil {
			return 0, 0, err
		}
	}
	if s.Found.Objects == 0 {
		return 0, 0, fmt.Errorf("list %s: %w", s.from.place(""), gitops.ErrNotFound)
	}
	return s.Found.Objects, s.Found.Bytes, nil
}

// decoded reads the manifest that was surveyed as JSON.
func (s *pass) decoded(ctx context.Context) (manifest any, err error) {
	name := s.from.place(s.set.Manifest)
	if s.Text.Size > largestManifest {
		return nil, fmt.Errorf("%w: %s has %d bytes, and a condition can be held against %d at most: check it otherwise", gitops.ErrRefused, name, s.Text.Size, largestManifest)
	}
	body, err := s.from.open(ctx, s.set.Manifest, 0, s.Text.ETag, time.Until(s.ends))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, largestManifest))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, cut(err))
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("%w: %s: %v", gitops.ErrRefused, name, err)
	}
	return manifest, nil
}

// absentOr returns a problem as the error that callers tell apart.
func absentOr(err error) error {
	var no problem
	if !errors.As(err, &no) {
		return err
	}
	return fmt.Errorf("%w: %v", gitops.ErrRefused, err)
}
