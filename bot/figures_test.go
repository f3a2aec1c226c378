package bot

import (
	"slices"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name       string
		begun      time.Time
		took, want time.Duration
	}{
		{"one that was refused at once", time.Time{}, 0, 0},
		{"one that was cancelled in its queue", begun, 0, 0},
		{"a short one", begun, time.Millisecond, time.Minute},
		{"one on the edge", begun, 5 * time.Minute, 5 * time.Minute},
		{"one behind the edge", begun, 5*time.Minute + 1, 10 * time.Minute},
		{"a long one", begun, 72*time.Hour + 1, Endless},
		{"one whose clock was put back", begun, -time.Hour, 0},
	} {
		r := Run{Begun: test.begun, Ended: test.begun.Add(test.took)}
		if span, took := r.Span(); span != test.want || took != max(test.took, 0) {
			t.Errorf("%s: got span %v, took %v, want %v, %v", test.name, span, took, test.want, test.took)
		}
	}
	if !slices.IsSorted(Spans) {
		t.Errorf("the spans are not in order: %v", Spans)
	}
}

// Every end has one of the words by which ends are counted, and no other state has one.
func TestResultsAreAllEnds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, state := range States {
		for _, warnings := range [][]string{nil, {"gate int-test failed"}} {
			r := Run{State: state, Warnings: warnings}
			if known := slices.Contains(Results, r.ResultWord()); known != r.Settled() {
				t.Errorf("%s: %q is among the results: %v", state, r.ResultWord(), known)
			}
			seen[r.ResultWord()] = true
		}
	}
	for _, word := range Results {
		if !seen[word] {
			t.Errorf("no run ends as %q", word)
		}
	}
}
