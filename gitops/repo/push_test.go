package repo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/gitops"
)

// tip returns where branch stands in the server's repository, "" for nowhere.
func (s *server) tip(t *testing.T, branch string) string {
	t.Helper()
	return git(t, s.dir, "", "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
}

func TestPushNewBranch(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	files := map[string][]byte{values: []byte(bumped)}
	named, err := s.repo.Commit(base, bump("lockstep/r1-int"), files)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.tip(t, "lockstep/r1-int"); got != "" {
		t.Errorf("naming the commit moved the branch to %q", got)
	}
	id, err := s.repo.Push(t.Context(), base, bump("lockstep/r1-int"), files, "")
	if err != nil {
		t.Fatal(err)
	}
	if named != id {
		t.Errorf("Commit named %q, Push made %q", named, id)
	}
	if got := s.tip(t, "lockstep/r1-int"); got != id {
		t.Errorf("the branch stands at %q, want %q", got, id)
	}
	want := "tree " + git(t, s.dir, "", "rev-parse", id+"^{tree}") + `
parent ` + base.Commit.ID + `
author Lockstep <lockstep@example.com> 1793675106 +0000
committer Lockstep <lockstep@example.com> 1793675106 +0000

mda 2.0 in int

One service.

Lockstep-Run: r1`
	if got := git(t, s.dir, "", "cat-file", "commit", id); got != want {
		t.Errorf("commit:\n%s\nwant\n%s", got, want)
	}
	wantDiff := ":100644 100644 M\t" + values
	if got := git(t, s.dir, "", "diff-tree", "-r", "--raw", "--abbrev=1", base.Commit.ID, id); !sameChange(got, wantDiff) {
		t.Errorf("diff = %q, want %q", got, wantDiff)
	}
	if got := git(t, s.dir, "", "show", id+":"+values); got+"\n" != bumped {
		t.Errorf("%s = %q, want %q", values, got, bumped)
	}
	if got := s.tip(t, "main"); got != base.Commit.ID {
		t.Errorf("main moved to %q", got)
	}
}

// sameChange compares a raw diff line to one without object ids.
func sameChange(raw, want string) bool {
	f := strings.Fields(raw)
	return len(f) == 6 && fmt.Sprintf("%s %s %s\t%s", f[0], f[1], f[4], f[5]) == want
}

func TestPushAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	files := map[string][]byte{values: []byte(bumped)}
	first, err := s.repo.Push(t.Context(), base, bump("b"), files, "")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.repo.Push(t.Context(), base, bump("b"), files, ""); err != nil || again != first {
		t.Errorf("the same push again = %q, %v, want %q", again, err, first)
	}
	moved, err := s.repo.At(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	next := map[string][]byte{values: []byte(version)}
	second, err := s.repo.Push(t.Context(), moved, bump("b"), next, first)
	if err != nil {
		t.Fatal(err)
	}
	rebuilt, err := s.repo.Push(t.Context(), base, bump("b"), map[string][]byte{"README.md": []byte("new\n")}, second)
	if err != nil {
		t.Fatalf("rebuild the branch on its old base: %v", err)
	}
	if got := s.tip(t, "b"); got != rebuilt {
		t.Errorf("the branch stands at %q, want %q", got, rebuilt)
	}
}

func TestSameCommitSameID(t *testing.T) {
	t.Parallel()
	one, two := serve(t, nil), serve(t, nil)
	files := map[string][]byte{values: []byte(bumped), "deploy.sh": []byte("#!/bin/sh\ntrue\n"), "environments/int/kv-x": nil}
	a, err := one.repo.Push(t.Context(), one.base(t), bump("a"), files, "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := two.repo.Push(t.Context(), two.base(t), bump("b"), files, "")
	if err != nil || a != b {
		t.Errorf("the same change made %q and %q, %v", a, b, err)
	}
	later := bump("c")
	later.When = later.When.Add(time.Second)
	c, err := two.repo.Push(t.Context(), two.base(t), later, files, "")
	if err != nil || c == a {
		t.Errorf("another time made the same commit %q, %v", c, err)
	}
}

func TestPushKeepsTheRest(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	edited := []string{
		"README.md", "deploy.sh", values, "environments/int/fbv/values.yaml", "environments/int/kv/values.yaml",
		"environments/int/caf\xe9/values.yaml", "environments/int/kv.yaml",
	}
	files := map[string][]byte{}
	for _, path := range edited {
		files[path] = []byte(bumped)
	}
	id, err := s.repo.Push(t.Context(), base, bump("b"), files, "")
	if err != nil {
		t.Fatal(err)
	}
	before := git(t, s.dir, "", "ls-tree", "-r", "-t", "-z", base.Commit.ID)
	after := git(t, s.dir, "", "ls-tree", "-r", "-t", "-z", id)
	old, now := strings.Split(before, "\x00"), strings.Split(after, "\x00")
	if len(old) != len(now) {
		t.Fatalf("%d entries became %d", len(old), len(now))
	}
	changed := 0
	for i := range old {
		if old[i] == now[i] {
			continue
		}
		was, is := strings.Fields(old[i]), strings.Fields(now[i])
		if was[0] != is[0] || was[1] != is[1] || was[3] != is[3] {
			t.Errorf("%q became %q", old[i], now[i])
		}
		if is[1] == "blob" {
			changed++
		}
	}
	if changed != len(edited) {
		t.Errorf("%d files changed, want %d", changed, len(edited))
	}
	for _, commit := range []string{base.Commit.ID, id} { // ls-tree shows 100664 as 100644, the raw tree does not
		if got := git(t, s.dir, "", "cat-file", "tree", commit+":environments/int/fbv"); !strings.HasPrefix(got, "100664 values.yaml\x00") {
			t.Errorf("raw tree of %.8s = %q, want mode 100664", commit, got)
		}
	}
}

func TestPackHoldsEachObjectOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	files := map[string][]byte{values: []byte(bumped), "environments/int/caf\xe9/values.yaml": []byte(bumped), "README.md": []byte(bumped)}
	d, err := s.repo.commit(s.base(t), bump("b"), files)
	if err != nil {
		t.Fatal(err)
	}
	// One blob; the tree of mds, which is that of caf\xe9 too, int, environments, root; one commit.
	if got := len(d.objects); got != 6 {
		t.Errorf("the commit has %d objects, want 6", got)
	}
}

func TestFsck(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	git(t, s.dir, "", "config", "receive.fsckObjects", "true")
	base := s.base(t)
	s.repo.Author, s.repo.Email = "", ""
	change := bump("b")
	change.Title, change.Body = "  mda 2.0 \n", "caf\xe9\n"
	if _, err := s.repo.Push(t.Context(), base, change, map[string][]byte{values: []byte(bumped)}, ""); err != nil {
		t.Fatal(err)
	}
	if got := git(t, s.dir, "", "fsck", "--strict", "--no-dangling"); got != "" {
		t.Errorf("fsck: %s", got)
	}
	tip, err := s.repo.Tip(t.Context(), "b")
	if want := "mda 2.0\n\ncaf\uFFFD\n"; err != nil || tip.Message != want || tip.Author != "Lockstep" {
		t.Errorf("message = %q by %q, %v, want %q by Lockstep", tip.Message, tip.Author, err, want)
	}
}

func TestPushIsRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	var pushes sync.Map
	s := serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.String(), "git-receive-pack") {
				pushes.Store(req.URL.String(), true)
			}
			backend.ServeHTTP(w, req)
		})
	})
	base := s.base(t)
	ok := map[string][]byte{values: []byte(bumped)}
	push := func(change gitops.Change, files map[string][]byte, tip string) error {
		_, err := s.repo.Push(t.Context(), base, change, files, tip)
		return err
	}
	for _, test := range refusedPaths {
		if test.path == "environments/big.bin" {
			continue // a file that was not read may be replaced
		}
		err := push(bump("b"), map[string][]byte{values: []byte(bumped), test.path: []byte("x")}, "")
		if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: %v, want %q and %q", test.path, err, test.is, test.says)
		}
		if _, err := s.repo.Commit(base, bump("b"), map[string][]byte{test.path: []byte("x")}); !errors.Is(err, test.is) {
			t.Errorf("Commit of %q: %v, want %q", test.path, err, test.is)
		}
	}
	untitled, timeless, zero, unnamed := bump("b"), bump("b"), bump("b"), bump("b")
	untitled.Title, timeless.When, zero.Body, unnamed.Branch = " ", time.Time{}, "\x00", ""
	for says, err := range map[string]error{
		"already":                     push(bump("b"), map[string][]byte{values: []byte(version)}, ""),
		"are as they are":             push(bump("b"), nil, ""),
		"no title":                    push(untitled, ok, ""),
		"no time":                     push(timeless, ok, ""),
		"zero byte":                   push(zero, ok, ""),
		"a name that git allows":      push(unnamed, ok, ""),
		"that git allows":             push(bump("a b"), ok, ""),
		"not a name":                  push(bump("../main"), ok, ""),
		"name that git":               push(bump("a\nb"), ok, ""),
		`"main" is not the id`:        push(bump("b"), ok, "main"),
		"stands is not given":         s.repo.Delete(t.Context(), "b", ""),
		`"b" of env/mda: "x" is not`:  s.repo.Delete(t.Context(), "b", "x"),
		`delete branch "-b" of env/m`: s.repo.Delete(t.Context(), "-b", base.Commit.ID),
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	s.repo.Author = "Mallory <m@example.com>"
	if err := push(bump("b"), ok, ""); err == nil {
		t.Error("an author with a mail address in the name passed")
	}
	pushes.Range(func(url, _ any) bool {
		t.Errorf("the server was asked for %s", url)
		return true
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	main := git(t, s.dir, "", "rev-parse", "main")
	git(t, s.dir, "", "update-ref", "refs/heads/lockstep/r1-int", main)
	for _, when := range []string{"first", "gone already"} {
		if err := s.repo.Delete(t.Context(), "lockstep/r1-int", main); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if got := s.tip(t, "lockstep/r1-int"); got != "" {
			t.Errorf("%s: the branch stands at %q", when, got)
		}
	}
	git(t, s.dir, "", "config", "receive.denyDeletes", "true")
	if err := s.repo.Delete(t.Context(), "main", main); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("deletion denied: %v, want refused", err)
	}
}

func TestBranchInTheWay(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	git(t, s.dir, "", "update-ref", "refs/heads/lockstep", "main")
	git(t, s.dir, "", "update-ref", "refs/heads/bot/r1", "main")
	for branch, other := range map[string]string{"lockstep/r1-int": `"lockstep"`, "bot": `"bot/r1"`} {
		_, err := s.repo.Push(t.Context(), base, bump(branch), map[string][]byte{values: []byte(bumped)}, "")
		if !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), other) {
			t.Errorf("%s: %v, want refused because of %s", branch, err, other)
		}
	}
}

func TestHook(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		hook, says string
		refused    bool
	}{
		{"echo '=== GitLab: You are not allowed to push code to protected branches. ===' >&2; exit 1", "hook declined: GitLab: You are not allowed", true},
		{"echo 'GitLab: Internal API unreachable' >&2; exit 1", "could not decide: pre-receive hook declined: GitLab: Internal API unreachable", false},
		{"seq 200 >&2; printf 'Internal API\\nunreachable\\n' >&2; exit 1", "could not decide: pre-receive hook declined: 1 2 3", false},
	} {
		s := serve(t, nil)
		if err := os.WriteFile(filepath.Join(s.dir, "hooks", "pre-receive"), []byte("#!/bin/sh\ncat >/dev/null\n"+test.hook+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := s.repo.Push(t.Context(), s.base(t), bump("b"), map[string][]byte{values: []byte(bumped)}, "")
		if err == nil || errors.Is(err, gitops.ErrRefused) != test.refused || !strings.Contains(err.Error(), test.says) {
			t.Errorf("hook %q: %v, want %q, refused: %v", test.hook, err, test.says, test.refused)
		}
		if got := s.tip(t, "b"); got != "" {
			t.Errorf("the branch stands at %q", got)
		}
	}
}

// The progress of a large push does not stand before the reason for a refusal.
func TestHookAfterProgress(t *testing.T) {
	t.Parallel()
	s := wide(t, nil)
	s.crowd(t)
	git(t, s.dir, "", "config", "receive.unpackLimit", "1") // from so many objects on there is progress
	hook := "#!/bin/sh\ncat >/dev/null\necho 'GitLab: No.' >&2; exit 1\n"
	if err := os.WriteFile(filepath.Join(s.dir, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := s.repo.Push(t.Context(), s.base(t), bump("b"), map[string][]byte{wideFile("int", 1): []byte(bumped)}, "")
	if !errors.Is(err, gitops.ErrRefused) || !strings.HasSuffix(err.Error(), "refused: pre-receive hook declined: GitLab: No.") {
		t.Errorf("Push: %v, want what the hook says alone", err)
	}
}

func TestCancelledPush(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.repo.Push(ctx, base, bump("b"), map[string][]byte{values: []byte(bumped)}, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Push: %v, want context.Canceled", err)
	}
}
