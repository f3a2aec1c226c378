package gitops

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Dependent is a service whose values name a data version, and the file that holds
// them: slash-separated, relative to the root of its repository.
type Dependent struct {
	Service string
	File    string
}

// Dependents returns the files of paths that pattern matches, sorted by file, each
// with the name of its service. Pattern is slash-separated, and each segment is in the
// syntax of path.Match: "environments/int/*/values.yaml". The first segment with a *
// names the service: what the * stands for, so "*.yaml" calls mds.yaml "mds"; this
// segment holds no other wildcard.
//
// A pattern without *, with ** or not in clean relative form is an error, and so are
// two files for one service, and a path that is not UTF-8 or holds control characters:
// it could not be kept and shown as it is. That no file matches is none.
func Dependents(paths []string, pattern string) ([]Dependent, error) {
	g, err := parseGlob(pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %v", pattern, err)
	}
	var found []Dependent
	file := map[string]string{}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		service, ok := g.match(p)
		if !ok {
			continue
		}
		if !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl) {
			return nil, fmt.Errorf("pattern %q: the name of file %q is not text: rename it, or narrow the pattern", pattern, p)
		}
		if first, ok := file[service]; ok {
			return nil, fmt.Errorf("pattern %q: service %q has two files, %q and %q: narrow the pattern, or list the services", pattern, service, first, p)
		}
		file[service] = p
		found = append(found, Dependent{Service: service, File: p})
	}
	return found, nil
}

// A glob is a parsed pattern. The segment at index name is prefix*suffix and names the
// service.
type glob struct {
	segments       []string
	name           int
	prefix, suffix string
}

// parseGlob parses and checks a pattern.
func parseGlob(pattern string) (glob, error) {
	g := glob{segments: strings.Split(pattern, "/")}
	g.name = slices.IndexFunc(g.segments, func(s string) bool { return strings.Contains(s, "*") })
	switch {
	case strings.Contains(pattern, "**"):
		return glob{}, errors.New("** is not supported: write one * per directory")
	case g.name < 0:
		return glob{}, errors.New("no * to take the service's name from")
	case pattern != path.Clean(pattern) || path.IsAbs(pattern) || g.segments[0] == "..":
		return glob{}, errors.New("must be relative to the repository, without empty, . and .. segments")
	}
	for _, segment := range g.segments {
		if _, err := path.Match(segment, ""); err != nil {
			return glob{}, fmt.Errorf("segment %q: %v", segment, err)
		}
	}
	g.prefix, g.suffix, _ = strings.Cut(g.segments[g.name], "*")
	if strings.ContainsAny(g.prefix+g.suffix, `*?[\`) {
		return glob{}, fmt.Errorf("segment %q names the service: it may hold one * and no other wildcard", g.segments[g.name])
	}
	return g, nil
}

// match returns the service that file belongs to, and whether g matches file at all.
// A * that stands for nothing names no service and does not match.
func (g glob) match(file string) (service string, ok bool) {
	segments := strings.Split(file, "/")
	if len(segments) != len(g.segments) {
		return "", false
	}
	for i, segment := range segments {
		if ok, err := path.Match(g.segments[i], segment); err != nil || !ok {
			return "", false
		}
	}
	service = strings.TrimPrefix(segments[g.name], g.prefix)
	service = strings.TrimSuffix(service, g.suffix)
	return service, service != ""
}
