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
	depth int // how many levels of trees look worth fetching at once; 0 for not known
	most  int // how many at most, after more were fetched and it was not worth it; 0 for not known
}

// greeting returns what the server offers, nil when that must be asked for.
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
