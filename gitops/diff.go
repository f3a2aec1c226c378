package gitops

import (
	"bytes"
	"strconv"
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

// diffName returns the name of a file in a diff, as git writes it.
func diffName(side, file string) string {
	name := side + strings.TrimLeft(file, "/")
	if quoted := strconv.QuoteToASCII(name); strings.ContainsAny(quoted[1:len(quoted)-1], `\`) {
		return quoted
	}
	return name
}
