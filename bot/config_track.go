package bot

import "time"

// An EnvironmentConfig says where the values of an environment live, how its
// deployment is watched and where its last good version is recorded.
type EnvironmentConfig struct {
	// Repository is the GitLab path of the environment repository. Required.
	Repository string `yaml:"repository"`

	// Branch is the branch that is deployed. Default main.
	Branch string `yaml:"branch"`

	// MergeRequestPipelines says whether merge requests of the repository have
	// pipelines. When true, nothing is merged before the pipeline of exactly that
	// commit has succeeded; write false only when the project has none. Default true.
	MergeRequestPipelines bool `yaml:"merge_request_pipelines"`

	// MergeLimit is how long a merge request may stay open before people are called.
	// Default 30m.
	MergeLimit time.Duration `yaml:"merge_limit"`

	// Services are the dependents: what names the version in its values. At least one
	// for each package that a track brings here.
	Services []ServiceConfig `yaml:"services"`

	// Sync says how the deployment is watched.
	Sync SyncConfig `yaml:"sync"`

	// Record is the parameter that holds the last good version; it is written when a
	// whole run has succeeded. Default: none.
	Record *RecordConfig `yaml:"record"`
}

// A ServiceConfig is one dependent (name, file and key), or finds several (glob and
// key).
type ServiceConfig struct {
	// Name is the service's name. Required with File.
	Name string `yaml:"name"`

	// File is the values file, relative to the root of the repository. Either File or
	// Glob is required.
	File string `yaml:"file"`

	// Glob finds values files, each time a run starts: environments/int/*/values.yaml.
	// The first part of the path with a * names the service: what the * stands for. A
	// service that is listed by name as well keeps its own file and key.
	Glob string `yaml:"glob"`

	// Key is where the version stands in the file: data.version, a."b.c".version,
	// services[name=mds].version, or #mda for the line that ends in the comment
	// "# lockstep: mda". Required.
	Key string `yaml:"key"`

	// Package is the data package whose version it is. Required when several packages
	// are configured, else the only one.
	Package string `yaml:"package"`
}

// A SyncConfig says how the deployment of an environment is watched: by the jobs of
// the pipeline that GitLab runs for the merged commit.
type SyncConfig struct {
	// Job is the name of the job that deploys one service, with the placeholders
	// {environment} and {service}. Without {service}, one job deploys them all.
	// Default deploy-{environment}-{service}.
	Job string `yaml:"job"`

	// TimeLimit is how long a deployment may take; then it has failed. Default 30m.
	TimeLimit time.Duration `yaml:"time_limit"`
}

// A RecordConfig names an AWS SSM parameter.
type RecordConfig struct {
	// Name is the parameter's name, with the placeholders {package} and {environment}.
	// Required; {package} must occur when services of several packages are here.
	Name string `yaml:"parameter"`

	// Region is the AWS region. Default: the process's own (AWS_REGION).
	Region string `yaml:"region"`

	// RoleARN is the role to assume before each call. Default: none, the process's own
	// identity is used.
	RoleARN string `yaml:"role_arn"`

	// ExternalID is the external id for RoleARN. Default: none.
	ExternalID string `yaml:"external_id"`

	// Endpoint is the URL to call instead of AWS's own. Default: AWS's own.
	Endpoint string `yaml:"endpoint"`
}

// A TrackConfig is an ordered way through environments.
type TrackConfig struct {
	// Packages are the data packages that go this way. Default: all.
	Packages []string `yaml:"packages"`

	// Lane is the queue in which the runs of the track wait; one runs at a time.
	// Default: the track's name.
	Lane string `yaml:"lane"`

	// On is what starts runs besides the API: tag, for the tags of the packages' data
	// projects. Default: nothing.
	On []string `yaml:"on"`

	// Supersede says what a new run does to runs of the same package that still wait
	// on this track: none lets all of them run in order, waiting ends them. Default
	// none.
	Supersede string `yaml:"supersede"`

	// Stages are the environments in order, each once. At least one.
	Stages []StageConfig `yaml:"stages"`

	// Notify are the channels on which people are told. Default: all; [] is none.
	Notify []string `yaml:"notify"`
}

// A StageConfig is one environment of a track with the gates that follow it.
type StageConfig struct {
	// Environment is the name of an environment. Required.
	Environment string `yaml:"environment"`

	// Gates are the checks after the deployment, in order. Default: none.
	Gates []GateConfig `yaml:"gates"`
}

// A GateConfig is one check.
type GateConfig struct {
	// Name is the gate's name, once per stage. Required.
	Name string `yaml:"name"`

	// Pipeline makes the gate a GitLab pipeline. Required.
	Pipeline *PipelineConfig `yaml:"pipeline"`

	// TimeLimit is how long the gate may take; then it has failed. Default 1h.
	TimeLimit time.Duration `yaml:"time_limit"`

	// AllowFailure makes a failure a warning, with which the run goes on. Default
	// false.
	AllowFailure bool `yaml:"allow_failure"`
}

// A PipelineConfig is the pipeline of a gate. It is started once per run and stage,
// and passes when it succeeds.
type PipelineConfig struct {
	// Project is the GitLab path of the project. Required.
	Project string `yaml:"project"`

	// Ref is the branch or tag that is run. Default main.
	Ref string `yaml:"ref"`

	// Variables are the pipeline's variables. Values may hold {version}, {package},
	// {environment}, {track}, {run} and {commit}. Default: none.
	Variables map[string]string `yaml:"variables"`
}

// A ChannelConfig is one way to tell people.
type ChannelConfig struct {
	// RocketChat is a room of Rocket.Chat. Required.
	RocketChat *RocketChatConfig `yaml:"rocketchat"`
}

// A RocketChatConfig is a room of Rocket.Chat, reached by its REST API (URL, User,
// Token and Room: each message exactly once, one thread per run) or by an incoming
// hook (Hook alone: after a cut a message may come twice).
type RocketChatConfig struct {
	// URL is the address of Rocket.Chat; https unless it is loopback.
	URL string `yaml:"url"`

	// User is the user id that belongs to Token (X-User-Id).
	User Reference `yaml:"user"`

	// Token is a personal access token (X-Auth-Token).
	Token Reference `yaml:"token"`

	// Room is the name of the room, without #. The user must be a member.
	Room string `yaml:"room"`

	// Hook is the whole URL of an incoming hook.
	Hook Reference `yaml:"hook"`
}

// setDefaults sets the defaults of an environment.
func (e *EnvironmentConfig) setDefaults() {
	e.Branch = "main"
	e.MergeRequestPipelines = true
	e.MergeLimit = 30 * time.Minute
	e.Sync = SyncConfig{Job: "deploy-{environment}-{service}", TimeLimit: 30 * time.Minute}
}

// setDefaults sets the defaults of a track.
func (t *TrackConfig) setDefaults() { t.Supersede = "none" }

// setDefaults sets the defaults of a gate.
func (g *GateConfig) setDefaults() { g.TimeLimit = time.Hour }

// setDefaults sets the defaults of a gate's pipeline.
func (p *PipelineConfig) setDefaults() { p.Ref = "main" }
