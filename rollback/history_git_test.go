package rollback_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
	"lockstep/gitops/repo"
)

// inGit is a place in a real repository, behind git http-backend: people commit with
// git, and the run by gitops/repo. Each history has a branch of its own.
type inGit struct {
	t      *testing.T
	dir    string // the bare repository
	repo   *repo.Repo
	branch string
	wrote  int // commits of the run
	seen   *repo.Snapshot
}

// git runs git on the repository and returns what it prints.
func (g *inGit) git(stdin string, args ...string) string {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = g.dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	return string(out)
}

// newGit serves a new repository.
func newGit(t *testing.T) *inGit {
	dir := filepath.Join(t.TempDir(), "env.git")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g := &inGit{t: t, dir: dir}
	g.git("", "init", "-q", "--bare")
	for key, value := range map[string]string{"http.receivepack": "true", "uploadpack.allowFilter": "true", "gc.auto": "0", "receive.autogc": "false"} {
		g.git("", "config", key, value)
	}
	srv := httptest.NewServer(&cgi.Handler{
		Path:       filepath.Join(strings.TrimSpace(g.git("", "--exec-path")), "git-http-backend"),
		Env:        []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull},
		InheritEnv: []string{"PATH"},
		Stderr:     io.Discard,
	})
	t.Cleanup(srv.Close)
	g.repo = &repo.Repo{URL: srv.URL + "/env.git", Project: "env/mda"}
	return g
}

func (g *inGit) people(files map[string]string) {
	var load strings.Builder
	fmt.Fprintf(&load, "commit refs/heads/%s\ncommitter Person <person@example.com> 1700000000 +0100\ndata 1\nx\n", g.branch)
	if g.git("", "for-each-ref", "refs/heads/"+g.branch) != "" {
		fmt.Fprintf(&load, "from refs/heads/%s^0\n", g.branch)
	}
	load.WriteString("deleteall\n")
	for file, text := range files {
		fmt.Fprintf(&load, "M 100755 inline %s\ndata %d\n%s\n", file, len(text), text)
	}
	g.git(load.String(), "fast-import", "--quiet")
	g.seen = nil
}

// snapshot returns the head of the branch as it was when it was read first since the
// last commit.
func (g *inGit) snapshot() *repo.Snapshot {
	if g.seen == nil {
		var err error
		if g.seen, err = g.repo.Branch(context.Background(), g.branch, "int/*/values.yaml"); err != nil {
			g.t.Fatal(err)
		}
	}
	return g.seen
}

func (g *inGit) read(file string) ([]byte, error) { return g.snapshot().File(file) }

func (g *inGit) write(bumps []gitops.Bump, meanwhile func()) error {
	c := gitops.Change{Repo: "env/mda", Branch: g.branch, Title: "bump", When: time.Unix(1800000000+int64(g.wrote), 0), Bumps: bumps}
	g.wrote++
	base := g.snapshot()
	files, err := c.Apply(base.File)
	if err != nil {
		return err
	}
	meanwhile()
	if len(files) == 0 {
		return g.unmoved(base)
	}
	_, err = g.repo.Push(context.Background(), base, c, files, base.Commit.ID)
	g.seen = nil
	return err
}

// unmoved is the compare-and-swap of a change that turns out to be none.
func (g *inGit) unmoved(base *repo.Snapshot) error {
	head, err := g.repo.Head(context.Background(), g.branch)
	if err == nil && head != base.Commit.ID {
		err = gitops.ErrConflict
	}
	return err
}

func (g *inGit) stands() map[string]string {
	files := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(g.git("", "ls-tree", "-r", "-z", g.branch), "\x00"), "\x00") {
		about, file, _ := strings.Cut(line, "\t")
		fields := strings.Fields(about)
		if len(fields) != 3 {
			continue // an empty tree
		}
		if fields[0] != "100755" {
			g.t.Fatalf("%s has the mode %s", file, fields[0])
		}
		files[file] = g.git("", "cat-file", "blob", fields[2])
	}
	return files
}

// The same as TestRollbackLosesNothing through real git, for as many histories as
// TEST_HISTORIES says.
func TestRollbackLosesNothingInGit(t *testing.T) {
	t.Parallel()
	count, err := strconv.Atoi(os.Getenv("TEST_HISTORIES"))
	if err != nil {
		count = 10
	}
	g := newGit(t)
	for seed := range count {
		g.branch, g.wrote, g.seen = fmt.Sprintf("history-%d", seed), 0, nil
		h := histories.Example(seed)
		play(within{t, fmt.Sprintf("history %d: %+v", seed, h)}, h, g)
	}
}

// within is a test that says which history failed.
type within struct {
	*testing.T
	history string
}

func (w within) Fatalf(format string, args ...any) {
	w.Helper()
	w.T.Fatalf("%s\n%s", w.history, fmt.Sprintf(format, args...))
}
