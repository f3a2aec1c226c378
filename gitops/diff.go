package gitops

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Diff returns what an edit changes in a file as a unified diff, which "git apply" and
// "patch -p1" take; nothing when before is after.
func Diff(file string, before, after []byte) []byte {
	unified := diff.Diff(diffName("a/", file), before, diffName("b/", file), after)
	_, unified, _ = bytes.Cut(unified, []byte("\n")) // a line for nobody: "diff a/FILE b/FILE"
	return unified
}

// diffName returns the name of a file in a diff, as git writes and reads it: whatever is
// no printable ASCII in octal and in quotes, and a tab behind a name with blanks.
func diffName(side, file string) string {
	name := side + strings.TrimLeft(path.Clean(file), "/")
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	switch quoted := b.String(); {
	case quoted != name:
		return `"` + quoted + `"`
	case strings.Contains(name, " "):
		return name + "\t"
	}
	return name
}
