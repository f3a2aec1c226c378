package gitops

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
		{"a[0].b", `key "a[0].b": at 4: a list item is chosen by [name=value]`},
		{"a[name=x.b", `key "a[name=x.b": at 9: want "]"`},
		{"a[name=].b", `key "a[name=].b": at 8: want a name, have "].b": put names with special characters in double quotes`},
		{"a.[name=x].b", `key "a.[name=x].b": at 3: no "." before "["`},
		{"a[name=x]b", `key "a[name=x]b": at 10: want "." or "[", have "b"`},
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

// TestProof holds the proof against results that an editor could wrongly produce.
func TestProof(t *testing.T) {
	t.Parallel()
	const file = "a: &a 1.0.0 # c\nb:\n- {x: *a, y: 'z'}\n# end\n"
	for _, tt := range []struct {
		name, edited string
		want         bool
	}{
		{"exact", "a: &a 2.0.0 # c\nb:\n- {x: *a, y: 'z'}\n# end\n", true},
		{"unchanged", file, false},
		{"a number", "a: &a 2.0 # c\nb:\n- {x: *a, y: 'z'}\n# end\n", false},
		{"another version", "a: &a 3.0.0 # c\nb:\n- {x: *a, y: 'z'}\n# end\n", false},
		{"the anchor", "a: &b 2.0.0 # c\nb:\n- {x: *b, y: 'z'}\n# end\n", false},
		{"a comment", "a: &a 2.0.0 # d\nb:\n- {x: *a, y: 'z'}\n# end\n", false},
		{"an alias", "a: &a 2.0.0 # c\nb:\n- {x: !!str a, y: 'z'}\n# end\n", false},
		{"another value", "a: &a 2.0.0 # c\nb:\n- {x: *a, y: 'y'}\n# end\n", false},
		{"quotes of another", "a: &a 2.0.0 # c\nb:\n- {x: *a, y: \"z\"}\n# end\n", false},
		{"a blank line", "a: &a 2.0.0 # c\n\nb:\n- {x: *a, y: 'z'}\n# end\n", false},
		{"a blank", "a: &a 2.0.0 # c\nb:\n- { x: *a, y: 'z'}\n# end\n", false},
		{"one key more", "a: &a 2.0.0 # c\nb:\n- {x: *a, y: 'z', z: 1}\n# end\n", false},
		{"one document more", "a: &a 2.0.0 # c\nb:\n- {x: *a, y: 'z'}\n# end\n---\n", false},
		{"no YAML", "a: &a 2.0.0 # c\nb:\n- {x: *a, y: 'z'\n# end\n", false},
		{"no text", "a: &a 2.0.0 # c\x00\nb:\n- {x: *a, y: 'z'}\n# end\n", false},
	} {
		src, at, err := locate("values.yaml", []byte(file), "a")
		if err != nil {
			t.Fatal(err)
		}
		if got := src.prove(at, []byte(tt.edited), "2.0.0") == nil; got != tt.want {
			t.Errorf("%s: proved %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestReadsAsString holds the rule for quotes against lists of what YAML readers take
// for something else, and against the readers that are at hand.
func TestReadsAsString(t *testing.T) {
	t.Parallel()
	other := "y Y n N yes Yes NO on Off TRUE False null Null NULL NaN nan inf Infinity " +
		"0 7 0777 08 0o17 0O7 0x1F 0XAB 0b101 0B1 1_000 0x_1 1. 1.5 1.10 1_0.5 1e3 1E3 1.5e+3 12e03 1e-2 685.230_15e+03 " +
		"2024-01-01 2024-1-1 2024-01-01T10 20240101"
	for word := range strings.FieldsSeq(other) {
		if readsAsString(word) {
			t.Errorf("%s: taken for a string", word)
		}
	}
	text := "1.2.3 v1 1.10.0 2026.11.3 2024-01-01-a 2024-01 1e3x 0x1G 0b2 0o8 e3 nope yes1 latest 1-2 1+2 1.2- 5a3f0c1 abcdef"
	for word := range strings.FieldsSeq(text) {
		if !readsAsString(word) || !isStringToAll(t, word) {
			t.Errorf("%s: not taken for a string", word)
		}
	}
}

// isStringToAll reports whether a reader of YAML 1.1 and one of 1.2 take word for a string.
func isStringToAll(t interface{ Fatalf(string, ...any) }, word string) bool {
	var value any
	if err := yaml.Unmarshal([]byte(word), &value); err != nil {
		t.Fatalf("%s: %v", word, err)
	}
	_, ok := value.(string)
	return ok && !yaml.IsValueNonString(word)
}

func TestApply(t *testing.T) {
	t.Parallel()
	const (
		mds  = "data:\n  version: 1.0.0 # mds\nmore: {version: 1.0.0}\n"
		both = "mds: 1.0.0\nfbv: 1.0.0\n"
	)
	bump := func(service, file, key string, from, to Version) Bump {
		return Bump{Place: Place{Repo: "env/mda", File: file, Key: key}, Service: service, From: from, To: to}
	}
	for _, tt := range []struct {
		name  string
		bumps []Bump
		want  map[string]string
		err   string
		is    error
	}{
		{
			name:  "nothing",
			bumps: []Bump{bump("mds", "gone.yaml", "x", "1.0.0", "1.0.0"), bump("mds", "mds.yaml", "data.version", "0.9.0", "1.0.0")},
			want:  map[string]string{},
		},
		{
			name:  "two files, two places in one",
			bumps: []Bump{bump("mds", "both.yaml", "mds", "1.0.0", "1.1.0"), bump("x", "mds.yaml", "data.version", "1.0.0", "1.10"), bump("fbv", "both.yaml", "fbv", "", "1.1.0")},
			want:  map[string]string{"both.yaml": "mds: 1.1.0\nfbv: 1.1.0\n", "mds.yaml": strings.Replace(mds, "1.0.0", `"1.10"`, 1)},
		},
		{
			name:  "one place shared by two services",
			bumps: []Bump{bump("mds", "mds.yaml", "data.version", "1.0.0", "1.1.0"), bump("kv", "mds.yaml", `"data"."version"`, "1.0.0", "1.1.0")},
			want:  map[string]string{"mds.yaml": strings.Replace(mds, "1.0.0", "1.1.0", 1)},
		},
		{
			name:  "contradiction",
			bumps: []Bump{bump("mds", "mds.yaml", "data.version", "1.0.0", "1.1.0"), bump("kv", "mds.yaml", `"data".version`, "1.0.0", "1.2.0")},
			err:   `service "mds": wants "1.1.0" at env/mda/mds.yaml#data.version, where another service of the same change wants "1.2.0"`,
		},
		{
			name:  "contradiction with what stands",
			bumps: []Bump{bump("mds", "mds.yaml", "data.version", "1.0.0", "1.1.0"), bump("kv", "mds.yaml", "data.version", "1.1.0", "1.0.0")},
			err:   `service "mds": wants "1.1.0" at env/mda/mds.yaml#data.version, where another service of the same change wants "1.0.0"`,
		},
		{
			name:  "changed meanwhile",
			bumps: []Bump{bump("mds", "both.yaml", "mds", "1.0.0", "1.1.0"), bump("fbv", "both.yaml", "fbv", "0.9.0", "1.1.0")},
			err:   `service "fbv": both.yaml:2:6: "1.0.0" stands at fbv, not "0.9.0": read the file again and decide again`,
			is:    ErrConflict,
		},
		{
			name:  "no such key",
			bumps: []Bump{bump("kv", "both.yaml", "kv", "1.0.0", "1.1.0")},
			err:   `service "kv": both.yaml:1:1: the map has no key "kv": mend the key, or add what is missing with the version that is deployed now`,
			is:    ErrNotFound,
		},
		{
			name:  "no such file",
			bumps: []Bump{bump("kv", "gone.yaml", "kv", "1.0.0", "1.1.0")},
			err:   `read "gone.yaml": not found`,
			is:    ErrNotFound,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"mds.yaml": mds, "both.yaml": both}
			got, err := Change{Bumps: tt.bumps}.Apply(func(file string) ([]byte, error) {
				text, ok := files[file]
				if !ok {
					return nil, ErrNotFound
				}
				return []byte(text), nil
			})
			if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
				t.Fatalf("error\n got %v\nwant %s", err, tt.err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v is not %v", err, tt.is)
			}
			if !maps.EqualFunc(got, tt.want, func(a []byte, b string) bool { return string(a) == b }) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDependents(t *testing.T) {
	t.Parallel()
	paths := []string{
		"environments/int/mds/values.yaml", "environments/int/fbv/values.yaml", "environments/int/fbv/values.yaml",
		"environments/int/fbv/secrets.yaml", "environments/int/values.yaml", "environments/int/kv/x/values.yaml",
		"environments/abn/mds/values.yaml", "flat/kv.yaml", "flat/mds.yaml", "flat/.yaml", "flat/svc-a.yml",
	}
	for _, tt := range []struct{ pattern, want string }{
		{"environments/int/*/values.yaml", "fbv=environments/int/fbv/values.yaml mds=environments/int/mds/values.yaml"},
		{"environments/in[a-z]/*/v?lues.yaml", "fbv=environments/int/fbv/values.yaml mds=environments/int/mds/values.yaml"},
		{"flat/*.yaml", "kv=flat/kv.yaml mds=flat/mds.yaml"},
		{"flat/svc-*.yml", "a=flat/svc-a.yml"},
		{"environments/prd/*/values.yaml", ""},
		{"*/abn/mds/*.yaml", "environments=environments/abn/mds/values.yaml"},
		{"environments/*/mds/*.yaml", "abn=environments/abn/mds/values.yaml int=environments/int/mds/values.yaml"},
		{"environments/*/*/values.yaml", `pattern "environments/*/*/values.yaml": service "int" has two files, "environments/int/fbv/values.yaml" and "environments/int/mds/values.yaml": narrow the pattern, or list the services`},
		{"environments/int/mds/values.yaml", `pattern "environments/int/mds/values.yaml": no * to take the service's name from`},
		{"environments/**/values.yaml", `pattern "environments/**/values.yaml": ** is not supported: write one * per directory`},
		{"/environments/*/values.yaml", `pattern "/environments/*/values.yaml": must be relative to the repository, without empty, . and .. segments`},
		{"../*/values.yaml", `pattern "../*/values.yaml": must be relative to the repository, without empty, . and .. segments`},
		{"a//*.yaml", `pattern "a//*.yaml": must be relative to the repository, without empty, . and .. segments`},
		{"a/[/*.yaml", `pattern "a/[/*.yaml": segment "[": syntax error in pattern`},
		{"a/*-*.yaml", `pattern "a/*-*.yaml": segment "*-*.yaml" names the service: it may hold one * and no other wildcard`},
	} {
		found, err := Dependents(slices.Clone(paths), tt.pattern)
		words := make([]string, 0, len(found))
		for _, d := range found {
			words = append(words, d.Service+"="+d.File)
		}
		got := strings.Join(words, " ")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Dependents(%q)\n got %s\nwant %s", tt.pattern, got, tt.want)
		}
	}
}
