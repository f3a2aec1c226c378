package main

import (
	"testing"

	"lockstep/fixtures"
)

// Every hook is lost, or each arrives five times in any order: the same ends.
func TestHooks(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]fixtures.HookFaults{
		"lost": {Drop: true},
		"five": {Copies: 5, Shuffle: true},
	} {
		for _, given := range scenarios {
			t.Run(name+"/"+given.Version, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				s.GitLab.HookFaults(faults)
				s.play(given)
			})
		}
	}
}
