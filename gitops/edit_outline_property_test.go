package gitops

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// FuzzOutline looks for a file of which the outline says something else than the parser.
func FuzzOutline(f *testing.F) {
	for _, name := range goldens(f) {
		g := readGolden(f, name)
		f.Add(strings.HasSuffix(g.file, templateExt), g.in, "1.10")
	}
	for _, k := range kinds {
		file, in, _ := k.edit()
		f.Add(strings.HasSuffix(file, templateExt), in, "2026.11.4")
	}
	for _, seed := range plainSeeds {
		f.Add(false, []byte(seed), "on")
	}
	f.Fuzz(func(t *testing.T, template bool, data []byte, to string) {
		if _, err := ParseVersion(to); err != nil || bytes.Count(data, []byte("\n")) > 200 {
			return
		}
		file := "values.yaml"
		if template {
			file += templateExt
		}
		checkAll(t, file, data, Version(to))
	})
}

// plainSeeds are files at the edge of what is plain.
var plainSeeds = []string{
	"---\na:\n- b: 1\n  c:\n  - d\n  - - e: 1.0\n      f: 'x'\n- g: [1, {h: \"i\"}, []]\nj: |-\n\n  k: v\n\n   l\nm: >+\n    n\n",
	"a: 1.0 # lockstep: mda\r\nb: \"\"\r\nc:\r\n  - name: x\r\n    v: '1'\r\n",
	"a: http://x:80/y#z\nb: -x\nc: ~\nd: (e), [f] \"g\" 'h' & * ! % @\n",
	"a: |\n  \t x\n \nb:\n  c:\n\n  # d\n e: 1\n",
	"$ref: ../x\n/a/b: {$c: d}\n\"a b\": \"x\\n\"\n'c''d': 'e''f'\ng: {h: 1, i: [2, 3]} # j\n",
	"{{ if x }}\na: {{ y }}\n{{ end }}\n",
	"a: [http://x:80/y, b c - d,e]\nf: {g: h i,\"j\": k:l, m: {}}\n",
	"\ufeff# c\n--- # c\na: 1.0 # lockstep: mda\n---\n---\t\nb: 2\n",
	"a: \"b\n\n # c\\\n  \\u00e4\\x41\"\t# d\nb: 'c''\n d'\ne:\n  'f\n g'\n",
	"a: b\n  - c\n\n  d#e # f\ng:\n  h i\n j\nk:\n- l\n m\n",
	"a: &a 1.0\nb: &b\n  c: *a\nd:\n- &d\n  e: 1\n- *d\n<<: [*b, {f: *a}]\ng: &g {h: &h i, j: *h}\n",
	"a: !!str 1.0\nb: !own '1.0'\nc: &c !!int 1\nd: !x.y/z &d |\n  e\nf: [!!str a, &b !c b]\n",
	"a: [\n  b, # c\n\n\t{\"d\":e, f : \"g\n h\"},\n  [],\n\n]\nb:\n  {\n}\n",
	"a:\n  b: {c: d\n \t}\n",
	"a: [b\n\t# c\n]\n",
	"{\n\t\"a\": [1\n\t]\n}\n",
	"{\n  \"a\": {\"version\": \"1.0\"},\n  \"b\": [\n    1\n  ]\n}\n",
	"a: |2-\n    b\n   c\n # d\ne: >+1\n\n f\ng: |\nh: >-\n\n",
	"-\n  a: 1\n- # c\n  - -\n- \n",
	"größe: 1\na b : 2\n-c: 3\n?d: e\n\"f g\" : h\ni\t: j\n<k: l\n",
}

// plainValues are what a key of a plain file, and of one that is nearly plain, may hold.
var plainValues = []string{
	"1.0.0", "2026.11.3 # c", `"1.0"`, "'1.0.0'  # lockstep: mda", "", "  # c", "{}", "[]", "[a, {b: c}]", "{a: 1,b: 'x y', c: u:v w}", "[a b: c]", "[a,b, 'c']", `"a\nb"`, "'it''s'",
	"http://x/y", "a b", "true", "null", "~", "-x", "--x", "^1.2", "größe", "=", "\\", "-\t", "{{ x }}", "|\n%s  x: 1\n\n%s  y", ">-\n%s  x", "a\n%s  b", "&a 1.0", "*a", "!!str 1.0", "! x", "'a\n%s b'",
	"|2\n%s   x", ">+1\n\n%s  x", "|\n", "|-2\n%s  x\n%s # c", "a\n\n%s - b # c", "a #c\n%s b", "\"a\n\n%s\\\n # b\"", "\n%s a", "\n%s [a,\n b]", "\n%s 'a'", "&b", "&c\t[*a, &d {<<: *a}]", "&e !x 1.0", "!!str null",
	"[\n  {a: 1.0}, # c\n\n%s\"b\",\n]", "{\"version\":1.0,\"a\":[]}", "{version: 1.0, name: m0}", "[{name: m0, version: 1.0}, {name: m1, version: '2'}]", "{version: 1.0, # lockstep: mda\n}", "\t1.0\t# c", "a\tb\t", ":x", "?x", "<x", "<<", "\"\\x41\\ud800\"", "'\n---\n'",
}

// plainFile draws a file.
func plainFile(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "", "\ufeff", "---\n", "# c\n--- # c\n", "{}\n---\n"}).Draw(t, "head"))
	plainBlock(t, &b, "", 2)
	if rapid.IntRange(0, 3).Draw(t, "documents") == 0 {
		b.WriteString(rapid.SampledFrom([]string{"---\n", "---\t \n\n", "---\n---\n", "...\n"}).Draw(t, "between"))
		plainBlock(t, &b, rapid.SampledFrom([]string{"", " "}).Draw(t, "indent"), 1)
	}
	if rapid.IntRange(0, 7).Draw(t, "crlf") == 0 {
		return strings.ReplaceAll(b.String(), "\n", "\r\n")
	}
	return b.String()
}

// plainBlock draws a map or a list in block style at an indent.
func plainBlock(t *rapid.T, b *strings.Builder, indent string, depth int) {
	list := rapid.IntRange(0, 3).Draw(t, "list") == 0
	for i := range rapid.IntRange(1, 3).Draw(t, "entries") {
		b.WriteString(rapid.SampledFrom([]string{"", "", "", "\n", "# c\n", indent + "  # c\n"}).Draw(t, "between"))
		name := rapid.SampledFrom([]string{"a%d", "name", `"x.%d"`, "'y %d'", "version", "ü %d ", "<<"}).Draw(t, "name")
		if strings.Contains(name, "%") {
			name = fmt.Sprintf(name, i)
		}
		b.WriteString(indent)
		inner := indent + "  "
		if list {
			b.WriteString(rapid.SampledFrom([]string{"- ", "- ", "- ", "-\n" + inner, "- &i\n" + inner, "- - "}).Draw(t, "dash"))
			if rapid.Bool().Draw(t, "nested") {
				b.WriteString("name: m" + strconv.Itoa(i) + "\n" + inner)
			}
		}
		nests := depth > 0 && rapid.Bool().Draw(t, "nests")
		switch {
		case nests:
			b.WriteString(name + rapid.SampledFrom([]string{":\n", ":\n", ": &n # c\n", ":\t\n"}).Draw(t, "holds"))
			plainBlock(t, b, rapid.SampledFrom([]string{inner, inner, inner + "  ", indent}).Draw(t, "inner"), depth-1)
			continue
		case !list || rapid.Bool().Draw(t, "pair"):
			b.WriteString(name + ": ")
		}
		value := rapid.SampledFrom(plainValues).Draw(t, "value")
		b.WriteString(strings.ReplaceAll(value, "%s", inner) + "\n")
	}
}

// mutate draws a change of a text, such as people make by mistake.
func mutate(t *rapid.T, text string) string {
	at := rapid.IntRange(0, len(text)).Draw(t, "at")
	end := min(len(text), at+rapid.IntRange(0, 3).Draw(t, "cut"))
	return text[:at] + rapid.SampledFrom(strings.Split("|\n| |  |\t|\n\t|\n \t| \n|#|\n#|\n---\n|: |:|- |-|'|\"|{|}|[|]|,|, |&a |*a|!|!!int |>|%|@|`|? |---|...|<<: |\\|\r|\r\n|\u0085|\u2028|\ufeff|ä|x|0|~|=|\x00|\x7f|{{|}}", "|")).Draw(t, "put") + text[end:]
}

// TestOutlineProperties holds outlines and their edits against the parser, for files that
// are plain, and for such that are nearly.
func TestOutlineProperties(t *testing.T) {
	t.Parallel()
	var files, edits atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SampledFrom([]string{"values.yaml", "values.yaml", "values.yaml.gotmpl"}).Draw(t, "file")
		to := Version(versions.Draw(t, "to"))
		for range 20 {
			text := plainFile(t)
			for range 3 {
				if _, ok := outlineOf(file, []byte(text)); ok {
					files.Add(1)
				}
				edits.Add(int64(checkAll(t, file, []byte(text), to)))
				text = mutate(t, text)
			}
		}
	})
	if files.Load() == 0 || edits.Load() == 0 {
		t.Errorf("%d files were plain, and %d edits done: the test tests nothing", files.Load(), edits.Load())
	}
	t.Logf("%d files were plain, %d edits done", files.Load(), edits.Load())
}
