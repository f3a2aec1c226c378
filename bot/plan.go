package bot

import (
	"time"

	"lockstep/gitops"
)

// A TrackPlan is what the configuration says about one version on one track.
type TrackPlan struct {
	Scope  Scope        // what a verdict puts back
	Data   *DataSet     // where the version's data is published; nil: nobody looks after it
	Stages []TrackStage // in order
}

// A Scope is how much of a run a failed verdict puts back.
type Scope string

// The scopes. ScopeRun is the zero value: every environment of the run. A cancel
// always puts back the whole run.
const (
	ScopeRun   Scope = ""
	ScopeStage Scope = "stage" // the environment that failed alone
)

// A StagePlan is what the configuration said about one environment when the run
// started: where the values live, how the deployment is watched, which gates stand
// before and after it.
type StagePlan struct {
	Environment string        `json:"environment"`
	Repo        string        `json:"repo"`                // GitLab project path of the environment repository; "" where Deploy alone is deployed
	Branch      string        `json:"branch"`              // the branch that is deployed
	Checked     bool          `json:"checked"`             // its merge requests have pipelines, and merging waits for them
	ByPerson    bool          `json:"by_person,omitempty"` // a person merges what goes forward
	Pushed      bool          `json:"pushed,omitempty"`    // a rollback is pushed to Branch, without a merge request
	Attended    bool          `json:"attended,omitempty"`  // a rollback may have to wait for a person
	Windows     *Windows      `json:"windows,omitempty"`   // when it may be changed; nil: always
	Watch       WatchPlan     `json:"watch"`
	Services    []Service     `json:"services"`         // every dependent, in the order shown
	Gates       []GatePlan    `json:"gates"`            // in order
	Bucket      *Bucket       `json:"bucket,omitempty"` // where the services read the data; nil: not told
	Deploy      *Parameter    `json:"deploy,omitempty"` // holds the deployed version too; nil: none does
	Record      *Parameter    `json:"record"`           // where the last good version is stored; nil: nowhere
	SyncLimit   time.Duration `json:"sync_limit"`       // how long a deployment may take
	MergeLimit  time.Duration `json:"merge_limit"`      // how long a merge request may wait before people are called
}

// A WatchPlan is how the deployment of an environment is watched. Exactly one kind is
// set.
type WatchPlan struct {
	Job  string     `json:"job,omitempty"` // pattern of the deploy job's name
	HTTP *HTTPWatch `json:"http,omitempty"`
}

// An HTTPWatch asks each service itself which version it runs.
type HTTPWatch struct {
	URL   string `json:"url"`             // with {service} and {environment}
	Field string `json:"field"`           // where the version stands in the JSON answer: data.version; "": the whole answer is it
	Token string `json:"token,omitempty"` // reference to a bearer token
}

// A Service is one dependent of an environment: its name and where its value stands.
// File is empty where a parameter alone says what is deployed.
type Service struct {
	Name string `json:"name"`
	File string `json:"file"`
	Key  string `json:"key"`
}

// Place returns where the value of s stands: in its file, else in the parameter.
func (p StagePlan) Place(s Service) gitops.Place {
	if s.File == "" {
		return p.Deployed()
	}
	return gitops.Place{Repo: p.Repo, File: s.File, Key: s.Key}
}

// Deployed returns the place of the parameter that holds the deployed version.
func (p StagePlan) Deployed() gitops.Place {
	return gitops.Place{Repo: parameterRepo + p.Environment, File: p.Deploy.Name}
}

// parameterRepo begins the repository of a place that is a parameter. No GitLab
// project has such a path.
const parameterRepo = "ssm:"

// A GatePlan is one gate of a stage. Exactly one kind is set.
type GatePlan struct {
	Name         string        `json:"name"`
	Before       bool          `json:"before,omitempty"`   // it is asked before the stage is deployed, not after
	Group        string        `json:"group,omitempty"`    // neighbours of one group are asked side by side; "": alone
	TimeLimit    time.Duration `json:"time_limit"`         // how long it may answer "not yet"
	Interval     time.Duration `json:"interval,omitempty"` // the shortest time between two questions
	Retries      int           `json:"retries,omitempty"`  // how often in a row it may be unable to tell; 0: until Limits.Unknown
	AllowFailure bool          `json:"allow_failure"`      // a failure becomes a warning

	Pipeline   *PipelineGate   `json:"pipeline,omitempty"`
	HTTP       *HTTPGate       `json:"http,omitempty"`
	Prometheus *PrometheusGate `json:"prometheus,omitempty"`
	Approval   *ApprovalGate   `json:"approval,omitempty"`
	Callback   *CallbackGate   `json:"callback,omitempty"`
	Soak       *SoakGate       `json:"soak,omitempty"`
	Data       *DataGate       `json:"data,omitempty"`
}

// Wherever a gate's text may hold placeholders, they are {version}, {package},
// {environment}, {track}, {run} and {commit}.

// A PipelineGate is a gate that is a GitLab pipeline of another project.
type PipelineGate struct {
	Project   string            `json:"project"`
	Ref       string            `json:"ref"`
	Variables map[string]string `json:"variables"` // values may hold placeholders
}

// An HTTPGate asks an address.
type HTTPGate struct {
	URL     string            `json:"url"`               // may hold placeholders
	Headers map[string]string `json:"headers,omitempty"` // values may hold placeholders
	Token   string            `json:"token,omitempty"`   // reference to a bearer token
	Pass    string            `json:"pass"`              // condition in CEL over status, headers, body and text
	Fail    string            `json:"fail,omitempty"`    // the same; "": it never fails before its time limit
}

// A PrometheusGate asks a Prometheus.
type PrometheusGate struct {
	URL    string        `json:"url"`
	Token  string        `json:"token,omitempty"` // reference to a bearer token
	Query  string        `json:"query"`           // PromQL; may hold placeholders
	Pass   string        `json:"pass"`            // condition in CEL over value and values
	Fail   string        `json:"fail,omitempty"`  // the same; "": it never fails before its time limit
	For    time.Duration `json:"for,omitempty"`   // how long Pass has to hold without a break
	NoData string        `json:"no_data"`         // what an empty answer means: fail, pass or wait
}

// An ApprovalGate waits for people.
type ApprovalGate struct {
	By        []string `json:"by"`         // who may answer; empty: everybody
	Count     int      `json:"count"`      // how many of them have to
	NotAuthor bool     `json:"not_author"` // the one who asked for the run may not
}

// A CallbackGate tells an address about the run and waits for the answer at a signed
// address of ours.
type CallbackGate struct {
	URL   string `json:"url"`             // is sent a POST; may hold placeholders
	Token string `json:"token,omitempty"` // reference to a bearer token
}

// A SoakGate lets time pass and asks gates of the stage again meanwhile.
type SoakGate struct {
	For   time.Duration `json:"for"`
	Watch []GatePlan    `json:"watch,omitempty"` // none of them may fail any more
}

// A DataGate checks the version's data itself.
type DataGate struct {
	Set  DataSet `json:"set"`
	Pass string  `json:"pass"` // condition in CEL over objects, bytes and manifest
}

// A DataSet is one version of a data package in object storage, and what makes it
// complete: a manifest, or a rule for the objects that are there.
type DataSet struct {
	Bucket   Bucket       `json:"bucket"`
	Manifest string       `json:"manifest,omitempty"` // key of the manifest below Bucket.Prefix
	Listing  *ListingRule `json:"listing,omitempty"`  // where there is no manifest
}

// A ListingRule says when a version without a manifest is complete.
type ListingRule struct {
	Keys    []string `json:"keys,omitempty"` // these have to be there, below the prefix: _SUCCESS
	Objects int      `json:"objects"`        // at least so many have to be there
}

// A Bucket is where data packages lie for one purpose, narrowed to one version.
type Bucket struct {
	Purpose    string `json:"purpose"`               // its name in the configuration: preview, live
	Name       string `json:"name"`                  // the bucket's own name
	Prefix     string `json:"prefix"`                // of the version's objects; ends in /
	Region     string `json:"region"`                //
	RoleARN    string `json:"role_arn,omitempty"`    // assumed before each call; empty: the process's own identity
	ExternalID string `json:"external_id,omitempty"` // for RoleARN
	Endpoint   string `json:"endpoint,omitempty"`    // other than AWS's own, for tests and mirrors
}

// A Progress is how far a pass over the objects of a version has come. The zero value
// begins one.
type Progress struct {
	Cursor       string    `json:"cursor,omitempty"`  // where the pass goes on; only who made it understands it
	Objects      int64     `json:"objects"`           // gone through
	Bytes        int64     `json:"bytes"`             // gone through
	TotalObjects int64     `json:"total_objects"`     // 0: not known yet
	TotalBytes   int64     `json:"total_bytes"`       // 0: not known yet
	Began        time.Time `json:"began"`             // when the pass began
	Done         bool      `json:"done"`              // the pass has come to its end, and everything is as it has to be
	Problem      string    `json:"problem,omitempty"` // why the version cannot be used, for people; the pass ends with it
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
	// Track returns the plan of a version on the track, dependents that are found in the
	// repository not yet looked for: Services holds the listed ones, Globs and Helmfiles
	// say where to look. An error is a sentence about the configuration: it will not change by waiting.
	Track(track, pkg string, v gitops.Version) (TrackPlan, error)
}

// A TrackStage is a stage as the configuration describes it.
type TrackStage struct {
	Plan      StagePlan
	Globs     []Glob     // how to find further services
	Helmfiles []Helmfile // likewise; neither: all are listed
}

// A Glob finds dependents by the path of their values file.
type Glob struct {
	Pattern string // "environments/int/*/values.yaml"; the first * is the service's name
	Key     string // "data.version"
}

// A Helmfile finds dependents by what helmfile deploys.
type Helmfile struct {
	File        string // "helmfile.yaml", or a directory
	Environment string // its name there
	Key         string // "data.version"
}
