package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// shellWord matches one word of a command line.
var shellWord = regexp.MustCompile(`'[^']*'|[^' \n]+`)

// A localEdit is a golden edit of package gitops as people type it: its file stands in dir.
type localEdit struct {
	dir, file string
	args      []string // of the program; args[1] is the path of the file
	sections  map[string]string
}

// newLocalEdit writes the file of a golden edit into a directory of its own.
func newLocalEdit(t *testing.T, name string) localEdit {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	e := localEdit{dir: t.TempDir(), sections: map[string]string{}}
	for _, s := range archive.Files {
		plain, quoted := strings.CutSuffix(s.Name, ".quoted")
		e.sections[plain] = string(s.Data)
		if quoted {
			e.sections[plain] = literal(t, string(s.Data))
		}
	}
	for _, word := range shellWord.FindAllString(e.sections["command"], -1) {
		e.args = append(e.args, strings.Trim(word, "'"))
	}
	e.args = e.args[1:]
	e.file = filepath.Join(e.dir, e.args[1])
	e.args[1] = e.file
	if err := os.MkdirAll(filepath.Dir(e.file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.file, []byte(e.sections["in"]), 0o640); err != nil {
		t.Fatal(err)
	}
	return e
}

// literal returns the bytes that a section of Go string literals stands for.
func literal(t *testing.T, section string) string {
	t.Helper()
	var plain strings.Builder
	for line := range strings.Lines(section) {
		text, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		plain.WriteString(text)
	}
	return plain.String()
}

// runs runs the command line with more flags. It returns the exit code and what was
// said, in which the file is called what the golden calls it.
func (e localEdit) runs(t *testing.T, flags ...string) (code int, out, refusal string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), slices.Concat(e.args, flags), &stdout, &stderr)
	here := strings.NewReplacer("a"+e.dir+"/", "a/", "b"+e.dir+"/", "b/", e.dir+"/", "")
	return code, here.Replace(stdout.String()), here.Replace(stderr.String())
}

// holds checks that the file has what it must have, with its mode, and stands alone.
func (e localEdit) holds(t *testing.T, want string) {
	t.Helper()
	got, err := os.ReadFile(e.file)
	if err != nil || string(got) != want {
		t.Errorf("the file holds %q, %v, want %q", got, err, want)
	}
	if info, err := os.Stat(e.file); err != nil || info.Mode() != 0o640 {
		t.Errorf("the file is %v, %v, want its mode kept", info.Mode(), err)
	}
	if beside, err := os.ReadDir(filepath.Dir(e.file)); err != nil || len(beside) != 1 {
		t.Errorf("beside the file stands %v, %v", beside, err)
	}
}

// Every golden edit of package gitops, by the command line.
func TestEdit(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../gitops/testdata/edit/*.txtar")
	if err != nil || len(names) < 60 {
		t.Fatalf("found %d edits: %v", len(names), err)
	}
	refused := 0
	for _, name := range names {
		e := newLocalEdit(t, name)
		want, refuses := e.sections["err"]
		if refuses {
			refused++
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			if refuses {
				e.isRefused(t, "lockstep: "+want)
			} else {
				e.isDone(t)
			}
		})
	}
	if refused < 15 {
		t.Errorf("%d edits are refused, want at least 15", refused)
	}
}

// isRefused runs an edit that must be refused, and must leave its file alone.
func (e localEdit) isRefused(t *testing.T, want string) {
	t.Helper()
	if code, out, refusal := e.runs(t); code != exitFailed || out != "" || refusal != want {
		t.Errorf("exit code %d, prints %q\n got %swant %s", code, out, refusal, want)
	}
	e.holds(t, e.sections["in"])
}

// isDone runs an edit that must succeed: first to see what it would do, then twice.
func (e localEdit) isDone(t *testing.T) {
	t.Helper()
	code, out, refusal := e.runs(t, "--diff")
	if want, plain := e.sections["diff"]; code != exitOK || refusal != "" || plain && out != want {
		t.Errorf("--diff: exit code %d, %s\n got %s\nwant %s", code, refusal, out, want)
	}
	e.holds(t, e.sections["in"])
	already := e.sections["in"] == e.sections["out"]
	for range 2 {
		code, out, refusal := e.runs(t)
		if code != exitOK || refusal != "" || strings.HasSuffix(out, " stands there already\n") != already {
			t.Errorf("exit code %d, %s, prints %s", code, refusal, out)
		}
		e.holds(t, e.sections["out"])
		already = true
	}
}

// When a file cannot be replaced, those are put back that were; where that fails, too,
// the error names them.
func TestEditPutsBack(t *testing.T) {
	t.Parallel()
	const before, after = "version: 1.0.0\n", "version: 1.1.0\n"
	for name, test := range map[string]struct {
		fails []string // what happens to each attempt to replace a file, "" for nothing
		want  string   // what a holds in the end
		says  string
	}{
		"all replaced":             {[]string{"", ""}, after, ""},
		"the first not":            {[]string{"no"}, before, "no"},
		"the second not":           {[]string{"", "no", ""}, before, "no"},
		"the second not, nor back": {[]string{"", "no", "never"}, after, "no\na.yaml: holds 1.1.0, and cannot be put back: never"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t, before)
			err := writeAll(w.files, func(from, to string) error {
				fails := test.fails[0]
				if test.fails = test.fails[1:]; fails != "" {
					return errors.New(fails)
				}
				return os.Rename(from, to)
			})
			said := ""
			if err != nil {
				said = strings.ReplaceAll(err.Error(), w.dir+"/", "")
			}
			if said != test.says || len(test.fails) > 0 {
				t.Errorf("got %q, want %q; %d attempts left", said, test.says, len(test.fails))
			}
			w.holds(t, test.want)
		})
	}
}

// A file that somebody else changes meanwhile is not overwritten, nor is any other.
func TestEditLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWriter(t, "version: 1.0.0\n")
	theirs := []byte("version: 1.0.5\n")
	if err := os.WriteFile(w.files[1].File, theirs, fileMode); err != nil {
		t.Fatal(err)
	}
	want := w.files[1].File + ": was changed while it was edited, and no file was written: try again"
	if err := writeAll(w.files, os.Rename); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got, err := os.ReadFile(w.files[1].File); err != nil || !bytes.Equal(got, theirs) {
		t.Errorf("their file holds %q, %v", got, err)
	}
	w.holds(t, "version: 1.0.0\n")
}

// Of two edits of a file at the same time, one is refused; a file that is named twice, by
// a link, is no second edit.
func TestEditLocks(t *testing.T) {
	t.Parallel()
	w := newWriter(t, "version: 1.0.0\n")
	other, err := os.Open(w.files[1].File)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := lock(other); err != nil {
		t.Fatal(err)
	}
	want := w.files[1].File + ": is being edited by another process, and no file was written: try again"
	if err := writeAll(w.files, os.Rename); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	w.holds(t, "version: 1.0.0\n")
	other.Close()
	if err := os.Remove(w.files[1].File); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(w.files[0].File, w.files[1].File); err != nil {
		t.Fatal(err)
	}
	w.again(t)
	if err := writeAll(w.files, os.Rename); err != nil {
		t.Error(err)
	}
	w.holds(t, "version: 1.1.0\n")
}

// A file keeps its owner and its group, and one that is read-only is not replaced.
func TestEditKeepsOwner(t *testing.T) {
	t.Parallel()
	w := newWriter(t, "version: 1.0.0\n")
	if err := os.Chown(w.files[0].File, 12345, 12346); err != nil {
		t.Skip("only root can give files away")
	}
	w.again(t)
	if err := writeAll(w.files, os.Rename); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(w.files[0].File)
	if err != nil {
		t.Fatal(err)
	}
	owner := reflect.ValueOf(info.Sys()).Elem()
	if user, group := owner.FieldByName("Uid").Uint(), owner.FieldByName("Gid").Uint(); user != 12345 || group != 12346 {
		t.Errorf("the file belongs to user %d and group %d", user, group)
	}
	w.holds(t, "version: 1.1.0\n")
}

func TestEditReadOnly(t *testing.T) {
	t.Parallel()
	w := newWriter(t, "version: 1.0.0\n")
	if err := os.Chmod(w.files[1].File, 0o444); err != nil {
		t.Fatal(err)
	}
	w.again(t)
	want := w.files[1].File + ": is read-only, and no file was written: make it writable"
	if err := writeAll(w.files, os.Rename); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	w.holds(t, "version: 1.0.0\n")
}

// Names are taken as they are, and shown without what a terminal would obey.
func TestEditNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lat\xe4in.yaml", "\x1b[31mred\n.yaml", "a,b.yaml", "größe.yaml"} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte("version: 1.0.0\n"), fileMode); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]int{"versions": exitFailed, "version": exitOK} {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"edit", file, "--key", key, "--to", "1.1.0"}, &stdout, &stderr)
			said := stdout.String() + stderr.String()
			if code != want || strings.Count(said, "\n") != 1 || strings.Contains(said, "\x1b") {
				t.Errorf("%q at %s: exit code %d, prints %q", name, key, code, said)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != "version: 1.1.0\n" {
			t.Errorf("%q holds %q, %v", name, got, err)
		}
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"edit", "./-", "-", "--key", "version", "--to", "1.1.0"}, &stdout, &stderr)
	if want := "lockstep: - stands alone: edit files by another command\n"; code != exitMisused || stderr.String() != want {
		t.Errorf("a file of the name - and standard input: exit code %d, says %q, want %q", code, stderr.String(), want)
	}
}

// A writer is two files, a.yaml and b.yaml, that are edited and not yet written.
type writer struct {
	dir   string
	files []edited
}

// newWriter writes both files, and edits what they hold.
func newWriter(t *testing.T, content string) writer {
	t.Helper()
	w := writer{dir: t.TempDir()}
	for _, name := range []string{"a.yaml", "b.yaml"} {
		name = filepath.Join(w.dir, name)
		if err := os.WriteFile(name, []byte(content), fileMode); err != nil {
			t.Fatal(err)
		}
		w.files = append(w.files, edited{File: name})
	}
	w.again(t)
	return w
}

// again reads both files and edits what they hold to version 1.1.0.
func (w writer) again(t *testing.T) {
	t.Helper()
	for i, e := range w.files {
		w.files[i] = (&editCmd{Key: "version", To: "1.1.0"}).edit(e.File)
		if err := w.files[i].err; err != nil {
			t.Fatal(err)
		}
	}
}

// holds checks what a.yaml holds, and that nothing was left beside the two files.
func (w writer) holds(t *testing.T, want string) {
	t.Helper()
	if got, err := os.ReadFile(w.files[0].File); err != nil || string(got) != want {
		t.Errorf("a.yaml holds %q, %v, want %q", got, err, want)
	}
	if left, err := os.ReadDir(w.dir); err != nil || len(left) != 2 {
		t.Errorf("the directory holds %v, %v", left, err)
	}
}
