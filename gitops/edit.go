package gitops

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A Spot is a version where it stands in a file.
type Spot struct {
	Version      Version
	Line, Column int // both 1-based, the column in runes; of the version itself, behind its quote
}

// Locate returns the version that stands at key in data, the content of a values file,
// and where. The name of the file is used in errors and to know templates (*.gotmpl).
// Key is a selector as CheckKey describes it. Every error is an *EditError: what
// Locate cannot read, Edit cannot replace.
func Locate(file string, data []byte, key string) (Spot, error) {
	sel, err := selectorOf(file, key)
	if err != nil {
		return Spot{}, err
	}
	if spot, ok := locatePlain(file, data, sel); ok {
		return spot, nil
	}
	src, at, err := locateParsed(file, data, sel)
	if err != nil {
		return Spot{}, err
	}
	line, column := src.place(data, at.start)
	return Spot{at.value, line, column}, nil
}

// Value returns the version that Locate finds.
func Value(file string, data []byte, key string) (Version, error) {
	spot, err := Locate(file, data, key)
	return spot.Version, err
}

// Edit returns data with the version at key replaced by to and not one other byte
// changed: comments, quotes, line ends, anchors and tags stay as they are. Quotes
// are added only where a YAML 1.1 or 1.2 reader would not take the new version for
// a string. When to stands there already, Edit returns data itself.
//
// From is the version that must stand there now, "" for whatever stands. Another
// one is an *EditError that Is ErrConflict. Every other error is an *EditError too:
// the file cannot be edited exactly, and asking again will not help. Before it
// returns, Edit reads the result and proves that exactly one scalar differs, and that the
// version that stood there can be put back.
//
// Nearly every values file is plain enough to be read without a parser, ten times as
// fast (see outline). What is not is parsed, and parsed again for the proof; so is
// whatever comes to an error, which only the parser can explain.
func Edit(file string, data []byte, key string, from, to Version) ([]byte, error) {
	if _, err := ParseVersion(string(to)); err != nil {
		return nil, &EditError{File: file, Reason: err.Error(), Cure: "ask for another version"}
	}
	sel, err := selectorOf(file, key)
	if err != nil {
		return nil, err
	}
	if edited, ok := editPlain(file, data, sel, from, to); ok {
		return edited, nil
	}
	return editParsed(file, data, sel, from, to)
}

// editParsed is Edit for every file, by the parser.
func editParsed(file string, data []byte, sel selector, from, to Version) ([]byte, error) {
	src, at, err := locateParsed(file, data, sel)
	switch {
	case err != nil:
		return nil, err
	case from != "" && at.value != from:
		reason := fmt.Sprintf("%q stands at %s, not %q", at.value, sel.key, from)
		conflict := src.refuse(at.start, reason, "read the file again and decide again")
		conflict.is = ErrConflict
		return nil, conflict
	case at.value == to:
		return data, nil
	}
	edited := at.splice(data, to)
	if err := src.prove(sel, at, edited, to); err != nil {
		return nil, err
	}
	back := at.splice(data, at.value)
	if len(back) > len(data) && src.prove(sel, at, back, at.value) != nil {
		return nil, src.refuse(at.start, fmt.Sprintf("%q could not be put back: it needs quotes, and the file cannot be read with them", at.value),
			"put it in quotes, and remove what stands in the way, such as a tab on the next line")
	}
	return edited, nil
}

// selectorOf parses key, for an edit of file.
func selectorOf(file, key string) (selector, error) {
	sel, err := parseKey(key)
	if err != nil {
		return selector{}, &EditError{File: file, Reason: err.Error(), Cure: "mend the key"}
	}
	return sel, nil
}

// locateParsed parses the file and finds the scalar that sel selects.
func locateParsed(file string, data []byte, sel selector) (*source, scalar, error) {
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
