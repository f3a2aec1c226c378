package repo

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lockstep/gitops"
)

func TestConflict(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	files := map[string][]byte{values: []byte(bumped)}
	git(t, s.dir, "", "update-ref", "refs/heads/b", "main^")
	for tip, says := range map[string]string{
		"":             "expected was that it does not exist",
		base.Commit.ID: fmt.Sprintf("expected was that it stands at %.8s", base.Commit.ID),
	} {
		_, err := s.repo.Push(t.Context(), base, bump("b"), files, tip)
		if !errors.Is(err, gitops.ErrConflict) || !strings.Contains(err.Error(), says) {
			t.Errorf("tip %q: %v, want a conflict, %q", tip, err, says)
		}
	}
	_, err := s.repo.Push(t.Context(), base, bump("gone"), files, base.Commit.ID)
	if !errors.Is(err, gitops.ErrConflict) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a branch that is gone: %v, want a conflict", err)
	}
	if err := s.repo.Delete(t.Context(), "b", base.Commit.ID); !errors.Is(err, gitops.ErrConflict) {
		t.Errorf("Delete: %v, want a conflict", err)
	}
}

// moveDuring makes a server whose branch b moves between what it advertises and the
// push that follows.
func moveDuring(t *testing.T, args ...string) *server {
	t.Helper()
	var s atomic.Pointer[server]
	s.Store(serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if isPush(req) {
				if _, err := run(s.Load().dir, "", args...); err != nil {
					t.Error(err)
				}
			}
			backend.ServeHTTP(w, req)
		})
	}))
	return s.Load()
}

func TestConflictInTheMomentOfTheWrite(t *testing.T) {
	t.Parallel()
	s := moveDuring(t, "update-ref", "refs/heads/b", "main^")
	base := s.base(t)
	files := map[string][]byte{values: []byte(bumped)}
	first := git(t, s.dir, "", "rev-parse", "main^")
	if _, err := s.repo.Push(t.Context(), base, bump("b"), files, ""); !errors.Is(err, gitops.ErrConflict) {
		t.Errorf("created meanwhile: %v, want a conflict", err)
	}
	git(t, s.dir, "", "update-ref", "refs/heads/b", base.Commit.ID)
	if _, err := s.repo.Push(t.Context(), base, bump("b"), files, base.Commit.ID); !errors.Is(err, gitops.ErrConflict) {
		t.Errorf("moved meanwhile: %v, want a conflict", err)
	}
	git(t, s.dir, "", "update-ref", "refs/heads/b", base.Commit.ID)
	if err := s.repo.Delete(t.Context(), "b", base.Commit.ID); !errors.Is(err, gitops.ErrConflict) {
		t.Errorf("moved before the removal: %v, want a conflict", err)
	}
	if got := s.tip(t, "b"); got != first {
		t.Errorf("the branch stands at %q, want the other writer's %q", got, first)
	}
}

func TestConcurrentPushes(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	base := s.base(t)
	const writers = 4
	ids, errs := make([]string, writers), make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			files := map[string][]byte{values: fmt.Appendf(nil, "data:\n  version: \"2.%d\"\n", i)}
			ids[i], errs[i] = s.repo.Push(t.Context(), base, bump("b"), files, "")
		})
	}
	all.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
			if got := s.tip(t, "b"); got != ids[i] {
				t.Errorf("the branch stands at %q, want the winner's %q", got, ids[i])
			}
		case !errors.Is(err, gitops.ErrConflict):
			t.Errorf("writer %d: %v, want a conflict", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d pushes won, want 1", won, writers)
	}
}

// TestCut breaks each write before and after it took effect, looks, and repeats it.
func TestCut(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		var cut atomic.Bool
		cut.Store(true)
		s := serve(t, func(backend http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if !isPush(req) || !cut.Load() {
					backend.ServeHTTP(w, req)
					return
				}
				if after {
					backend.ServeHTTP(httptest.NewRecorder(), req)
				}
				panic(http.ErrAbortHandler)
			})
		})
		base := s.base(t)
		write := func() (string, error) {
			return s.repo.Push(t.Context(), base, bump("b"), map[string][]byte{values: []byte(bumped)}, "")
		}
		if _, err := write(); err == nil || knowledge(err) {
			t.Errorf("after %v: %v, want an error that knows nothing", after, err)
		}
		tip, err := s.repo.Tip(t.Context(), "b")
		if after && (err != nil || gitops.Trailer(tip.Message, gitops.TrailerRun) != "r1") {
			t.Errorf("after: Tip = %+v, %v, want our commit", tip, err)
		}
		if !after && !errors.Is(err, gitops.ErrNotFound) {
			t.Errorf("before: Tip: %v, want not found", err)
		}
		cut.Store(false)
		id, err := write()
		if err != nil || after && id != tip.ID {
			t.Errorf("after %v: repeat = %q, %v, want %q", after, id, err, tip.ID)
		}
		cut.Store(true)
		if err := s.repo.Delete(t.Context(), "b", id); err == nil || knowledge(err) {
			t.Errorf("after %v: Delete: %v, want an error that knows nothing", after, err)
		}
		cut.Store(false)
		if err := s.repo.Delete(t.Context(), "b", id); err != nil || s.tip(t, "b") != "" {
			t.Errorf("after %v: repeat of Delete: %v", after, err)
		}
	}
}
