package repo

import (
	"fmt"
	"strings"
	"testing"
)

// bomb returns a snapshot of few objects and very many paths: each directory holds the
// next one many times.
func bomb(wide, deep int) *Snapshot {
	got := objects{}
	mode := "100644"
	below := sum(blobKind, nil)
	got[below] = object{kind: blobKind}
	for range deep {
		var content []byte
		for i := range wide {
			content = fmt.Appendf(content, "%s %04d\x00%s", mode, i, below[:])
		}
		below, mode = sum(treeKind, content), "40000"
		got[below] = object{kind: treeKind, content: content}
	}
	return &Snapshot{root: below, objects: got, whole: true, files: map[string]entry{}}
}

// A tree that git holds in a few kilobytes may have more paths than any memory: that is
// an error, and soon.
func TestTreeBomb(t *testing.T) {
	t.Parallel()
	const soon = mostEntries - 50_000
	s := bomb(1000, 5)
	w := &walk{into: s, seen: soon}
	w.enter(place{tree: s.root, asked: parsePatterns([]string{"*/*/*/*/*"})})
	if err := w.all(t.Context(), nil); err == nil || knowledge(err) || !strings.Contains(err.Error(), "more than 2 million entries") {
		t.Errorf("by a pattern: %v, want an error", err)
	}
	l := &listing{from: s, seen: soon}
	if _, err := l.below(nil, "", s.root); err == nil || knowledge(err) || !strings.Contains(err.Error(), "more than 2 million entries") {
		t.Errorf("all: %v, want an error", err)
	}
	s = bomb(10, 5)
	s.files = nil
	if files, err := s.Files(); err != nil || len(files) != 100_000 {
		t.Errorf("a large one: %d files, %v", len(files), err)
	}
}
