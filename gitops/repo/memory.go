package repo

import (
	"sync"
	"time"
)

// A memory is what a Repo has learned of its server, to ask less the next time. It
// holds no content: nothing that is read depends on it.
type memory struct {
	mu    sync.Mutex
	hello *greeting
	since time.Time
	takes receiver
	took  time.Time
	depth int // how many levels of trees look worth fetching at once; 0 for not known
	most  int // how many at most, after more were fetched and it was not worth it; 0 for not known
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

// levels returns how many levels of trees are worth fetching at once.
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
