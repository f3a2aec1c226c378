package gitops

import "testing"

func TestJobBlames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status Status
		reason string
		want   bool
	}{
		{StatusFailed, "script_failure", true},
		{StatusFailed, "job_execution_timeout", true},
		{StatusSuccess, "script_failure", false}, // it was retried
		{StatusFailed, "", false},
		{StatusFailed, "runner_system_failure", false},
		{StatusFailed, "stuck_or_timeout_failure", false},
		{StatusFailed, "trace_size_exceeded", false},
		{StatusFailed, "a reason of the future", false},
	}
	for _, test := range tests {
		if got := (Job{Status: test.status, FailureReason: test.reason}).Blames(); got != test.want {
			t.Errorf("%s (%s): got %v, want %v", test.status, test.reason, got, test.want)
		}
	}
}

func TestSeenSentence(t *testing.T) {
	t.Parallel()
	seen := Seen{
		{Service: "mds", Known: Unsure, Reason: "no pipeline yet"},
		{Service: "fbv", Known: Broken, Reason: "job failed"},
		{Service: "kv", Known: Unsure, Reason: "job was canceled"},
		{Service: "remo", Known: Unsure, Reason: "no pipeline yet"},
	}
	if got, want := seen.Sentence(Unsure), "mds, remo: no pipeline yet; kv: job was canceled"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := seen.Sentence(Running), ""; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
