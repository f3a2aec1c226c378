package repo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
)

// A draft is a commit in the making on base: the objects that a server with base
// lacks, each once, the commit itself last.
type draft struct {
	base    *Snapshot
	objects []written
	seen    map[oid]bool
}

// Commit returns the id of the commit that Push would make of the same base, change
// and files, so that it can be written down before the push. Nothing is sent. The
// errors are those with which Push refuses before it sends.
func (r *Repo) Commit(base *Snapshot, change gitops.Change, files map[string][]byte) (string, error) {
	d, err := r.commit(base, change, files)
	if err != nil {
		return "", fmt.Errorf("make commit for branch %q of %s: %w", change.Branch, r.Project, err)
	}
	return d.id().String(), nil
}

// commit makes the commit of change on base, with files (path → whole new content).
// Nothing is sent.
func (r *Repo) commit(base *Snapshot, change gitops.Change, files map[string][]byte) (*draft, error) {
	for path := range files {
		if _, err := segments(path); err != nil {
			return nil, fmt.Errorf("file %q: %w", path, err)
		}
	}
	d := &draft{base: base, seen: map[oid]bool{}}
	root, err := d.rewrite(base.root, "", files)
	if err != nil {
		return nil, err
	}
	if root == base.root {
		return nil, fmt.Errorf("%w: the files are as they are in commit %.8s already", gitops.ErrRefused, base.Commit.ID)
	}
	text, err := r.text(root, base, change)
	if err != nil {
		return nil, err
	}
	d.add(written{kind: commitKind, content: text})
	return d, nil
}

// id returns the id of the commit.
func (d *draft) id() oid { return d.objects[len(d.objects)-1].id }

// rewrite adds the base's tree id with files in it, whose paths are relative to that
// tree and lead to regular files, and returns its new id. Ids are all that changes
// in the tree's bytes. prefix is the path of the tree.
func (d *draft) rewrite(id oid, prefix string, files map[string][]byte) (oid, error) {
	t, err := d.base.tree(id)
	if err != nil {
		return id, fmt.Errorf("directory %q: %w", prefix, err)
	}
	w := written{kind: treeKind, content: t, base: id}
	groups := byName(files)
	for e, err := range t.all() {
		if err != nil {
			return id, fmt.Errorf("directory %q: %w", prefix, err)
		}
		below, ok := groups[string(e.name)]
		if !ok {
			continue
		}
		delete(groups, string(e.name))
		now, err := d.replace(e, prefix+string(e.name), below)
		if err != nil {
			return id, err
		}
		if now != e.id {
			w.edits = append(w.edits, idEdit{at: e.at, id: now})
		}
	}
	for name, below := range groups {
		return id, fmt.Errorf("file %q: %w", prefix+name+first(below), gitops.ErrNotFound)
	}
	if len(w.edits) == 0 {
		return id, nil
	}
	return d.add(w), nil
}

// replace returns the id that the entry e, which stands at path, has with below in it:
// a file's new content, or files of a directory.
func (d *draft) replace(e entry, path string, below map[string][]byte) (oid, error) {
	content, isFile := below[""]
	kind := uint64(directory)
	if isFile {
		kind = regular
	}
	err := e.mustBe(kind)
	switch {
	case err != nil:
		return e.id, fmt.Errorf("file %q: %w", path+first(below), err)
	case !isFile:
		return d.rewrite(e.id, path+"/", below)
	case len(below) > 1:
		delete(below, "")
		return e.id, fmt.Errorf("file %q: %w", path+first(below), gitops.ErrNotFound)
	}
	if now := sum(blobKind, content); now == e.id {
		return now, nil
	}
	return d.add(written{kind: blobKind, content: content}), nil
}

// first returns one of the paths below a name, with the slash before it.
func first(below map[string][]byte) string {
	paths := make([]string, 0, len(below))
	for path := range below {
		paths = append(paths, path)
	}
	if path := slices.Min(paths); path != "" {
		return "/" + path
	}
	return ""
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
func (d *draft) add(w written) oid {
	w.id = sum(w.kind, w.parts()...)
	if !d.seen[w.id] {
		d.seen[w.id] = true
		d.objects = append(d.objects, w)
	}
	return w.id
}

// text returns the commit object of change on base with the tree root. It reads
// neither clock nor environment.
func (r *Repo) text(root oid, base *Snapshot, change gitops.Change) ([]byte, error) {
	author := cmp.Or(strings.TrimSpace(r.Author), "Lockstep")
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
	who := fmt.Sprintf("%s <%s> %d +0000", author, strings.TrimSpace(r.Email), change.When.Unix())
	text := fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%s\n", root, base.Commit.ID, who, who, message)
	return []byte(strings.ToValidUTF8(text, "\uFFFD")), nil
}
