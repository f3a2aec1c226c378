package gitops

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// CheckKey reports what is wrong with key as a selector of one value in a values
// file, or nil. A selector is either a path or a marker:
//
//	data.version                  keys of nested maps
//	data."a.b".version            a key in Go's double quotes, for dots and the like
//	services[name=mds].version    the item of a list whose name is mds
//	#mda                          the value on the line that ends in "# lockstep: mda"
//
// The marker works in every file, also in templates that no YAML parser can read.
func CheckKey(key string) error {
	_, err := parseKey(key)
	return err
}

// A selector is a parsed key: a marker's name, or a path when marker is "".
type selector struct {
	key    string // as it was written
	marker string
	path   []step
}

// A step leads from a map to the value of its key name, or, when item is set, from a
// list to its one item that is a map whose key name has the given value.
type step struct {
	name  string
	item  bool
	value string
}

// String returns the step as people read it: "data" or [name=mds].
func (s step) String() string {
	if s.item {
		return "[" + s.name + "=" + s.value + "]"
	}
	return strconv.Quote(s.name)
}

var (
	markerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	plainWord  = regexp.MustCompile(`^[^\s\pC."'\[\]=#]+`)
)

// parseKey parses a key as CheckKey describes it.
func parseKey(key string) (selector, error) {
	if name, ok := strings.CutPrefix(key, "#"); ok {
		if !markerName.MatchString(name) {
			return selector{}, fmt.Errorf("key %q: the name of a marker is letters, digits and . _ -, beginning with a letter or digit", key)
		}
		return selector{key: key, marker: name}, nil
	}
	path, rest, err := parsePath(key)
	if err != nil {
		return selector{}, fmt.Errorf("key %q: at %d: %v", key, len(key)-len(rest)+1, err)
	}
	last := len(path) - 1
	switch {
	case path[last].item:
		return selector{}, fmt.Errorf("key %q: ends in a list item: name the key in it, such as %s.version", key, key)
	case last > 0 && path[last-1].item && path[last-1].name == path[last].name:
		return selector{}, fmt.Errorf("key %q: chooses the item by the value that changes: choose it by another key, or use a marker", key)
	}
	return selector{key: key, path: path}, nil
}

// parsePath parses steps up to the end of rest. On an error it returns what it had
// not read yet.
func parsePath(rest string) (path []step, unread string, err error) {
	path = make([]step, 0, 4)
	for {
		var next step
		if strings.HasPrefix(rest, "[") {
			next, rest, err = parseItem(rest)
		} else {
			next.name, rest, err = parseWord(rest)
		}
		if err != nil {
			return nil, rest, err
		}
		path = append(path, next)
		switch {
		case rest == "":
			return path, "", nil
		case rest[0] == '.':
			rest = rest[1:]
			if strings.HasPrefix(rest, "[") {
				return nil, rest, errors.New(`no "." before "["`)
			}
		case rest[0] != '[':
			return nil, rest, fmt.Errorf(`want "." or "[", have %q`, rest)
		}
	}
}

// parseItem parses [name=value] at the beginning of rest.
func parseItem(rest string) (step, string, error) {
	s := step{item: true}
	var err error
	if s.name, rest, err = parseWord(rest[1:]); err != nil {
		return step{}, rest, err
	}
	after, ok := strings.CutPrefix(rest, "=")
	if !ok {
		return step{}, rest, errors.New("a list item is chosen by [name=value], not by its number, which changes when somebody adds another")
	}
	if s.value, rest, err = parseWord(after); err != nil {
		return step{}, rest, err
	}
	after, ok = strings.CutPrefix(rest, "]")
	if !ok {
		return step{}, rest, errors.New(`want "]"`)
	}
	return s, after, nil
}

// parseWord parses a plain or a quoted word at the beginning of rest.
func parseWord(rest string) (word, unread string, err error) {
	if strings.HasPrefix(rest, `"`) {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", rest, errors.New("the quotes are not closed, or hold an unknown escape")
		}
		word, err = strconv.Unquote(quoted)
		return word, rest[len(quoted):], err
	}
	word = plainWord.FindString(rest)
	switch {
	case word != "":
		return word, rest[len(word):], nil
	case rest == "":
		return "", rest, errors.New("ends where a name is missing")
	}
	return "", rest, fmt.Errorf("want a name, have %q: put names with special characters in double quotes", rest)
}
