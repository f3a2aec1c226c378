package gitops

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Git takes diffs of files with every kind of name and of line, and makes of them what
// the edit has made.
func TestDiffApplies(t *testing.T) {
	t.Parallel()
	const head = "# head\nversion: 1.0.0 # c\nx: 1\n"
	for name, before := range map[string]string{
		"plain.yaml":        head,
		"./sub/./dir.yaml":  head,
		"with blank.yaml":   head,
		"größe 🚀.yaml":      head,
		"lat\xe4in.yaml":    head,
		`quo"te\.yaml`:      head,
		"tab\tand\x1b.yaml": head,
		"line\nbreak.yaml":  head,
		"crlf.yaml":         strings.ReplaceAll(head, "\n", "\r\n"),
		"cr.yaml":           strings.ReplaceAll(head, "\n", "\r"),
		"no-end.yaml":       "version: 1.0.0",
		"bom.yaml":          "\ufeff" + head,
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		want, err := Edit(name, []byte(before), "version", "1.0.0", "1.10")
		if err != nil {
			t.Fatal(err)
		}
		diff := Diff(name, []byte(before), want)
		git := exec.Command("git", "apply", "-")
		git.Dir, git.Stdin = dir, bytes.NewReader(diff)
		git.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
		if said, err := git.CombinedOutput(); err != nil {
			t.Errorf("%q: %v: %s\n%s", name, err, said, diff)
			continue
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
}
