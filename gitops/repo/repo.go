// Package repo is the environment repository over smart HTTP: read the tree of one
// commit, write one commit, push one branch. It works on go-git's transport and
// object formats; trees are rewritten in their raw bytes, so that whatever an edit
// does not touch (file modes, order, symbolic links, submodules, names in any
// encoding) stays as it is.
//
// Every write is a compare-and-swap of one branch. A commit is a pure function of
// its base, its change and its files, so a push that is repeated after a lost
// answer finds its own commit on the branch and is done.
//
// It keeps nothing on disk: no clone, no worktree, no index.
package repo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"lockstep/gitops"
)

// A Repo is one environment repository. Set URL and Project at least; the methods
// may be called from several goroutines as long as nobody changes the fields.
//
// Errors name the Project and never contain the access token. Those that carry
// knowledge wrap gitops.ErrNotFound, gitops.ErrConflict or gitops.ErrRefused; all
// others mean that we could not tell, an expired token included.
type Repo struct {
	URL      string        // such as https://gitlab.example.com/env/mda.git; one with credentials in it is refused
	Project  string        // GitLab project path, such as "env/mda": what errors call the repository
	User     string        // user of basic authentication; "oauth2" when empty, which GitLab takes with any access token
	Password func() string // access token, asked for by each call so that it can rotate; nil means anonymous
	Author   string        // name on our commits; "Lockstep" when empty
	Email    string        // mail address on our commits; may be empty
	Timeout  time.Duration // limit of one session, which is what one method call needs; 60 s when 0
}

// Head returns the id of the commit at the head of branch. The error wraps
// gitops.ErrNotFound when there is no such branch.
func (r *Repo) Head(ctx context.Context, branch string) (string, error) {
	var id plumbing.Hash
	err := r.read(ctx, fmt.Sprintf("look for branch %q", branch), func(_ context.Context, s *source) (err error) {
		id, err = head(s.refs, branch)
		return err
	})
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// Tip returns the commit at the head of branch. The error wraps gitops.ErrNotFound
// when there is no such branch.
func (r *Repo) Tip(ctx context.Context, branch string) (gitops.Commit, error) {
	var tip gitops.Commit
	err := r.read(ctx, fmt.Sprintf("look at branch %q", branch), func(ctx context.Context, s *source) error {
		id, err := head(s.refs, branch)
		if err != nil {
			return err
		}
		snapshot, err := s.fetch(ctx, id, justCommit)
		if err != nil {
			return err
		}
		tip = snapshot.Commit
		return nil
	})
	return tip, err
}

// At reads the tree of commit, given as 40 hexadecimal digits. A commit that is not
// the head of a branch is read only from servers that allow that (GitLab does). The
// error wraps gitops.ErrNotFound when the server allows it and has no such commit.
func (r *Repo) At(ctx context.Context, commit string) (*Snapshot, error) {
	var snapshot *Snapshot
	err := r.read(ctx, fmt.Sprintf("read commit %q", commit), func(ctx context.Context, s *source) (err error) {
		if !plumbing.IsHash(commit) {
			return errors.New("not the id of a commit: 40 hexadecimal digits")
		}
		snapshot, err = s.fetch(ctx, plumbing.NewHash(commit), smallFiles)
		return err
	})
	return snapshot, err
}

// Branch reads the tree at the head of branch, in one session. The error wraps
// gitops.ErrNotFound when there is no such branch.
func (r *Repo) Branch(ctx context.Context, branch string) (*Snapshot, error) {
	var snapshot *Snapshot
	err := r.read(ctx, fmt.Sprintf("read branch %q", branch), func(ctx context.Context, s *source) error {
		id, err := head(s.refs, branch)
		if err != nil {
			return err
		}
		snapshot, err = s.fetch(ctx, id, smallFiles)
		return err
	})
	return snapshot, err
}
