package gitops

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Value returns the version that stands at key in data, the content of a values
// file. The name of the file is used in errors and to know templates (*.gotmpl).
// Key is a selector as CheckKey describes it. Every error is an *EditError: what
// Value cannot read, Edit cannot replace.
func Value(file string, data []byte, key string) (Version, error) {
	_, at, err := locate(file, data, key)
	if err != nil {
		return "", err
	}
	return at.value, nil
}

// Edit returns data with the version at key replaced by to and not one other byte
// changed: comments, quotes, line ends, anchors and tags stay as they are. Quotes
// are added only where a YAML 1.1 or 1.2 reader would not take the new version for
// a string. When to stands there already, Edit returns data itself.
//
// From is the version that must stand there now, "" for whatever stands. Another
// one is an *EditError that Is ErrConflict. Every other error is an *EditError too:
// the file cannot be edited exactly, and asking again will not help. Before it
// returns, Edit parses the result and proves that exactly one scalar differs.
func Edit(file string, data []byte, key string, from, to Version) ([]byte, error) {
	if _, err := ParseVersion(string(to)); err != nil {
		return nil, &EditError{File: file, Reason: err.Error(), Cure: "ask for another version"}
	}
	src, at, err := locate(file, data, key)
	switch {
	case err != nil:
		return nil, err
	case from != "" && at.value != from:
		reason := fmt.Sprintf("%q stands at %s, not %q", at.value, key, from)
		conflict := src.refuse(at.start, reason, "read the file again and decide again")
		conflict.is = ErrConflict
		return nil, conflict
	case at.value == to:
		return data, nil
	}
	edited := at.splice(data, to)
	if err := src.prove(at, edited, to); err != nil {
		return nil, err
	}
	return edited, nil
}

// locate reads the file and finds the scalar at key.
func locate(file string, data []byte, key string) (*source, scalar, error) {
	sel, err := parseKey(key)
	if err != nil {
		return nil, scalar{}, &EditError{File: file, Reason: err.Error(), Cure: "mend the key"}
	}
	src, err := readSource(file, data)
	if err != nil {
		return nil, scalar{}, err
	}
	at, err := src.find(sel)
	return src, at, err
}

// An EditError says where and why a values file cannot be edited exactly. It Is
// ErrConflict when another version stands than the one that was expected, and
// ErrNotFound when the key is not in the file.
type EditError struct {
	File   string // as given to Edit
	Line   int    // 1-based, as the YAML parser counts lines; 0 when the whole file is meant
	Column int    // 1-based, in runes; 0 when the whole line is meant
	Reason string // what stands in the way
	Cure   string // what a person can do about it

	is error // ErrConflict, ErrNotFound or nil
}

// Error returns place, reason and cure, such as
// "mds/values.yaml:12:3: the value is an alias (*ver): set the version at its anchor instead".
func (e *EditError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Column > 0 {
		fmt.Fprintf(&b, ":%d", e.Column)
	}
	fmt.Fprintf(&b, ": %s: %s", e.Reason, e.Cure)
	return b.String()
}

// Is reports whether e is the given one of ErrConflict and ErrNotFound.
func (e *EditError) Is(target error) bool { return e.is != nil && e.is == target }

// Apply applies all bumps of c, one after the other, and returns the new contents
// of the files that changed; the map is empty when there is nothing to do. Read
// returns the content of a file of c's repository as it stands now.
//
// A bump whose From is its To, or whose To stands already, is no edit. Two bumps
// may share one place as long as they agree. A version that is neither From (unless
// that is "") nor To is an error that Is ErrConflict; nothing is returned then.
func (c Change) Apply(read func(file string) ([]byte, error)) (map[string][]byte, error) {
	changed := map[string][]byte{}
	for _, file := range c.Files() {
		bumps := slices.DeleteFunc(slices.Clone(c.Bumps), func(b Bump) bool {
			return b.File != file || b.From == b.To
		})
		if len(bumps) == 0 {
			continue
		}
		before, err := read(file)
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", file, err)
		}
		after, err := editAll(before, bumps)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(before, after) {
			changed[file] = after
		}
	}
	return changed, nil
}

// editAll applies bumps of one file. Each bump's From is held against the file as it
// was before all of them, because an earlier bump may have set the same place; in the
// end every bump must see its own To, so bumps that contradict never pass.
func editAll(before []byte, bumps []Bump) ([]byte, error) {
	after := before
	for _, b := range bumps {
		now, err := Value(b.File, before, b.Key)
		if err == nil && now != b.To {
			_, err = Edit(b.File, before, b.Key, b.From, b.To)
		}
		if err == nil {
			after, err = Edit(b.File, after, b.Key, "", b.To)
		}
		if err != nil {
			return nil, fmt.Errorf("service %q: %w", b.Service, err)
		}
	}
	for _, b := range bumps {
		now, err := Value(b.File, after, b.Key)
		if err != nil {
			return nil, fmt.Errorf("service %q: %w", b.Service, err)
		}
		if now != b.To {
			return nil, fmt.Errorf("service %q: wants %q at %s, where another service of the same change wants %q", b.Service, b.To, b.Place, now)
		}
	}
	return after, nil
}
