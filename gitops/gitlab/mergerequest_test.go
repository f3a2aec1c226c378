package gitlab

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/fixtures"
	"lockstep/gitops"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	sha := change(t, g, branch, "2026.11.3")
	if _, err := c.Find(t.Context(), env, branch); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("before: got %v, want %v", err, gitops.ErrNotFound)
	}
	mr, err := c.Open(t.Context(), proposal(branch))
	if err != nil {
		t.Fatal(err)
	}
	want := proposal(branch)
	if mr.Project != env || mr.State != gitops.Opened || mr.Source != branch || mr.Target != "main" || mr.SHA != sha ||
		mr.Title != want.Title || mr.Description != want.Description || !slices.Equal(slices.Sorted(slices.Values(mr.Labels)), []string{"data", "lockstep"}) ||
		mr.Landed != "" || mr.Link == "" {
		t.Errorf("got %+v", mr)
	}
	again, err := c.Open(t.Context(), proposal(branch))
	if err != nil || again.IID != mr.IID {
		t.Errorf("again: got !%d, %v; want !%d", again.IID, err, mr.IID)
	}
	found, err := c.Find(t.Context(), env, branch)
	if err != nil || found.IID != mr.IID {
		t.Errorf("find: got !%d, %v; want !%d", found.IID, err, mr.IID)
	}
	if n := calls(g, "open merge request"); n != 1 {
		t.Errorf("opened %d times, want 1", n)
	}
}

func TestOpenLost(t *testing.T) {
	t.Parallel()
	for _, test := range twice {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{})
			change(t, g, branch, "2026.11.3")
			breakOnce(g, "open merge request", test.fault, test.after)
			_, err := c.Open(t.Context(), proposal(branch))
			lost(t, g, "open merge request", err)
			mr, err := c.Open(t.Context(), proposal(branch))
			if err != nil || mr.SHA == "" {
				t.Errorf("again: got %+v, %v", mr, err)
			}
			if n := len(g.MergeRequests(env)); n != 1 {
				t.Errorf("got %d merge requests, want 1", n)
			}
		})
	}
}

// TestFindPrefersOpen: a branch that had merge requests before may have one again.
func TestFindPrefersOpen(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	first := opened(t, g, c)
	if err := c.Close(t.Context(), env, first.IID); err != nil {
		t.Fatal(err)
	}
	second, err := c.Open(t.Context(), proposal(branch))
	if err != nil || second.IID == first.IID {
		t.Fatalf("got !%d, %v; want another than !%d", second.IID, err, first.IID)
	}
	for _, want := range []gitops.MergeRequest{second, second} {
		found, err := c.Find(t.Context(), env, branch)
		if err != nil || found.IID != want.IID {
			t.Errorf("got !%d, %v; want !%d", found.IID, err, want.IID)
		}
		if err := c.Close(t.Context(), env, second.IID); err != nil {
			t.Error(err)
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"15", "16", "19"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{Version: version})
			mr := until(t, c, opened(t, g, c), mergeable)
			if err := c.Merge(t.Context(), mr); err != nil {
				t.Fatal(err)
			}
			mr = until(t, c, mr, merged)
			record := g.MergeRequests(env)[0]
			if mr.Landed == "" || mr.Landed != record.MergeCommit || mr.MergedBy == "" {
				t.Errorf("landed as %q by %q, want %q", mr.Landed, mr.MergedBy, record.MergeCommit)
			}
			if err := c.Merge(t.Context(), mr); !errors.Is(err, gitops.ErrConflict) {
				t.Errorf("again: got %v, want %v", err, gitops.ErrConflict)
			}
			if err := c.Close(t.Context(), env, mr.IID); !errors.Is(err, gitops.ErrConflict) {
				t.Errorf("close: got %v, want %v", err, gitops.ErrConflict)
			}
		})
	}
}

// TestMergeLocked: accepted is not merged.
func TestMergeLocked(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	mr := until(t, c, opened(t, g, c), mergeable)
	g.LockedFor(100 * time.Millisecond)
	if err := c.Merge(t.Context(), mr); err != nil {
		t.Fatal(err)
	}
	mr, err := c.MergeRequest(t.Context(), env, mr.IID)
	if answer, _ := mr.Mergeable(true); err != nil || mr.State != gitops.Locked || mr.Landed != "" || answer != gitops.MergeLater {
		t.Errorf("got %s, landed as %q, %v", mr.State, mr.Landed, err)
	}
	if found, err := c.Find(t.Context(), env, branch); err != nil || found.IID != mr.IID {
		t.Errorf("find: got !%d, %v", found.IID, err)
	}
	if mr = until(t, c, mr, merged); mr.Landed == "" {
		t.Error("merged, but landed nowhere")
	}
}

func TestMergeLost(t *testing.T) {
	t.Parallel()
	for _, test := range twice {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{})
			mr := until(t, c, opened(t, g, c), mergeable)
			breakOnce(g, "merge", test.fault, test.after)
			lost(t, g, "merge", c.Merge(t.Context(), mr))
			again, err := c.MergeRequest(t.Context(), env, mr.IID)
			if err != nil || (again.State == gitops.Merged) != test.after {
				t.Fatalf("got %s, %v", again.State, err)
			}
			if err := c.Merge(t.Context(), again); test.after != errors.Is(err, gitops.ErrConflict) {
				t.Errorf("again: got %v", err)
			}
			until(t, c, mr, merged)
		})
	}
}

// TestMergeNotNow: all of them mean "read again".
func TestMergeNotNow(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"15", "16", "19"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{Version: version})
			mr := until(t, c, opened(t, g, c), mergeable)
			g.Burst405(2)
			for range 2 {
				if err := c.Merge(t.Context(), mr); !errors.Is(err, gitops.ErrConflict) {
					t.Errorf("burst: got %v, want %v", err, gitops.ErrConflict)
				}
			}
			other := mr
			other.SHA = strings.Repeat("1", 40)
			if err := c.Merge(t.Context(), other); !errors.Is(err, gitops.ErrConflict) {
				t.Errorf("other head: got %v, want %v", err, gitops.ErrConflict)
			}
			other.SHA = ""
			if err := c.Merge(t.Context(), other); !errors.Is(err, gitops.ErrConflict) {
				t.Errorf("no head: got %v, want %v", err, gitops.ErrConflict)
			}
			change(t, g, "main", "2026.11.9") // the same line: a real conflict
			if err := c.Merge(t.Context(), mr); !errors.Is(err, gitops.ErrConflict) {
				t.Errorf("conflict: got %v, want %v", err, gitops.ErrConflict)
			}
			if got := g.MergeRequests(env)[0].State; got != "opened" {
				t.Errorf("it is %s, want opened", got)
			}
		})
	}
}

// TestMergeRights: GitLab answers 401 both to who may not merge and to a token that
// has expired. Only the first is a refusal.
func TestMergeRights(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	mr := until(t, c, opened(t, g, c), mergeable)
	g.Deny("merge")
	err := c.Merge(t.Context(), mr)
	if !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), `may not merge into "main"`) {
		t.Errorf("denied: got %v", err)
	}
	g.ExpireToken(true)
	err = c.Merge(t.Context(), mr)
	if err == nil || errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "renew it") {
		t.Errorf("expired: got %v", err)
	}
	g.ExpireToken(false)
	g.Allow("merge")
	if err := c.Merge(t.Context(), mr); err != nil {
		t.Errorf("allowed: got %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	mr := opened(t, g, c)
	for range 2 {
		if err := c.Close(t.Context(), env, mr.IID); err != nil {
			t.Error(err)
		}
	}
	if n := calls(g, "close merge request"); n != 1 {
		t.Errorf("closed %d times, want 1", n)
	}
	now, err := c.MergeRequest(t.Context(), env, mr.IID)
	if err != nil || now.State != gitops.Closed || now.ClosedBy == "" {
		t.Errorf("got %s by %q, %v", now.State, now.ClosedBy, err)
	}
	if err := c.Close(t.Context(), env, 999); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("one that is not there: got %v", err)
	}
}

func TestLabel(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	mr := opened(t, g, c) // lockstep, data
	steps := []struct {
		add, remove []string
		want        string
		writes      int
	}{
		{[]string{"lockstep"}, []string{"failed"}, "data lockstep", 0},
		{[]string{"deployed"}, nil, "data deployed lockstep", 1},
		{[]string{"failed", "lockstep"}, []string{"deployed"}, "data failed lockstep", 2},
		{[]string{"failed"}, []string{"failed"}, "data lockstep", 3},
	}
	for _, step := range steps {
		if err := c.Label(t.Context(), env, mr.IID, step.add, step.remove); err != nil {
			t.Error(err)
		}
		got := strings.Join(slices.Sorted(slices.Values(g.MergeRequests(env)[0].Labels)), " ")
		if n := calls(g, "update merge request"); got != step.want || n != step.writes {
			t.Errorf("add %q, remove %q: got %q after %d writes, want %q after %d", step.add, step.remove, got, n, step.want, step.writes)
		}
	}
}
