package bot

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// A ConfigError is one mistake in a configuration file: where, what, and how to mend
// it.
type ConfigError struct {
	File     string
	Line     int    // from 1
	Column   int    // from 1, in characters
	Field    string // "environments.int.services[0].key"; "" for the file as a whole
	Sentence string // never holds a secret
}

// Error returns the mistake in one line, in the form that editors jump to.
func (e *ConfigError) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Field != "" {
		where += strings.Map(printable, e.Field) + ": "
	}
	return where + e.Sentence
}

// printable replaces what would break a line or hide in it.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

// A configPlace is a position in the file, both numbers from 1.
type configPlace struct{ line, column int }

// A configCheck collects the mistakes of one file. It knows the place of every field
// that was read.
type configCheck struct {
	file   string
	places map[string]configPlace // by field
	broken map[string]bool        // fields whose value could not be read: nothing more is said about them
	errs   []*ConfigError
}

func newConfigCheck(file string) *configCheck {
	return &configCheck{
		file:   file,
		places: map[string]configPlace{"": {1, 1}},
		broken: map[string]bool{},
	}
}

// fail notes a mistake in field. A field that is not in the file is placed where the
// nearest field around it is.
func (k *configCheck) fail(field, format string, args ...any) {
	for around := field; around != ""; around = fieldAround(around) {
		if k.broken[around] {
			return
		}
	}
	at := k.place(field)
	k.errs = append(k.errs, &ConfigError{
		File: k.file, Line: at.line, Column: at.column,
		Field: field, Sentence: strings.Map(printable, fmt.Sprintf(format, args...)),
	})
}

// spoil notes that the value of field could not be read, and why.
func (k *configCheck) spoil(field, format string, args ...any) {
	k.fail(field, format, args...)
	k.broken[field] = true
}

// stands reports that field is in the file.
func (k *configCheck) stands(field string) bool {
	_, ok := k.places[field]
	return ok
}

// place returns where field stands, or the nearest field around it.
func (k *configCheck) place(field string) configPlace {
	for {
		if at, ok := k.places[field]; ok {
			return at
		}
		field = fieldAround(field)
	}
}

// fieldAround returns the field that holds field: "a.b" for "a.b[0]", "" at the top.
func fieldAround(field string) string {
	return field[:max(strings.LastIndexAny(field, ".["), 0)]
}

// err returns all mistakes, joined in the order of the file, or nil.
func (k *configCheck) err() error {
	slices.SortStableFunc(k.errs, func(a, b *ConfigError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for _, e := range k.errs {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// known ends a sentence about a word that is not one of words: with the nearest of
// them, and with all.
func known(word string, words []string) string {
	if len(words) == 0 {
		return "none is configured"
	}
	word, words = shortened(word), slices.Sorted(slices.Values(words))
	for i := range words {
		words[i] = shortened(words[i])
	}
	list := "have " + strings.Join(words, ", ")
	nearest := slices.MinFunc(words, func(a, b string) int {
		return cmp.Compare(distance(word, a), distance(word, b))
	})
	if distance(word, nearest) > max(1, len(word)/3) {
		return list
	}
	return fmt.Sprintf("did you mean %s? (%s)", nearest, list)
}

// distance returns how many letters must be put in, left out or replaced to make b
// of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
