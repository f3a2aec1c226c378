package gitops

import (
	"path"
	"slices"
	"strings"
)

// Match returns those of paths that pattern matches, in their order. Paths are sorted.
// Each segment of pattern is in the syntax of path.Match; one that looks like a pattern
// stands for itself, too, and one of them may be **, which stands for any number of
// directories, none included.
func Match(paths []string, pattern string) []string {
	if !strings.ContainsAny(pattern, wildcards) {
		if _, there := slices.BinarySearch(paths, pattern); there {
			return []string{pattern}
		}
		return nil
	}
	var matched []string
	segments := strings.Split(pattern, "/")
	for _, p := range paths {
		if matches(segments, strings.Split(p, "/")) {
			matched = append(matched, p)
		}
	}
	return matched
}

// wildcards are what makes a segment a pattern.
const wildcards = `*?[\`

// matches reports whether pattern matches names, segment by segment.
func matches(pattern, names []string) bool {
	switch {
	case len(pattern) == 0 || len(names) == 0:
		return len(pattern) == len(names)
	case pattern[0] == "**":
		return matches(pattern[1:], names) || matches(pattern, names[1:])
	}
	ok, err := path.Match(pattern[0], names[0])
	return (ok && err == nil || pattern[0] == names[0]) && matches(pattern[1:], names[1:])
}

// Quote returns a pattern without wildcards that matches file.
func Quote(file string) string {
	if !strings.ContainsAny(file, wildcards) {
		return file
	}
	return quoter.Replace(file)
}

var quoter = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)
