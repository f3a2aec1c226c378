package bot

import "testing"

func TestChannelsHear(t *testing.T) {
	t.Parallel()
	done := &Run{State: Done}
	warned := &Run{State: Done, Warnings: []string{"gate e2e failed (allowed to fail)"}}
	back := &Run{State: RolledBack}
	tests := []struct {
		on, results []string
		kind        MessageKind
		run         *Run
		want        bool
	}{
		{nil, nil, MessageStart, &Run{State: Started}, true},
		{nil, nil, MessageFinish, back, true},
		{[]string{"finish", "call"}, nil, MessageStart, &Run{State: Started}, false},
		{[]string{"finish", "call"}, nil, MessageCall, &Run{State: Stalled}, true},
		{[]string{"start", "finish"}, nil, MessageCall, &Run{State: Stalled}, false},
		{nil, []string{"success"}, MessageFinish, done, true},
		{nil, []string{"success"}, MessageFinish, warned, false},
		{nil, []string{"warnings"}, MessageFinish, warned, true},
		{nil, []string{"rolled back", "rollback failed"}, MessageFinish, back, true},
		{nil, []string{"rolled back", "rollback failed"}, MessageFinish, &Run{State: RollbackFailed}, true},
		{nil, []string{"rolled back"}, MessageFinish, &Run{State: Cancelled}, false},
		{nil, []string{"refused"}, MessageFinish, &Run{State: Refused}, true},
		{nil, []string{"rolled back"}, MessageCall, &Run{State: Stalled}, true}, // calls do not depend on results
		{nil, []string{"rolled back"}, MessageStart, &Run{State: Started}, true},
	}
	for _, test := range tests {
		c := Config{Notify: map[string]*ChannelConfig{"chat": {On: test.on, Results: test.results}}}
		if got := c.Hears("chat", test.kind, test.run); got != test.want {
			t.Errorf("on %q, results %q: hears the %s of a run that is %s: %t, want %t", test.on, test.results, test.kind, test.run.Result(), got, test.want)
		}
	}
	if c := (Config{}); !c.Hears("gone", MessageStart, done) {
		t.Error("a channel that is gone hears nothing, and nobody would learn of it")
	}
}

// TestResultsHaveAWord holds that each end that is told has its word.
func TestResultsHaveAWord(t *testing.T) {
	t.Parallel()
	k := newConfigCheck("")
	for _, s := range []State{Done, RolledBack, RollbackFailed, Cancelled, Refused} {
		if !s.Settled() {
			t.Errorf("%s is no end", s)
		}
		k.words("results", []string{(&Run{State: s}).ResultWord()}, results)
	}
	if err := k.err(); err != nil {
		t.Error(err)
	}
}
