package data

import (
	"context"
	"errors"
	"fmt"

	"lockstep/gitops"
)

// check takes the next step of a check.
func (s *pass) check(ctx context.Context) error {
	switch {
	case s.set.Manifest == "":
		return s.checkListing(ctx)
	case s.Phase == unknown:
		if err := s.learn(ctx); err != nil {
			return err
		}
		s.reach(surveyed)
		return nil
	case s.Phase == surveyed:
		return s.checkNames(ctx)
	}
	all, err := s.walk(ctx, s.rest(ctx, s.At), s.prove)
	s.progress.Done = all
	return err
}

// checkListing holds a version without a manifest against its rule.
func (s *pass) checkListing(ctx context.Context) error {
	all, err := s.counted(ctx)
	s.Gone, s.progress.Done = s.Found, all
	return err
}

// checkNames holds the list of what is there against the manifest: an object too many,
// too few or of another size is found with a few requests, before any is read. A list
// that takes several calls is only counted, because the names of the manifest are not
// kept between calls: too many are looked for anew, too few are found when each is
// proved.
func (s *pass) checkNames(ctx context.Context) error {
	whole := s.At == "" && s.known != nil // the list is held against the names from its beginning
	all, err := s.pages(ctx, s.meet)
	switch {
	case err != nil || !all:
		s.known = nil
		return err
	case s.Found.Objects > s.progress.TotalObjects:
		return s.surplus(ctx)
	case whole && s.known.left > 0:
		return s.missing(ctx)
	}
	s.reach(listed)
	s.known = nil
	return nil
}

// meet counts an object that is there, and holds it against the manifest where that is
// known.
func (s *pass) meet(o object) error {
	if o.key == s.set.Manifest {
		return nil
	}
	s.Found.count(o.size)
	if s.known == nil {
		return nil
	}
	size, named := s.known.meet(o.key)
	switch {
	case !named:
		return problemf("%s is not in the manifest: name it there, or remove it", s.from.place(o.key))
	case size != o.size:
		return s.wrongSize(object{key: o.key, size: size}, o.size)
	}
	return nil
}

// surplus names an object that is not in the manifest, where there is one.
func (s *pass) surplus(ctx context.Context) error {
	if err := s.learn(ctx); err != nil {
		return err
	}
	s.At, s.Found = "", tally{}
	for all := false; !all; {
		var err error
		if all, err = s.pages(ctx, s.meet); err != nil {
			return err
		}
	}
	return errReplaced // what was too much was removed meanwhile
}

// missing names the first of the objects that the list has not shown.
func (s *pass) missing(ctx context.Context) error {
	for o, err := range s.rest(ctx, "") {
		if err != nil {
			return err
		}
		if !s.known.met(o.key) {
			return problemf("%d of %d objects of the manifest are missing, %s is the first: publish them", s.known.left, s.progress.TotalObjects, s.from.place(o.key))
		}
	}
	return errReplaced
}

// prove proves that an object of the version is what it has to be, by reading it where
// S3 does not keep its SHA-256.
func (s *pass) prove(ctx context.Context, o object) error {
	f, err := s.source(ctx, o)
	if err != nil || f.sums.sha256 != "" {
		return err
	}
	sum, err := s.sha256Of(ctx, s.from, o.key, f)
	if err == nil && sum != o.sha256 {
		return s.wrongSum(o, sum)
	}
	return err
}

// source returns an object of the version as it is, when nothing speaks against it.
func (s *pass) source(ctx context.Context, o object) (found, error) {
	f, err := s.needed(ctx, o.key)
	switch {
	case err != nil:
		return found{}, err
	case f.size != o.size:
		return found{}, s.wrongSize(o, f.size)
	case o.sha256 != "" && f.sums.sha256 != "" && f.sums.sha256 != o.sha256:
		return found{}, s.wrongSum(o, f.sums.sha256)
	}
	return f, nil
}

// needed returns an object that has to be there.
func (s *pass) needed(ctx context.Context, key string) (found, error) {
	f, err := s.from.look(ctx, key)
	if errors.Is(err, gitops.ErrNotFound) {
		return found{}, problemf("%s is missing: publish it", s.from.place(key))
	}
	return f, err
}

// wrongSize returns the problem with an object of the version.
func (s *pass) wrongSize(o object, size int64) error {
	return problemf("%s has %d bytes, and %s: it was cut off or replaced, publish it anew", s.from.place(o.key), size, s.said(fmt.Sprintf("%d", o.size)))
}

// wrongSum returns the problem with an object of the version.
func (s *pass) wrongSum(o object, sum string) error {
	return problemf("%s has the SHA-256 %s, and %s: it is damaged or was replaced, publish it anew", s.from.place(o.key), written(sum), s.said(written(o.sha256)))
}

// said says what an object has to be, and who says so.
func (s *pass) said(what string) string {
	if s.set.Manifest == "" {
		return "it was listed with " + what
	}
	return "the manifest says " + what
}
