package bot

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"lockstep/gates"
	"lockstep/gitops"
)

// deleted is the state of a merge request that GitLab does not know any more.
const deleted gitops.MergeRequestState = "deleted"

func (w *world) Find(_ context.Context, repo, branch string) (gitops.MergeRequest, error) {
	var found *gitops.MergeRequest
	for _, mr := range w.mrs {
		if mr.Project == repo && mr.Source == branch && mr.State != deleted && (found == nil || found.State != gitops.Opened) {
			found = mr
		}
	}
	if found == nil {
		return gitops.MergeRequest{}, gitops.ErrNotFound
	}
	return *found, nil
}

func (w *world) Open(ctx context.Context, p gitops.Proposal) (gitops.MergeRequest, error) {
	if mr, err := w.Find(ctx, p.Repo, p.Branch); err == nil && mr.State == gitops.Opened {
		return mr, nil
	}
	answer := w.take("opens", "lost-open", "refuses-open")
	if answer == "refuses-open" {
		return gitops.MergeRequest{}, fmt.Errorf("open: %w: merge requests are disabled", gitops.ErrRefused)
	}
	w.mrs = append(w.mrs, &gitops.MergeRequest{
		Project: p.Repo, IID: int64(len(w.mrs) + 1), State: gitops.Opened, Source: p.Branch, Target: p.Target, SHA: w.branch[ref(p.Repo, p.Branch)],
	})
	w.acts = append(w.acts, "open")
	if answer == "lost-open" {
		return gitops.MergeRequest{}, errUnknown
	}
	return *w.mrs[len(w.mrs)-1], nil
}

func (w *world) MergeRequest(_ context.Context, _ string, iid int64) (gitops.MergeRequest, error) {
	mr := w.mrs[iid-1]
	if mr.State == deleted {
		return gitops.MergeRequest{}, gitops.ErrNotFound
	}
	if mr.State != gitops.Opened {
		return *mr, nil
	}
	answer := w.take("ready", "deleted", "checking", "stale", "closed", "locked", "conflict", "not_approved", "commits_status", "ci-failed", "ci-broke")
	seen := *mr
	seen.Status = "mergeable"
	seen.HeadPipeline = &gitops.Pipeline{ID: 7, SHA: mr.SHA, Status: gitops.StatusSuccess}
	switch answer {
	case "-":
		return gitops.MergeRequest{}, errUnknown
	case "stale":
		seen.SHA = "older"
	case "deleted":
		mr.State = deleted
		return gitops.MergeRequest{}, gitops.ErrNotFound
	case "closed":
		mr.State, seen.State = gitops.Closed, gitops.Closed
	case "locked":
		seen.State = gitops.Locked
	case "ci-failed":
		seen.Status, seen.HeadPipeline.Status = "ci_must_pass", gitops.StatusFailed
	case "ci-broke":
		seen.Status, seen.HeadPipeline.Status, seen.HeadPipeline.ID = "ci_must_pass", gitops.StatusFailed, brokePipeline
	case "checking", "conflict", "not_approved", "commits_status":
		seen.Status = answer
	}
	return seen, nil
}

func (w *world) Merge(_ context.Context, mr gitops.MergeRequest) error {
	switch w.take("merges", "accepts", "405", "401", "lost-merge") {
	case "accepts": // and does nothing
		return nil
	case "405":
		return fmt.Errorf("merge: %w", gitops.ErrConflict)
	case "401":
		return fmt.Errorf("merge: %w: the bot may not merge", gitops.ErrRefused)
	case "lost-merge":
		w.land(w.mrs[mr.IID-1])
		w.acts = append(w.acts, "merge")
		return errUnknown
	case "-":
		return errUnknown
	}
	w.land(w.mrs[mr.IID-1])
	w.acts = append(w.acts, "merge")
	return nil
}

func (w *world) Close(_ context.Context, _ string, iid int64) error {
	switch w.take("closes", "merged-meanwhile", "may-not-close") {
	case "merged-meanwhile":
		w.land(w.mrs[iid-1])
		return errUnknown
	case "may-not-close":
		return fmt.Errorf("close: %w: the bot may not close it", gitops.ErrRefused)
	}
	w.mrs[iid-1].State = gitops.Closed
	w.acts = append(w.acts, "close")
	return nil
}

func (w *world) Pipelines(_ context.Context, _ string, q gitops.PipelineQuery) ([]gitops.Pipeline, error) {
	if q.SHA == "" {
		if len(w.newer) > 0 && w.take("newer-ends", "newer-runs") == "newer-ends" {
			w.newer[0].Status = gitops.StatusSuccess
		}
		return w.newer, nil
	}
	if w.take("there", "none-yet") == "none-yet" {
		return nil, nil
	}
	for _, p := range w.pipes {
		if p.SHA == q.SHA {
			return []gitops.Pipeline{p}, nil
		}
	}
	return []gitops.Pipeline{{ID: 9, SHA: q.SHA, Status: gitops.StatusSuccess}}, nil
}

// brokePipeline is the id of a pipeline that lost its runner.
const brokePipeline = 8

func (w *world) Jobs(_ context.Context, _ string, pipeline int64) ([]gitops.Job, error) {
	job := gitops.Job{Name: "lint", Status: gitops.StatusFailed, FailureReason: gitops.FailureByScript}
	switch answer := w.take("lint-failed", "runner-broke"); {
	case answer == "-":
		return nil, errUnknown
	case answer == "runner-broke" || pipeline == brokePipeline:
		job.FailureReason = "runner_system_failure"
	}
	return []gitops.Job{job, {Name: "try", Status: gitops.StatusFailed, FailureReason: gitops.FailureByScript, AllowFailure: true}}, nil
}

func (w *world) Cancel(context.Context, string, int64) error {
	switch w.take("cancels", "may-not-cancel", "goes-on", "canceling") {
	case "may-not-cancel":
		return fmt.Errorf("cancel: %w: the bot may not cancel it", gitops.ErrRefused)
	case "goes-on":
		return nil
	case "canceling":
		w.pipes[0].Status = gitops.StatusCanceling
		return nil
	}
	w.pipes[0].Status = gitops.StatusCanceled
	w.acts = append(w.acts, "cancel pipeline")
	return nil
}

func (w *world) Services(_ context.Context, _ WatchPlan, d gitops.Deployment) (gitops.Seen, error) {
	answer := w.take("running", "broken", "half", "deploying", "unsure", "foreign")
	if answer == "-" {
		return nil, errUnknown
	}
	var seen gitops.Seen
	for i, t := range d.Services {
		status := gitops.ServiceStatus{Service: t.Service, Known: gitops.Running, Reason: "job succeeded"}
		switch {
		case answer == "broken" && i == 0:
			status.Known, status.Reason = gitops.Broken, "job failed"
		case answer == "half" && i == 0:
			status.Known, status.Reason = gitops.Broken, "job failed"
		case answer == "half" || answer == "deploying":
			status.Known, status.Reason = gitops.NotYet, "job is running"
		case answer == "foreign" && !strings.Contains(w.tree(ref(d.Repo, "main")).files[t.File], string(t.Version)):
			status.Known, status.Reason = gitops.Unsure, "somebody changed it before it was deployed"
		case answer == "unsure":
			status.Known, status.Reason = gitops.Unsure, "job was cancelled"
		}
		seen = append(seen, status)
	}
	return seen, nil
}

func (w *world) Obstacles(context.Context, string, string, bool) ([]string, error) {
	if w.take("free", "approvals") == "approvals" {
		return []string{`rule "owners" wants 1 approval for main`}, nil
	}
	return nil, nil
}

// Contains follows nobody's history: a branch holds its tip and what it was made of.
func (w *world) Contains(_ context.Context, repo, branch, commit string) (bool, error) {
	for id := w.branch[ref(repo, branch)]; id != ""; id = w.commits[id].parent {
		if id == commit {
			return true, nil
		}
	}
	return false, nil
}

func (w *world) Check(_ context.Context, _ DataSet, p Progress) (Progress, error) {
	return w.pass(p, w.take("complete", "checking-on", "torn"), "part-3 is missing")
}

func (w *world) Copy(_ context.Context, _ DataSet, to Bucket, p Progress) (Progress, error) {
	answer := w.take("copied", "copying", "taken")
	if answer != "-" {
		w.acts = append(w.acts, "copy to "+to.Purpose)
	}
	return w.pass(p, answer, "live holds a different object at part-3: versions are immutable")
}

// pass goes on with a pass over 200 objects.
func (w *world) pass(p Progress, answer, problem string) (Progress, error) {
	p.TotalObjects, p.TotalBytes = 200, 2e9
	switch answer {
	case "-":
		return p, errUnknown
	case "torn", "taken":
		p.Problem = problem
	case "checking-on", "copying":
		p.Objects, p.Bytes = p.Objects+100, p.Bytes+1e9
	default:
		p.Objects, p.Bytes, p.Done = 200, 2e9, true
	}
	return p, nil
}

func (w *world) Unfit(context.Context, *Run) (string, error) {
	switch w.take("fit", "unfit") {
	case "-":
		return "", errUnknown
	case "unfit":
		return "mda 1.1.0 was put back on track dev", nil
	}
	return "", nil
}

func (w *world) Overtaken(context.Context, *Run) (string, error) {
	switch w.take("stands", "overtaken") {
	case "-":
		return "", errUnknown
	case "overtaken":
		return "nothing to do: run 0195 has brought mda 2.0.0 there", nil
	}
	return "", nil
}

func (w *world) Undone(context.Context, *Run) (Past, error) {
	if w.forgets {
		return Past{}, errUnknown
	}
	return w.past, nil
}

func (w *world) Streak(context.Context, *Run, string, string) (int, error) { return w.streak, nil }

// A turn is a gate of the world. Gates that are asked at the same time take their words
// of the script in the order in which they were made.
type turn struct {
	*world
	n int
}

func (w *world) Gate(GatePlan) (gates.Gate, error) {
	w.made++
	return turn{w, w.made}, nil
}

// take waits until it is this gate's turn.
func (g turn) take(fit ...string) string {
	g.turns.Lock()
	defer g.turns.Unlock()
	for g.n != g.taken+1 {
		g.turns.Unlock()
		runtime.Gosched()
		g.turns.Lock()
	}
	g.taken++
	return g.world.take(fit...)
}

func (w turn) Start(_ context.Context, s gates.Subject) (string, error) {
	switch w.take("starts", "no-variables") {
	case "-":
		return "", errUnknown
	case "no-variables":
		return "", fmt.Errorf("trigger: %w: variables are not allowed", gitops.ErrRefused)
	}
	if !slices.Contains(w.begun, s.Key()) {
		w.begun = append(w.begun, s.Key())
	}
	return "1", nil
}

func (w turn) Ask(context.Context, gates.Subject, string) (gates.Verdict, error) {
	switch w.take("good", "bad", "open", "nothing") {
	case "bad":
		return gates.Verdict{Result: gates.Failed, Reason: "3 tests failed", Link: "https://gitlab/p/1"}, nil
	case "nothing":
		return gates.Verdict{Result: gates.None, Reason: "no data"}, nil
	case "open":
		return gates.Verdict{Reason: "pipeline is running"}, nil
	case "-":
		return gates.Verdict{}, errUnknown
	}
	return gates.Verdict{Result: gates.Passed, Reason: "pipeline succeeded"}, nil
}

func (w *world) Read(_ context.Context, p Parameter) (string, int64, error) {
	if value, ok := w.params[p.Name]; ok {
		return value, 1, nil
	}
	return "", 0, gitops.ErrNotFound
}

func (w *world) Write(_ context.Context, p Parameter, value string, _ int64) (int64, error) {
	switch w.take("writes", "lost-write", "raced", "written-over") {
	case "-":
		return 0, errUnknown
	case "written-over":
		w.params[p.Name] = value
		return 3, fmt.Errorf("put parameter: our value stands on theirs: %w", gitops.ErrConflict)
	case "raced":
		return 0, fmt.Errorf("put parameter: %w", gitops.ErrConflict)
	case "lost-write":
		w.params[p.Name] = value
		w.acts = append(w.acts, "write")
		return 0, errUnknown
	}
	w.params[p.Name] = value
	w.acts = append(w.acts, "write")
	return 1, nil
}
