package gitops

import (
	"fmt"
	"strings"
)

// waits says why GitLab would not merge yet, for the detailed statuses that end by
// themselves: GitLab computes, or something outside of it has still to answer.
var waits = map[string]string{
	"preparing":                      "GitLab prepares it",
	"unchecked":                      "GitLab has not checked yet whether it can be merged",
	"checking":                       "GitLab checks whether it can be merged",
	"approvals_syncing":              "GitLab counts its approvals again",
	"ci_still_running":               "its pipeline runs",
	"not_open":                       "GitLab says that it is not open, but shows it opened",
	"status_checks_must_pass":        "an external status check has not passed yet",
	"external_status_checks":         "an external status check has not passed yet",
	"security_policy_pipeline_check": "a pipeline that a security policy demands has not passed yet",
}

// needs says what a person has to do, for the detailed statuses that do not end by
// themselves. The last four are names of GitLab before 16.
var needs = map[string]string{
	"commits_status":             "its source branch is gone or has no commits of its own",
	"conflict":                   "it conflicts with its target branch",
	"discussions_not_resolved":   "a discussion on it is not resolved",
	"draft_status":               "it is a draft",
	"jira_association_missing":   "it must name a Jira issue",
	"locked_lfs_files":           "it changes LFS files that somebody has locked",
	"locked_paths":               "it changes paths that somebody has locked",
	"merge_request_blocked":      "another merge request must be merged before it",
	"merge_time":                 "it may not be merged before the time that is set on it",
	"need_rebase":                "it must be rebased onto its target branch",
	"not_approved":               "it is not approved",
	"requested_changes":          "a reviewer has requested changes",
	"security_policy_violations": "it violates a security policy",
	"title_regex":                "its title does not have the form that the project demands",
	"blocked_status":             "another merge request must be merged before it",
	"broken_status":              "it cannot be merged into its target branch",
	"policies_denied":            "it violates a policy",
	"cannot_be_merged":           "it cannot be merged into its target branch",
}

// Mergeable says what the state of mr means for one who wants to merge it, with the
// reason as a clause for people. Pipelines says whether the project runs pipelines
// for merge requests: that is configured, never guessed, because a pipeline that
// is late looks like one that will never be.
//
// MergeNow is answered only when GitLab would merge the head that mr shows and,
// with pipelines, a pipeline of just this head succeeded.
func (mr MergeRequest) Mergeable(pipelines bool) (Mergeability, string) {
	switch mr.State {
	case Opened:
		return mr.mergeableOpen(pipelines)
	case Locked:
		return MergeLater, "GitLab is merging it"
	case Merged:
		return MergeLater, "it is merged already"
	case Closed:
		return MergePerson, "it is closed" + by(mr.ClosedBy)
	}
	return MergeLater, fmt.Sprintf("GitLab shows it in the unknown state %q", mr.State)
}

// by returns " by user", or nothing when the user is not known.
func by(user string) string {
	if user == "" {
		return ""
	}
	return " by " + user
}

// mergeableOpen is Mergeable for a merge request that is open.
func (mr MergeRequest) mergeableOpen(pipelines bool) (Mergeability, string) {
	switch mr.Status {
	case "mergeable":
		if !pipelines {
			return MergeNow, "GitLab would merge it, and its project runs no pipelines for merge requests"
		}
		return mr.verified()
	case "ci_must_pass":
		return mr.unverified(pipelines)
	case "ci_still_running":
		if p := mr.headPipeline(); p != nil && p.Status == StatusManual {
			return mr.verified()
		}
	}
	if why, ok := waits[mr.Status]; ok {
		return MergeLater, why
	}
	if why, ok := needs[mr.Status]; ok {
		return MergePerson, why
	}
	return MergeLater, fmt.Sprintf("GitLab says %q, which is not known here", mr.Status)
}

// verified says what the pipeline of the head means when nothing else is in the way.
func (mr MergeRequest) verified() (Mergeability, string) {
	p := mr.headPipeline()
	if p == nil {
		return MergeLater, "there is no pipeline for its head " + Short(mr.SHA) + " yet"
	}
	switch p.Status {
	case StatusSuccess:
		return MergeNow, fmt.Sprintf("pipeline %d of its head %s succeeded", p.ID, Short(mr.SHA))
	case StatusFailed:
		return MergeNever, fmt.Sprintf("the merge request's own pipeline failed (pipeline %d of its head %s)", p.ID, Short(mr.SHA))
	case StatusCanceled, StatusSkipped:
		return MergePerson, fmt.Sprintf("pipeline %d of its head was %s", p.ID, p.Status)
	case StatusManual:
		return MergePerson, fmt.Sprintf("pipeline %d of its head waits for a person to start a job", p.ID)
	}
	return MergeLater, fmt.Sprintf("pipeline %d of its head is %s", p.ID, p.Status)
}

// unverified is the answer when GitLab itself demands a pipeline that succeeds.
// Success is then no reason to merge: GitLab has seen something that we have not.
func (mr MergeRequest) unverified(pipelines bool) (Mergeability, string) {
	if !pipelines && mr.HeadPipeline == nil {
		return MergePerson, "its project demands a pipeline, but is configured here as one without"
	}
	answer, why := mr.verified()
	if answer == MergeNow {
		return MergeLater, why + ", but GitLab still waits for a pipeline"
	}
	return answer, why
}

// headPipeline returns the pipeline that ran for the head of mr, or nil when GitLab
// shows none, or still the one of an earlier head. The pipeline of a merge result
// or of a merge train runs on a commit that GitLab generated; its ref tells it.
func (mr MergeRequest) headPipeline() *Pipeline {
	p := mr.HeadPipeline
	switch {
	case p == nil:
		return nil
	case p.SHA == mr.SHA && mr.SHA != "":
		return p
	}
	generated, ok := strings.CutPrefix(p.Ref, fmt.Sprintf("refs/merge-requests/%d/", mr.IID))
	if ok && (generated == "merge" || generated == "train") {
		return p
	}
	return nil
}
