package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many wrong tokens an address may show: so many at once, then one each guessEvery.
const (
	guessBurst = 10
	guessEvery = 6 * time.Second
)

// mostGuessers is how many addresses are remembered.
const mostGuessers = 10_000

// guesses counts the wrong tokens that addresses show. The zero value is ready.
type guesses struct {
	mu sync.Mutex
	by map[netip.Prefix]*rate.Limiter
}

// held reports that an address has shown too many wrong tokens lately.
func (g *guesses) held(remote string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.by[network(remote)]
	return l != nil && l.TokensAt(now) < 1
}

// wrong counts a wrong token.
func (g *guesses) wrong(remote string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil {
		g.by = map[netip.Prefix]*rate.Limiter{}
	}
	from := network(remote)
	if g.by[from] == nil {
		g.forget(now)
		g.by[from] = rate.NewLimiter(rate.Every(guessEvery), guessBurst)
	}
	g.by[from].AllowN(now, 1)
}

// forget makes room for one more address: those that have been quiet go first, then any.
func (g *guesses) forget(now time.Time) {
	if len(g.by) < mostGuessers {
		return
	}
	for from, l := range g.by {
		if l.TokensAt(now) >= guessBurst {
			delete(g.by, from)
		}
	}
	for from := range g.by {
		if len(g.by) < mostGuessers {
			return
		}
		delete(g.by, from)
	}
}

// network returns whose address it is: of IPv6 the part that one subscriber has.
func network(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	address, bits := at.Addr().Unmap().WithZone(""), 32
	if address.Is6() {
		bits = 64
	}
	from, _ := address.Prefix(bits)
	return from
}
