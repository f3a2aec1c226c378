package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lockstep/gitops"
)

// change puts a commit on main of a server, in which one file has another text.
func (s *server) change(t *testing.T, path, text string) {
	t.Helper()
	git(t, s.dir, fmt.Sprintf("commit refs/heads/main\ncommitter P <p@example.com> 1700000001 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"+
		"M 100644 inline %s\ndata %d\n%s\n", path, len(text), text), "fast-import", "--quiet")
}

// Of what was read before, only what has changed is fetched.
func TestRemembers(t *testing.T) {
	t.Parallel()
	var requests, wants atomic.Int32
	s := wide(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			req.Body = io.NopCloser(bytes.NewReader(body))
			requests.Add(1)
			wants.Add(int32(bytes.Count(body, []byte("want "))))
			backend.ServeHTTP(w, req)
		})
	})
	files := []string{wideFile("int", 3), wideFile("int", 30)}
	read := func(name string, wantRequests, wantWants int32, wantText string) {
		t.Helper()
		requests.Store(0)
		wants.Store(0)
		base, err := s.repo.Branch(t.Context(), "main", files...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if requests.Load() != wantRequests || wants.Load() != wantWants {
			t.Errorf("%s: %d requests for %d objects, want %d for %d", name, requests.Load(), wants.Load(), wantRequests, wantWants)
		}
		for i, text := range []string{wantText, "version: \"1.0\"\n"} {
			got, err := base.File(files[i])
			if err != nil || !strings.HasSuffix(string(got), text) {
				t.Errorf("%s: File(%q) = %q, %v, want %q", name, files[i], got, err, text)
			}
			clear(got) // is the caller's
		}
	}
	// The greeting, the branch, the commit with its root, environments, int, 2 services, 2 files.
	read("first", 7, 7, "version: \"1.0\"\n")
	read("nothing has changed", 1, 0, "version: \"1.0\"\n")
	s.change(t, wideFile("abn", 3), "elsewhere")
	read("another environment has", 2, 1, "version: \"1.0\"\n")
	s.change(t, wideFile("int", 4), "beside")
	read("another service has", 2, 1, "version: \"1.0\"\n")
	s.change(t, files[0], bumped)
	read("a file has", 3, 2, bumped)
	git(t, s.dir, "", "update-ref", "refs/heads/main", "main^")
	read("it was put back", 1, 0, "version: \"1.0\"\n")
}

// A commit that was read stays what it is; what was not read of it has to be there.
func TestRemembersCommits(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	second, err := s.repo.Branch(t.Context(), "main", values)
	if err != nil {
		t.Fatal(err)
	}
	git(t, s.dir, "", "update-ref", "refs/heads/main", "main^") // of the same tree
	git(t, s.dir, "", "prune", "--expire=now")
	again, err := s.repo.At(t.Context(), second.Commit.ID, values)
	if err != nil || again.Commit.ID != second.Commit.ID || again.Commit.Message != second.Commit.Message {
		t.Errorf("At = %+v, %v, want %+v", again, err, second.Commit)
	}
	for _, files := range [][]string{{"deploy.sh"}, {values, "environments/int/kv/*"}, nil} {
		if _, err := s.repo.At(t.Context(), second.Commit.ID, files...); !errors.Is(err, gitops.ErrNotFound) {
			t.Errorf("At of %q: %v, want not found", files, err)
		}
	}
	if first, err := s.repo.Branch(t.Context(), "main", values); err != nil || first.root != second.root || first.Commit.ID == second.Commit.ID {
		t.Errorf("Branch: %v, want another commit of the same tree", err)
	}
}

// What was not asked for is not told, though it be remembered.
func TestRemembersForOthers(t *testing.T) {
	t.Parallel()
	s := wide(t, nil)
	for i := range 2 {
		base, err := s.repo.Branch(t.Context(), "main", wideFile("int", i))
		if err != nil {
			t.Fatal(err)
		}
		_, err = base.File(wideFile("int", 1-i))
		if err == nil || knowledge(err) || !strings.Contains(err.Error(), "was not asked for") {
			t.Errorf("a file that was asked for by another read: %v", err)
		}
	}
}

// A file that is too large is known to be.
func TestRemembersLarge(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for range 2 {
		base, err := s.repo.Branch(t.Context(), "main", "environments/big.bin")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := base.File("environments/big.bin"); !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "1 MiB") {
			t.Errorf("File: %v, want refused for its size", err)
		}
	}
}

// Where the server sends everything each time, nothing is kept.
func TestRemembersNothingInVain(t *testing.T) {
	t.Parallel()
	for name, start := range servers {
		if name == "filters" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			if _, err := s.repo.Branch(t.Context(), "main", values); err != nil || len(s.repo.memory.recent) > 0 {
				t.Errorf("it remembers %d objects, %v", len(s.repo.memory.recent), err)
			}
		})
	}
}

func TestRemembersSoMuch(t *testing.T) {
	t.Parallel()
	m := &memory{}
	numbered := func(i int) (oid, object) {
		content := fmt.Appendf(bytes.Repeat([]byte("x"), 10<<10), "%d", i)
		return sum(blobKind, content), object{kind: blobKind, content: content}
	}
	used, o := numbered(0)
	m.remember(used, o)
	for i := range 1000 {
		id, o := numbered(i)
		m.remember(id, o)
		m.remember(id, o)
		if got, ok := m.recall(id); !ok || !bytes.Equal(got.content, o.content) {
			t.Fatalf("object %d is not remembered", i)
		}
		if _, ok := m.recall(used); !ok {
			t.Fatalf("after %d objects one that is used all the time is forgotten", i)
		}
		if held := m.recent.size() + m.older.size(); held > 2*mostKept {
			t.Fatalf("it holds %d bytes, want %d at most", held, 2*mostKept)
		}
	}
	unused, _ := numbered(1)
	if _, ok := m.recall(unused); ok {
		t.Error("one that is not used any more is remembered")
	}
	giant := object{kind: treeKind, content: make([]byte, mostKept)}
	id := sum(giant.kind, giant.content)
	m.remember(id, giant)
	if _, ok := m.recall(id); ok {
		t.Error("a tree is remembered that leaves no room for others")
	}
}

// The larger a repository, the less of its trees is fetched anew with each commit.
func TestWorthwhile(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{100: 4, 1_000: 3, 10_000: 2, 100_000: 1} {
		services := services(size)
		var s shape
		s.add(0, 120, 1, 2)
		s.add(1, 170, len(environments), 0)
		s.add(2, services*37, services, 0)
		s.add(3, 75, 0, 2)
		if got := s.worthwhile(); got != want {
			t.Errorf("%d files: %d levels, want %d", size, got, want)
		}
	}
}

// Several reads at a time learn and remember without getting into each other's way.
func TestRemembersForMany(t *testing.T) {
	t.Parallel()
	s := wide(t, nil)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 3 {
				files := []string{wideFile("int", i), wideFile("int", i+1), wideFile("abn", 7)}
				base, err := s.repo.Branch(t.Context(), "main", files...)
				if err != nil {
					t.Error(err)
					return
				}
				for _, path := range files {
					if got, err := base.File(path); err != nil || !strings.HasSuffix(string(got), "version: \"1.0\"\n") {
						t.Errorf("File(%q) = %q, %v", path, got, err)
					}
				}
			}
		})
	}
	all.Wait()
}
