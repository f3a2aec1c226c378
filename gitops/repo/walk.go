package repo

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A walk follows patterns down the trees of a snapshot. What is missing on the way is
// fetched level by level: everything of one level in one request.
type walk struct {
	into    *Snapshot
	ready   []place // directories to look into
	blocked []place // those whose tree has to be fetched first
	missing []oid   // what has to be fetched
	seen    int     // how many entries were looked at
	shape   shape
}

// A place is a directory on the way and what is asked for below it.
type place struct {
	prefix string // path of the directory with a slash at its end, "" for the root
	depth  int    // of the directory below the root
	tree   oid
	asked  []pattern
}

// all walks to the end.
func (w *walk) all(ctx context.Context, s *source) error {
	for {
		for len(w.ready) > 0 {
			last := len(w.ready) - 1
			p := w.ready[last]
			w.ready = w.ready[:last]
			if err := w.look(p); err != nil {
				return err
			}
		}
		if len(w.missing) == 0 {
			s.known.learn(w.shape.worthwhile())
			return nil
		}
		if err := w.fetch(ctx, s); err != nil {
			return err
		}
	}
}

// fetch fetches what is missing. Of what is wanted, git filters out what it has met
// below another tree that is wanted: that is asked for again.
func (w *walk) fetch(ctx context.Context, s *source) error {
	slices.SortFunc(w.missing, func(a, b oid) int { return slices.Compare(a[:], b[:]) })
	q := query{wants: slices.Compact(w.missing), filter: justWanted}
	if len(w.blocked) == 0 {
		q.filter = everything // there are files alone
	}
	for len(q.wants) > 0 {
		if err := s.fetch(ctx, q, w.into.objects); err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(q.wants), func(id oid) bool {
			_, sent := w.into.objects[id]
			return sent
		})
		if len(left) == len(q.wants) {
			return fmt.Errorf("the server did not send the object %s", left[0])
		}
		q.wants = left
	}
	w.ready, w.blocked, w.missing = w.blocked, nil, nil
	return nil
}

// enter puts a directory where its turn comes.
func (w *walk) enter(p place) {
	if _, ok := w.into.objects[p.tree]; ok {
		w.ready = append(w.ready, p)
		return
	}
	w.blocked, w.missing = append(w.blocked, p), append(w.missing, p.tree)
}

// look goes through a directory once, for all that is asked for below it.
func (w *walk) look(p place) error {
	t, err := w.into.tree(p.tree)
	if err != nil {
		return err
	}
	below, wild, deep := byFirst(p.asked)
	directories, files := 0, 0
	for e, err := range t.all() {
		if w.seen++; err == nil && w.seen > mostEntries {
			err = errEntries
		}
		if err != nil {
			return err
		}
		if e.is(directory) {
			directories++
		} else {
			files++
		}
		asked := below[string(e.name)]
		for _, g := range wild {
			if ok, _ := path.Match(g[0], string(e.name)); ok { // what is no pattern matches itself alone
				asked = append(asked[:len(asked):len(asked)], g[1:])
			}
		}
		if e.is(directory) {
			asked = append(asked[:len(asked):len(asked)], deep...)
		}
		if len(asked) > 0 {
			w.follow(p, e, asked)
		}
	}
	w.shape.add(p.depth, len(t), directories, files)
	return nil
}

// byFirst returns what is asked for below each name, and besides the patterns that
// begin with a wildcard, and those that are asked for below every directory again.
func byFirst(asked []pattern) (below map[string][]pattern, wild, deep []pattern) {
	below = map[string][]pattern{}
	for _, p := range asked {
		for len(p) > 0 && p[0] == "**" {
			deep, p = append(deep, p), p[1:]
		}
		if len(p) == 0 {
			continue // it names no file
		}
		if strings.ContainsAny(p[0], `*?[\`) {
			wild = append(wild, p)
		}
		below[p[0]] = append(below[p[0]], p[1:])
	}
	return below, wild, deep
}

// follow takes what is asked for to the entry e of p: asked holds the rests of the
// patterns that led there.
func (w *walk) follow(p place, e entry, asked []pattern) {
	name := p.prefix + string(e.name)
	ends := func(rest pattern) bool { return len(rest) == 0 }
	switch {
	case e.is(regular) && slices.ContainsFunc(asked, ends):
		w.into.files[name] = e
		if _, ok := w.into.objects[e.id]; !ok && !w.into.whole {
			w.missing = append(w.missing, e.id)
		}
	case e.is(directory):
		if asked = slices.DeleteFunc(slices.Clone(asked), ends); len(asked) > 0 {
			w.enter(place{prefix: name + "/", depth: p.depth + 1, tree: e.id, asked: asked})
		}
	}
}

// A shape is how large the trees on the way were, by depth.
type shape []struct{ trees, bytes, directories, files int }

// add counts one tree.
func (s *shape) add(depth, bytes, directories, files int) {
	for len(*s) <= depth {
		*s = append(*s, struct{ trees, bytes, directories, files int }{})
	}
	at := &(*s)[depth]
	at.trees++
	at.bytes += bytes
	at.directories += directories
	at.files += files
}

// cheap is how many bytes cost less than a request does; a tree costs as much as so
// many bytes more, and a file is taken to have so many.
const (
	cheap   = 256 << 10
	perTree = 100
	perFile = 4 << 10
)

// worthwhile returns how many levels of trees are worth fetching at once, with what
// stands beside the way: it takes that to be like what stands on the way. The level
// below them has to be cheap, too, because git reads it before it leaves it out.
func (s shape) worthwhile() int {
	trees, files, cost := 1.0, 0.0, 0.0 // of the level
	for depth, at := range s {
		n := float64(at.trees)
		cost += trees*(float64(at.bytes)/n+perTree) + files*perFile
		if cost > cheap {
			return depth - 1
		}
		trees, files = trees*float64(at.directories)/n, trees*float64(at.files)/n
	}
	return len(s)
}
