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
	depth int // how many levels of trees are worth fetching at once; 0 for not known
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
	return max(m.depth, 1)
}

// learn notes how many levels of trees would have been worth it.
func (m *memory) learn(depth int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.depth = depth
}
