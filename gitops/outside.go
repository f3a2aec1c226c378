package gitops

import (
	"errors"
	"strings"
	"time"
)

// ErrNotFound says that the outside answered and what was asked for is not there.
// It is knowledge, unlike every other error of an adapter.
var ErrNotFound = errors.New("not found")

// ErrConflict says that somebody else moved what a write was based on: read again,
// then decide again. Nothing was written.
var ErrConflict = errors.New("changed meanwhile")

// ErrRefused says that the outside understood the request and will not do it for
// us, however often we ask: a missing right, a protected branch, a rule. A person
// has to mend it. The text of the wrapping error says what and where.
var ErrRefused = errors.New("refused")

// A Commit is one commit as far as Lockstep looks at it. ID and Parents are hex.
type Commit struct {
	ID      string
	Parents []string
	Message string
	Author  string // name of the author
	When    time.Time
}

// Short returns the first eight digits of a commit's id, as people read it.
func Short(id string) string { return id[:min(len(id), 8)] }

// TrailerRun is the trailer that names the run in each of our commits and merge
// requests. It proves that a branch is ours; it never proves what has landed,
// because squashing drops trailers.
const TrailerRun = "Lockstep-Run"

// Trailer returns the value of the last "name: value" line in message, or "".
func Trailer(message, name string) string {
	value := ""
	for line := range strings.Lines(message) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			value = strings.TrimSpace(rest)
		}
	}
	return value
}

// A MergeRequestState is GitLab's state of a merge request.
type MergeRequestState string

// The states of a merge request; Locked is GitLab's moment between open and merged.
const (
	Opened MergeRequestState = "opened"
	Closed MergeRequestState = "closed"
	Merged MergeRequestState = "merged"
	Locked MergeRequestState = "locked"
)

// A MergeRequest is a merge request as GitLab shows it now.
type MergeRequest struct {
	Project      string // path of the project
	IID          int64
	Title        string
	Description  string
	Labels       []string
	State        MergeRequestState
	Source       string // source branch
	Target       string // target branch
	SHA          string // head of the source branch as GitLab knows it; lags behind a push
	Status       string // detailed_merge_status: mergeable, checking, ci_must_pass …
	HeadPipeline *Pipeline
	Landed       string // the commit that landed: merge, else squash commit, else head; "" until merged
	ClosedBy     string // username, "" when not closed or not known
	MergedBy     string // username, "" when not merged or not known
	Link         string
}

// Behind reports that the merge request cannot land on its target as it stands, but
// could if it were built anew on the target's newest commit.
func (mr MergeRequest) Behind() bool {
	return mr.Status == "conflict" || mr.Status == "need_rebase" || mr.Status == "cannot_be_merged"
}

// A Status is GitLab's status of a pipeline or a job.
type Status string

// The statuses of pipelines and jobs (doc/api/pipelines.md, doc/api/jobs.md).
const (
	StatusCreated   Status = "created"
	StatusWaiting   Status = "waiting_for_resource"
	StatusPreparing Status = "preparing"
	StatusCallback  Status = "waiting_for_callback"
	StatusPending   Status = "pending"
	StatusRunning   Status = "running"
	StatusSuccess   Status = "success"
	StatusFailed    Status = "failed"
	StatusCanceling Status = "canceling"
	StatusCanceled  Status = "canceled"
	StatusSkipped   Status = "skipped"
	StatusManual    Status = "manual"
	StatusScheduled Status = "scheduled"
	SourcePush             = "push"                  // Pipeline.Source of a push or a merge
	SourceMergeReq         = "merge_request_event"   // Pipeline.Source of a merge request
	SourceAPI              = "api"                   // Pipeline.Source of a pipeline that a program created
	SourceChild            = "parent_pipeline"       // Pipeline.Source of a child pipeline
	FailureByScript        = "script_failure"        // Job.FailureReason: the job's own program said no
	FailureByTime          = "job_execution_timeout" // Job.FailureReason: the job's own program did not end in time
)

// A CommitStatus is what GitLab shows beside a commit about something that its own CI
// does not do.
type CommitStatus struct {
	Project     string
	Commit      string
	Ref         string // the branch or tag that is meant; "" with IID
	IID         int64  // the merge request whose own pipeline takes it: none is made for it; 0: that of Ref, or a new one
	Name        string // "lockstep/integration"
	State       Status // pending, running, success, failed or canceled
	Description string // 255 characters at most
	Link        string // may be empty
}

// Settled reports that s will not change any more by itself.
func (s Status) Settled() bool {
	switch s {
	case StatusSuccess, StatusFailed, StatusCanceled, StatusSkipped:
		return true
	}
	return false
}

// A Pipeline is one pipeline as GitLab shows it now.
type Pipeline struct {
	Project string
	ID      int64
	SHA     string
	Ref     string
	Source  string
	Status  Status
	Link    string
	Created time.Time
}

// A Job is one job of a pipeline, bridges included.
type Job struct {
	ID            int64
	Name          string
	Stage         string
	Status        Status
	FailureReason string // why a failed job failed, in GitLab's words: script_failure, runner_system_failure …
	AllowFailure  bool
	Pipeline      int64 // the pipeline it belongs to
	Link          string
}

// A Tag is one tag of a data project.
type Tag struct {
	Name      string
	Commit    string // the commit that it points to
	Protected bool
	Created   time.Time
}

// A PipelineQuery selects pipelines of a project. Empty fields do not restrict.
type PipelineQuery struct {
	Ref    string
	SHA    string
	Source string    // SourcePush, SourceAPI …
	Since  time.Time // created or changed at or after
}

// A Mergeability is what a merge request's state means for one who wants to merge it.
type Mergeability string

// The answers of MergeRequest.Mergeable.
const (
	MergeNow    Mergeability = "now"    // its head was verified and GitLab would merge it
	MergeLater  Mergeability = "later"  // GitLab computes, or a pipeline runs: ask again
	MergePerson Mergeability = "person" // it waits for a person: approval, discussion, draft, conflict
	MergeNever  Mergeability = "never"  // its own pipeline failed: a verdict
)

// Blames reports that j failed because its own program said no, which is a verdict
// on what it deployed or tested. Every other reason (a runner that broke, a job that
// was stuck, a schedule gone stale …) says nothing about the data, and neither does
// none at all or one that GitLab may invent later.
// Source: CommitStatus.failure_reasons of GitLab, app/models/concerns/enums/ci/commit_status.rb.
func (j Job) Blames() bool {
	return j.Status == StatusFailed && (j.FailureReason == FailureByScript || j.FailureReason == FailureByTime)
}
