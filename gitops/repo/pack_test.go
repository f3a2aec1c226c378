package repo

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// Whatever ids are put into a tree: the difference makes exactly that tree of the old
// one, and packs bring it there with and without its base.
func TestTreeSurvivesThePack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var old []byte
		var at []int
		for i := range rapid.IntRange(1, 3000).Draw(t, "entries") {
			old = fmt.Appendf(old, "100644 %05d\x00%020d", i, i)
			at = append(at, len(old)-20)
		}
		base := sum(treeKind, old)
		w := written{kind: treeKind, content: old, base: base}
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(at)-1), 1, -1, rapid.ID).Draw(t, "edited") {
			w.edits = append(w.edits, idEdit{at: at[i], id: oid(bytes.Repeat([]byte{byte(i)}, 20))})
		}
		w.edits = sorted(w.edits)
		want := bytes.Join(w.parts(), nil)
		w.id = sum(treeKind, want)
		for _, thin := range []bool{false, true} {
			p, err := pack([]written{w}, thin)
			if err != nil {
				t.Fatal(err)
			}
			got := objects{base: {kind: treeKind, content: old}}
			if err := got.unpack(bytes.NewReader(p)); err != nil {
				t.Fatal(err)
			}
			if again := got[w.id]; again.kind != treeKind || !bytes.Equal(again.content, want) {
				t.Fatalf("thin %v: the tree came back as %q", thin, again.content)
			}
		}
	})
}

// What is cheap to send goes as it is, however long; of more, less is sent. Git takes both.
func TestPackIsCompressedWhereItPays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "--bare", ".")
	line := "data: {version: \"1.0\"}\n"
	for size, want := range map[int]func(sent int) bool{
		0:         func(sent int) bool { return sent < 100 },
		1:         func(sent int) bool { return sent < 100 },
		0xffff:    func(sent int) bool { return sent > 0xffff },
		0x10000:   func(sent int) bool { return sent > 0x10000 },
		cheap - 1: func(sent int) bool { return sent > cheap },
		cheap:     func(sent int) bool { return sent < cheap/10 },
	} {
		long := []byte(strings.Repeat(line, size/len(line)+1)[:size])
		var objects []written
		for _, content := range [][]byte{long, []byte("x")} {
			objects = append(objects, written{id: sum(blobKind, content), kind: blobKind, content: content})
		}
		p, err := pack(objects, true)
		if err != nil {
			t.Fatal(err)
		}
		if !want(len(p)) {
			t.Errorf("%d bytes are sent as %d", size, len(p))
		}
		git(t, dir, string(p), "index-pack", "--strict", "--stdin")
		for _, w := range objects {
			if got := git(t, dir, "", "cat-file", "-s", w.id.String()); got != fmt.Sprint(len(w.content)) {
				t.Errorf("of %d bytes git has %s", len(w.content), got)
			}
		}
	}
}

// A tree that is long enough goes over the wire as a difference, and arrives whole.
func TestThinPack(t *testing.T) {
	t.Parallel()
	for _, thin := range []bool{true, false} {
		var sent atomic.Int64
		s := wide(t, func(backend http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if isPush(req) {
					sent.Store(req.ContentLength)
				}
				if strings.HasSuffix(req.URL.RawQuery, receivePack) && !thin {
					answer := httptest.NewRecorder()
					backend.ServeHTTP(answer, req)
					_, _ = w.Write(withCapability(answer.Body.Bytes(), " no-thin"))
					return
				}
				backend.ServeHTTP(w, req)
			})
		})
		git(t, s.dir, "", "config", "receive.fsckObjects", "true")
		s.crowd(t)
		base, err := s.repo.Branch(t.Context(), "main", wideFile("int", 1))
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{wideFile("int", 1): []byte(bumped)}
		if _, err := s.repo.Push(t.Context(), base, bump("b"), files, ""); err != nil {
			t.Fatal(err)
		}
		if got := git(t, s.dir, "", "diff", "--name-only", "main", "b"); got != wideFile("int", 1) {
			t.Errorf("it changed %q", got)
		}
		if got := sent.Load(); got < 1200 != thin {
			t.Errorf("thin %v: it sent %d bytes", thin, got)
		}
	}
}

// crowd puts many files beside the services of int, so that its tree is a long one.
func (s *server) crowd(t *testing.T) {
	t.Helper()
	var load strings.Builder
	load.WriteString("commit refs/heads/main\ncommitter P <p@example.com> 1700000001 +0000\ndata 1\nx\nfrom refs/heads/main^0\n")
	for i := range longTree / 30 {
		fmt.Fprintf(&load, "M 100644 inline environments/int/x%03d\ndata 1\nx\n", i)
	}
	git(t, s.dir, load.String(), "fast-import", "--quiet")
}

// withCapability adds a capability to what a service of the first version offers.
func withCapability(greeting []byte, capability string) []byte {
	line := bytes.Index(greeting, []byte("\n0000")) + 5 // behind the name of the service and its end
	end := bytes.IndexByte(greeting[line:], '\n') + line
	text := string(greeting[line+4:end]) + capability + "\n"
	return slices.Concat(greeting[:line], pkt(nil, "%s", text), greeting[end+1:])
}

func sorted(edits []idEdit) []idEdit {
	for i := range edits {
		for j := i; j > 0 && edits[j].at < edits[j-1].at; j-- {
			edits[j], edits[j-1] = edits[j-1], edits[j]
		}
	}
	return edits
}

// A pack that is cut off, or damaged at any byte, is an error or lacks the object; it
// never yields another one under its id.
func TestDamagedPack(t *testing.T) {
	t.Parallel()
	content := []byte(strings.Repeat("data: 1\n", 20))
	w := written{id: sum(blobKind, content), kind: blobKind, content: content}
	whole, err := pack([]written{w}, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(whole) - 20 { // the checksum at the end is not looked at
		if err := (objects{}).unpack(bytes.NewReader(whole[:i])); err == nil {
			t.Errorf("cut off at %d passed", i)
		}
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x55
		got := objects{}
		if err := got.unpack(bytes.NewReader(damaged)); err != nil {
			continue
		}
		if o, ok := got[w.id]; ok && !bytes.Equal(o.content, content) {
			t.Errorf("damaged at %d: it yields %q", i, o.content)
		}
	}
}

func TestDamagedDelta(t *testing.T) {
	t.Parallel()
	base := []byte("0123456789")
	for name, delta := range map[string]string{
		"empty":                "",
		"of another base":      "\x09\x01\x01a",
		"no size":              "\x0a",
		"a size without end":   "\x0a\x80",
		"nothing to add":       "\x0a\x01\x00",
		"too short to add":     "\x0a\x03\x03ab",
		"copies behind it":     "\x0a\x02\x91\x09\x02",
		"copies, cut off":      "\x0a\x02\x91\x00",
		"longer than it says":  "\x0a\x01\x02ab",
		"shorter than it says": "\x0a\x03\x02ab",
	} {
		if got, err := patch(base, []byte(delta)); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got, err := patch(base, []byte("\x0a\x05\x91\x02\x03\x02ab")); err != nil || string(got) != "234ab" {
		t.Errorf("a good one: %q, %v", got, err)
	}
}

func TestUnaskedObjects(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"a difference by position": "\x61",
		"of no type":               "\x01",
		"without an end":           "\x9f" + strings.Repeat("\xff", 12),
		"a tree of 4 GiB":          "\xa0\x80\x80\x80\x80\x01",
	} {
		if err := (objects{}).unpack(strings.NewReader("PACK\x00\x00\x00\x02\x00\x00\x00\x01" + head)); err == nil {
			t.Errorf("%s passed", name)
		}
	}
	if err := (objects{}).unpack(strings.NewReader("PACK\x00\x00\x00\x03\x00\x00\x00\x00")); err == nil {
		t.Error("a pack of version 3 passed")
	}
}
