package gitops

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

// A memory is a repository in memory.
type memory map[string]string

func (m memory) Match(pattern string) ([]string, error) {
	return Match(slices.Sorted(maps.Keys(m)), pattern), nil
}

func (m memory) File(path string) ([]byte, error) {
	text, ok := m[path]
	if !ok {
		return nil, ErrNotFound
	}
	return []byte(text), nil
}

// said returns uses as the cases of testdata/helmfile show them.
func said(u Uses) string {
	var b strings.Builder
	for _, use := range u.Uses {
		fmt.Fprintf(&b, "use  %s: %s#%s: %s\n", use.Service, use.File, use.Key, use.Why)
	}
	for _, d := range u.Left {
		fmt.Fprintf(&b, "left %s\n", d)
	}
	for _, d := range u.Doubts {
		mark := "note"
		if d.Hides {
			mark = "HIDE"
		}
		fmt.Fprintf(&b, "%s %s\n", mark, d)
	}
	return b.String()
}

// Each case is a repository below tree/, and what is found in it. With -update, the
// test writes what is found.
func TestHelmfileUses(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/helmfile/*.txtar")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d cases, error %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, options, want := memory{}, map[string]string{}, ""
			kept := archive.Files[:0]
			for _, f := range archive.Files {
				text := string(f.Data)
				switch path, isFile := strings.CutPrefix(f.Name, "tree/"); {
				case isFile:
					files[path] = text
				case f.Name == "case":
					for line := range strings.Lines(text) {
						field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
						options[field] = value
					}
				case f.Name == "want":
					want = text
					continue
				}
				kept = append(kept, f)
			}
			uses, err := HelmfileUses(files, options["helmfile"], options["environment"], options["key"])
			if err != nil {
				t.Fatal(err)
			}
			got := said(uses)
			if *update {
				archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// Whatever somebody commits: an answer comes, soon, and it is a doubt.
func TestHelmfileHostile(t *testing.T) {
	t.Parallel()
	deep := memory{"helmfile.yaml": "helmfiles: [h0.yaml]\n"}
	for i := range maxHelmfiles + 10 {
		deep[fmt.Sprintf("h%d.yaml", i)] = fmt.Sprintf("helmfiles: [h%d.yaml]\n", i+1)
	}
	many := memory{"helmfile.yaml": "releases:\n  - {name: mds, values: ['{{ .Values.x }}/v.yaml']}\n"}
	for i := range maxCandidates + 10 {
		many[fmt.Sprintf("d%d/v.yaml", i)] = "x: 1\n"
	}
	laughs := "a0: &a0 [x]\n"
	for i := range 30 {
		laughs += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	merges, inherits := "x0: &x0 {values: [v.yaml]}\n", "templates:\n  t0: {}\n"
	for i := range 40 {
		merges += fmt.Sprintf("x%d: &x%d {<<: [*x%d, *x%d, *x%d]}\n", i+1, i+1, i, i, i)
		inherits += fmt.Sprintf("  t%d: {inherit: [{template: t%d}, {template: t%d}]}\n", i+1, i, i)
	}
	bases := memory{"b40.yaml": "releases: [x]\n", "helmfile.yaml": "bases: [b0.yaml]\n"}
	for i := range 40 {
		bases[fmt.Sprintf("b%d.yaml", i)] = fmt.Sprintf("bases: [b%d.yaml, b%d.yaml]\n", i+1, i+1)
	}
	patterns := "releases:\n  - name: mds\n    values:\n"
	for i := range maxWork/patternWork + 1 {
		patterns += fmt.Sprintf("      - 'd%d/*.yaml'\n", i)
	}
	tests := map[string]struct {
		files memory
		want  string
	}{
		"many patterns":  {memory{"helmfile.yaml": patterns}, "are too much to be read"},
		"bases":          {bases, "what stands there is no release"},
		"large helmfile": {memory{"helmfile.yaml": "releases: []\n" + strings.Repeat("# padding\n", 1<<20)}, "cannot be read: it has more than 1 MiB"},
		"large values":   {memory{"helmfile.yaml": "releases: [{name: mds, values: [v.yaml]}]\n", "v.yaml": "data:\n  version: 1\n" + strings.Repeat("# padding\n", 1<<20)}, "cannot be read: it has more than 1 MiB"},
		"many helmfiles": {deep, "there are more than 1000 helmfiles"},
		"many files":     {many, "which values {{ .Values.x }} names is not known"},
		"many actions":   {memory{"helmfile.yaml": strings.Repeat("x: {{ a }}\n", maxActions+1)}, "too many template actions"},
		"private use":    {memory{"helmfile.yaml": "releases: [{name: \"\uE001\"}]\n"}, "it holds characters for private use"},
		"laughs":         {memory{"helmfile.yaml": laughs + "releases: *a30\n"}, "what stands there is no release"},
		"merges":         {memory{"helmfile.yaml": merges + "releases: [{<<: *x40}]\n", "v.yaml": "data:\n  version: 1\n"}, "the release's name is not known"},
		"inherits":       {memory{"helmfile.yaml": inherits + "releases: [{name: mds, inherit: [{template: t40}, {template: none}]}]\n"}, "\"none\" that it inherits is not known"},
		"out":            {memory{"helmfile.yaml": "x"}, "no helmfile"},
		"binary":         {memory{"helmfile.yaml": "\x00\xff\xfe"}, "is not valid YAML"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uses, err := HelmfileUses(test.files, "helmfile.yaml", "int", "data.version")
			hides := slices.ContainsFunc(uses.Doubts, func(d Doubt) bool { return d.Hides && strings.Contains(d.Reason, test.want) })
			if err != nil || len(uses.Uses) > 0 || !hides {
				t.Errorf("got %v,\n%swant a doubt that hides: %s", err, said(uses), test.want)
			}
		})
	}
	uses, err := HelmfileUses(memory{}, "../helmfile.yaml", "int", "data.version")
	if err != nil || len(uses.Doubts) != 1 || !uses.Doubts[0].Hides {
		t.Errorf("a helmfile outside: got %v, %s", err, said(uses))
	}
}

// Names with wildcards are held against all files only so often.
func TestHelmfileWildcards(t *testing.T) {
	t.Parallel()
	files := memory{"a/x": "", "b/x": "", "b/y": "", "c/x": ""}
	f := &finder{file: "helmfile.yaml", files: files, matched: map[string][]string{}, work: maxWork - patternWork - 4}
	for _, ask := range []struct{ pattern, want string }{{"b/*", "b/x b/y"}, {"b/*", "b/x b/y"}, {"c/*", ""}, {"b/*", ""}} {
		if got := strings.Join(f.matching(ask.pattern), " "); got != ask.want {
			t.Errorf("%s: got %q, want %q", ask.pattern, got, ask.want)
		}
	}
	if len(f.uses.Doubts) != 1 || !f.uses.Doubts[0].Hides {
		t.Errorf("got doubts %v, want one that hides", f.uses.Doubts)
	}
}

// linked is a repository with symbolic links, which are no regular files of it.
type linked struct{ memory }

func (l linked) File(path string) ([]byte, error) {
	if strings.HasPrefix(path, "link") {
		return nil, fmt.Errorf("%w: it is a symbolic link", ErrRefused)
	}
	return l.memory.File(path)
}

// What helmfile reads through a link may hold the key, and releases.
func TestHelmfileLinks(t *testing.T) {
	t.Parallel()
	for what, helmfile := range map[string]string{
		"whether values link.yaml hold": "releases: [{name: mds, values: [link.yaml]}]\n",
		"helmfile link.yaml":            "helmfiles: [link.yaml]\n",
		"link.yaml: cannot be read":     "bases: [link.yaml]\n",
		"link.yaml holds":               "values: [link.yaml]\n",
	} {
		uses, err := HelmfileUses(linked{memory{"helmfile.yaml": helmfile}}, "helmfile.yaml", "int", "data.version")
		if got := said(uses); err != nil || !strings.HasPrefix(got, "HIDE ") || !strings.Contains(got, what) {
			t.Errorf("%s: got %q, %v, want a doubt that hides: %s", helmfile, got, err, what)
		}
	}
}

// away is a repository that does not answer, at all or from a path on.
type away struct {
	memory
	path string
}

func (a away) Match(pattern string) ([]string, error) {
	if a.path == "" {
		return nil, errors.New("no answer")
	}
	return a.memory.Match(pattern)
}

func (a away) File(path string) ([]byte, error) {
	if path == a.path {
		return nil, errors.New("no answer")
	}
	return a.memory.File(path)
}

// An outside that does not answer is an error, never a finding.
func TestHelmfileAway(t *testing.T) {
	t.Parallel()
	files := memory{"helmfile.yaml": "bases: [b.yaml]\nreleases: [{name: mds, values: [v.yaml]}]\n", "b.yaml": "x: 1\n", "v.yaml": "data: {version: 1}\n"}
	for _, path := range []string{"", "helmfile.yaml", "b.yaml", "v.yaml"} {
		if _, err := HelmfileUses(away{files, path}, "helmfile.yaml", "int", "data.version"); err == nil || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("%q does not answer: got %v", path, err)
		}
	}
}

// Of a guess, the directories before it and what stands after it are kept.
func TestAround(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"environments/int/values.yaml":     "environments/int/values.yaml",
		"environments/\uE000/values.yaml":  "environments/**/values.yaml",
		"environments/x-\uE000/int/v.yaml": "environments/**/int/v.yaml",
		"a]1/\uE000-\uE001-values2.yaml":   "a]1/**/*-values2.yaml",
		"\uE000":                           "**/*",
		"./a//b/../\uE000.yaml":            "a/**/*.yaml",
		"a/*/\uE000/values.yaml":           "a/**/values.yaml",
		"a/b/\uE000/c?.yaml":               "a/b/**/*.yaml",
		"a[1]/v[.yaml":                     `**/v\[.yaml`,
	} {
		if got := around(loose(pattern)); got != want {
			t.Errorf("around(%q) = %q, want %q", pattern, got, want)
		}
	}
}

// Whatever paths a guess may stand for, the pattern around it matches.
func TestAroundMatchesAll(t *testing.T) {
	t.Parallel()
	text := func(of ...string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(of), 1, 8).Draw(t, "parts"), "")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		guess := text("a", "b", "/", "[", "]", `\`, "\uE000", "*", "?", "v.yaml").Draw(t, "guess")
		file := path.Clean(text("a", "b", "/", "[", "]", `\`, "*", "\xff", "v.yaml").Draw(t, "file"))
		parts := loose(guess)
		if matchesLoosely(file, parts) && len(Match([]string{file}, around(parts))) == 0 {
			t.Errorf("%q may stand for %q, and %q does not match it", guess, file, around(parts))
		}
	})
}

// No helmfile makes the search panic.
func FuzzHelmfileUses(f *testing.F) {
	names, err := filepath.Glob("testdata/helmfile/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasPrefix(file.Name, "tree/helmfile") {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, helmfile []byte) {
		files := memory{"helmfile.yaml": string(helmfile), "mds.yaml": "data:\n  version: 1.0.0\n", "environments/int/mds/values.yaml": "data:\n  version: 1.0.0\n"}
		uses, err := HelmfileUses(files, "helmfile.yaml", "int", "data.version")
		if err != nil {
			t.Fatalf("an error without an outside: %v", err)
		}
		for _, u := range uses.Uses {
			if _, ok := files[u.File]; !ok || u.Service == "" {
				t.Errorf("a use without a file: %+v", u)
			}
		}
	})
}
