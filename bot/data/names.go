package data

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
)

// names are the objects of a manifest while they are held against a list: a hash of
// each key and its size, because there may be more keys than memory should hold.
type names struct {
	seed maphash.Seed
	all  []hashed // in order of the hashes when they are complete
	left int      // not met yet
}

// A hashed name is one of them. It is 16 bytes.
type hashed struct {
	hash uint64
	size int64 // met: ^size
}

// newNames returns no names yet.
func newNames() *names { return &names{seed: maphash.MakeSeed()} }

func (n *names) hash(key string) uint64 { return maphash.String(n.seed, key) }

// add adds an object.
func (n *names) add(o object) {
	n.all = append(n.all, hashed{n.hash(o.key), o.size})
	n.left++
}

// complete puts the names in order. It returns a hash that there is twice, if there is
// one.
func (n *names) complete() (hash uint64, twice bool) {
	slices.SortFunc(n.all, func(a, b hashed) int { return cmp.Compare(a.hash, b.hash) })
	for i := 1; i < len(n.all); i++ {
		if n.all[i].hash == n.all[i-1].hash {
			return n.all[i].hash, true
		}
	}
	return 0, false
}

// find returns the name of a key; nil where it is not named.
func (n *names) find(key string) *hashed {
	i, found := slices.BinarySearchFunc(n.all, n.hash(key), func(e hashed, hash uint64) int { return cmp.Compare(e.hash, hash) })
	if !found {
		return nil
	}
	return &n.all[i]
}

// meet notes that an object is there, and returns the size that it has to have; ok is
// false where it is not named.
func (n *names) meet(key string) (size int64, ok bool) {
	e := n.find(key)
	switch {
	case e == nil:
		return 0, false
	case e.size < 0:
		return ^e.size, true
	}
	size, e.size = e.size, ^e.size
	n.left--
	return size, true
}

// met reports that an object that is named was met.
func (n *names) met(key string) bool { return n.find(key).size < 0 }

// twice says which key has a hash that there is twice.
func (s *pass) twice(ctx context.Context, hash uint64) error {
	seen := map[string]bool{}
	for o, err := range s.rest(ctx, "") {
		switch {
		case err != nil:
			return err
		case seen[o.key]:
			return s.unreadable("it names %q twice: name each object once", o.key)
		case s.known.hash(o.key) == hash:
			seen[o.key] = true
		}
	}
	return errReplaced // two keys with one hash: another seed tells them apart
}
