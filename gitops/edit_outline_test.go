package gitops

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

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
	p := parsed{failer: t, source: src, outline: o}
	for _, doc := range src.docs {
		p.value(doc.Content[0], entry{parent: -1, kind: kindDocument})
	}
	if got, want := fmt.Sprint(o.entries), fmt.Sprint(p.entries); got != want {
		t.Fatalf("outline of %q\n got %s\nwant %s", data, got, want)
	}
	return o, true
}

// A parsed makes an outline from the parser's tree.
type parsed struct {
	failer
	*source

	outline outline
	entries []entry
}

// value adds the entry e, whose value is n, and those of all that n holds.
func (p *parsed) value(n *yaml.Node, e entry) {
	e.value, e.form = p.text(n)
	if n.Style&yaml.TaggedStyle != 0 {
		switch e.tag = tagLocal; {
		case n.Tag == yaml.NodeTagString:
			e.tag = tagString
		case strings.HasPrefix(n.Tag, "!!"):
			e.tag = tagOther
		}
	}
	p.entries = append(p.entries, e)
	index := len(p.entries) - 1
	for i := 0; i < len(n.Content); i++ {
		held := entry{parent: index, kind: kindItem}
		if n.Kind == yaml.MappingNode {
			key := n.Content[i]
			var f form
			held.kind = kindKey
			if held.key, f = p.text(key); !f.literal() || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 {
				p.Fatalf("%q: the key %q is no plain one", p.data, key.Value)
			}
			i++
		}
		p.value(n.Content[i], held)
	}
}

// end returns where the value of the next entry ends, as the outline says, because the
// parser does not: for words on several lines, and for flow maps and lists.
func (p *parsed) end() int {
	if len(p.entries) >= len(p.outline.entries) {
		p.Fatalf("outline of %q: %d entries, and there are more", p.data, len(p.outline.entries))
	}
	return p.outline.entries[len(p.entries)].value.end
}

// text returns where a key or value stands and how it is written.
func (p *parsed) text(n *yaml.Node) (span, form) {
	start, end, literal := p.span(n)
	text := p.source.text
	switch {
	case n.Kind == yaml.AliasNode:
		return span{start, start + len("*") + len(n.Value)}, formAlias
	case n.Style&yaml.FlowStyle != 0:
		return span{start, p.end()}, formFlow
	case n.Kind != yaml.ScalarNode || n.Value == "" && n.Tag == yaml.NodeTagNull:
		return span{}, formNone
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		size := bytes.IndexFunc(text[start:], func(r rune) bool { return !strings.ContainsRune("|>+-123456789", r) })
		if size < 0 {
			size = len(text) - start
		}
		return span{start, start + size}, formBlock
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		_, kind, next := quotedAt(text, start-1)
		if kind != formOther && (!literal || next != end+1) {
			p.Fatalf("%q: %q is not literal", p.data, n.Value)
		}
		return span{start, next - 1}, kind
	case !literal:
		if end = p.end(); start > end || !strings.HasPrefix(n.Value, string(text[start:end])) {
			p.Fatalf("%q: %q does not begin with a line of its own", p.data, n.Value)
		}
		return span{start, end}, formOther
	}
	return span{start, end}, formPlain
}

// selectors returns a key for each entry that a path leads to.
func (o outline) selectors() []string {
	paths := make([]string, len(o.entries)) // "" where none leads
	for i, e := range o.entries {
		above := ""
		if e.parent >= 0 {
			above = paths[e.parent]
			if above == "" && o.entries[e.parent].kind != kindDocument {
				continue
			}
		}
		switch {
		case e.kind == kindDocument:
		case e.kind == kindKey && above != "":
			paths[i] = above + "." + o.quote(e.key)
		case e.kind == kindKey:
			paths[i] = o.quote(e.key)
		case i+1 < len(o.entries) && o.entries[i+1].parent == i && o.entries[i+1].kind == kindKey && o.entries[i+1].form.literal():
			paths[i] = above + "[" + o.quote(o.entries[i+1].key) + "=" + o.quote(o.entries[i+1].value) + "]"
		}
	}
	return paths
}

// quote returns the text of s as a word of a key.
func (o outline) quote(s span) string { return strconv.Quote(string(o.text[s.start:s.end])) }

// checkPlain holds locatePlain and editPlain against the parser, at one key: the same
// place and the same bytes, or no opinion. It reports whether there was one of the edit.
func checkPlain(t failer, file string, data []byte, key string, to Version) bool {
	t.Helper()
	sel, err := parseKey(key)
	if err != nil {
		return false
	}
	spot, ok := locatePlain(file, data, sel)
	if ok {
		src, at, err := locateParsed(file, data, sel)
		if err != nil {
			t.Fatalf("%q has %v at %s, and the parser says %v", data, spot, key, err)
		}
		line, column := src.place(data, at.start)
		if want := (Spot{at.value, line, column}); spot != want {
			t.Fatalf("%q at %s: got %v, want %v", data, key, spot, want)
		}
	}
	got, edited := editPlain(file, data, sel, "", to)
	if edited != ok {
		t.Fatalf("%q at %s: located %t, edited to %q %t", data, key, ok, to, edited)
	}
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

// TestOutlineProof holds the proof against splices at wrong positions, as a mistake of
// the reader would make them.
func TestOutlineProof(t *testing.T) {
	t.Parallel()
	const file = "a: 1.0.0 # v1.0.0\nb:\n- x: 1.0.0\n  y: 'z1'\nc: {d: 3.0.0, e: !!str 4.0.0}\n# end\n"
	for _, tt := range []struct {
		name, key, old, with string // what the splice replaces, and by what
		to                   Version
		want                 bool
	}{
		{"the value", "a", "1.0.0", "2.0.0", "2.0.0", true},
		{"the value, with quotes", "a", "1.0.0", `"1.10"`, "1.10", true},
		{"quotes that are missing", "a", "1.0.0", "1.10", "1.10", false},
		{"quotes that do no harm", "a", "1.0.0", `"2.0.0"`, "2.0.0", true},
		{"other quotes", "a", "1.0.0", "'1.10'", "1.10", false},
		{"another version", "a", "1.0.0", "3.0.0", "2.0.0", false},
		{"a comment", "a", "v1.0.0", "2.0.0", "2.0.0", false},
		{"another value", "a", "z1", "2.0.0", "2.0.0", false},
		{"a key", "a", "b", "2.0.0", "2.0.0", false},
		{"a part of the value", "a", "1.0", "2.0.0", "2.0.0", false},
		{"a blank more", "a", " 1.0.0", "2.0.0", "2.0.0", false},
		{"the line break as well", "a", "1.0.0 # v1.0.0\n", "2.0.0", "2.0.0", false},
		{"the next key as well", "a", "1.0.0 # v1.0.0\nb:", "2.0.0", "2.0.0", false},
		{"the value in a flow map", "c.d", "3.0.0", "10.0.0", "10.0.0", true},
		{"the value in a flow map, with quotes", "c.d", "3.0.0", `"1.10"`, "1.10", true},
		{"the next value as well", "c.d", "3.0.0, e: !!str 4.0.0", "2.0.0", "2.0.0", false},
		{"the end of the flow map as well", "c.d", "3.0.0, e: !!str 4.0.0}", "2.0.0}", "2.0.0", false},
		{"the flow map", "c.d", "{d: 3.0.0, e: !!str 4.0.0}", "2.0.0", "2.0.0", false},
		{"the tagged value, which needs no quotes", "c.e", "4.0.0", "1.10", "1.10", true},
		{"the tag as well", "c.e", "!!str 4.0.0", "2.0.0", "2.0.0", false},
	} {
		before, ok := outlineOf("values.yaml", []byte(file))
		if !ok {
			t.Fatal("the file is plain, and not read")
		}
		sel, err := parseKey(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		at, ok := before.find(sel)
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
