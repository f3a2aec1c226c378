package bot

import (
	"time"

	"lockstep/gitops"
)

// A StagePlan is what the configuration said about one environment when the run
// started: where the values live, how the deployment is watched, which gates follow.
type StagePlan struct {
	Environment string        `json:"environment"`
	Repo        string        `json:"repo"`        // GitLab project path of the environment repository
	Branch      string        `json:"branch"`      // the branch that is deployed
	Checked     bool          `json:"checked"`     // its merge requests have pipelines, and merging waits for them
	Job         string        `json:"job"`         // pattern of the deploy job's name
	Services    []Service     `json:"services"`    // every dependent, in the order shown
	Gates       []GatePlan    `json:"gates"`       // in order
	Record      *Parameter    `json:"record"`      // where the last good version is stored; nil: nowhere
	SyncLimit   time.Duration `json:"sync_limit"`  // how long a deployment may take
	MergeLimit  time.Duration `json:"merge_limit"` // how long a merge request may wait before people are called
}

// A Service is one dependent of an environment: its name and where its value stands.
type Service struct {
	Name string `json:"name"`
	File string `json:"file"`
	Key  string `json:"key"`
}

// Place returns where the value of s stands.
func (p StagePlan) Place(s Service) gitops.Place {
	return gitops.Place{Repo: p.Repo, File: s.File, Key: s.Key}
}

// A GatePlan is one gate of a stage. Exactly one kind is set.
type GatePlan struct {
	Name         string        `json:"name"`
	TimeLimit    time.Duration `json:"time_limit"`    // how long it may answer "not yet"
	AllowFailure bool          `json:"allow_failure"` // a failure becomes a warning
	Pipeline     *PipelineGate `json:"pipeline,omitempty"`
}

// A PipelineGate is a gate that is a GitLab pipeline of another project. Values of
// Variables may hold {version}, {package}, {environment}, {track}, {run} and {commit}.
type PipelineGate struct {
	Project   string            `json:"project"`
	Ref       string            `json:"ref"`
	Variables map[string]string `json:"variables"`
}

// A Parameter names an AWS SSM parameter.
type Parameter struct {
	Name       string `json:"name"`
	Region     string `json:"region"`
	RoleARN    string `json:"role_arn,omitempty"`    // assumed before each call; empty: the process's own identity
	ExternalID string `json:"external_id,omitempty"` // for RoleARN
	Endpoint   string `json:"endpoint,omitempty"`    // other than AWS's own, for tests and mirrors
}

// Limits are the clocks and paces that hold for every run.
type Limits struct {
	Unknown time.Duration // how long nobody may be able to tell before people are called; 1 h by default
	First   time.Duration // the first wait between two looks; 1 s by default
	Longest time.Duration // waits grow to this; 30 s by default
	Person  time.Duration // the longest wait while only a person is awaited; 5 min by default
}

// A Resolver turns the configuration into the plan of a track.
type Resolver interface {
	// Track returns the stages of the track for the package, dependents found by glob
	// not yet looked for: Services holds the listed ones and Globs says where to look.
	// An error is a sentence about the configuration: it will not change by waiting.
	Track(track, pkg string) ([]TrackStage, error)
}

// A TrackStage is a stage as the configuration describes it.
type TrackStage struct {
	Plan  StagePlan
	Globs []Glob // how to find further services; none: all are listed
}

// A Glob finds dependents by the path of their values file.
type Glob struct {
	Pattern string // "environments/int/*/values.yaml"; the first * is the service's name
	Key     string // "data.version"
}
