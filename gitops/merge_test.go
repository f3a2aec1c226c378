package gitops

import (
	"strings"
	"testing"
)

const head = "1111111111111111111111111111111111111111"

// pipelineOf returns a pipeline of the head of a merge request in status.
func pipelineOf(sha string, status Status) *Pipeline {
	return &Pipeline{ID: 12, SHA: sha, Ref: "lockstep/r-int", Source: SourceMergeReq, Status: status}
}

// TestMergeableStatus asks for each detailed status that GitLab is known to have
// (and some of its older names), with a head pipeline that succeeded.
func TestMergeableStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status string
		want   Mergeability
		why    string
	}{
		{"approvals_syncing", MergeLater, "GitLab counts its approvals again"},
		{"checking", MergeLater, "GitLab checks whether it can be merged"},
		{"ci_must_pass", MergeLater, "pipeline 12 of its head 11111111 succeeded, but GitLab still waits for a pipeline"},
		{"ci_still_running", MergeLater, "its pipeline runs"},
		{"commits_status", MergePerson, "its source branch is gone or has no commits of its own"},
		{"conflict", MergePerson, "it conflicts with its target branch"},
		{"discussions_not_resolved", MergePerson, "a discussion on it is not resolved"},
		{"draft_status", MergePerson, "it is a draft"},
		{"jira_association_missing", MergePerson, "it must name a Jira issue"},
		{"mergeable", MergeNow, "pipeline 12 of its head 11111111 succeeded"},
		{"merge_request_blocked", MergePerson, "another merge request must be merged before it"},
		{"merge_time", MergePerson, "it may not be merged before the time that is set on it"},
		{"need_rebase", MergePerson, "it must be rebased onto its target branch"},
		{"not_approved", MergePerson, "it is not approved"},
		{"not_open", MergeLater, "GitLab says that it is not open, but shows it opened"},
		{"preparing", MergeLater, "GitLab prepares it"},
		{"requested_changes", MergePerson, "a reviewer has requested changes"},
		{"security_policy_pipeline_check", MergeLater, "a pipeline that a security policy demands has not passed yet"},
		{"security_policy_violations", MergePerson, "it violates a security policy"},
		{"status_checks_must_pass", MergeLater, "an external status check has not passed yet"},
		{"unchecked", MergeLater, "GitLab has not checked yet whether it can be merged"},
		{"locked_paths", MergePerson, "it changes paths that somebody has locked"},
		{"locked_lfs_files", MergePerson, "it changes LFS files that somebody has locked"},
		{"title_regex", MergePerson, "its title does not have the form that the project demands"},
		{"blocked_status", MergePerson, "another merge request must be merged before it"},
		{"broken_status", MergePerson, "it cannot be merged into its target branch"},
		{"cannot_be_merged", MergePerson, "it cannot be merged into its target branch"},
		{"external_status_checks", MergeLater, "an external status check has not passed yet"},
		{"policies_denied", MergePerson, "it violates a policy"},
		{"moon_phase", MergeLater, `GitLab says "moon_phase", which is not known here`},
		{"", MergeLater, `GitLab says "", which is not known here`},
	}
	for _, test := range tests {
		mr := MergeRequest{IID: 5, State: Opened, Status: test.status, SHA: head, HeadPipeline: pipelineOf(head, StatusSuccess)}
		got, why := mr.Mergeable(true)
		if got != test.want || why != test.why {
			t.Errorf("status %q: got %q, %q; want %q, %q", test.status, got, why, test.want, test.why)
		}
	}
}

func TestMergeablePipeline(t *testing.T) {
	t.Parallel()
	result := func(ref string, status Status) *Pipeline {
		return &Pipeline{ID: 12, SHA: "2222", Ref: ref, Status: status}
	}
	tests := []struct {
		name      string
		status    string
		pipeline  *Pipeline
		pipelines bool
		want      Mergeability
		why       string // a part of the sentence
	}{
		{"no pipelines configured", "mergeable", nil, false, MergeNow, "runs no pipelines"},
		{"pipeline is late", "mergeable", nil, true, MergeLater, "no pipeline for its head 11111111 yet"},
		{"pipeline of an earlier head", "mergeable", pipelineOf("2222", StatusSuccess), true, MergeLater, "no pipeline for its head"},
		{"failed pipeline of an earlier head", "ci_must_pass", pipelineOf("2222", StatusFailed), true, MergeLater, "no pipeline for its head"},
		{"merge result", "mergeable", result("refs/merge-requests/5/merge", StatusSuccess), true, MergeNow, "succeeded"},
		{"merge train", "mergeable", result("refs/merge-requests/5/train", StatusSuccess), true, MergeNow, "succeeded"},
		{"merge result of another", "mergeable", result("refs/merge-requests/55/merge", StatusSuccess), true, MergeLater, "no pipeline for its head"},
		{"detached, of an earlier head", "mergeable", result("refs/merge-requests/5/head", StatusSuccess), true, MergeLater, "no pipeline for its head"},
		{"failed merge result", "mergeable", result("refs/merge-requests/5/merge", StatusFailed), true, MergeNever, "own pipeline failed"},
		{"failed, merging allowed", "mergeable", pipelineOf(head, StatusFailed), true, MergeNever, "own pipeline failed"},
		{"failed, must pass", "ci_must_pass", pipelineOf(head, StatusFailed), true, MergeNever, "own pipeline failed"},
		{"failed, must pass, configured as none", "ci_must_pass", pipelineOf(head, StatusFailed), false, MergeNever, "own pipeline failed"},
		{"must pass, configured as none", "ci_must_pass", nil, false, MergePerson, "configured here as one without"},
		{"must pass, late", "ci_must_pass", nil, true, MergeLater, "no pipeline for its head"},
		{"created", "ci_must_pass", pipelineOf(head, StatusCreated), true, MergeLater, "is created"},
		{"running", "mergeable", pipelineOf(head, StatusRunning), true, MergeLater, "is running"},
		{"canceling", "mergeable", pipelineOf(head, StatusCanceling), true, MergeLater, "is canceling"},
		{"canceled", "ci_must_pass", pipelineOf(head, StatusCanceled), true, MergePerson, "was canceled"},
		{"skipped", "ci_must_pass", pipelineOf(head, StatusSkipped), true, MergePerson, "was skipped"},
		{"manual", "ci_must_pass", pipelineOf(head, StatusManual), true, MergePerson, "waits for a person"},
		{"manual, counted as running", "ci_still_running", pipelineOf(head, StatusManual), true, MergePerson, "waits for a person"},
		{"failed, still running", "ci_still_running", pipelineOf(head, StatusFailed), true, MergeLater, "its pipeline runs"},
	}
	for _, test := range tests {
		mr := MergeRequest{IID: 5, State: Opened, Status: test.status, SHA: head, HeadPipeline: test.pipeline}
		got, why := mr.Mergeable(test.pipelines)
		if got != test.want || !strings.Contains(why, test.why) {
			t.Errorf("%s: got %q, %q; want %q, …%q…", test.name, got, why, test.want, test.why)
		}
	}
}

func TestMergeableState(t *testing.T) {
	t.Parallel()
	tests := []struct {
		state MergeRequestState
		want  Mergeability
		why   string
	}{
		{Opened, MergeNow, "GitLab would merge it, and its project runs no pipelines for merge requests"},
		{Locked, MergeLater, "GitLab is merging it"},
		{Merged, MergeLater, "it is merged already"},
		{Closed, MergePerson, "it is closed by eva"},
		{"", MergeLater, `GitLab shows it in the unknown state ""`},
	}
	for _, test := range tests {
		mr := MergeRequest{State: test.state, Status: "mergeable", SHA: head, ClosedBy: "eva"}
		got, why := mr.Mergeable(false)
		if got != test.want || why != test.why {
			t.Errorf("state %q: got %q, %q; want %q, %q", test.state, got, why, test.want, test.why)
		}
	}
	if _, why := (MergeRequest{State: Closed}).Mergeable(false); why != "it is closed" {
		t.Errorf("closed by nobody known: got %q", why)
	}
	if got, _ := (MergeRequest{State: Opened, Status: "mergeable", HeadPipeline: pipelineOf("", StatusSuccess)}).Mergeable(true); got != MergeLater {
		t.Errorf("head not known: got %q, want %q", got, MergeLater)
	}
}
