package repo

import (
	"bytes"
	"strings"
	"testing"
)

// Whatever a server sends as a pack: no panic, and nothing under an id that is not its
// content's.
func FuzzUnpack(f *testing.F) {
	content := []byte(strings.Repeat("100644 a\x00aaaaaaaaaaaaaaaaaaaa", longTree/20)) // goes as a difference
	base := sum(treeKind, content)
	tree := written{kind: treeKind, content: content, base: base, edits: []idEdit{{at: 9, id: base}}}
	blob := written{kind: blobKind, content: []byte("data:\n  version: \"1.0\"\n")}
	for _, thin := range []bool{false, true} {
		p, err := pack([]written{tree, blob, {kind: commitKind, content: []byte("tree\n\nx\n")}}, thin)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01\x61"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := objects{base: {kind: treeKind, content: content}}
		_ = got.unpack(bytes.NewReader(data))
		for id, o := range got {
			if !o.large && sum(o.kind, o.content) != id {
				t.Errorf("a %s stands under %s", o.kind, id)
			}
		}
	})
}

// Whatever a server sends as lines, in either version: no panic, and an end.
func FuzzAnswer(f *testing.F) {
	const id = "1111111111111111111111111111111111111111"
	first := pktMark(pkt(pktMark(pkt(nil, "# service=git-upload-pack\n"), flush), "%s refs/heads/main\x00shallow object-format=sha1\n", id), flush)
	second := pktMark(pkt(pkt(nil, "version 2\n"), "fetch=shallow filter\n"), flush)
	report := pktMark(pkt(nil, "\x01%s", pktMark(pkt(pkt(nil, "unpack ok\n"), "ng refs/heads/b fetch first\n"), flush)), flush)
	for _, seed := range [][]byte{first, second, report, []byte("0009ERR x"), []byte("fff0"), []byte("0003"), []byte("000a\x02hello")} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		for _, do := range []func(string) error{newGreeting().note, newGreeting().ref} {
			l := newLines(bytes.NewReader(data))
			for err := error(nil); err == nil; {
				_, err = l.each(do)
			}
		}
		_, _ = readReport(newLines(&band{lines: newLines(bytes.NewReader(data))}))
		_ = (objects{}).unpack(&band{lines: newLines(bytes.NewReader(data))})
	})
}

// Whatever a tree or a commit holds: no panic, and entries that lie within the tree.
func FuzzObjects(f *testing.F) {
	f.Add([]byte("100644 a\x00aaaaaaaaaaaaaaaaaaaa40000 b\x00bbbbbbbbbbbbbbbbbbbb"))
	f.Add([]byte("tree 1111111111111111111111111111111111111111\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 2 +0000\n\nm\n"))
	f.Add([]byte("author >\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for e, err := range tree(data).all() {
			if err == nil && (e.at < 0 || e.at+len(e.id) > len(data)) {
				t.Errorf("an entry ends at %d of %d", e.at+len(e.id), len(data))
			}
		}
		id := sum(commitKind, data)
		if s, err := newSnapshot(objects{id: {kind: commitKind, content: data}}, id); err != nil || s.Commit.ID != id.String() {
			t.Errorf("newSnapshot: %v", err)
		}
	})
}
