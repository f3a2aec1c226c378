package gitops

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Files are the files of a repository at one commit.
type Files interface {
	// Match returns the paths of the regular files that pattern matches, sorted, as the
	// function Match does.
	Match(pattern string) ([]string, error)
	// File returns the content of path; ErrNotFound when it is not there, ErrRefused
	// when it is not to be had, such as one that is too large.
	File(path string) ([]byte, error)
}

// A Use is a release of a helmfile whose values hold a version, and where they do.
type Use struct {
	Service string // the release's name
	File    string // of the values that count: the last one of the release that holds the key
	Key     string
	Why     string // how it was found, as a clause
}

// A Doubt is something in a helmfile that cannot be understood without running its
// templates, or that people should know of.
type Doubt struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`    // 0: the whole file
	Release string `json:"release,omitempty"` // whose values it is about, where that is known
	Reason  string `json:"reason"`            // a sentence without its end
	Hides   bool   `json:"hides,omitempty"`   // a service may be missing from the uses because of it
}

// String returns the doubt with its place, as people read it.
func (d Doubt) String() string {
	place := d.File
	if d.Line > 0 {
		place = fmt.Sprintf("%s:%d", d.File, d.Line)
	}
	if d.Release != "" {
		place += ": release " + d.Release
	}
	return place + ": " + d.Reason
}

// Uses are the releases of a helmfile that use a version in one environment.
type Uses struct {
	Uses   []Use   // in the order of the helmfiles
	Left   []Doubt // releases that hold it and are not installed there, and why
	Doubts []Doubt // what was not understood
}

// HelmfileUses finds the releases that helmfile would install in an environment and
// whose values files hold a value at key (see CheckKey). File is a helmfile, or a
// directory of them, in files.
//
// It reads helmfiles with their bases and nested helmfiles, environments, conditions,
// release templates and values files, and runs no template: of all actions it knows
// the names of the environment and of the release, and comments. Whatever else decides
// which services there are is a Doubt with file and line. An error means that files
// could not be read, never that something was not understood.
func HelmfileUses(files Files, file, environment, key string) (Uses, error) {
	f := &finder{
		files: files, file: file, environment: environment, key: key, words: keyWords(key),
		matched: map[string][]string{}, visited: map[visit]bool{}, held: map[string]holding{}, used: map[string]bool{}, parsed: map[string][]spot{},
	}
	f.root(path.Clean(file))
	f.settle()
	return f.uses, f.err
}

// Most that is read of one repository: more is a doubt, not a reason to run for ever.
const (
	maxHelmfiles    = 1000
	maxHelmfileSize = 1 << 20
	maxCandidates   = 500
	maxAliases      = 20         // in a row
	maxWork         = 50_000_000 // of about 100 ns each: seconds, not minutes
	patternWork     = 50_000     // of a pattern, which may be held against many files
)

// A finder is one search.
type finder struct {
	files                  Files
	file, environment, key string
	words                  []string // without which no file holds key

	uses    Uses
	err     error               // the first error of files: the search ends with it
	matched map[string][]string // what each pattern matches
	visited map[visit]bool      // true while it is under way
	held    map[string]holding
	used    map[string]bool // files of uses
	open    []openDoubt

	work   int               // see maxWork
	parsed map[string][]spot // values files of environments
}

// An openDoubt is a doubt about values files of unknown names: whether it hides a
// service is known when all others are found.
type openDoubt struct {
	Doubt
	patterns []string // of the paths that they may have; "" for any
}

// doubt notes what was not understood at a node, once.
func (f *finder) doubt(at spot, release string, hides bool, format string, args ...any) {
	f.note(Doubt{File: at.page.file, Line: at.line(), Release: release, Reason: fmt.Sprintf(format, args...), Hides: hides})
}

// doubtful keeps a doubt about values files that may match patterns.
func (f *finder) doubtful(at spot, release, reason string, patterns []string) {
	f.open = append(f.open, openDoubt{Doubt{File: at.page.file, Line: at.line(), Release: release, Reason: reason}, patterns})
}

// note keeps a doubt, once.
func (f *finder) note(d Doubt) {
	if !slices.Contains(f.uses.Doubts, d) {
		f.uses.Doubts = append(f.uses.Doubts, d)
	}
}

// root reads what the configuration names.
func (f *finder) root(file string) {
	if !inside(file) {
		f.note(Doubt{File: file, Reason: "is no path in the repository", Hides: true})
		return
	}
	all := f.helmfilesAt(file)
	if len(all) == 0 && f.err == nil {
		f.note(Doubt{File: file, Reason: "is not there: name the helmfile, or a directory of helmfiles", Hides: true})
	}
	for _, name := range all {
		f.helmfile(name, false)
	}
}

// helmfilesAt returns the helmfile of that name, with or without .gotmpl, or those of
// the directory of that name.
func (f *finder) helmfilesAt(name string) []string {
	for _, file := range []string{name, name + ".gotmpl"} {
		if f.there(file) {
			return []string{file}
		}
	}
	var all []string
	for _, p := range f.match(path.Join(Quote(name), "*")) {
		if path.Dir(p) == name && isHelmfile(p) {
			all = append(all, p)
		}
	}
	return all
}

// isHelmfile reports that a file in a directory of helmfiles is one.
func isHelmfile(file string) bool {
	base := strings.TrimSuffix(file, ".gotmpl")
	return path.Ext(base) == ".yaml" || path.Ext(base) == ".yml"
}

// list returns the files that a pattern matches.
func (f *finder) list(pattern string) []string {
	if f.err != nil {
		return nil
	}
	paths, err := f.files.Match(pattern)
	if err != nil {
		f.err = fmt.Errorf("list files: %w", err)
	}
	return paths
}

// there reports that there is a regular file at a path.
func (f *finder) there(file string) bool { return slices.Contains(f.list(Quote(file)), file) }

// match returns the files that a pattern with wildcards matches; none once there was too
// much work.
func (f *finder) match(pattern string) []string {
	paths, known := f.matched[pattern]
	if !known && !f.tired(patternWork) {
		paths = f.list(pattern)
		f.matched[pattern] = paths
	}
	if f.tired(len(paths)) {
		return nil
	}
	return paths
}

// notThere is why a file that does not exist has no content.
const notThere = "is not there"

// read returns the content of a file, or why there is none.
func (f *finder) read(file string) (data []byte, why string) {
	if f.err != nil {
		return nil, "not read"
	}
	data, err := f.files.File(file)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, notThere
	case errors.Is(err, ErrRefused):
		return nil, fmt.Sprintf("cannot be read: %v", err)
	case err != nil:
		f.err = fmt.Errorf("read %q: %w", file, err)
		return nil, "not read"
	case len(data) > maxHelmfileSize:
		return nil, "cannot be read: it has more than 1 MiB"
	}
	return data, ""
}

// A visit is the reading of a helmfile, which may be given values by the one that nests it.
type visit struct {
	file  string
	given bool
}

// helmfile reads one helmfile and what it nests. One that was read already is not read
// again.
func (f *finder) helmfile(file string, given bool) {
	v := visit{file, given}
	reading, seen := f.visited[v]
	switch {
	case f.err != nil:
		return
	case reading:
		f.note(Doubt{File: file, Reason: "nests itself by way of its helmfiles"})
		return
	case seen:
		return
	case len(f.visited) >= maxHelmfiles:
		f.note(Doubt{File: file, Reason: fmt.Sprintf("is not read: there are more than %d helmfiles", maxHelmfiles), Hides: true})
		return
	}
	f.visited[v] = true
	defer func() { f.visited[v] = false }()
	s := newState(f, file)
	s.given = given
	s.load(file, map[string]bool{})
	if !s.serves() {
		return
	}
	for _, r := range s.releases {
		f.release(s, r)
	}
	f.environmentValues(s.sources(), s.dir)
	for _, h := range s.helmfiles {
		f.nested(s, h)
	}
}

// nested reads the helmfiles that an item of "helmfiles" names.
func (f *finder) nested(s *state, item spot) {
	if at := item.get(f, "selectors"); at.is() {
		f.doubt(at, "", false, "selectors are not looked at: every release counts")
	}
	values := item.get(f, "values")
	f.environmentValues(values.list(f, "", "values"), s.dir)
	given := values.is() || item.get(f, "inherits").is()
	if at := item.get(f, "path"); at.is() {
		item = at
	}
	name, unknown := item.text(f.environment, "")
	switch at, ok := join(s.dir, name); {
	case len(unknown) > 0:
		f.doubt(item, "", true, "which helmfile %s names is not known", unknown[0])
	case remote(name):
		f.doubt(item, "", false, "helmfile %q is in another place and not read", shown(name))
	case !ok:
		f.doubt(item, "", false, "helmfile %q leads out of the repository", shown(name))
	default:
		all := f.matching(at)
		if len(all) == 0 {
			all = f.helmfilesAt(at)
		}
		if len(all) == 0 {
			_, why := f.read(at)
			f.doubt(item, "", why != notThere, "helmfile %s %s", at, why)
		}
		for _, file := range all {
			f.helmfile(file, given)
		}
	}
}

// expanded returns the files that a path with wildcards matches, or the path itself.
func (f *finder) expanded(file string) []string {
	if all := f.matching(file); all != nil {
		return all
	}
	return []string{file}
}

// matching returns the files that a path with wildcards matches; none without. To
// helmfile, ** is *.
func (f *finder) matching(pattern string) []string {
	if !strings.ContainsAny(pattern, `*?[`) {
		return nil
	}
	segments := strings.Split(pattern, "/")
	for i, s := range segments {
		if s == "**" {
			segments[i] = "*"
		}
	}
	var all []string
	for _, p := range f.match(strings.Join(segments, "/")) {
		if ok, err := path.Match(pattern, p); err == nil && ok {
			all = append(all, p)
		}
	}
	return all
}

// tired counts work, and reports that there was too much of it.
func (f *finder) tired(work int) bool {
	if f.work += work; f.work <= maxWork {
		return false
	}
	f.note(Doubt{File: path.Clean(f.file), Reason: "it and what it nests are too much to be read", Hides: true})
	return true
}

// settle decides on the open doubts, now that the files of all uses are known: a
// pattern hides a service only where another file that it matches holds the key.
func (f *finder) settle() {
	for _, d := range f.open {
		var others []string
		for _, pattern := range d.patterns {
			files, ok := f.candidates(pattern)
			d.Hides = d.Hides || !ok
			others = append(others, files...)
		}
		slices.Sort(others)
		if others = slices.Compact(others); len(others) > 0 {
			d.Hides = true
			d.Reason += fmt.Sprintf("; it may be %s, which holds %s", strings.Join(others[:min(3, len(others))], " or "), f.key)
		}
		f.note(d.Doubt)
	}
	f.open = nil
}

// candidates returns the files that a pattern of unknown parts matches, and that hold
// the key and belong to no use. A path without unknown parts is one, whoever else uses it.
// It is not ok where they cannot be told.
func (f *finder) candidates(pattern string) (files []string, ok bool) {
	if pattern == "" {
		return nil, false
	}
	parts, tried := loose(pattern), 0
	for _, p := range f.match(around(parts)) {
		if f.used[p] && len(parts) > 1 || !matchesLoosely(p, parts) {
			continue
		}
		if tried++; tried > maxCandidates {
			return files, false
		}
		if h := f.holds(p); h.yes || h.why != "" {
			files = append(files, p)
		}
	}
	return files, true
}

// sortedNames returns the keys of a map in order.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
