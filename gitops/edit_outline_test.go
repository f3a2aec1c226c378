package gitops

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// checkOutline holds the outline of a file, if it has one, against what the parser says
// of the same file: the same blocks, keys and values in the same bytes.
func checkOutline(t failer, file string, data []byte) (outline, bool) {
	t.Helper()
	o, ok := outlineOf(file, data)
	if !ok {
		return o, false
	}
	src, err := readSource(file, data)
	if err != nil || src.fault != nil {
		t.Fatalf("%q has an outline, and cannot be read: %v %v", data, err, src)
	}
	if !bytes.Equal(src.text, o.text) {
		t.Fatalf("%q is read as %q, and by the parser as %q", data, o.text, src.text)
	}
	p := parsed{t: t, source: src}
	if len(src.docs) > 1 {
		t.Fatalf("%q has an outline and %d documents", data, len(src.docs))
	}
	for _, doc := range src.docs {
		p.block(doc.Content[0], -1)
	}
	if got, want := fmt.Sprint(o.entries), fmt.Sprint(p.entries); got != want {
		t.Fatalf("outline of %q\n got %s\nwant %s", data, got, want)
	}
	return o, true
}

// A parsed makes an outline from the parser's tree.
type parsed struct {
	*source

	t       failer
	entries []entry
}

// block adds the entries of n, a map or list in block style.
func (p *parsed) block(n *yaml.Node, parent int) {
	for i := 0; i < len(n.Content); i++ {
		e := entry{parent: parent, item: n.Kind == yaml.SequenceNode}
		if !e.item {
			e.key, _ = p.text(n.Content[i])
			i++
		}
		value := n.Content[i]
		e.value, e.form = p.text(value)
		p.entries = append(p.entries, e)
		if e.form == formNone {
			p.block(value, len(p.entries)-1)
		}
	}
	if n.Kind == yaml.ScalarNode && parent < 0 && n.Tag != yaml.NodeTagNull {
		p.t.Fatalf("the file is a single value %q", n.Value)
	}
}

// text returns where a value stands and how it is written. Ends that only the outline
// knows are those that it says.
func (p *parsed) text(n *yaml.Node) (span, form) {
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 || n.Kind == yaml.AliasNode || n.Tag == yaml.MergeTag {
		p.t.Fatalf("%q has an anchor, a tag, an alias or a merge key", p.data)
	}
	start, end, literal := p.span(n)
	text := p.source.text
	switch {
	case n.Style&yaml.FlowStyle != 0:
		line, _, _ := bytes.Cut(text[start:], []byte("\n"))
		return span{start, flowEnd(text[:start+len(line)], start, 0)}, formFlow
	case n.Kind != yaml.ScalarNode || n.Value == "" && n.Tag == yaml.NodeTagNull:
		return span{}, formNone
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		if end = start + 1; text[end] == '-' || text[end] == '+' {
			end++
		}
		return span{start, end}, formBlock
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
		return span{start, end}, formPlain
	}
	_, kind, next := quotedAt(text, start-1, len(text))
	if kind != formEscaped && (!literal || next != end+1) {
		p.t.Fatalf("%q: %q is not literal", p.data, n.Value)
	}
	return span{start, next - 1}, kind
}

// selectors returns a key for each entry that a path leads to.
func (o outline) selectors() []string {
	paths := make([]string, len(o.entries)) // "" where none leads
	for i, e := range o.entries {
		above := ""
		if e.parent >= 0 {
			if above = paths[e.parent]; above == "" {
				continue
			}
		}
		switch {
		case !e.item && above != "":
			paths[i] = above + "." + o.quote(e.key)
		case !e.item:
			paths[i] = o.quote(e.key)
		case i+1 < len(o.entries) && o.entries[i+1].parent == i && !o.entries[i+1].item && o.entries[i+1].form.literal():
			paths[i] = above + "[" + o.quote(o.entries[i+1].key) + "=" + o.quote(o.entries[i+1].value) + "]"
		}
	}
	return paths
}

// quote returns the text of s as a word of a key.
func (o outline) quote(s span) string { return strconv.Quote(string(o.text[s.start:s.end])) }

// checkPlain holds editPlain against the parser, at one key: the same bytes, or no
// opinion. It reports whether there was one.
func checkPlain(t failer, file string, data []byte, key string, to Version) bool {
	t.Helper()
	sel, err := parseKey(key)
	if err != nil {
		return false
	}
	got, ok := editPlain(file, data, sel, "", to)
	if !ok {
		return false
	}
	want, err := editParsed(file, data, sel, "", to)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("edit of %q at %s to %q\n got %q\nwant %q, %v", data, key, to, got, want, err)
	}
	return true
}

// checkAll holds the outline of a file and an edit at every one of its keys against the
// parser, and returns how many edits there were.
func checkAll(t failer, file string, data []byte, to Version) (edits int) {
	t.Helper()
	o, ok := checkOutline(t, file, data)
	if !ok {
		return 0
	}
	for _, key := range append(o.selectors(), "#mda") {
		if key != "" && checkPlain(t, file, data, key, to) {
			edits++
		}
	}
	return edits
}

// FuzzOutline looks for a file of which the outline says something else than the parser.
func FuzzOutline(f *testing.F) {
	for _, name := range goldens(f) {
		g := readGolden(f, name)
		f.Add(strings.HasSuffix(g.file, templateExt), g.in, "1.10")
	}
	f.Add(false, helmfileValues, "2026.11.4")
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
}

// plainValues are what a key of a plain file, and of one that is nearly plain, may hold.
var plainValues = []string{
	"1.0.0", "2026.11.3 # c", `"1.0"`, "'1.0.0'  # lockstep: mda", "", "  # c", "{}", "[]", "[a, {b: c}]", "{a: 1,b: 'x y', c: u:v w}", "[a b: c]", "[a,b, 'c']", `"a\nb"`, "'it''s'",
	"http://x/y", "a b", "true", "null", "~", "-x", "--x", "^1.2", "größe", "=", "\\", "-\t", "{{ x }}", "|\n%s  x: 1\n\n%s  y", ">-\n%s  x", "a\n%s  b", "&a 1.0", "*a", "!!str 1.0", "! x", "'a\n%s b'",
}

// plainBlock draws a map or a list in block style at an indent.
func plainBlock(t *rapid.T, b *strings.Builder, indent string, depth int) {
	list := rapid.IntRange(0, 3).Draw(t, "list") == 0
	for i := range rapid.IntRange(1, 3).Draw(t, "entries") {
		b.WriteString(rapid.SampledFrom([]string{"", "", "", "\n", "# c\n", indent + "  # c\n"}).Draw(t, "between"))
		name := rapid.SampledFrom([]string{"a%d", "name", `"x.%d"`, "'y %d'", "version"}).Draw(t, "name")
		if strings.Contains(name, "%") {
			name = fmt.Sprintf(name, i)
		}
		b.WriteString(indent)
		inner := indent + "  "
		if list {
			b.WriteString("- ")
			if rapid.Bool().Draw(t, "nested") {
				b.WriteString("name: m" + strconv.Itoa(i) + "\n" + inner)
			}
		}
		nests := depth > 0 && rapid.Bool().Draw(t, "nests")
		switch {
		case nests:
			b.WriteString(name + ":\n")
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
	return text[:at] + rapid.SampledFrom(strings.Split("|\n| |  |\t|#|: |:|- |-|'|\"|{|}|[|]|,|, |&a |*a|!|!!int |>|%|@|`|? |---|...|<<: |\\|\r|\r\n|\u0085|\u2028|\ufeff|ä|x|0|~|=|\x00|\x7f|{{|}}", "|")).Draw(t, "put") + text[end:]
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
			var b strings.Builder
			plainBlock(t, &b, "", 2)
			text := b.String()
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

// TestOutlineProof holds the proof against splices at wrong positions, as a mistake of
// the reader would make them.
func TestOutlineProof(t *testing.T) {
	t.Parallel()
	const file = "a: 1.0.0 # v1.0.0\nb:\n- x: 1.0.0\n  y: 'z1'\n# end\n"
	for _, tt := range []struct {
		name, old, with string // what the splice replaces, and by what
		to              Version
		want            bool
	}{
		{"the value", "1.0.0", "2.0.0", "2.0.0", true},
		{"the value, with quotes", "1.0.0", `"1.10"`, "1.10", true},
		{"quotes that are missing", "1.0.0", "1.10", "1.10", false},
		{"quotes that do no harm", "1.0.0", `"2.0.0"`, "2.0.0", true},
		{"other quotes", "1.0.0", "'1.10'", "1.10", false},
		{"another version", "1.0.0", "3.0.0", "2.0.0", false},
		{"a comment", "v1.0.0", "2.0.0", "2.0.0", false},
		{"another value", "z1", "2.0.0", "2.0.0", false},
		{"a key", "b", "2.0.0", "2.0.0", false},
		{"a part of the value", "1.0", "2.0.0", "2.0.0", false},
		{"a blank more", " 1.0.0", "2.0.0", "2.0.0", false},
		{"the line break as well", "1.0.0 # v1.0.0\n", "2.0.0", "2.0.0", false},
		{"the next key as well", "1.0.0 # v1.0.0\nb:", "2.0.0", "2.0.0", false},
	} {
		before, ok := outlineOf("values.yaml", []byte(file))
		if !ok {
			t.Fatal("the file is plain, and not read")
		}
		at, ok := before.find(selector{path: []step{{name: "a"}}})
		if !ok {
			t.Fatal("the key is not found")
		}
		at.start = strings.Index(file, tt.old)
		at.end = at.start + len(tt.old)
		after, ok := outlineOf("values.yaml", []byte(file[:at.start]+tt.with+file[at.end:]))
		if got := ok && before.proves(at, after, tt.to); got != tt.want {
			t.Errorf("%s: proved %t, want %t", tt.name, got, tt.want)
		}
	}
}
