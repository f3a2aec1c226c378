package repo

import (
	"context"
	"errors"
	"strings"
)

// snapshot reads the commit id, and of its tree what patterns lead to: all of it when
// there are none. A server that cannot filter sends all of it in any case.
func (s *source) snapshot(ctx context.Context, id oid, patterns []string) (*Snapshot, error) {
	asked := parsePatterns(patterns)
	filter, deep := smallFiles, s.known.levels()
	if len(asked) > 0 {
		filter = levels(deep)
	}
	got := objects{}
	filtered, err := s.commit(ctx, id, filter, got)
	if len(asked) > 0 && deep > 1 && (err != nil && !hopeless(err) || filtered && got.size() > 2*cheap) {
		s.known.limit(deep - 1)
	}
	if err != nil {
		return nil, err
	}
	read, err := newSnapshot(got, id)
	if err != nil {
		return nil, err
	}
	read.whole, read.small = len(asked) == 0 || !filtered, len(asked) == 0 && filtered
	if len(asked) == 0 {
		return read, nil
	}
	read.files = map[string]entry{}
	w := &walk{into: read}
	w.enter(place{tree: read.root, asked: asked})
	return read, w.all(ctx, s)
}

// commit fetches the commit id without its history, and what filter lets through of
// its tree. It reports whether the server filtered: one that cannot, or will not with
// this filter, sends everything.
func (s *source) commit(ctx context.Context, id oid, filter string, got objects) (filtered bool, err error) {
	if err := s.able(); err != nil {
		return false, err
	}
	if s.hello.second && s.hello.can("filter") {
		err := s.fetch(ctx, query{wants: []oid{id}, tip: true, filter: filter}, got)
		var server said
		if !errors.As(err, &server) || !strings.Contains(string(server), "filter") {
			return true, s.unserved(err)
		}
	}
	return false, s.unserved(s.fetch(ctx, query{wants: []oid{id}, tip: true, filter: everything}, got))
}

// able returns an error if the server lacks what every read needs.
func (s *source) able() error {
	switch {
	case !s.hello.second:
		return s.hello.needs("side-band-64k", "shallow")
	case !s.hello.can("shallow"):
		return s.hello.needs("fetch=shallow")
	}
	return nil
}

// A pattern is a path, segment by segment. A segment with the wildcards of path.Match
// stands for every name that it matches, and for itself. ** stands for any number of
// directories, none included; more than one of them in a pattern is not meant.
type pattern []string

// parsePatterns splits patterns. A path that cannot lie inside the repository leads
// nowhere: File says so.
func parsePatterns(texts []string) []pattern {
	parsed := make([]pattern, 0, len(texts))
	for _, text := range texts {
		parsed = append(parsed, strings.Split(text, "/"))
	}
	return parsed
}
