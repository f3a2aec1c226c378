package repo

import (
	"sync"
	"time"
)

// A memory is what a Repo has learned, to ask less the next time: what its server
// offers, and the commits, trees and files that were read last. Their ids are sums of
// their content, so that they are never out of date; where a branch stands is not among
// what is remembered.
type memory struct {
	mu     sync.Mutex
	hello  *greeting
	since  time.Time
	takes  receiver
	took   time.Time
	depth  int     // how many levels of trees look worth fetching with a commit; 0 for not known
	most   int     // how many at most, after more were fetched and it was not worth it; 0 for not known
	recent objects // used since older was
	older  objects // forgotten when recent has its size
	size   int     // of recent in bytes
}

// A receiver is what has to be known of a server to push to it. The zero value stands
// for nothing known.
type receiver struct {
	at    string // the repository's URL, after redirects
	thin  bool   // it takes packs with differences to objects that they do not hold
	quiet bool   // it can leave out its progress, which would stand before what hooks say
}

// fresh is how long it is believed what a server offers, so that neither a read nor a
// push need begin with it.
const fresh = 10 * time.Minute

// greeting returns what the server offers to who reads, nil when that must be asked for.
func (m *memory) greeting() *greeting {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hello == nil || time.Since(m.since) > fresh {
		return nil
	}
	return m.hello
}

// keep remembers a greeting, or forgets it.
func (m *memory) keep(g *greeting) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hello, m.since = g, time.Now()
}

// receiver returns how the server takes pushes, and whether that is known.
func (m *memory) receiver() (receiver, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.takes, m.takes != receiver{} && time.Since(m.took) <= fresh
}

// receives remembers how the server takes pushes, or forgets it.
func (m *memory) receives(r receiver) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takes, m.took = r, time.Now()
}

// levels returns how many levels of trees are worth fetching with a commit.
func (m *memory) levels() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	depth := max(m.depth, 1)
	if m.most > 0 {
		return min(depth, m.most)
	}
	return depth
}

// learn notes how many levels of trees look worth it.
func (m *memory) learn(depth int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.depth = depth
}

// limit notes how many levels of trees are worth it at most.
func (m *memory) limit(most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = most
}

// mostKept is how many bytes of objects are remembered among the recent ones; among the
// older there are as many.
const mostKept = 512 << 10

// snapshot returns the commit id with all that is asked for, nil unless all of that is
// remembered.
func (m *memory) snapshot(id oid, asked []pattern) *Snapshot {
	commit, ok := m.recall(id)
	if !ok || len(asked) == 0 {
		return nil
	}
	read, err := newSnapshot(objects{id: commit}, id)
	if err != nil {
		return nil
	}
	w := newWalk(read, id, asked, m)
	if err := w.through(); err != nil || len(w.missing) > 0 {
		return nil
	}
	return read
}

// recall returns the object id, and whether it is remembered.
func (m *memory) recall(id oid) (object, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.recent[id]; ok {
		return o, true
	}
	o, ok := m.older[id]
	if ok {
		m.add(id, o)
	}
	return o, ok
}

// remember keeps an object, whose content nobody may change any more.
func (m *memory) remember(id oid, o object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.recent[id]; !ok {
		m.add(id, o)
	}
}

// add puts an object among the recent ones, and makes room for it.
func (m *memory) add(id oid, o object) {
	size := len(o.content) + perObject
	if size > mostKept {
		return
	}
	if m.recent == nil || m.size+size > mostKept {
		m.older, m.recent, m.size = m.recent, objects{}, 0
	}
	m.recent[id], m.size = o, m.size+size
}
