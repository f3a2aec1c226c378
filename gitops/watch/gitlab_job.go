package watch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
)

// tell says what the jobs of pipeline p tell of the service that the job of that
// name deploys. When p and pipelines below it have several of that name, the worst
// counts.
func tell(p gitops.Pipeline, jobs []gitops.Job, name string) gitops.ServiceStatus {
	var told []gitops.ServiceStatus
	for _, j := range jobs {
		if j.Name == name {
			known, reason := judge(j, jobs)
			told = append(told, gitops.ServiceStatus{Known: known, Reason: reason, Link: cmp.Or(j.Link, p.Link)})
		}
	}
	if len(told) == 0 {
		return missing(p, jobs, name)
	}
	return slices.MinFunc(told, func(a, b gitops.ServiceStatus) int {
		return cmp.Compare(slices.Index(worstFirst, a.Known), slices.Index(worstFirst, b.Known))
	})
}

// worstFirst orders what is known of several jobs that together deploy a service.
var worstFirst = []gitops.Known{gitops.Broken, gitops.Unsure, gitops.NotYet, gitops.Running}

// judge says what one job tells. Jobs are all that may explain why it does not run.
func judge(j gitops.Job, jobs []gitops.Job) (gitops.Known, string) {
	switch j.Status {
	case gitops.StatusSuccess:
		return gitops.Running, fmt.Sprintf("job %s succeeded", j.Name)
	case gitops.StatusFailed:
		reason := cmp.Or(j.FailureReason, "unknown_failure")
		if j.Blames() {
			return gitops.Broken, fmt.Sprintf("job %s failed (%s)", j.Name, reason)
		}
		return gitops.Unsure, fmt.Sprintf("job %s failed (%s), which says nothing about the data", j.Name, reason)
	case gitops.StatusCanceled:
		return gitops.Unsure, fmt.Sprintf("job %s was canceled", j.Name)
	case gitops.StatusManual:
		return gitops.Unsure, fmt.Sprintf("job %s waits for a person to start it", j.Name)
	case gitops.StatusSkipped:
		return gitops.Unsure, fmt.Sprintf("job %s was skipped%s", j.Name, because(j, jobs))
	case gitops.StatusCreated:
		if gate := blocking(j, jobs); gate != "" {
			return gitops.Unsure, fmt.Sprintf("job %s waits for job %s, which a person has to start", j.Name, gate)
		}
	}
	if active(j.Status) {
		return gitops.NotYet, fmt.Sprintf("job %s is %s", j.Name, j.Status)
	}
	return gitops.Unsure, fmt.Sprintf("job %s has the status %q, which is not known here", j.Name, j.Status)
}

// active reports that a job or pipeline of status s goes on by itself.
func active(s gitops.Status) bool {
	switch s {
	case gitops.StatusCreated, gitops.StatusWaiting, gitops.StatusPreparing, gitops.StatusCallback,
		gitops.StatusPending, gitops.StatusRunning, gitops.StatusCanceling, gitops.StatusScheduled:
		return true
	}
	return false
}

// because names the job of the same pipeline for whose failure j was skipped.
func because(j gitops.Job, jobs []gitops.Job) string {
	for _, other := range jobs {
		if other.Pipeline == j.Pipeline && other.Status == gitops.StatusFailed && !other.AllowFailure {
			return fmt.Sprintf(" because job %s failed", other.Name)
		}
	}
	return ""
}

// blocking names the manual job that holds up the pipeline of j; "" when none does,
// or while other jobs there still go on.
func blocking(j gitops.Job, jobs []gitops.Job) string {
	name := ""
	for _, other := range jobs {
		switch {
		case other.Pipeline != j.Pipeline:
		case other.Status == gitops.StatusManual && !other.AllowFailure:
			name = cmp.Or(name, other.Name)
		case other.Status != gitops.StatusCreated && active(other.Status):
			return ""
		}
	}
	return name
}

// missing is what is known when p has no job of that name. While p goes on it may
// still start the pipeline that has it.
func missing(p gitops.Pipeline, jobs []gitops.Job, name string) gitops.ServiceStatus {
	if active(p.Status) {
		return gitops.ServiceStatus{
			Known: gitops.NotYet, Link: p.Link,
			Reason: fmt.Sprintf("pipeline %d is %s and has no job %s yet", p.ID, p.Status, name),
		}
	}
	reason := fmt.Sprintf("pipeline %d (%s) has no jobs", p.ID, p.Status)
	if near := closest(jobs, name); len(near) > 0 {
		reason = fmt.Sprintf("pipeline %d (%s) has no job %s; the closest it has: %s", p.ID, p.Status, name, strings.Join(near, ", "))
	}
	return gitops.ServiceStatus{Reason: reason, Link: p.Link}
}

// closest returns up to three names of jobs, those first that take the fewest edits
// to become name.
func closest(jobs []gitops.Job, name string) []string {
	var names []string
	for _, j := range jobs {
		names = append(names, j.Name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(edits(a, name), edits(b, name)) })
	return names[:min(len(names), 3)]
}

// edits returns how many bytes must be inserted, removed or replaced to make a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
