package repo

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"lockstep/gitops"
)

// A tree is the raw content of a git tree object: entries of an octal mode, a space,
// a name, a zero byte and a binary id, in git's order. It is edited in this form, so
// that modes such as 100664, which git itself no longer writes, stay.
type tree []byte

// An entry is one entry of a tree. Name is in whatever encoding it was committed.
type entry struct {
	mode uint64
	name []byte
	id   oid
	at   int // where the 20 bytes of id begin in the tree
}

// The kinds of an entry: the bits of its mode above the permissions.
const (
	kindBits  = 0o170000
	directory = 0o040000
	regular   = 0o100000
	symlink   = 0o120000
	submodule = 0o160000
)

// is reports that e is of kind; permissions do not matter.
func (e entry) is(kind uint64) bool { return e.mode&kindBits == kind }

// all yields the entries of t in order. It ends with an error at the first byte that
// is not part of an entry.
func (t tree) all() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for at := 0; at < len(t); {
			e, err := t.entry(at)
			if !yield(e, err) || err != nil {
				return
			}
			at = e.at + len(e.id)
		}
	}
}

// entry returns the entry that begins at the offset at.
func (t tree) entry(at int) (entry, error) {
	mode, rest, _ := bytes.Cut(t[at:], []byte(" "))
	name, rest, _ := bytes.Cut(rest, []byte{0})
	e := entry{name: name, at: len(t) - len(rest)}
	if len(rest) < len(e.id) {
		return entry{}, errors.New("the tree object is cut off")
	}
	copy(e.id[:], rest)
	var err error
	if e.mode, err = strconv.ParseUint(string(mode), 8, 32); err != nil {
		return entry{}, fmt.Errorf("the tree object has the mode %q, which is not octal", mode)
	}
	return e, nil
}

// find returns the entry called name. The error wraps gitops.ErrNotFound when there
// is none.
func (t tree) find(name string) (entry, error) {
	for e, err := range t.all() {
		if err != nil {
			return entry{}, err
		}
		if string(e.name) == name {
			return e, nil
		}
	}
	return entry{}, gitops.ErrNotFound
}

// segments returns the names along path, or the sentence that says why path cannot
// lie inside of a repository.
func segments(path string) ([]string, error) {
	names := strings.Split(path, "/")
	for _, name := range names {
		if name == "" || name == "." || name == ".." || strings.Contains(name, "\x00") {
			return nil, fmt.Errorf("%w: not a path inside the repository, such as environments/int/values.yaml", gitops.ErrRefused)
		}
	}
	return names, nil
}

// mustBe returns nil if e is of kind (regular or directory), else the sentence that
// says what it is instead. What is missing as a file below a file is not found.
func (e entry) mustBe(kind uint64) error {
	switch {
	case e.is(kind):
		return nil
	case e.is(symlink):
		return fmt.Errorf("%w: %q is a symbolic link; name the file that it leads to", gitops.ErrRefused, e.name)
	case e.is(submodule):
		return fmt.Errorf("%w: %q is a submodule; name the repository that holds the file", gitops.ErrRefused, e.name)
	case e.is(directory):
		return fmt.Errorf("%w: %q is a directory", gitops.ErrRefused, e.name)
	case e.is(regular):
		return gitops.ErrNotFound
	}
	return fmt.Errorf("%w: %q has the unknown mode %o", gitops.ErrRefused, e.name, e.mode)
}
