package gitops

import (
	"errors"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, want string }{
		{"version", ""},
		{"data.version", ""},
		{`data."a.b \"c\"".version`, ""},
		{"services[name=mds].data.version", ""},
		{`[name="m.d.s"].version`, ""},
		{"lists[a=1][b=2].version", ""},
		{"größe.a/b_c-d:e", ""},
		{"#mda", ""},
		{"", `key "": at 1: ends where a name is missing`},
		{"data.", `key "data.": at 6: ends where a name is missing`},
		{".data", `key ".data": at 1: want a name, have ".data": put names with special characters in double quotes`},
		{"data.'a.b'", `key "data.'a.b'": at 6: want a name, have "'a.b'": put names with special characters in double quotes`},
		{"a b", `key "a b": at 2: want "." or "[", have " b"`},
		{`a."b`, `key "a.\"b": at 3: the quotes are not closed, or hold an unknown escape`},
		{"a[0].b", `key "a[0].b": at 4: a list item is chosen by [name=value], not by its number, which changes when somebody adds another`},
		{"a[name=x.b", `key "a[name=x.b": at 9: want "]"`},
		{"a[name=].b", `key "a[name=].b": at 8: want a name, have "].b": put names with special characters in double quotes`},
		{"a.[name=x].b", `key "a.[name=x].b": at 3: no "." before "["`},
		{"a[name=x]b", `key "a[name=x]b": at 10: want "." or "[", have "b"`},
		{`a[version="1.0"].version`, `key "a[version=\"1.0\"].version": chooses the item by the value that changes: choose it by another key, or use a marker`},
		{"a[name=x]", `key "a[name=x]": ends in a list item: name the key in it, such as a[name=x].version`},
		{"#", `key "#": the name of a marker is letters, digits and . _ -, beginning with a letter or digit`},
		{"#a b", `key "#a b": the name of a marker is letters, digits and . _ -, beginning with a letter or digit`},
	} {
		got := ""
		if err := CheckKey(tt.key); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("CheckKey(%q)\n got %s\nwant %s", tt.key, got, tt.want)
		}
	}
}

func TestEditErrorIs(t *testing.T) {
	t.Parallel()
	const file = "data:\n  version: 1.0.0\n  empty:\n"
	for _, tt := range []struct {
		key                string
		conflict, notFound bool
	}{
		{"data.version", true, false},
		{"data.other", false, true},
		{"#mda", false, true},
		{"data.empty", false, false},
	} {
		_, err := Edit("values.yaml", []byte(file), tt.key, "0.9.0", "1.1.0")
		var edit *EditError
		if !errors.As(err, &edit) {
			t.Errorf("%s: %v is no *EditError", tt.key, err)
		}
		if got := errors.Is(err, ErrConflict); got != tt.conflict {
			t.Errorf("%s: is ErrConflict: got %t, want %t", tt.key, got, tt.conflict)
		}
		if got := errors.Is(err, ErrNotFound); got != tt.notFound {
			t.Errorf("%s: is ErrNotFound: got %t, want %t", tt.key, got, tt.notFound)
		}
	}
}

// TestProof holds the proof against splices at wrong positions, as a mistake of the
// parser or of ours would make them.
func TestProof(t *testing.T) {
	t.Parallel()
	const file = "a: &a 1.0.0 # v1.0.0\nb:\n- {x: *a, y: 'z1'}\n# end\n"
	for _, tt := range []struct {
		name, old string // old is what the splice replaces
		to        Version
		want      bool
	}{
		{"the value", "1.0.0", "2.0.0", true},
		{"the value, with quotes", "1.0.0", "1.10", true},
		{"a comment", "v1.0.0", "2.0.0", false},
		{"another value", "z1", "2.0.0", false},
		{"a key", "b", "2.0.0", false},
		{"an alias", "*a", "2.0.0", false},
		{"the anchor", "&a ", "2.0.0", false},
		{"a part of the value", "1.0", "2.0.0", false},
		{"a blank more", " 1.0.0", "2.0.0", false},
		{"the line break as well", "1.0.0 # v1.0.0\n", "2.0.0", false},
		{"the next key as well", "1.0.0 # v1.0.0\nb:", "2.0.0", false},
	} {
		sel := selector{path: []step{{name: "a"}}}
		src, at, err := locateParsed("values.yaml", []byte(file), sel)
		if err != nil {
			t.Fatal(err)
		}
		at.start = strings.Index(file, tt.old)
		at.end = at.start + len(tt.old)
		if got := src.prove(sel, at, at.splice(src.data, tt.to), tt.to) == nil; got != tt.want {
			t.Errorf("%s: proved %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestReadsAsString holds the rule for quotes against lists of what YAML readers take
// for something else, and against the readers that are at hand.
func TestReadsAsString(t *testing.T) {
	t.Parallel()
	other := "y Y n N yes Yes NO on Off TRUE False null Null NULL NaN nan inf Infinity " +
		"0 7 0777 08 0o17 0o+7 0O7 0x1F 0XAB 0b101 0b-1 0B1 1_000 0x_1 1. 1.5 1.10 1_0.5 1e3 1E3 1.5e+3 12e03 e3 1e-2 685.230_15e+03 " +
		"2024-01-01 2024-1-1 2024-01-01T10 20240101"
	for word := range strings.FieldsSeq(other) {
		if readsAsString(word) {
			t.Errorf("%s: taken for a string", word)
		}
	}
	text := "1.2.3 v1 1.10.0 2026.11.3 2024-01-01-a 2024-01 1e3x 0x1G 0b2 0o8 e3x nope yes1 latest 1-2 1+2 1.2- 5a3f0c1 abcdef"
	for word := range strings.FieldsSeq(text) {
		if !readsAsString(word) || !isStringToAll(t, word) {
			t.Errorf("%s: not taken for a string", word)
		}
	}
}

// isStringToAll reports whether a reader of YAML 1.1 and one of 1.2 take word for a string.
func isStringToAll(t failer, word string) bool {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(word), &value); err != nil {
		t.Fatalf("%s: %v", word, err)
	}
	_, ok := value.(string)
	return ok && !yaml.IsValueNonString(word)
}

// TestEditRefusesAtOnce tells what is refused before anything is read.
func TestEditRefusesAtOnce(t *testing.T) {
	t.Parallel()
	large := []byte("version: 1.0.0\n" + strings.Repeat("#", MaxSize))
	for _, tt := range []struct {
		data []byte
		key  string
		to   Version
		want string
	}{
		{nil, "data..version", "1", `x.yaml: key "data..version": at 6: want a name, have ".version": put names with special characters in double quotes: mend the key`},
		{nil, "version", "1:30", `x.yaml: version "1:30" is not valid: 1 to 128 letters, digits and . _ + -, beginning with a letter or digit: ask for another version`},
		{nil, "version", "", `x.yaml: version "" is not valid: 1 to 128 letters, digits and . _ + -, beginning with a letter or digit: ask for another version`},
		{large, "version", "1", "x.yaml: the file is larger than 4 MiB: keep the version in a smaller file"},
		{large, "#mda", "1", "x.yaml: the file is larger than 4 MiB: keep the version in a smaller file"},
	} {
		if got, err := Edit("x.yaml", tt.data, tt.key, "", tt.to); err == nil || err.Error() != tt.want {
			t.Errorf("Edit at %s to %q\n got %v, %.20q\nwant %s", tt.key, tt.to, err, got, tt.want)
		}
	}
}

// TestLocate holds places from the reader and from the parser against each other.
func TestLocate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		data string
		want Spot
	}{
		{"version: 1.0.0\n", Spot{"1.0.0", 1, 10}},
		{"# ü\r\n\r\n\"version\": '1.0.0'\r\n", Spot{"1.0.0", 3, 13}},
		{"x: &x ü\nversion: \"1.0.0\"\n", Spot{"1.0.0", 2, 11}},
		{"{ü: 🚀, version: 1.0.0}", Spot{"1.0.0", 1, 17}},
	} {
		if got, err := Locate("x.yaml", []byte(tt.data), "version"); err != nil || got != tt.want {
			t.Errorf("Locate in %q: got %v, %v, want %v", tt.data, got, err, tt.want)
		}
	}
}
