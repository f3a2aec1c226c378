package gitops

import "strings"

// Known is what a watcher knows of one service after a commit landed.
type Known string

// What can be known of a service. Unsure is the zero value: the source answered,
// but said nothing about the data (no pipeline, no matching job, a job cancelled,
// skipped or waiting for a person, a runner that failed). It is never a verdict.
const (
	Unsure  Known = ""
	NotYet  Known = "not yet" // the deployment waits or runs
	Running Known = "running" // the service runs the version
	Broken  Known = "broken"  // the deployment failed, and the data may be the cause
)

// A ServiceStatus answers "does this service run this version from this commit?"
type ServiceStatus struct {
	Service string `json:"service"`
	Known   Known  `json:"known"`
	Reason  string `json:"reason"` // a clause for people: "job deploy-int-fbv failed (script_failure)"
	Link    string `json:"link,omitempty"`
}

// Seen is one answer for each service that was asked for, in the order asked.
type Seen []ServiceStatus

// Count returns how many services are known as k.
func (s Seen) Count(k Known) int {
	n := 0
	for _, status := range s {
		if status.Known == k {
			n++
		}
	}
	return n
}

// All reports that every service is known as k. It is false for nothing.
func (s Seen) All(k Known) bool { return len(s) > 0 && s.Count(k) == len(s) }

// Link returns the link of the first service that is known as k and has one.
func (s Seen) Link(k Known) string {
	for _, status := range s {
		if status.Known == k && status.Link != "" {
			return status.Link
		}
	}
	return ""
}

// Sentence says which services are known as k and why, in one line, each reason once:
// "fbv: job deploy-int-fbv failed (script_failure); kv, remo: no pipeline yet".
func (s Seen) Sentence(k Known) string {
	services := map[string][]string{} // by reason
	var reasons []string
	for _, status := range s {
		if status.Known != k {
			continue
		}
		if services[status.Reason] == nil {
			reasons = append(reasons, status.Reason)
		}
		services[status.Reason] = append(services[status.Reason], status.Service)
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(services[reason], ", ") + ": " + reason
	}
	return strings.Join(reasons, "; ")
}

// A Deployment is what a watcher is asked about: did Version arrive, from Commit
// or from a later commit of Branch in which it still stands?
type Deployment struct {
	Repo        string // GitLab project path of the environment repository
	Branch      string // the branch that is deployed
	Commit      string // the commit that landed
	Environment string
	Services    []Target
}

// A Target is one service of a deployment, the place of its value, and the version
// that the landed commit gives it. In a rollback targets may differ in version.
type Target struct {
	Service string
	Place
	Version Version
}
