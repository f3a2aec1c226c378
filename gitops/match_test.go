package gitops

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	paths := []string{"*", "**/a", "a", "a/a", "a/b/a", "a/b/c/values.yaml", "a/values.yaml", `a\*`, "a[1]", "a1", "b/values.yaml", "values.yaml"}
	slices.Sort(paths)
	for _, test := range []struct{ pattern, want string }{
		{"a", "a"},
		{"a/*", "a/a a/values.yaml"},
		{"?/values.yaml", "a/values.yaml b/values.yaml"},
		{"**/values.yaml", "a/b/c/values.yaml a/values.yaml b/values.yaml values.yaml"},
		{"a/**/values.yaml", "a/b/c/values.yaml a/values.yaml"},
		{"a/**/c/values.yaml", "a/b/c/values.yaml"},
		{"a/**/v*", "a/b/c/values.yaml a/values.yaml"},
		{"a[1]", "a1 a[1]"},
		{Quote("a[1]"), "a[1]"},
		{Quote(`a\*`), `a\*`},
		{Quote("*"), "*"},
		{Quote("**/a"), "**/a"},
		{"**/a", "**/a a a/a a/b/a"},
		{"[", ""},
		{"c", ""},
		{"", ""},
		{"a/", ""},
	} {
		if got := strings.Join(Match(paths, test.pattern), " "); got != test.want {
			t.Errorf("Match(%q) = %q, want %q", test.pattern, got, test.want)
		}
	}
}
