package repo

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/gitops"
)

// A log is what a server was asked about pushes: "look" or "push", in order. What is in
// its way, if anything, is asked before the backend.
type log struct {
	mu      sync.Mutex
	asked   []string
	instead func(w http.ResponseWriter, req *http.Request, backend http.Handler) bool
}

func (l *log) wrap(backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		l.mu.Lock()
		instead := l.instead
		switch {
		case isPush(req):
			l.asked = append(l.asked, "push")
		case req.URL.Query().Get("service") == receivePack:
			l.asked = append(l.asked, "look")
		}
		l.mu.Unlock()
		if instead == nil || !instead(w, req, backend) {
			backend.ServeHTTP(w, req)
		}
	})
}

// since returns what was asked since the last call.
func (l *log) since() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := strings.Join(l.asked, " ")
	l.asked = nil
	return asked
}

// from is what comes between the client and the server from now on.
func (l *log) from(instead func(w http.ResponseWriter, req *http.Request, backend http.Handler) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.instead = instead
}

// known makes a server that the client has pushed to already.
func known(t *testing.T) (*server, *log, *Snapshot) {
	t.Helper()
	l := &log{}
	s := serve(t, l.wrap)
	base := s.base(t)
	if _, err := s.repo.Push(t.Context(), base, bump("before"), map[string][]byte{values: []byte(bumped)}, ""); err != nil {
		t.Fatal(err)
	}
	if got := l.since(); got != "look push" {
		t.Fatalf("the first push asked for %q, want a look and a push", got)
	}
	return s, l, base
}

// push pushes the change of most tests.
func (s *server) push(t *testing.T, base *Snapshot, branch, tip string) (string, error) {
	t.Helper()
	return s.repo.Push(t.Context(), base, bump(branch), map[string][]byte{values: []byte(bumped)}, tip)
}

func TestGuess(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	id, err := s.push(t, base, "b", "")
	if err != nil || s.tip(t, "b") != id || l.since() != "push" {
		t.Errorf("a new branch: %q, %v, want one request", id, err)
	}
	moved, err := s.repo.At(t.Context(), id, values)
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.repo.Push(t.Context(), moved, bump("b"), map[string][]byte{values: []byte(version)}, id)
	if err != nil || s.tip(t, "b") != next || l.since() != "push" {
		t.Errorf("a branch that moves on: %q, %v, want one request", next, err)
	}
	if err := s.repo.Delete(t.Context(), "b", next); err != nil || l.since() != "look push" {
		t.Errorf("a removal: %v, want a look before it", err)
	}
	s.repo.memory.took = time.Now().Add(-fresh - time.Second)
	if _, err := s.push(t, base, "b", ""); err != nil || l.since() != "look push" {
		t.Errorf("after a long time: %v, want a look before the push", err)
	}
}

// What is repeated has happened already.
func TestGuessAgain(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	first, err := s.push(t, base, "b", "")
	if err != nil || l.since() != "push" {
		t.Fatal(err)
	}
	for tip, want := range map[string]string{"": "push look", first: "look"} {
		if again, err := s.push(t, base, "b", tip); err != nil || again != first {
			t.Errorf("tip %q: %q, %v, want %q", tip, again, err, first)
		}
		if got := l.since(); got != want {
			t.Errorf("tip %q: it asked for %q, want %q", tip, got, want)
		}
	}
	if got := git(t, s.dir, "", "rev-list", "--count", "main..b"); got != "1" {
		t.Errorf("the branch has %s commits, want 1", got)
	}
}

// The branch does not stand where the push says: whoever moved it did so before the
// look that the push does without, or after it.
func TestGuessConflicts(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	other := git(t, s.dir, "", "rev-parse", "main^")
	for name, test := range map[string]struct{ stands, tip, says string }{
		"made by others":         {other, "", "stands at " + other[:8] + ", expected was that it does not exist"},
		"moved by others":        {other, base.Commit.ID, "stands at " + other[:8] + ", expected was that it stands at"},
		"deleted by others":      {"", base.Commit.ID, "the branch does not exist, expected was that it stands at"},
		"at what nobody has":     {other, strings.Repeat("ab", 20), "expected was that it stands at abababab"},
		"deleted, and not known": {"", strings.Repeat("ab", 20), "the branch does not exist"},
	} {
		if test.stands != "" {
			git(t, s.dir, "", "update-ref", "refs/heads/b", test.stands)
		}
		_, err := s.push(t, base, "b", test.tip)
		if !errors.Is(err, gitops.ErrConflict) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want a conflict, %q", name, err, test.says)
		}
		if got := l.since(); got != "push look" {
			t.Errorf("%s: it asked for %q", name, got)
		}
		if got := s.tip(t, "b"); got != test.stands {
			t.Errorf("%s: the branch stands at %q", name, got)
		}
		if test.stands != "" {
			git(t, s.dir, "", "update-ref", "-d", "refs/heads/b")
		}
	}
}

// Git removes a branch wherever it stands, if it lacks the commit at which it is said to.
func TestDeleteLooks(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	git(t, s.dir, "", "update-ref", "refs/heads/b", base.Commit.ID)
	err := s.repo.Delete(t.Context(), "b", strings.Repeat("ab", 20))
	if !errors.Is(err, gitops.ErrConflict) || l.since() != "look" || s.tip(t, "b") != base.Commit.ID {
		t.Errorf("Delete: %v, want a conflict after a look; the branch stands at %q", err, s.tip(t, "b"))
	}
}

func TestGuessInTheWay(t *testing.T) {
	t.Parallel()
	s, _, base := known(t)
	git(t, s.dir, "", "update-ref", "refs/heads/lockstep", "main")
	git(t, s.dir, "", "update-ref", "refs/heads/bot/r1", "main")
	for branch, other := range map[string]string{"lockstep/r1-int": `"lockstep"`, "bot": `"bot/r1"`} {
		if _, err := s.push(t, base, branch, ""); !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), other) {
			t.Errorf("%s: %v, want refused because of %s", branch, err, other)
		}
	}
}

// A rule that says no is asked once.
func TestGuessHook(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{"GitLab: You are not allowed to push code": true, "GitLab: Internal API unreachable": false} {
		s, l, base := known(t)
		hook := "#!/bin/sh\ncat >/dev/null\necho '" + text + "' >&2\nexit 1\n"
		if err := os.WriteFile(filepath.Join(s.dir, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := s.push(t, base, "b", "")
		if err == nil || errors.Is(err, gitops.ErrRefused) != refused || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, want refused: %v", text, err, refused)
		}
		if got := l.since(); got != "push look" {
			t.Errorf("%q: it asked for %q", text, got)
		}
		if got := s.tip(t, "b"); got != "" {
			t.Errorf("the branch stands at %q", got)
		}
	}
}

// A rule that says no to what has happened already changes nothing.
func TestGuessHookAfterwards(t *testing.T) {
	t.Parallel()
	s, _, base := known(t)
	id, err := s.push(t, base, "b", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "hooks", "pre-receive"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if again, err := s.push(t, base, "b", ""); err != nil || again != id {
		t.Errorf("%q, %v, want %q", again, err, id)
	}
}

// Of several writers who all guess one wins.
func TestConcurrentGuesses(t *testing.T) {
	t.Parallel()
	s, _, base := known(t)
	const writers = 4
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			files := map[string][]byte{values: fmt.Appendf(nil, "data:\n  version: \"2.%d\"\n", i)}
			_, errs[i] = s.repo.Push(t.Context(), base, bump("b"), files, "")
		})
	}
	all.Wait()
	lost := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	for _, err := range lost {
		if !errors.Is(err, gitops.ErrConflict) {
			t.Errorf("%v, want a conflict", err)
		}
	}
	if len(lost) != writers-1 {
		t.Errorf("%d of %d pushes won, want 1", writers-len(lost), writers)
	}
}
