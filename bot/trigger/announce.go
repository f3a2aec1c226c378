package trigger

import (
	"context"
	"errors"
	"fmt"

	"lockstep/bot"
	"lockstep/gitops"
)

// A Forge reads what announces versions in a GitLab.
type Forge interface {
	Tags
	// Tag returns one tag; gitops.ErrNotFound without it.
	Tag(ctx context.Context, project, name string) (gitops.Tag, error)
	// Releases returns at most limit releases, the newest first.
	Releases(ctx context.Context, project string, limit int) ([]gitops.Release, error)
	// Succeeded returns at most limit successful pipelines of a branch, or with "" the last
	// one of each tag where that has succeeded; the newest first.
	Succeeded(ctx context.Context, project, branch string, limit int) ([]gitops.Pipeline, error)
	// OfTag reports whether a pipeline ran for a tag, which may be called as a branch.
	OfTag(ctx context.Context, project string, pipeline int64) (bool, error)
	// Head returns the commit that a branch points to.
	Head(ctx context.Context, project, branch string) (string, error)
	// File returns a small file at a commit; gitops.ErrNotFound without it.
	File(ctx context.Context, project, commit, path string) ([]byte, error)
}

// An announcement is something outside that may announce a version: a tag, a release or a
// pipeline of a tag; a push to a branch or a pipeline of one; data in a bucket.
type announcement struct {
	tag, branch string
	commit      string
	version     string // of data in a bucket
	known       bool   // whether the tag is protected is known
	protected   bool
	by, link    string // who made it and where it can be seen, as far as known
	byID        int64  // of their account in GitLab; 0: not known
}

// String names an announcement for people.
func (a announcement) String() string {
	switch {
	case a.tag != "":
		return fmt.Sprintf("tag %q", a.tag)
	case a.branch != "":
		return fmt.Sprintf("branch %q at %s", a.branch, gitops.Short(a.commit))
	}
	return fmt.Sprintf("version %q", a.version)
}

// A desk turns announcements into requests.
type desk struct {
	forge   Forge
	catalog Catalog
}

// requests returns what an announcement asks for at a source, or why nothing. The error
// says that nobody could tell.
func (d desk) requests(ctx context.Context, s bot.Source, a announcement) (requests []bot.Request, why string, err error) {
	v, why, err := d.version(ctx, s, a)
	if why != "" || err != nil {
		return nil, why, err
	}
	requests, no := d.catalog.Announced(s, v)
	if no != nil {
		return nil, no.Error(), nil
	}
	for i := range requests {
		identifyAnnounced(&requests[i], s, a)
	}
	return requests, "", nil
}

// version returns the version that an announcement names at a source.
func (d desk) version(ctx context.Context, s bot.Source, a announcement) (v, why string, err error) {
	switch {
	case s.Origin == bot.OriginListing:
		return a.version, "", nil
	case s.Branch != a.branch && s.Branch == "":
		return "", fmt.Sprintf("the versions of package %q are announced by tags", s.Package), nil
	case s.Branch != a.branch:
		return "", fmt.Sprintf("the versions of package %q are announced on branch %s", s.Package, s.Branch), nil
	case s.Branch != "":
		return d.held(ctx, s, a)
	}
	v, no := s.Tagged(a.tag)
	if no != nil {
		return "", no.Error(), nil
	}
	return v, "", nil
}

// held returns the version that the file of a source holds at a commit.
func (d desk) held(ctx context.Context, s bot.Source, a announcement) (v, why string, err error) {
	content, err := d.forge.File(ctx, s.Project, a.commit, s.File)
	switch {
	case errors.Is(err, gitops.ErrNotFound), errors.Is(err, gitops.ErrRefused):
		return "", err.Error(), nil
	case err != nil:
		return "", "", err
	}
	v, no := s.Held(content)
	if no != nil {
		return "", no.Error(), nil
	}
	return v, "", nil
}

// identifyAnnounced completes a request that an announcement makes. Hook and polling agree
// on it, so that what both announce is one request. The key of a tag is stored for ever: it
// has the form that it always had.
func identifyAnnounced(q *bot.Request, s bot.Source, a announcement) {
	q.By, q.ByID, q.Link = a.by, a.byID, a.link
	switch {
	case s.Origin == bot.OriginListing:
		q.Key = fmt.Sprintf("listing %s %s", s.Package, q.Version)
	case s.Branch != "":
		q.Key = fmt.Sprintf("%s %s %s %s %s", s.Origin, s.Project, s.Branch, s.File, q.Version)
	default:
		q.Subject, q.Commit = fmt.Sprintf("tag %s %s", s.Project, a.tag), a.commit
		q.Key = fmt.Sprintf("%s %s %s %s", s.Origin, s.Project, a.tag, a.commit)
	}
}

// protection says why the tag of an announcement is refused for good, "" when it is not, or
// why it says nothing now. Whoever may push may make a tag, unless it is protected.
func (d desk) protection(ctx context.Context, s bot.Source, a announcement) (unfit, why string, err error) {
	if !s.Protected {
		return "", "", nil
	}
	if !a.known {
		tag, err := d.forge.Tag(ctx, s.Project, a.tag)
		switch {
		case errors.Is(err, gitops.ErrNotFound):
			return "", "the tag is gone", nil
		case err != nil:
			return "", "", err
		case tag.Commit != a.commit:
			return "", "the tag points to another commit by now", nil
		}
		a.protected = tag.Protected
	}
	if a.protected {
		return "", "", nil
	}
	return fmt.Sprintf("tag %s of %s is not protected, so it starts nothing: protect such tags in GitLab (Settings → Repository → Protected tags) and promote %s yourself this time, or let any tag count with protected: false",
		a.tag, s.Project, s.Package), "", nil
}
