package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/storage/memory"

	"lockstep/gitops"
)

// A Snapshot is the tree of one commit, in memory. It never changes, so several
// goroutines may read it.
type Snapshot struct {
	Commit gitops.Commit // When is the committer's time

	root    plumbing.Hash
	objects *memory.Storage
}

// What a server that can filter need not send. One that cannot sends everything.
const (
	justCommit = packp.Filter("tree:0")        // neither trees nor files
	smallFiles = packp.Filter("blob:limit=1m") // no file of tooLarge or more
)

// tooLarge is the size in bytes from which on a file is not read: no values file is
// that large, but a repository may hold others that are.
const tooLarge = 1 << 20

// head returns the id of the commit at the head of branch.
func head(refs *packp.AdvRefs, branch string) (plumbing.Hash, error) {
	id, ok := refs.References[plumbing.NewBranchReferenceName(branch).String()]
	if !ok {
		return id, gitops.ErrNotFound
	}
	return id, nil
}

// fetch reads the commit id without its history, and what filter lets through of its
// tree.
func (s *source) fetch(ctx context.Context, id plumbing.Hash, filter packp.Filter) (*Snapshot, error) {
	offered := s.refs.Capabilities
	req := packp.NewUploadPackRequest()
	if err := choose(req.Capabilities, offered, capability.Sideband64k, capability.Shallow, capability.OFSDelta); err != nil {
		return nil, err
	}
	if offered.Supports(capability.Filter) {
		req.Filter = filter
		if err := req.Capabilities.Set(capability.Filter); err != nil {
			return nil, err
		}
	}
	req.Wants = []plumbing.Hash{id}
	req.Depth = packp.DepthCommits(1)
	answer, err := s.session.UploadPack(ctx, req)
	if err != nil {
		return nil, unserved(err, offered)
	}
	defer answer.Close()
	objects := memory.NewStorage()
	if err := packfile.UpdateObjectStorage(objects, sideband.NewDemuxer(sideband.Sideband64k, answer)); err != nil {
		return nil, fmt.Errorf("unpack: %v", err)
	}
	return snapshot(objects, id)
}

// unserved explains why a server did not hand out a commit. Only where it offers what
// its branches can reach does its no mean that the commit is not there.
func unserved(err error, offered *capability.List) error {
	switch {
	case !strings.Contains(err.Error(), "not our ref"):
		return err
	case offered.Supports(capability.AllowReachableSHA1InWant):
		return gitops.ErrNotFound
	}
	return errors.New("no branch holds it, or the server hands out heads of branches only: there, set uploadpack.allowReachableSHA1InWant (GitLab has it)")
}

// snapshot returns the commit id, which must be among objects.
func snapshot(objects *memory.Storage, id plumbing.Hash) (*Snapshot, error) {
	commit, err := object.GetCommit(objects, id)
	if err != nil {
		return nil, fmt.Errorf("the server did not send a commit of this id: %v", err)
	}
	parents := make([]string, 0, len(commit.ParentHashes))
	for _, p := range commit.ParentHashes {
		parents = append(parents, p.String())
	}
	return &Snapshot{
		Commit: gitops.Commit{
			ID:      id.String(),
			Parents: parents,
			Message: commit.Message,
			Author:  commit.Author.Name,
			When:    commit.Committer.When,
		},
		root:    commit.TreeHash,
		objects: objects,
	}, nil
}

// Files returns the path of every regular file, sorted by bytes. Symbolic links and
// submodules are left out. A path is in the encoding in which it was committed.
func (s *Snapshot) Files() ([]string, error) {
	files, err := s.below(nil, "", s.root)
	if err != nil {
		return nil, fmt.Errorf("list files of commit %.8s: %v", s.Commit.ID, err)
	}
	return files, nil
}

// below appends the files of the tree id, which stands at prefix. Git's order within
// trees is the order of whole paths.
func (s *Snapshot) below(files []string, prefix string, id plumbing.Hash) ([]string, error) {
	t, err := s.tree(id)
	if err != nil {
		return nil, err
	}
	for e, err := range t.all() {
		switch path := prefix + string(e.name); {
		case err != nil:
			return nil, err
		case e.is(regular):
			files = append(files, path)
		case e.is(directory):
			if files, err = s.below(files, path+"/", e.id); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// File returns the content of the regular file at path. The error wraps
// gitops.ErrNotFound when there is nothing at path, and gitops.ErrRefused when there
// is something else: a symbolic link, a submodule, a directory, or a file of 1 MiB or
// more, which is not read.
func (s *Snapshot) File(path string) ([]byte, error) {
	content, err := s.file(path)
	if err != nil {
		return nil, fmt.Errorf("file %q of commit %.8s: %w", path, s.Commit.ID, err)
	}
	return content, nil
}

func (s *Snapshot) file(path string) ([]byte, error) {
	e, err := s.locate(path)
	if err != nil {
		return nil, err
	}
	content, err := s.object(plumbing.BlobObject, e.id)
	if errors.Is(err, plumbing.ErrObjectNotFound) || len(content) >= tooLarge {
		return nil, fmt.Errorf("%w: it has 1 MiB or more, too much for a values file", gitops.ErrRefused)
	}
	return content, err
}

// locate returns the entry of the regular file at path.
func (s *Snapshot) locate(path string) (entry, error) {
	names, err := segments(path)
	if err != nil {
		return entry{}, err
	}
	at := entry{mode: directory, id: s.root}
	for _, name := range names {
		if err := at.mustBe(directory); err != nil {
			return entry{}, err
		}
		t, err := s.tree(at.id)
		if err != nil {
			return entry{}, err
		}
		if at, err = t.find(name); err != nil {
			return entry{}, err
		}
	}
	return at, at.mustBe(regular)
}

// tree returns the raw content of the tree id.
func (s *Snapshot) tree(id plumbing.Hash) (tree, error) {
	return s.object(plumbing.TreeObject, id)
}

// object returns the content of an object that the server sent.
func (s *Snapshot) object(kind plumbing.ObjectType, id plumbing.Hash) ([]byte, error) {
	o, err := s.objects.EncodedObject(kind, id)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, id, err)
	}
	content, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %v", kind, id, err)
	}
	defer content.Close()
	return io.ReadAll(content)
}
