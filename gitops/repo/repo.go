// Package repo is the environment repository over smart HTTP: read the tree of one
// commit, write one commit, push one branch. It speaks git's protocol itself and asks
// for nothing but the trees on the way to a file and the file, so that what it costs
// does not grow with the repository. Trees are rewritten in their raw bytes: whatever
// an edit does not touch (file modes, order, symbolic links, submodules, names in any
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

	memory memory
}

// Head returns the id of the commit at the head of branch. The error wraps
// gitops.ErrNotFound when there is no such branch.
func (r *Repo) Head(ctx context.Context, branch string) (string, error) {
	var id oid
	err := r.read(ctx, fmt.Sprintf("look for branch %q", branch), func(ctx context.Context, s *source) (err error) {
		id, err = s.head(ctx, branch)
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
		id, err := s.head(ctx, branch)
		if err != nil {
			return err
		}
		got := objects{}
		if _, err := s.commit(ctx, id, justWanted, got); err != nil {
			return err
		}
		snapshot, err := newSnapshot(got, id)
		if err == nil {
			tip = snapshot.Commit
		}
		return err
	})
	return tip, err
}

// At reads commit, given as 40 hexadecimal digits, and of its tree the files that are
// named: paths, or patterns as gitops.Match takes them. What they do not lead to is not
// fetched, so that everything that is needed of a commit, in several environments too,
// should be asked for at once; without any, the whole tree is read.
//
// The error wraps gitops.ErrNotFound when there is no such commit, and never because
// of what files lead to, which File tells. From servers without the second version of
// git's protocol, a commit that is not the head of a branch is read only if they allow
// that.
func (r *Repo) At(ctx context.Context, commit string, files ...string) (*Snapshot, error) {
	var snapshot *Snapshot
	err := r.read(ctx, fmt.Sprintf("read commit %q", commit), func(ctx context.Context, s *source) (err error) {
		id, ok := parseOID(commit)
		if !ok {
			return errors.New("not the id of a commit: 40 hexadecimal digits")
		}
		snapshot, err = s.snapshot(ctx, id, files)
		return err
	})
	return snapshot, err
}

// Branch is At for the commit at the head of branch, in one session. The error wraps
// gitops.ErrNotFound when there is no such branch.
func (r *Repo) Branch(ctx context.Context, branch string, files ...string) (*Snapshot, error) {
	var snapshot *Snapshot
	err := r.read(ctx, fmt.Sprintf("read branch %q", branch), func(ctx context.Context, s *source) error {
		id, err := s.head(ctx, branch)
		if err != nil {
			return err
		}
		snapshot, err = s.snapshot(ctx, id, files)
		return err
	})
	return snapshot, err
}
