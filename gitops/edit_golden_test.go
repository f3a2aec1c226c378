package gitops

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected sections of testdata/edit")

// A golden is one file of testdata/edit. Its comment says what it shows; section
// "command" is the command line of an edit; "in" is the file before. The test writes and
// checks "out" and "diff", or "err". Sections "in.quoted" and "out.quoted" are Go string
// literals, one per line of text, so that every byte can be seen. The tests of the
// program run the same command lines.
type golden struct {
	archive        *txtar.Archive
	file, key      string
	from, to       Version
	quoted, refuse bool // refuse: the case is one of err
	in             []byte
}

// shellWord matches one word of a command line.
var shellWord = regexp.MustCompile(`'[^']*'|[^' \n]+`)

// readGolden reads a case of testdata/edit.
func readGolden(t testing.TB, name string) golden {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	g := golden{archive: archive}
	words := shellWord.FindAllString(string(g.section("command")), -1)
	if len(words) < 7 || len(words)%2 == 0 {
		t.Fatalf("%s: command %q", name, words)
	}
	g.file = words[2]
	for i := 3; i < len(words); i += 2 {
		switch value := strings.Trim(words[i+1], "'"); words[i] {
		case "--key":
			g.key = value
		case "--from":
			g.from = Version(value)
		case "--to":
			g.to = Version(value)
		default:
			t.Fatalf("%s: unknown flag %q", name, words[i])
		}
	}
	g.in, g.refuse = g.section("in"), g.section("err") != nil
	if g.quoted = g.in == nil; g.quoted {
		g.in = unquote(t, g.section("in.quoted"))
	}
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

// out returns what the file must be after the edit.
func (g golden) out(t testing.TB) []byte {
	t.Helper()
	if g.quoted {
		return unquote(t, g.section("out.quoted"))
	}
	return g.section("out")
}

// unquote returns the bytes that a quoted section stands for.
func unquote(t testing.TB, section []byte) []byte {
	t.Helper()
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

// quote is the opposite of unquote.
func quote(data []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(data) {
		fmt.Fprintf(&b, "%s\n", strconv.QuoteToASCII(string(line)))
	}
	return b.Bytes()
}

// rewrite stores what Edit did as the expected sections of the case.
func (g golden) rewrite(t *testing.T, name string, out []byte, err error) {
	t.Helper()
	kept := g.archive.Files[:0]
	for _, f := range g.archive.Files {
		if f.Name == "command" || strings.HasPrefix(f.Name, "in") {
			kept = append(kept, f)
		}
	}
	switch {
	case err != nil:
		kept = append(kept, txtar.File{Name: "err", Data: []byte(err.Error() + "\n")})
	case g.quoted:
		kept = append(kept, txtar.File{Name: "out.quoted", Data: quote(out)})
	default:
		kept = append(kept, txtar.File{Name: "out", Data: out}, txtar.File{Name: "diff", Data: Diff(g.file, g.in, out)})
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
			if want := g.out(t); !bytes.Equal(out, want) {
				t.Errorf("out\n got %q\nwant %q", out, want)
			}
			if got, want := Diff(g.file, g.in, out), g.section("diff"); !g.quoted && !bytes.Equal(got, want) {
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
	if err != nil || len(names) < 60 {
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
