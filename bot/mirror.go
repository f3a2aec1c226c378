package bot

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
)

// The labels of merge requests that mirror a run: one of them at a time. In an
// Enterprise Edition their form makes GitLab itself hold to that.
const (
	LabelQueued         = "lockstep::queued"
	LabelHeld           = "lockstep::held"
	LabelRunning        = "lockstep::running"
	LabelPerson         = "lockstep::needs-person"
	LabelRollingBack    = "lockstep::rolling-back"
	LabelSuccess        = "lockstep::success"
	LabelWarnings       = "lockstep::warnings"
	LabelRolledBack     = "lockstep::rolled-back"
	LabelRollbackFailed = "lockstep::rollback-failed"
	LabelCancelled      = "lockstep::cancelled"
	LabelUndone         = "lockstep::undone"
)

// Labels lists every label that mirrors a run.
var Labels = []string{
	LabelQueued, LabelHeld, LabelRunning, LabelPerson, LabelRollingBack,
	LabelSuccess, LabelWarnings, LabelRolledBack, LabelRollbackFailed, LabelCancelled, LabelUndone,
}

// Label returns the label of the run's merge requests.
func (r *Run) Label() string {
	switch {
	case r.State == Done && r.UndoneBy != "":
		return LabelUndone
	case r.State == Done && len(r.Warnings) > 0:
		return LabelWarnings
	case r.State == Done:
		return LabelSuccess
	case r.State == RolledBack || r.State == RollbackFailed && r.UndoneBy != "":
		return LabelRolledBack
	case r.State == RollbackFailed:
		return LabelRollbackFailed
	case r.Settled():
		return LabelCancelled
	case r.Yielded != nil:
		return LabelQueued
	case r.awaited():
		return LabelPerson
	case r.heldForward():
		return LabelHeld
	case r.Direction == Back || r.State == Failed:
		return LabelRollingBack
	case r.State == Queued:
		return LabelQueued
	}
	return LabelRunning
}

// awaited reports that the run waits for people: they have to say how to go on, to
// answer a gate or to merge what was handed to them.
func (r *Run) awaited() bool {
	handed := r.State == Proposed && r.Direction == Forward && r.Delivery().Told
	return r.State == Stalled || handed || len(r.confirmable()) > 0
}

// Proposals returns the deliveries of the run that have a merge request. Those of a run
// that it undoes belong to that one.
func (r *Run) Proposals() []Delivery {
	var all []Delivery
	if r.Undoes == "" {
		for _, s := range r.Stages {
			all = append(all, s.Delivery)
		}
	}
	return slices.DeleteFunc(append(all, r.Backs...), func(d Delivery) bool { return d.IID == 0 })
}

// A Tagged is the tag of a data project that announced the version of a run.
type Tagged struct {
	Project string `json:"project"`
	Tag     string `json:"tag"`
	Commit  string `json:"commit"`
}

// Tagged returns the tag that announced the request's version; nil when none did.
func (q Request) Tagged() *Tagged {
	words := strings.Split(q.Subject, " ") // neither projects nor tags have spaces
	if len(words) != 3 || words[0] != "tag" || q.Commit == "" {
		return nil
	}
	return &Tagged{Project: words[1], Tag: words[2], Commit: q.Commit}
}

// CommitStatuses returns what GitLab shows of the run beside commits: the way of the
// version through the track at the tag that announced it, and how the run has ended at
// the head of each merge request that went forward and has landed.
//
// A bump gets nothing before the run has ended. A status that has not ended, or that has
// failed, would count as a part of the merge request's pipeline: GitLab, and the run
// itself, would wait for it before they merge, and the run waits for nothing but itself
// then. After the end nobody waits for that pipeline any more. Its status goes into the
// merge request's own pipeline alone, never into one that GitLab would make for it on
// the deployed branch, where it could be taken for a deployment.
func (r *Run) CommitStatuses() []gitops.CommitStatus {
	var all []gitops.CommitStatus
	if t := r.Tagged; t != nil {
		state, says := r.progress()
		all = append(all, gitops.CommitStatus{
			Project: t.Project, Commit: t.Commit, Ref: t.Tag, Name: "lockstep/" + r.Track, State: state, Description: says,
		})
	}
	if !r.Settled() || r.Undoes != "" {
		return all
	}
	for _, s := range r.Stages {
		if d := s.Delivery; d.IID != 0 && d.Landed != "" {
			state, says := r.ending(s)
			all = append(all, gitops.CommitStatus{
				Project: d.Change.Repo, Commit: d.Head, IID: d.IID, Name: "lockstep/" + s.Plan.Environment, State: state, Description: says,
			})
		}
	}
	return all
}

// progress says how the version gets on with the track. What it says while the run has
// not ended is the same all the time, because GitLab takes no other text for the same
// state.
func (r *Run) progress() (state gitops.Status, says string) {
	switch {
	case r.State == Done && r.UndoneBy != "":
		return gitops.StatusCanceled, statusText("%s %s: run %s has put it back", r.Package, r.Version, r.UndoneBy)
	case r.State == Done:
		return gitops.StatusSuccess, statusText("%s %s: %s", r.Package, r.Version, r.Result())
	case r.State == RolledBack || r.State == RollbackFailed:
		return gitops.StatusFailed, statusText("%s %s: %s", r.Package, r.Version, r.resultWhy())
	case r.Settled():
		return gitops.StatusCanceled, statusText("%s %s: %s", r.Package, r.Version, r.Result())
	case r.Begun.IsZero():
		return gitops.StatusPending, statusText("%s %s waits for lane %s", r.Package, r.Version, r.Lane)
	}
	return gitops.StatusRunning, statusText("%s %s goes through %s", r.Package, r.Version, r.itinerary())
}

// ending says how a run that has settled has ended in the environment of a stage.
func (r *Run) ending(s Stage) (state gitops.Status, says string) {
	put := func(of Stage) bool { return of.Plan.Environment == s.Plan.Environment }
	switch {
	case r.State == Done && r.UndoneBy != "":
		return gitops.StatusCanceled, statusText("%s %s: run %s has put it back in %s", r.Package, r.Version, r.UndoneBy, s.Plan.Environment)
	case r.State == Done || !slices.ContainsFunc(r.scoped(), put):
		return gitops.StatusSuccess, statusText("%s %s runs in %s", r.Package, r.Version, s.Plan.Environment)
	case r.State == Cancelled:
		return gitops.StatusCanceled, statusText("%s %s: cancelled, and put back in %s", r.Package, r.Version, s.Plan.Environment)
	}
	return gitops.StatusFailed, statusText("%s %s: %s", r.Package, r.Version, r.resultWhy())
}

// resultWhy says how the run ended, and why it failed.
func (r *Run) resultWhy() string {
	if r.Cause == nil {
		return r.Result()
	}
	return r.Result() + " — " + r.Cause.Sentence
}

// statusText returns what a commit status says, on one line that GitLab takes.
func statusText(format string, args ...any) string {
	return title("%s", oneLine(fmt.Sprintf(format, args...)))
}
