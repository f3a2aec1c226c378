package repo

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/gitops"
)

// largeFiles makes a server with three files of more than 1 MiB that git keeps as differences
// to each other, and a small one that is a difference to one of them.
func largeFiles(t *testing.T) *server {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "env.git")
	git(t, "", "", "init", "-q", "--bare", "-b", "main", dir)
	git(t, dir, "", "config", "http.receivepack", "true")
	var line strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&line, "key%d: %x\n", i, sum(blobKind, fmt.Append(nil, i)))
	}
	part := line.String()
	body := strings.Repeat(part, tooLarge/len(part)+2)
	var load strings.Builder
	load.WriteString("commit refs/heads/main\ncommitter P <p@example.com> 1700000000 +0000\ndata 1\nx\n")
	for name, text := range map[string]string{
		"a/values.yaml": body + "1\n", "b/values.yaml": body + "2\n" + part, "c/values.yaml": "3\n" + body + part + part,
		"d/values.yaml": part, "e/values.yaml": "data:\n  version: \"1.0\"\n",
	} {
		fmt.Fprintf(&load, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
	}
	git(t, dir, load.String(), "fast-import", "--quiet")
	git(t, dir, "", "repack", "-adfq", "--depth=50", "--window=50")
	return &server{dir: dir, repo: &Repo{URL: listen(t, dir, nil), Project: "env/mda"}}
}

// Files that are too large are left out one by one: what git sends as a difference to
// one of them is read, if it is small enough itself.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	s := largeFiles(t)
	for _, filter := range []string{"false", "true"} {
		git(t, s.dir, "", "config", "uploadpack.allowFilter", filter)
		for _, pattern := range []string{"*/values.yaml", "[a-d]/*", "e/values.yaml"} {
			base, err := s.repo.Branch(t.Context(), "main", pattern)
			if err != nil {
				t.Errorf("filter %s, %s: %v", filter, pattern, err)
				continue
			}
			files, err := base.Files()
			if err != nil {
				t.Error(err)
			}
			for _, path := range files {
				content, err := base.File(path)
				want := git(t, s.dir, "", "cat-file", "-s", "main:"+path)
				switch {
				case path < "d":
					if !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "1 MiB or more") {
						t.Errorf("filter %s, %s: %s: %v", filter, pattern, path, err)
					}
				case err != nil || fmt.Sprint(len(content)) != want:
					t.Errorf("filter %s, %s: %s has %d bytes, %v, want %s", filter, pattern, path, len(content), err, want)
				}
			}
		}
	}
}

// difference returns the difference that copies the first n bytes of a base of size.
func difference(size, n int) []byte {
	return appendCopy(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(size)), uint64(n)), 0, n)
}

// What is made of a file that was not held is lost, and what is made of that; the rest is
// read. That the lost ones are small or large nobody knows.
func TestLostFiles(t *testing.T) {
	t.Parallel()
	huge := make([]byte, mostHeld+1)
	base, small := sum(blobKind, huge), sum(blobKind, huge[:1000])
	p := &packWriter{}
	p.zip = zlib.NewWriter(&p.out)
	p.out.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x05")
	for _, err := range []error{
		p.object(byte(blobKind), huge),
		p.difference(base, difference(len(huge), 1000)),
		p.difference(small, difference(1000, 100)),
		p.object(byte(blobKind), []byte("a")),
		p.difference(sum(blobKind, []byte("a")), difference(1, mostTree)[:5]), // it would be too large
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root := []byte("100644 a\x00" + string(small[:]) + "100644 b\x00" + string(base[:]))
	got := objects{sum(treeKind, root): {kind: treeKind, content: root}}
	if err := got.unpack(&p.out); err != nil || len(got) != 3 {
		t.Fatalf("unpack: %v, %d objects, want 3", err, len(got))
	}
	s := &Snapshot{root: sum(treeKind, root), objects: got, whole: true}
	if _, err := s.File("a"); err == nil || knowledge(err) || !strings.Contains(err.Error(), "did not send it") {
		t.Errorf("a file that may be small: %v, want an error that knows nothing", err)
	}
	if _, err := s.File("b"); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("a large file: %v, want refused", err)
	}
}

// A pack does not fill the memory, however well it is packed.
func TestPackIsBounded(t *testing.T) {
	t.Parallel()
	var blobs []written
	for i := range 10 {
		blobs = append(blobs, written{kind: blobKind, content: bytes.Repeat([]byte{byte(i)}, 1000)})
	}
	content, err := pack(blobs, false)
	if err != nil {
		t.Fatal(err)
	}
	for room, says := range map[int]string{9_000: "more than 512 MiB", 12_000: ""} {
		p := &packReader{from: bufio.NewReader(bytes.NewReader(content)), into: objects{}, room: room}
		if err := p.all(); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("room for %d: %v, want %q", room, err, says)
		}
	}
}
