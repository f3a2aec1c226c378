package repo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/memory"

	"lockstep/gitops"
)

// A draft is a commit in the making on base: the objects that a server with base
// lacks.
type draft struct {
	base    *Snapshot
	objects *memory.Storage
	ids     []plumbing.Hash // of objects, each once
}

// Commit returns the id of the commit that Push would make of the same base, change
// and files, so that it can be written down before the push. Nothing is sent. The
// errors are those with which Push refuses before it sends.
func (r *Repo) Commit(base *Snapshot, change gitops.Change, files map[string][]byte) (string, error) {
	id, _, err := r.commit(base, change, files)
	if err != nil {
		return "", fmt.Errorf("make commit for branch %q of %s: %w", change.Branch, r.Project, err)
	}
	return id.String(), nil
}

// commit makes the commit of change on base, with files (path → whole new content),
// and returns its id and the pack that brings it to a server that has base. Nothing
// is sent.
func (r *Repo) commit(base *Snapshot, change gitops.Change, files map[string][]byte) (id plumbing.Hash, pack []byte, err error) {
	for path := range files {
		if _, err := base.locate(path); err != nil {
			return id, nil, fmt.Errorf("file %q: %w", path, err)
		}
	}
	d := &draft{base: base, objects: memory.NewStorage()}
	root, err := d.rewrite(base.root, files)
	if err != nil {
		return id, nil, err
	}
	if root == base.root {
		return id, nil, fmt.Errorf("%w: the files are as they are in commit %.8s already", gitops.ErrRefused, base.Commit.ID)
	}
	text, err := r.text(root, base, change)
	if err != nil {
		return id, nil, err
	}
	if id, err = d.add(plumbing.CommitObject, text); err != nil {
		return id, nil, err
	}
	pack, err = d.pack()
	return id, pack, err
}

// rewrite adds the base's tree id with files in it, whose paths are relative to that
// tree and lead to regular files, and returns its new id. Ids are all that changes
// in the tree's bytes.
func (d *draft) rewrite(id plumbing.Hash, files map[string][]byte) (plumbing.Hash, error) {
	t, err := d.base.tree(id)
	if err != nil {
		return id, err
	}
	for name, below := range byName(files) {
		e, err := t.find(name)
		if err != nil {
			return id, err
		}
		if content, ok := below[""]; ok {
			e.id, err = d.add(plumbing.BlobObject, content)
		} else {
			e.id, err = d.rewrite(e.id, below)
		}
		if err != nil {
			return id, err
		}
		copy(t[e.at:], e.id[:])
	}
	return d.add(plumbing.TreeObject, t)
}

// byName groups files by the first name of their paths. The rest of the path is the
// key within a group, "" for the file itself.
func byName(files map[string][]byte) map[string]map[string][]byte {
	groups := map[string]map[string][]byte{}
	for path, content := range files {
		name, rest, _ := strings.Cut(path, "/")
		if groups[name] == nil {
			groups[name] = map[string][]byte{}
		}
		groups[name][rest] = content
	}
	return groups
}

// add puts an object into the draft and returns its id. The same object twice is one.
func (d *draft) add(kind plumbing.ObjectType, content []byte) (plumbing.Hash, error) {
	o := &plumbing.MemoryObject{}
	o.SetType(kind)
	if _, err := o.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	id := o.Hash()
	if d.objects.HasEncodedObject(id) == nil {
		return id, nil
	}
	d.ids = append(d.ids, id)
	return d.objects.SetEncodedObject(o)
}

// pack returns all objects of the draft as a pack without deltas.
func (d *draft) pack() ([]byte, error) {
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, d.objects, false).Encode(d.ids, 0); err != nil {
		return nil, fmt.Errorf("encode pack: %v", err)
	}
	return pack.Bytes(), nil
}

// text returns the commit object of change on base with the tree root. It reads
// neither clock nor environment.
func (r *Repo) text(root plumbing.Hash, base *Snapshot, change gitops.Change) ([]byte, error) {
	author := r.Author
	if author == "" {
		author = "Lockstep"
	}
	message := strings.TrimSpace(strings.TrimSpace(change.Title) + "\n\n" + strings.TrimSpace(change.Body))
	switch {
	case strings.ContainsAny(author+r.Email, "<>\n\x00"):
		return nil, errors.New("the author's name or mail address contains <, >, a line break or a zero byte")
	case strings.TrimSpace(change.Title) == "":
		return nil, errors.New("the change has no title")
	case strings.Contains(message, "\x00"):
		return nil, errors.New("the message contains a zero byte")
	case change.When.Unix() < 0:
		return nil, errors.New("the change has no time")
	}
	who := fmt.Sprintf("%s <%s> %d +0000", strings.TrimSpace(author), strings.TrimSpace(r.Email), change.When.Unix())
	return fmt.Appendf(nil, "tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%s\n",
		root, base.Commit.ID, who, who, strings.ToValidUTF8(message, "\uFFFD")), nil
}
