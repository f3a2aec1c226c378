package gates

import "context"

// An Opinion is what somebody answered to a gate.
type Opinion struct {
	By     string
	Yes    bool
	Reason string
}

// Opinions holds what was answered to gates. The first opinion of each speaker counts.
type Opinions interface {
	// Opinions returns what was answered to a gate of a stage of a run, in order.
	Opinions(ctx context.Context, s Subject) ([]Opinion, error)
}

// because returns a reason as the end of a sentence.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
