package gitops

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected sections of testdata/edit")

// A golden is one file of testdata/edit. Its comment says what it shows; section "bump"
// holds file, key, from and to, one per line; "in" is the file before. The test writes
// and checks "out" and "diff", or "err". With the line "quoted" in the bump, in and out
// are Go string literals, one per line of text, so that every byte can be seen.
type golden struct {
	archive        *txtar.Archive
	file, key      string
	from, to       Version
	quoted, refuse bool // refuse: the case is one of err
	in             []byte
}

// readGolden reads a case of testdata/edit.
func readGolden(t testing.TB, name string) golden {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	g := golden{archive: archive}
	for line := range strings.Lines(string(g.section("bump"))) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch field {
		case "file":
			g.file = value
		case "key":
			g.key = value
		case "from":
			g.from = Version(value)
		case "to":
			g.to = Version(value)
		case "quoted":
			g.quoted = true
		default:
			t.Fatalf("%s: unknown field %q", name, field)
		}
	}
	g.in = g.decode(t, g.section("in"))
	g.refuse = g.section("err") != nil
	return g
}

// section returns the content of a section, nil when there is none.
func (g golden) section(name string) []byte {
	for _, f := range g.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// decode returns the bytes that a section stands for.
func (g golden) decode(t testing.TB, section []byte) []byte {
	t.Helper()
	if !g.quoted {
		return section
	}
	var plain strings.Builder
	for line := range strings.Lines(string(section)) {
		s, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		plain.WriteString(s)
	}
	return []byte(plain.String())
}

// encode is the opposite of decode.
func (g golden) encode(data []byte) []byte {
	if !g.quoted {
		return data
	}
	var b bytes.Buffer
	for line := range bytes.Lines(data) {
		fmt.Fprintf(&b, "%s\n", strconv.QuoteToASCII(string(line)))
	}
	return b.Bytes()
}

// diff returns the lines in which in and out differ.
func (g golden) diff(in, out []byte) []byte {
	before := strings.SplitAfter(string(g.encode(in)), "\n")
	after := strings.SplitAfter(string(g.encode(out)), "\n")
	var b bytes.Buffer
	for i := range max(len(before), len(after)) {
		if i >= len(before) || i >= len(after) {
			b.WriteString("the number of lines differs\n")
			break
		}
		if before[i] != after[i] {
			fmt.Fprintf(&b, "@ %d\n-%s+%s", i+1, before[i], after[i])
		}
	}
	return b.Bytes()
}

// rewrite stores what Edit did as the expected sections of the case.
func (g golden) rewrite(t *testing.T, name string, out []byte, err error) {
	t.Helper()
	kept := g.archive.Files[:0]
	for _, f := range g.archive.Files {
		if f.Name == "bump" || f.Name == "in" {
			kept = append(kept, f)
		}
	}
	if err != nil {
		kept = append(kept, txtar.File{Name: "err", Data: []byte(err.Error() + "\n")})
	} else {
		kept = append(kept,
			txtar.File{Name: "out", Data: g.encode(out)},
			txtar.File{Name: "diff", Data: g.diff(g.in, out)})
	}
	g.archive.Files = kept
	if err := os.WriteFile(name, txtar.Format(g.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEditGolden(t *testing.T) {
	t.Parallel()
	for _, name := range goldens(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			g := readGolden(t, name)
			out, err := Edit(g.file, bytes.Clone(g.in), g.key, g.from, g.to)
			if *update {
				g.rewrite(t, name, out, err)
				return
			}
			if g.refuse {
				if got, want := fmt.Sprint(err), strings.TrimSpace(string(g.section("err"))); got != want {
					t.Errorf("error\n got %s\nwant %s", got, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := g.decode(t, g.section("out")); !bytes.Equal(out, want) {
				t.Errorf("out\n got %q\nwant %q", out, want)
			}
			if got, want := g.diff(g.in, out), g.section("diff"); !bytes.Equal(got, want) {
				t.Errorf("diff\n got %s\nwant %s", got, want)
			}
			checkInverse(t, g.file, g.key, g.in, out)
		})
	}
}

// goldens returns the names of all cases, and checks that there are as many as the
// rules of the editor need.
func goldens(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil || len(names) < 30 {
		t.Fatalf("found %d cases: %v", len(names), err)
	}
	return names
}

// A failer is what the tests, the fuzz target and the property test have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// checkInverse puts the old version back into out. Its value must be back in any case,
// and its bytes where neither way had to add quotes.
func checkInverse(t failer, file, key string, in, out []byte) {
	t.Helper()
	from, err := Value(file, in, key)
	if err != nil {
		t.Fatalf("value before: %v", err)
	}
	to, err := Value(file, out, key)
	if err != nil {
		t.Fatalf("value after: %v", err)
	}
	back, err := Edit(file, out, key, to, from)
	if err != nil {
		t.Fatalf("inverse: %v", err)
	}
	if got, err := Value(file, back, key); err != nil || got != from {
		t.Errorf("inverse: value %q, %v, want %q", got, err, from)
	}
	kept := len(out)-len(in) == len(to)-len(from)
	if kept && (readsAsString(string(from)) || len(back) == len(in)) && !bytes.Equal(back, in) {
		t.Errorf("inverse\n got %q\nwant %q", back, in)
	}
}
