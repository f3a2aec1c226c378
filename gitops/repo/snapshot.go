package repo

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockstep/gitops"
)

// A Snapshot is the tree of one commit, or what was asked for of it, in memory. It
// never changes, so several goroutines may read it.
type Snapshot struct {
	Commit gitops.Commit // When is the committer's time

	root    oid
	objects objects
	whole   bool             // all of the tree was read, but for files that are too large
	small   bool             // the server was asked to leave those out
	files   map[string]entry // the regular files that were asked for, by path; nil for all
}

// newSnapshot returns the commit id, which must be in got.
func newSnapshot(got objects, id oid) (*Snapshot, error) {
	content, err := got.get(commitKind, id)
	if err != nil {
		return nil, fmt.Errorf("the server did not send a commit of this id: %v", err)
	}
	s := &Snapshot{objects: got, Commit: gitops.Commit{ID: id.String()}}
	text := strings.ReplaceAll(strings.ToValidUTF8(string(content), "\uFFFD"), "\x00", "\uFFFD")
	head, message, _ := strings.Cut(text, "\n\n")
	s.Commit.Message = message
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch name {
		case "tree":
			s.root, _ = parseOID(value)
		case "parent":
			s.Commit.Parents = append(s.Commit.Parents, value)
		case "author":
			s.Commit.Author, _ = person(value)
		case "committer":
			_, s.Commit.When = person(value)
			return s, nil // git, too, takes none of these from the lines below
		}
	}
	return s, nil
}

// person returns the name and the time of an author or a committer as commits have
// them: "Name <mail> seconds zone". What is damaged is empty.
func person(text string) (name string, when time.Time) {
	name, _, _ = strings.Cut(text, "<")
	fields := strings.Fields(text[strings.LastIndexByte(text, '>')+1:])
	if len(fields) > 0 {
		if seconds, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			when = time.Unix(seconds, 0).UTC()
		}
	}
	return strings.TrimSpace(name), when
}

// Files returns the path of every regular file that was asked for, sorted by bytes.
// Symbolic links and submodules are left out. A path is in the encoding in which it
// was committed.
func (s *Snapshot) Files() ([]string, error) {
	if s.files != nil {
		return slices.Sorted(maps.Keys(s.files)), nil
	}
	l := &listing{from: s}
	files, err := l.below(nil, "", s.root)
	if err != nil {
		return nil, fmt.Errorf("list files of commit %.8s: %v", s.Commit.ID, err)
	}
	return files, nil
}

// mostEntries is how many entries of trees are looked at: a few kilobytes of trees may
// hold each other so often that no memory has room for their paths.
const mostEntries = 2_000_000

var errEntries = errors.New("its tree has more than 2 million entries")

// A listing is on its way through all of a snapshot.
type listing struct {
	from *Snapshot
	seen int // how many entries were looked at
}

// below appends the files of the tree id, which stands at prefix. Git's order within
// trees is the order of whole paths.
func (l *listing) below(files []string, prefix string, id oid) ([]string, error) {
	t, err := l.from.tree(id)
	if err != nil {
		return nil, err
	}
	for e, err := range t.all() {
		if l.seen++; err == nil && l.seen > mostEntries {
			err = errEntries
		}
		switch path := prefix + string(e.name); {
		case err != nil:
			return nil, err
		case e.is(regular):
			files = append(files, path)
		case e.is(directory):
			if files, err = l.below(files, path+"/", e.id); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// File returns the content of the regular file at path, which must have been asked
// for. The error wraps gitops.ErrNotFound when there is nothing at path, and
// gitops.ErrRefused when there is something else: a symbolic link, a submodule, a
// directory, or a file of 1 MiB or more, which is not read.
func (s *Snapshot) File(path string) ([]byte, error) {
	content, err := s.file(path)
	if err != nil {
		return nil, fmt.Errorf("file %q of commit %.8s: %w", path, s.Commit.ID, err)
	}
	return content, nil
}

func (s *Snapshot) file(path string) ([]byte, error) {
	e, ok := s.files[path]
	if !ok {
		var err error
		if e, err = s.locate(path); err != nil {
			return nil, err
		}
	}
	o, ok := s.objects[e.id]
	switch {
	case !ok && !s.whole:
		return nil, errNotAsked
	case !ok && s.small, o.large:
		return nil, fmt.Errorf("%w: it has 1 MiB or more, too much for a values file", gitops.ErrRefused)
	}
	content, err := s.objects.get(blobKind, e.id)
	return bytes.Clone(content), err
}

// errNotAsked is about what a snapshot cannot tell.
var errNotAsked = errors.New("it was not asked for when the commit was read")

// locate returns the entry of the regular file at path.
func (s *Snapshot) locate(path string) (entry, error) {
	names, err := segments(path)
	if err != nil {
		return entry{}, err
	}
	at := entry{mode: directory, id: s.root}
	for _, name := range names {
		if err := at.mustBe(directory); err != nil {
			return entry{}, err
		}
		t, err := s.tree(at.id)
		if err != nil {
			return entry{}, err
		}
		if at, err = t.find(name); err != nil {
			return entry{}, err
		}
	}
	return at, at.mustBe(regular)
}

// tree returns the raw content of the tree id.
func (s *Snapshot) tree(id oid) (tree, error) {
	if _, ok := s.objects[id]; !ok && !s.whole {
		return nil, errNotAsked
	}
	return s.objects.get(treeKind, id)
}
