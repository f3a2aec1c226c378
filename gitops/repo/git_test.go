package repo

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oddNames are names that git sorts, quotes or encodes in its own ways.
var oddNames = []string{"a", "a.b", "a-", "a0", "A", "ab", "caf\xe9", "ü", " ", "x y", "*", `a\b`, "-", `"q"`, "\t", "[z]", "values.yaml"}

// oddTree writes a random commit for fast-import, and returns its regular files.
func oddTree(r *rand.Rand, load *strings.Builder) map[string]string {
	files, taken := map[string]string{}, map[string]bool{}
	load.WriteString("commit refs/heads/main\ncommitter P <p@example.com> 1700000000 +0000\ndata 1\nx\n")
	for range 5 + r.IntN(25) {
		var names []string
		for range 1 + r.IntN(3) {
			names = append(names, oddNames[r.IntN(len(oddNames))])
		}
		path, text, free := strings.Join(names, "/"), "", true
		for i := range names { // nothing is a file and a directory
			free = free && !taken[strings.Join(names[:i], "/")]
		}
		for other := range taken {
			free = free && other != path && !strings.HasPrefix(other, path+"/")
		}
		if !free {
			continue
		}
		taken[path] = true
		for range r.IntN(200) {
			text += fmt.Sprintf("key%d: %d\r\n", r.IntN(9), r.IntN(3))
		}
		mode := []string{"100644", "100755", "120000", "160000"}[r.IntN(4)]
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path)
		if mode == "160000" {
			fmt.Fprintf(load, "M %s %s \"%s\"\n", mode, strings.Repeat("1", 40), quoted)
			continue
		}
		fmt.Fprintf(load, "M %s inline \"%s\"\ndata %d\n%s\n", mode, quoted, len(text), text)
		if mode != "120000" {
			files[path] = text
		}
	}
	return files
}

// TestAgainstGit reads random trees from the packs that git makes of them, edits some of
// their files, and lets git check and read what comes of it.
func TestAgainstGit(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := filepath.Join(t.TempDir(), "env.git")
		git(t, "", "", "init", "-q", "--bare", "-b", "main", dir)
		var load strings.Builder
		files := oddTree(r, &load)
		git(t, dir, load.String(), "fast-import", "--quiet")
		main := git(t, dir, "", "rev-parse", "main")
		id, _ := parseOID(main)
		cmd := exec.Command("git", "pack-objects", "--revs", "--stdout", "-q", "--window=50")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader("main\n")
		packed, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		got := objects{}
		if err := got.unpack(bytes.NewReader(packed)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		base, err := newSnapshot(got, id)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		base.whole = true
		list, err := base.Files()
		if want := slices.Sorted(maps.Keys(files)); err != nil || !slices.Equal(list, want) {
			t.Fatalf("seed %d: Files = %q, %v, want %q", seed, list, err, want)
		}
		edits, after := map[string][]byte{}, git(t, dir, "", "ls-tree", "-rz", "main")
		for _, path := range list {
			if read, err := base.File(path); err != nil || string(read) != files[path] {
				t.Errorf("seed %d: File(%q) = %q, %v, want %q", seed, path, read, err, files[path])
			}
			if r.IntN(3) == 0 {
				edits[path] = fmt.Appendf(nil, "new %d\n", r.IntN(3))
				was := fmt.Sprintf(" blob %s\t%s\x00", sum(blobKind, []byte(files[path])), path)
				after = strings.Replace(after, was, fmt.Sprintf(" blob %s\t%s\x00", sum(blobKind, edits[path]), path), 1)
			}
		}
		if len(edits) == 0 {
			continue
		}
		d, err := (&Repo{}).commit(base, bump("b"), edits)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		packed, err = pack(d.objects, seed%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		git(t, dir, string(packed), "index-pack", "--stdin", "--fix-thin", "--strict")
		if now := git(t, dir, "", "ls-tree", "-rz", d.id().String()); now != after {
			t.Errorf("seed %d: git reads\n%q, want\n%q", seed, now, after)
		}
	}
}
