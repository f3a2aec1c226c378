package gates

import (
	"context"
	"sync"
)

// A Question is a gate with what it is asked.
type Question struct {
	Gate    Gate
	Subject Subject
	Ticket  string
}

// A Reply is what a gate said, or why it could not tell.
type Reply struct {
	Verdict Verdict
	Err     error
}

// AskAll asks gates at the same time, so that a source that is silent keeps the others
// from nothing, and returns their replies in the order of the questions. What a gate
// panics with, AskAll panics with, when all have ended.
func AskAll(ctx context.Context, questions []Question) []Reply {
	replies, panics := make([]Reply, len(questions)), make([]any, len(questions))
	var all sync.WaitGroup
	for i, q := range questions {
		all.Go(func() {
			defer func() { panics[i] = recover() }()
			replies[i].Verdict, replies[i].Err = q.Gate.Ask(ctx, q.Subject, q.Ticket)
		})
	}
	all.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	return replies
}
