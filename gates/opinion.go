package gates

import (
	"context"
	"strings"
)

// A Person is somebody by name and, where it is known, by the number of the account in
// GitLab: that stays when the account gets another name.
type Person struct {
	Name string
	ID   int64 // 0: not known
}

// Is reports that both are one: by their numbers where both are known, else by their
// names, without regard to capitals.
func (p Person) Is(other Person) bool {
	if p.ID != 0 && other.ID != 0 {
		return p.ID == other.ID
	}
	return strings.EqualFold(strings.TrimSpace(p.Name), strings.TrimSpace(other.Name))
}

// An Opinion is what somebody answered to a gate.
type Opinion struct {
	By     string
	ByID   int64 // of their account in GitLab; 0: not known
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
