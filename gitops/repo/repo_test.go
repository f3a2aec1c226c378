package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/gitops"
)

// git runs the git CLI on the repository dir and returns its output, trimmed.
func git(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	out, err := run(dir, stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// run is git for places that have no test to fail.
func run(dir, stdin string, args ...string) (string, error) {
	return execute(exec.Command("git", args...), dir, stdin)
}

// execute runs cmd with a git that knows no configuration and always the same person.
func execute(cmd *exec.Cmd, dir, stdin string) (string, error) {
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Person", "GIT_AUTHOR_EMAIL=person@example.com", "GIT_AUTHOR_DATE=1700000000 +0100",
		"GIT_COMMITTER_NAME=Person", "GIT_COMMITTER_EMAIL=person@example.com", "GIT_COMMITTER_DATE=1700000000 +0100")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %v\n%s", cmd, err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// sample is the bare repository that every test gets a copy of. Its branch main has
// two commits, and a tree with everything that an edit must leave alone.
var sample string

const makeSample = `
set -eu
git init -q --bare -b main .
git config http.receivepack true
git config uploadpack.allowFilter true
git config uploadpack.allowAnySHA1InWant true
blob() { printf "$1" | git hash-object -w --stdin; }
v=$(blob 'data:\n  version: "1.0"\n')
x=$(blob '#!/bin/sh\n')
l=$(blob 'int')
big=$(head -c 1048576 /dev/zero | git hash-object -w --stdin)
leaf=$(printf "100644 blob $v\tvalues.yaml\n" | git mktree)
fbv=$(printf "100664 blob $v\tvalues.yaml\n" | git mktree)
kv=$(printf "100755 blob $v\tvalues.yaml\n120000 blob $l\tlink\n" | git mktree)
int=$(printf "040000 tree $leaf\tmds\000040000 tree $fbv\tfbv\000040000 tree $kv\tkv\000040000 tree $leaf\tcaf\351\000100644 blob $v\tkv.yaml\000100644 blob $v\tkv-x\000" | git mktree -z)
env=$(printf "040000 tree $int\tint\n120000 blob $l\tcurrent\n100644 blob $big\tbig.bin\n" | git mktree)
root=$(printf "040000 tree $env\tenvironments\n100755 blob $x\tdeploy.sh\n160000 commit 1111111111111111111111111111111111111111\tmodule\n100644 blob $v\tREADME.md\n" | git mktree --missing)
first=$(git commit-tree -m first $root)
second=$(git commit-tree -m 'second

A body.' -p $first $root)
git update-ref refs/heads/main $second
`

func TestMain(m *testing.M) {
	if name := os.Getenv(inClient); name != "" {
		if err := serveJobs(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var err error
	if sample, err = os.MkdirTemp("", "lockstep-repo-"); err == nil {
		_, err = execute(exec.Command("sh", "-c", makeSample), sample, "")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(sample)
	os.Exit(code)
}

// A server is git http-backend on a copy of the sample.
type server struct {
	dir  string // the bare repository
	repo *Repo
}

// serve starts a server; wrap, when not nil, stands in front of the backend.
func serve(t *testing.T, wrap func(backend http.Handler) http.Handler) *server {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "env.git")
	if err := os.CopyFS(dir, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	return &server{dir: dir, repo: &Repo{URL: listen(t, dir, wrap), Project: "env/mda", Author: "Lockstep", Email: "lockstep@example.com"}}
}

// listen serves the bare repository dir and returns its URL.
func listen(t testing.TB, dir string, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	bin, err := run(dir, "", "--exec-path")
	if err != nil {
		t.Fatal(err)
	}
	var backend http.Handler = &cgi.Handler{
		Path:       filepath.Join(bin, "git-http-backend"),
		Env:        []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull},
		InheritEnv: []string{"PATH"},
		Stderr:     io.Discard,
	}
	if wrap != nil {
		backend = wrap(backend)
	}
	srv := httptest.NewServer(backend)
	t.Cleanup(srv.Close)
	return srv.URL + "/" + filepath.Base(dir)
}

// isPush reports that req is the request that moves a branch.
func isPush(req *http.Request) bool {
	return req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/git-receive-pack")
}

const (
	values  = "environments/int/mds/values.yaml"
	version = "data:\n  version: \"1.0\"\n"
	bumped  = "data:\n  version: \"2.0\"\n"
)

// bump is the change of most tests.
func bump(branch string) gitops.Change {
	return gitops.Change{
		Repo: "env/mda", Target: "main", Branch: branch,
		Title: "mda 2.0 in int",
		Body:  "One service.\n\nLockstep-Run: r1\n",
		When:  time.Date(2026, 11, 3, 4, 5, 6, 0, time.FixedZone("CET", 3600)),
	}
}

// base reads main.
func (s *server) base(t *testing.T) *Snapshot {
	t.Helper()
	base, err := s.repo.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	main := git(t, s.dir, "", "rev-parse", "main")
	first := git(t, s.dir, "", "rev-parse", "main^")

	if got, err := s.repo.Head(t.Context(), "main"); err != nil || got != main {
		t.Errorf("Head = %q, %v, want %q", got, err, main)
	}
	tip, err := s.repo.Tip(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if tip.ID != main || len(tip.Parents) != 1 || tip.Parents[0] != first || tip.Author != "Person" ||
		tip.Message != "second\n\nA body.\n" || tip.When.Unix() != 1700000000 {
		t.Errorf("Tip = %+v", tip)
	}
	base := s.base(t)
	if base.Commit.ID != main {
		t.Errorf("Branch read %s, want %s", base.Commit.ID, main)
	}
	older, err := s.repo.At(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if older.Commit.ID != first || len(older.Commit.Parents) != 0 {
		t.Errorf("At(%s) = %+v", first, older.Commit)
	}
	if got, err := older.File(values); err != nil || string(got) != version {
		t.Errorf("File = %q, %v, want %q", got, err, version)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	got, err := s.base(t).Files()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md", "deploy.sh", "environments/big.bin",
		"environments/int/caf\xe9/values.yaml", "environments/int/fbv/values.yaml",
		"environments/int/kv-x", "environments/int/kv.yaml", "environments/int/kv/values.yaml",
		"environments/int/mds/values.yaml",
	}
	if !slices.Equal(got, want) {
		t.Errorf("Files =\n%q, want\n%q", got, want)
	}
}

func TestFileRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, filter := range []string{"true", "false"} {
		git(t, s.dir, "", "config", "uploadpack.allowFilter", filter)
		base := s.base(t)
		for _, test := range refusedPaths {
			_, err := base.File(test.path)
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("filter %s: File(%q): %v, want %q and %q", filter, test.path, err, test.is, test.says)
			}
		}
	}
}

// refusedPaths are neither read nor written.
var refusedPaths = []struct {
	path string
	is   error
	says string
}{
	{"", gitops.ErrRefused, "not a path inside"},
	{"/README.md", gitops.ErrRefused, "not a path inside"},
	{"../README.md", gitops.ErrRefused, "not a path inside"},
	{"environments/../README.md", gitops.ErrRefused, "not a path inside"},
	{"environments//int", gitops.ErrRefused, "not a path inside"},
	{"environments/int/", gitops.ErrRefused, "not a path inside"},
	{"./README.md", gitops.ErrRefused, "not a path inside"},
	{"environments/current", gitops.ErrRefused, `"current" is a symbolic link`},
	{"environments/current/mds/values.yaml", gitops.ErrRefused, `"current" is a symbolic link`},
	{"module", gitops.ErrRefused, `"module" is a submodule`},
	{"module/values.yaml", gitops.ErrRefused, `"module" is a submodule`},
	{"environments/int", gitops.ErrRefused, `"int" is a directory`},
	{"environments/big.bin", gitops.ErrRefused, "1 MiB"},
	{"nowhere", gitops.ErrNotFound, "not found"},
	{"nowhere/values.yaml", gitops.ErrNotFound, "not found"},
	{"README.md/values.yaml", gitops.ErrNotFound, "not found"},
}

func TestNotThere(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	tests := map[string]func() error{
		"Head":   func() error { _, err := s.repo.Head(t.Context(), "gone"); return err },
		"Tip":    func() error { _, err := s.repo.Tip(t.Context(), "gone"); return err },
		"Branch": func() error { _, err := s.repo.Branch(t.Context(), "gone"); return err },
		"At":     func() error { _, err := s.repo.At(t.Context(), strings.Repeat("ab", 20)); return err },
	}
	for name, ask := range tests {
		if err := ask(); !errors.Is(err, gitops.ErrNotFound) || !strings.Contains(err.Error(), "env/mda") {
			t.Errorf("%s: %v, want a not found of env/mda", name, err)
		}
	}
}

// before2 makes a server that does not know the second version of git's protocol.
func before2(backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Header.Del("Git-Protocol")
		backend.ServeHTTP(w, req)
	})
}

func TestAtWhatIsOnNoBranch(t *testing.T) {
	t.Parallel()
	s := serve(t, before2)
	loose := git(t, s.dir, "", "commit-tree", "-m", "loose", "main^{tree}")

	if got, err := s.repo.At(t.Context(), loose); err != nil || got.Commit.ID != loose {
		t.Errorf("any: %v, want the commit", err)
	}
	git(t, s.dir, "", "config", "--unset", "uploadpack.allowAnySHA1InWant")
	if _, err := s.repo.At(t.Context(), loose); err == nil || errors.Is(err, gitops.ErrNotFound) || !strings.Contains(err.Error(), "uploadpack.allowReachableSHA1InWant") {
		t.Errorf("none: %v, want the cure", err)
	}
	git(t, s.dir, "", "config", "uploadpack.allowReachableSHA1InWant", "true")
	if _, err := s.repo.At(t.Context(), loose); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("reachable: %v, want not found", err)
	}
}

func TestAtWhatIsNoCommit(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, test := range []struct{ id, says string }{
		{"main", "not the id of a commit"},
		{"", "not the id of a commit"},
		{git(t, s.dir, "", "rev-parse", "main:README.md"), "did not send a commit"},
		{git(t, s.dir, "", "rev-parse", "main^{tree}"), "did not send a commit"},
	} {
		_, err := s.repo.At(t.Context(), test.id)
		if err == nil || errors.Is(err, gitops.ErrNotFound) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("At(%q): %v, want %q", test.id, err, test.says)
		}
	}
}

func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "empty.git")
	git(t, "", "", "init", "-q", "--bare", dir)
	git(t, dir, "", "config", "http.receivepack", "true")
	r := &Repo{URL: listen(t, dir, nil), Project: "env/empty"}
	if _, err := r.Branch(t.Context(), "main"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("Branch: %v, want not found", err)
	}
	if err := r.Delete(t.Context(), "main", strings.Repeat("ab", 20)); err != nil {
		t.Errorf("Delete: %v, want nil: it is gone already", err)
	}
}

func TestSHA256(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "long.git")
	git(t, "", "", "init", "-q", "--bare", "-b", "main", "--object-format=sha256", dir)
	git(t, dir, "", "config", "http.receivepack", "true")
	r := &Repo{URL: listen(t, dir, nil), Project: "env/long"}
	tree := git(t, dir, "", "mktree")
	git(t, dir, "", "update-ref", "refs/heads/main", git(t, dir, "", "commit-tree", "-m", "x", tree))
	if _, err := r.Head(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("Head: %v, want a sentence about SHA-256", err)
	}
	if err := r.Delete(t.Context(), "main", strings.Repeat("ab", 20)); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("Delete: %v, want a sentence about SHA-256", err)
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 2)
	s := serve(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			asked <- struct{}{}
			<-req.Context().Done()
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := s.repo.Head(ctx, "main"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want context.Canceled", err)
	}
	s.repo.Timeout = 20 * time.Millisecond
	if _, err := s.repo.Head(t.Context(), "main"); err == nil || !strings.HasSuffix(err.Error(), "no answer within 20ms") {
		t.Errorf("time limit: %v", err)
	}
}
