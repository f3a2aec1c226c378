package gates

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Soak is a gate that lets time pass, and asks other gates again meanwhile: it passes
// when none of them has turned bad, and all of them are good at the end.
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

// Ask asks every watched gate, at the same time: one that cannot tell hides no verdict of another. One
// that is pending again has not turned bad, but the soak does not pass before it has
// passed again.
func (g Soak) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	var none *Verdict
	var unknown []error
	var waits []string
	for i, reply := range AskAll(ctx, g.questions(s)) {
		w, v := g.Watch[i], reply.Verdict
		switch {
		case reply.Err != nil:
			unknown = append(unknown, fmt.Errorf("gate %s: %w", w.Name, reply.Err))
		case v.Result == Failed:
			return Verdict{Failed, fmt.Sprintf("gate %s turned bad: %s", w.Name, v.Reason), v.Link}, nil
		case v.Result == None:
			none = &Verdict{None, fmt.Sprintf("gate %s has no result any more: %s", w.Name, v.Reason), v.Link}
		case v.Result == Pending:
			waits = append(waits, fmt.Sprintf("gate %s: %s", w.Name, v.Reason))
		}
	}
	switch {
	case none != nil:
		return *none, nil
	case len(unknown) > 0:
		return Verdict{}, errors.Join(unknown...)
	}
	return g.passed(s, waits), nil
}

// questions returns what the watched gates are asked.
func (g Soak) questions(s Subject) []Question {
	var all []Question
	for _, w := range g.Watch {
		of := s
		of.Gate = w.Name
		all = append(all, Question{Gate: w.Gate, Subject: of})
	}
	return all
}

// passed judges the time that has passed, and what watched gates still wait for. What it
// says changes only with the gates: a countdown would be news at each look.
func (g Soak) passed(s Subject, waits []string) Verdict {
	end, also := s.Since.Add(g.For), strings.Join(waits, "; ")
	switch {
	case s.Now.Before(end) && also == "":
		return Verdict{Reason: fmt.Sprintf("soaks for %s, until %s", g.For, clock(end))}
	case s.Now.Before(end):
		return Verdict{Reason: fmt.Sprintf("soaks for %s, until %s; %s", g.For, clock(end), also)}
	case also != "":
		return Verdict{Reason: fmt.Sprintf("soaked for %s, but waits for %s", g.For, also)}
	}
	return Verdict{Result: Passed, Reason: fmt.Sprintf("nothing turned bad for %s", g.For)}
}

// clock returns a time as people read it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
