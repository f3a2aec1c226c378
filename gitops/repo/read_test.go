package repo

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"lockstep/gitops"
)

// held returns how many objects of each kind a snapshot has.
func held(s *Snapshot) string {
	n := map[kind]int{}
	for _, o := range s.objects {
		n[o.kind]++
	}
	return fmt.Sprintf("%d commit, %d trees, %d files", n[commitKind], n[treeKind], n[blobKind])
}

// wide makes a server of 2 environments of 40 services, with a file beside each values
// file.
func wide(t *testing.T, wrap func(http.Handler) http.Handler) *server {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "env.git")
	git(t, "", "", "init", "-q", "--bare", "-b", "main", dir)
	git(t, dir, "", "config", "http.receivepack", "true")
	git(t, dir, "", "config", "uploadpack.allowFilter", "true")
	var load strings.Builder
	load.WriteString("commit refs/heads/main\ncommitter P <p@example.com> 1700000000 +0000\ndata 1\nx\n")
	for _, environment := range []string{"abn", "int"} {
		for i := range 40 {
			for _, name := range []string{"values", "other"} {
				text := fmt.Sprintf("# %s of %02d in %s\ndata:\n  version: \"1.0\"\n", name, i, environment)
				fmt.Fprintf(&load, "M 100644 inline environments/%s/s%02d/%s.yaml\ndata %d\n%s\n", environment, i, name, len(text), text)
			}
		}
	}
	git(t, dir, load.String(), "fast-import", "--quiet")
	return &server{dir: dir, repo: &Repo{URL: listen(t, dir, wrap), Project: "env/mda"}}
}

func wideFile(environment string, i int) string {
	return fmt.Sprintf("environments/%s/s%02d/values.yaml", environment, i)
}

func TestOnlyWhatIsNeeded(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := wide(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			asked.Add(1)
			backend.ServeHTTP(w, req)
		})
	})
	files := []string{wideFile("abn", 3), wideFile("int", 3), wideFile("int", 30), "nowhere/values.yaml"}
	others := []string{wideFile("abn", 5), wideFile("int", 5), wideFile("int", 35), "nowhere/values.yaml"}
	for _, want := range []struct {
		files    []string
		held     string
		requests int32
	}{
		// The commit; the root, environments, 2 of it, 3 services; 3 files. One request for
		// the greeting, one for the branch, five for the levels.
		{files, "1 commit, 7 trees, 3 files", 7},
		// Now that its shape is known, all trees are fetched at once: 40 services each.
		{others, "1 commit, 84 trees, 3 files", 3},
		// The files of before are remembered.
		{others, "1 commit, 7 trees, 3 files", 1},
		{files, "1 commit, 7 trees, 3 files", 1},
	} {
		files := want.files
		asked.Store(0)
		base, err := s.repo.Branch(t.Context(), "main", files...)
		if err != nil {
			t.Fatal(err)
		}
		if got := held(base); got != want.held || asked.Load() != want.requests {
			t.Errorf("read %s in %d requests, want %s in %d", got, asked.Load(), want.held, want.requests)
		}
		if got, err := base.Files(); err != nil || !slices.Equal(got, files[:3]) {
			t.Errorf("Files = %q, %v, want %q", got, err, files[:3])
		}
		for _, path := range files[:3] {
			if got, err := base.File(path); err != nil || !strings.HasSuffix(string(got), "version: \"1.0\"\n") {
				t.Errorf("File(%q) = %q, %v", path, got, err)
			}
		}
		_, err = base.File(wideFile("int", 4))
		if err == nil || knowledge(err) || !strings.Contains(err.Error(), "was not asked for") {
			t.Errorf("a file that was not asked for: %v", err)
		}
	}
}

// What was learned of a repository that has changed its shape is forgotten.
func TestDeepReadThatIsNotWorthIt(t *testing.T) {
	t.Parallel()
	s := wide(t, nil)
	path := wideFile("int", 3)
	if _, err := s.repo.Branch(t.Context(), "main", path); err != nil || s.repo.memory.levels() != 4 {
		t.Fatalf("it learned %d levels, %v, want 4", s.repo.memory.levels(), err)
	}
	large := strings.Repeat("x", 2*cheap+1)
	git(t, s.dir, fmt.Sprintf("commit refs/heads/main\ncommitter P <p@example.com> 1700000001 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"+
		"M 100644 inline large.bin\ndata %d\n%s\n", len(large), large), "fast-import", "--quiet")
	for i, want := range []int{3, 2, 1, 1} {
		if _, err := s.repo.Branch(t.Context(), "main", wideFile("int", 10+i)); err != nil || s.repo.memory.levels() != want {
			t.Errorf("it learned %d levels, %v, want %d", s.repo.memory.levels(), err, want)
		}
	}
}

// A deep read that fails is not tried again: the next goes step by step.
func TestDeepReadThatFails(t *testing.T) {
	t.Parallel()
	s := wide(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			if bytes.Contains(body, []byte("filter tree:4")) {
				panic(http.ErrAbortHandler)
			}
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			backend.ServeHTTP(w, req)
		})
	})
	for i := range 2 {
		if _, err := s.repo.Branch(t.Context(), "main", wideFile("int", i)); err != nil {
			t.Error(err)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	whole, err := s.repo.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	all, err := whole.Files()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"environments/int/*/values.yaml": "environments/int/caf\xe9/values.yaml environments/int/fbv/values.yaml environments/int/kv/values.yaml environments/int/mds/values.yaml",
		"environments/*/m?s/values.yaml": values,
		"environments/int/*":             "environments/int/kv-x environments/int/kv.yaml",
		"*":                              "README.md deploy.sh",
		"**/values.yaml":                 "environments/int/caf\xe9/values.yaml environments/int/fbv/values.yaml environments/int/kv/values.yaml environments/int/mds/values.yaml",
		"environments/**/kv*":            "environments/int/kv-x environments/int/kv.yaml",
		"environments/**/int/*":          "environments/int/kv-x environments/int/kv.yaml",
		"environments/**":                "",
		"environments/int/kv/*":          "environments/int/kv/values.yaml",
		"environments/current/*":         "",
		"nowhere/*":                      "",
		"environments/int":               "",
		"":                               "",
	} {
		if got := strings.Join(gitops.Match(all, pattern), " "); got != want {
			t.Errorf("%q: Match finds %q, want %q", pattern, got, want)
		}
		for range 2 { // in steps, and with what was learned
			base, err := s.repo.Branch(t.Context(), "main", pattern)
			if err != nil {
				t.Fatalf("%q: %v", pattern, err)
			}
			got, err := base.Files()
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("%q: %q, %v, want %q", pattern, got, err, want)
			}
			for _, path := range got {
				if _, err := base.File(path); err != nil {
					t.Errorf("%q: %v", pattern, err)
				}
			}
		}
	}
}

// A file whose name looks like a pattern is found by its name.
func TestNameLikeAPattern(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, name := range []string{"a[1].yaml", "[", "*", `a\b?`} {
		git(t, s.dir, fmt.Sprintf("commit refs/heads/main\ncommitter P <p@example.com> 1700000001 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"+
			"M 100644 inline \"%s\"\ndata 2\nx\n\n", strings.ReplaceAll(name, `\`, `\\`)), "fast-import", "--quiet")
		base, err := s.repo.Branch(t.Context(), "main", name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := base.File(name); err != nil || string(got) != "x\n" {
			t.Errorf("File(%q) = %q, %v", name, got, err)
		}
	}
}

// servers are all kinds of servers that a read meets.
var servers = map[string]func(*testing.T) *server{
	"filters": func(t *testing.T) *server { return serve(t, nil) },
	"cannot filter": func(t *testing.T) *server {
		s := serve(t, nil)
		git(t, s.dir, "", "config", "uploadpack.allowFilter", "false")
		return s
	},
	"will not filter by tree": func(t *testing.T) *server {
		s := serve(t, nil)
		git(t, s.dir, "", "config", "uploadpackfilter.tree.allow", "false")
		return s
	},
	"before version 2": func(t *testing.T) *server { return serve(t, before2) },
}

func TestEveryKindOfServer(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			base, err := s.repo.Branch(t.Context(), "main", values, "environments/int/kv/values.yaml", "environments/big.bin")
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{values, "environments/int/kv/values.yaml"} {
				if got, err := base.File(path); err != nil || string(got) != version {
					t.Errorf("File(%q) = %q, %v", path, got, err)
				}
			}
			for _, test := range refusedPaths {
				if _, err := base.File(test.path); test.path != "module/values.yaml" && (err == nil || !strings.Contains(err.Error(), test.says)) {
					t.Errorf("File(%q): %v, want %q", test.path, err, test.says)
				}
			}
			if tip, err := s.repo.Tip(t.Context(), "main"); err != nil || tip.ID != base.Commit.ID {
				t.Errorf("Tip = %+v, %v", tip, err)
			}
			id, err := s.repo.Push(t.Context(), base, bump("b"), map[string][]byte{values: []byte(bumped)}, "")
			if err != nil || s.tip(t, "b") != id {
				t.Errorf("Push = %q, %v", id, err)
			}
			if got := git(t, s.dir, "", "diff", "--name-only", "main", "b"); got != values {
				t.Errorf("it changed %q", got)
			}
		})
	}
}

// A file that is kept in LFS is a pointer: read and written as it stands.
func TestLFSPointer(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
	git(t, s.dir, fmt.Sprintf("commit refs/heads/main\ncommitter P <p@example.com> 1700000001 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"+
		"M 100644 inline environments/int/mds/model.bin\ndata %d\n%s\n", len(pointer), pointer), "fast-import", "--quiet")
	base, err := s.repo.Branch(t.Context(), "main", values, "environments/int/mds/model.bin")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := base.File("environments/int/mds/model.bin"); err != nil || string(got) != pointer {
		t.Errorf("File = %q, %v", got, err)
	}
	if _, err := s.repo.Push(t.Context(), base, bump("b"), map[string][]byte{values: []byte(bumped)}, ""); err != nil {
		t.Fatal(err)
	}
	if got := git(t, s.dir, "", "show", "b:environments/int/mds/model.bin"); got+"\n" != pointer {
		t.Errorf("the pointer became %q", got)
	}
}

// A greeting that is remembered and not true any more is asked for again.
func TestServerChanges(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for i, allowed := range []string{"true", "false", "true"} {
		path := []string{values, "environments/int/kv/values.yaml", "environments/int/fbv/values.yaml"}[i]
		git(t, s.dir, "", "config", "uploadpack.allowFilter", allowed)
		base, err := s.repo.Branch(t.Context(), "main", path)
		if err != nil {
			t.Fatalf("filter %s: %v", allowed, err)
		}
		if got, err := base.File(path); err != nil || string(got) != version {
			t.Errorf("filter %s: %q, %v", allowed, got, err)
		}
	}
	moved := filepath.Join(filepath.Dir(s.dir), "moved.git")
	if err := os.Rename(s.dir, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := s.repo.Head(t.Context(), "main"); err == nil || knowledge(err) || !strings.Contains(err.Error(), "404") {
		t.Errorf("gone: %v, want 404", err)
	}
}

// A server that leaves out what was asked for is found out.
func TestServerLeavesOut(t *testing.T) {
	t.Parallel()
	var root string
	s := wide(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			if at := bytes.LastIndex(body, []byte("want ")); at >= 0 && !bytes.Contains(body, []byte("deepen")) {
				copy(body[at+len("want "):], root) // it sends this instead of the last
			}
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			backend.ServeHTTP(w, req)
		})
	})
	root = git(t, s.dir, "", "rev-parse", "main^{tree}")
	_, err := s.repo.Branch(t.Context(), "main", wideFile("int", 1), wideFile("int", 2))
	if err == nil || knowledge(err) || !strings.Contains(err.Error(), "did not send the object") {
		t.Errorf("Branch: %v", err)
	}
}

// The snapshot of a commit cannot be used to make a commit of files that it lacks.
func TestPushOfWhatWasNotRead(t *testing.T) {
	t.Parallel()
	s := wide(t, nil)
	base, err := s.repo.Branch(t.Context(), "main", wideFile("int", 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.repo.Push(t.Context(), base, bump("b"), map[string][]byte{wideFile("abn", 1): []byte(bumped)}, "")
	if err == nil || knowledge(err) || !strings.Contains(err.Error(), "was not asked for") {
		t.Errorf("Push: %v", err)
	}
}

// Git leaves out of an answer what it has met below something else that was wanted. Equal
// files and directories at different depths arrive all the same.
func TestEqualAtDifferentDepths(t *testing.T) {
	t.Parallel()
	s := wide(t, nil)
	var load strings.Builder
	load.WriteString("commit refs/heads/main\ncommitter P <p@example.com> 1700000001 +0000\ndata 1\nx\nfrom refs/heads/main^0\n")
	var files []string
	for i := range 20 {
		for _, path := range []string{"v%02d.yaml", "a%02d/values.yaml", "b%02d/a/values.yaml", "c%02d/b/a/values.yaml"} {
			path = fmt.Sprintf(path, i)
			fmt.Fprintf(&load, "M 100644 inline %s\ndata 3\n%02d\n\n", path, i)
			files = append(files, path)
		}
	}
	git(t, s.dir, load.String(), "fast-import", "--quiet")
	for range 2 { // in steps, and with what was learned
		base, err := s.repo.Branch(t.Context(), "main", files...)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if _, err := base.File(path); err != nil {
				t.Error(err)
			}
		}
	}
}
