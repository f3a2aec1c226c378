package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"lockstep/gitops"
)

// Push commits files (path → whole new content) on base, in the words and at the
// time of change, sets the branch change.Branch to that commit and returns its id.
// Every path must be a regular file of base; its mode stays.
//
// The branch must stand at tip now, "" for a branch that does not exist; the server
// checks this again in the moment of the write. A branch that stands at the very
// commit already is a success, so Push may be repeated after an error that does not
// say what happened. The error wraps gitops.ErrConflict when the branch stands
// elsewhere, gitops.ErrRefused when a rule of the server or the change itself is in
// the way, gitops.ErrNotFound when a file is not in base; then nothing was written.
func (r *Repo) Push(ctx context.Context, base *Snapshot, change gitops.Change, files map[string][]byte, tip string) (string, error) {
	var id plumbing.Hash
	err := r.write(ctx, fmt.Sprintf("push branch %q", change.Branch), func() (move, error) {
		m, err := newMove(change.Branch, tip)
		if err != nil {
			return m, err
		}
		id, m.pack, err = r.commit(base, change, files)
		m.to = id
		return m, err
	})
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// Delete removes branch, which must stand at tip now. One that is gone already is a
// success. The error wraps gitops.ErrConflict when the branch stands elsewhere and
// gitops.ErrRefused when a rule of the server is in the way.
func (r *Repo) Delete(ctx context.Context, branch, tip string) error {
	return r.write(ctx, fmt.Sprintf("delete branch %q", branch), func() (move, error) {
		if tip == "" {
			return move{}, errors.New("the commit at which the branch stands is not given")
		}
		return newMove(branch, tip)
	})
}

// A move sets one branch from one commit to another. The zero id stands for no
// branch.
type move struct {
	ref      plumbing.ReferenceName
	from, to plumbing.Hash
	pack     []byte // the objects of to that the server lacks; nil for a removal
}

// newMove returns the move that takes branch from tip to nowhere, or a sentence
// about what cannot be the name of a branch or the id of a commit.
func newMove(branch, tip string) (move, error) {
	m := move{ref: plumbing.NewBranchReferenceName(branch)}
	if err := m.ref.Validate(); err != nil {
		return m, fmt.Errorf("%w: not a name that git allows for a branch", gitops.ErrRefused)
	}
	if tip == "" {
		return m, nil
	}
	if !plumbing.IsHash(tip) {
		return m, fmt.Errorf("%q is not the id of a commit: 40 hexadecimal digits", tip)
	}
	m.from = plumbing.NewHash(tip)
	return m, nil
}

// send carries out m unless it has happened already.
func (s *sink) send(ctx context.Context, m move) error {
	stands := s.refs.References[m.ref.String()] // zero when there is no such branch
	switch {
	case stands == m.to:
		return nil
	case stands != m.from:
		return fmt.Errorf("%w: the branch %s, expected was that it %s", gitops.ErrConflict, where(stands), where(m.from))
	}
	if other := s.inTheWay(m.ref); other != "" {
		return fmt.Errorf("%w: the branch %q is in the way, git cannot hold both; delete it", gitops.ErrRefused, other)
	}
	// From here the branch may have moved, whatever comes back.
	return s.update(ctx, m)
}

// where says where a branch stands.
func where(id plumbing.Hash) string {
	if id.IsZero() {
		return "does not exist"
	}
	return fmt.Sprintf("stands at %.8s", id)
}

// inTheWay returns a branch that is a directory of ref, or the other way round, or
// "". Git would report that as a race, for ever.
func (s *sink) inTheWay(ref plumbing.ReferenceName) string {
	for name := range s.refs.References {
		if strings.HasPrefix(name, ref.String()+"/") || strings.HasPrefix(ref.String(), name+"/") {
			return strings.TrimPrefix(name, "refs/heads/")
		}
	}
	return ""
}

// update sends m and returns nil only if the server reports that it was done.
// Neither go-git nor HTTP's status is trusted for that: go-git takes an empty answer
// for a success, and a refusal arrives with status 200.
func (s *sink) update(ctx context.Context, m move) error {
	var remarks bytes.Buffer
	req := packp.NewReferenceUpdateRequest()
	if err := choose(req.Capabilities, s.refs.Capabilities, capability.ReportStatus, capability.Sideband64k); err != nil {
		return err
	}
	req.Progress = &remarks
	req.Commands = []*packp.Command{{Name: m.ref, Old: m.from, New: m.to}}
	if m.pack != nil {
		req.Packfile = io.NopCloser(bytes.NewReader(m.pack))
	}
	report, err := s.session.ReceivePack(ctx, req)
	if report == nil && err != nil {
		return err
	}
	return judge(report, m.ref, remarks.String()) // err repeats what report says
}
