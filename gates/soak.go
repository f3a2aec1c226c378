package gates

import (
	"context"
	"fmt"
	"time"
)

// A Soak is a gate that lets time pass, and asks other gates again meanwhile: it passes
// when none of them has turned bad.
type Soak struct {
	For   time.Duration
	Watch []Watched
}

// A Watched is a gate that is asked again. It begins nothing outside: its kind needs no
// ticket.
type Watched struct {
	Name string
	Gate Gate
}

// Start begins nothing.
func (g Soak) Start(context.Context, Subject) (string, error) { return "", nil }

// Ask asks the watched gates. One that is pending again has not turned bad yet.
func (g Soak) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	for _, w := range g.Watch {
		of := s
		of.Gate = w.Name
		v, err := w.Gate.Ask(ctx, of, "")
		if err != nil {
			return Verdict{}, fmt.Errorf("gate %s: %w", w.Name, err)
		}
		if v.Result == Failed || v.Result == None {
			return Verdict{Failed, fmt.Sprintf("gate %s turned bad: %s", w.Name, v.Reason), v.Link}, nil
		}
	}
	if passed := s.Now.Sub(s.Since); passed < g.For {
		return Verdict{Reason: fmt.Sprintf("soaks for %s, %s left", g.For, (g.For - passed).Round(time.Second))}, nil
	}
	return Verdict{Result: Passed, Reason: fmt.Sprintf("nothing turned bad for %s", g.For)}, nil
}
