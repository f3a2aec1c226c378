package gitops

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A sample is a values file in three pieces: the token is the value at key, in its
// quotes. It knows where the value stands because it was written so, not from a parser.
type sample struct {
	before, token, after string
	key                  string
	value                Version
	plain, tagged        bool
}

// versions draws versions, and often such that are no strings without quotes.
var versions = rapid.OneOf(
	rapid.StringMatching(`[0-9]{1,4}\.[0-9]{1,2}\.[0-9]{1,3}(-rc\.[0-9])?`),
	rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._+-]{0,12}`),
	rapid.StringMatching(`[0-9][0-9_.exobT+-]{0,10}`),
	rapid.SampledFrom(strings.Fields("1.10 2024-01-01 1e3 on null 0x1F 0777 0o7 NaN y NULL 1_000 0b1 latest")),
)

// sibling draws one entry of a block map, or a comment, at an indent.
func sibling(t *rapid.T, indent, eol string, n int) string {
	lines := rapid.SampledFrom([][]string{
		{},
		{""},
		{"# version: 1.0.0"},
		{"#\ttab ü🚀"},
		{"k%d: 1.0.0"},
		{"k%d: {version: 1.0.0, x: 'it''s'}  # c"},
		{"k%d: |", "  version: 1.0.0", "", "  data: x"},
		{"k%d:", "- name: mds", "  version: \"1.0.0\""},
		{"k%d: \"ü", "  # text\""},
		{"k%d: &a%[1]d !!str x", "l%[1]d: *a%[1]d"},
		{"k%d: &a%[1]d {version: 1.0.0}", "l%[1]d:", "  <<: *a%[1]d"},
		{"k%d: one two", "  - three", "", " four # c"},
		{"k%d: [", "  {version: 1.0.0}, # c", "", "'x'", "]"},
		{"k%d:", "  \"version: 1.0.0\\", "", "  x\""},
		{"k%d: !own |2-", "    version: 1.0.0", "   x"},
		{"k%d:", "-", "  version: 1.0.0", "- - x"},
		{"k %d :\t'x'\t# c"},
	}).Draw(t, "sibling")
	var b strings.Builder
	for _, line := range lines {
		if strings.Contains(line, "%") {
			line = fmt.Sprintf(line, n)
		}
		b.WriteString(indent + line + eol)
	}
	return b.String()
}

// samples draws a values file.
func samples(t *rapid.T) sample {
	eol := rapid.SampledFrom([]string{"\n", "\n", "\r\n", "\r", "\u0085", "\u2028", "\u2029"}).Draw(t, "eol")
	s := sample{value: Version(versions.Draw(t, "from"))}
	var before, after strings.Builder
	before.WriteString(rapid.SampledFrom([]string{"", "\ufeff", "# head" + eol, "x: 1" + eol + "---" + eol}).Draw(t, "head"))
	indent := ""
	for depth := range rapid.IntRange(0, 3).Draw(t, "depth") {
		name := rapid.SampledFrom([]string{"data", "größe", `"a.b"`, "x-y"}).Draw(t, "name")
		before.WriteString(sibling(t, indent, eol, 10*depth))
		before.WriteString(indent + name + ":" + eol)
		s.key += name + "."
		indent += "  "
	}
	s.key += "version"
	before.WriteString(sibling(t, indent, eol, 100))
	open, shut := "version:", ""
	if flow := rapid.SampledFrom([]string{"", "", " ", eol}).Draw(t, "flow"); flow != "" {
		open, shut = `"ü": {"🚀":[é], # c`+eol+`version:`, ","+flow+"z: 1"+flow+"}"
		s.key = strings.TrimSuffix(s.key, "version") + "ü.version"
	}
	property := rapid.SampledFrom([]string{"", "", "&v ", "!!str ", "&v  !!str ", "!own "}).Draw(t, "property")
	quote := rapid.SampledFrom([]string{"", "", "'", `"`}).Draw(t, "quote")
	before.WriteString(indent + open + rapid.SampledFrom([]string{" ", "   "}).Draw(t, "gap") + property)
	after.WriteString(shut + rapid.SampledFrom([]string{"", " # c", "\t#\tversion: 1"}).Draw(t, "comment"))
	if rapid.Bool().Draw(t, "more") {
		after.WriteString(eol + sibling(t, indent, eol, 200))
	}
	s.plain, s.tagged = quote == "", strings.Contains(property, "!!str")
	s.before, s.token, s.after = before.String(), quote+string(s.value)+quote, after.String()
	return s
}

// harmless matches versions for which no quotes may ever be added.
var harmless = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-rc\.[0-9])?$`)

func TestEditProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := samples(t)
		to := Version(versions.Draw(t, "to"))
		in := s.before + s.token + s.after
		out, err := Edit("values.yaml", []byte(in), s.key, s.value, to)
		if s.plain && strings.EqualFold(string(s.value), "null") && !s.tagged && err != nil {
			return // null is nothing that could be moved
		}
		if err != nil {
			t.Fatalf("edit %q: %v", in, err)
		}
		same := s.before + strings.Replace(s.token, string(s.value), string(to), 1) + s.after
		quoted := s.before + `"` + string(to) + `"` + s.after
		switch {
		case to == s.value && string(out) == in:
		case string(out) == same && (!s.plain || s.tagged || isStringToAll(t, string(to))):
		case string(out) == quoted && s.plain && !s.tagged && !harmless.MatchString(string(to)):
		default:
			t.Fatalf("edit of %q to %q: %q", in, to, out)
		}
		checkInverse(t, "values.yaml", s.key, []byte(in), out)
	})
}

// TestReadsAsStringProperty looks for a word that a reader takes for something else and
// that we would write without quotes.
func TestReadsAsStringProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := versions.Draw(t, "word")
		if readsAsString(word) && !isStringToAll(t, word) {
			t.Fatalf("%s reads as something else than a string", word)
		}
	})
}
