package bot

import "time"

// An EnvironmentConfig says where the values of an environment live, how its
// deployment is watched and where its last good version is recorded. The name `back`,
// and names that begin with `back-`, are taken by the branches of rollbacks.
type EnvironmentConfig struct {
	// Repository is the GitLab path of the environment repository. Required unless
	// `deploy` is given: then a parameter alone may say what is deployed.
	Repository string `yaml:"repository"`

	// Branch is the branch that is deployed. Default `main`.
	Branch string `yaml:"branch"`

	// MergeRequestPipelines says whether merge requests of the repository have
	// pipelines. With `true`, nothing is merged before the pipeline of exactly that
	// commit has succeeded; write `false` only when the project has none. Default
	// `true`.
	MergeRequestPipelines bool `yaml:"merge_request_pipelines"`

	// Merge says who merges what goes forward: `bot`, or `person`, for whom the merge
	// request then waits however long it takes. A rollback is always merged by the
	// bot. Default `bot`.
	Merge string `yaml:"merge"`

	// MergeLimit is how long a merge request that the bot merges may stay open before
	// people are called. Default `30m`.
	MergeLimit time.Duration `yaml:"merge_limit"`

	// Windows say when the environment may be changed. A run waits for them before it
	// opens the merge request, and again before it merges it; it has the windows of the
	// time when it began. A person may merge at any time. Default: at any time.
	Windows *WindowsConfig `yaml:"windows"`

	// Rollback says how the environment is put back.
	Rollback EnvironmentRollbackConfig `yaml:"rollback"`

	// Bucket is the bucket that the services read the data from, by its name in
	// `buckets`. A version that is published elsewhere is copied there before it is
	// deployed. Default: not told, nothing is copied.
	Bucket string `yaml:"bucket"`

	// Services are the dependents: what names the version in its values. Required: at
	// least one for each package that a track brings here.
	Services []ServiceConfig `yaml:"services"`

	// Sync says how the deployment is watched.
	Sync SyncConfig `yaml:"sync"`

	// Deploy is a parameter that holds the deployed version. It is written when the
	// merge request has landed, before the deployment is watched, and put back by a
	// rollback. It has to exist. Default: none.
	Deploy *ParameterConfig `yaml:"deploy"`

	// Record is the parameter that holds the last good version; it is written when a
	// whole run has succeeded. Default: none.
	Record *ParameterConfig `yaml:"record"`
}

// An EnvironmentRollbackConfig says how an environment is put back.
type EnvironmentRollbackConfig struct {
	// Via is how the rollback lands: by a `merge_request`, or by a `push` to the
	// deployed branch itself. Environments of one repository in one track share it.
	// Default `merge_request`.
	Via string `yaml:"via"`

	// Attended allows runs to start although GitLab's rules would not let a rollback
	// through without people, such as an approval; it then calls them. Default `false`:
	// such a run is refused.
	Attended bool `yaml:"attended"`
}

// A ServiceConfig is one dependent (`name`, `file` and `key`), or finds several: by the
// paths of their files (`glob` and `key`), or by what helmfile deploys (`helmfile` and
// `key`). No value may belong to two of them. `lockstep services` shows what is found.
type ServiceConfig struct {
	// Name is the service's name. Required without `glob` and `helmfile`.
	Name string `yaml:"name"`

	// File is the values file, relative to the root of the repository. Required without
	// `glob` and `helmfile`, unless the environment has `deploy`: a service without a
	// file is deployed by that parameter.
	File string `yaml:"file"`

	// Glob finds values files, each time a run starts, such as
	// `environments/int/*/values.yaml`. The first part of the path with a `*` names the
	// service: what the `*` stands for. A service that is listed by name as well keeps
	// its own file and key. Default: none.
	Glob string `yaml:"glob"`

	// Helmfile is a helmfile, or a directory of them, such as `helmfile.yaml`: each time
	// a run starts, the services are the releases that it installs and that have `key` in
	// a values file. No template is run: a run is refused where what cannot be
	// understood may hide a service, until that is listed by name; see
	// [helmfiles](#helmfiles). Default: none.
	Helmfile string `yaml:"helmfile"`

	// Environment is the name of the environment in `helmfile`. Default: the same name.
	Environment string `yaml:"environment"`

	// Key is where the version stands in the file: a path such as `data.version`, or
	// `#mda` for the line that ends in the comment `# lockstep: mda`; see
	// [keys](#keys). Required with `file`, `glob` and `helmfile`.
	Key string `yaml:"key"`

	// Package is the data package whose version it is. Required when several packages
	// are configured, else the only one.
	Package string `yaml:"package"`
}

// A SyncConfig says how the deployment of an environment is watched: by the jobs of
// the pipeline that GitLab runs for the merged commit, or by asking each service.
type SyncConfig struct {
	// Job is the name of the job that deploys one service, with the placeholders
	// `{environment}` and `{service}`. Without `{service}`, one job deploys them all.
	// Default `deploy-{environment}-{service}`.
	Job string `yaml:"job"`

	// HTTP asks each service which version it runs, instead of `job`. Default: none.
	HTTP *HTTPSyncConfig `yaml:"http"`

	// TimeLimit is how long a deployment may take; then it has failed. Default `30m`.
	TimeLimit time.Duration `yaml:"time_limit"`
}

// An HTTPSyncConfig asks each service which version it runs.
type HTTPSyncConfig struct {
	// URL is the address of a service, with the placeholders `{service}` and
	// `{environment}`. https unless it is loopback or there is no `token`. Required.
	URL string `yaml:"url"`

	// Field is where the version stands in the JSON answer, such as `data.version`.
	// Default: the whole answer is the version.
	Field string `yaml:"field"`

	// Token is the bearer token of the requests. Default: none.
	Token Reference `yaml:"token"`
}

// A ParameterConfig names an AWS SSM parameter of type String. No parameter may be
// named twice.
type ParameterConfig struct {
	// Name is the parameter's name, with the placeholders `{package}` and
	// `{environment}`. `{package}` must occur when services of several packages are
	// here. Required.
	Name string `yaml:"parameter"`

	// Region is the AWS region. Default: the process's own (`AWS_REGION`).
	Region string `yaml:"region"`

	// RoleARN is the role to assume before each call. Default: none, the process's own
	// identity is used.
	RoleARN string `yaml:"role_arn"`

	// ExternalID is the external id for `role_arn`. Default: none.
	ExternalID string `yaml:"external_id"`

	// Endpoint is the address to call instead of AWS's own. Default: AWS's own.
	Endpoint string `yaml:"endpoint"`
}

// setDefaults sets the defaults of an environment.
func (e *EnvironmentConfig) setDefaults() {
	e.Branch = "main"
	e.MergeRequestPipelines = true
	e.MergeLimit = 30 * time.Minute
	e.Merge = "bot"
	e.Rollback.Via = "merge_request"
	e.Sync = SyncConfig{Job: "deploy-{environment}-{service}", TimeLimit: 30 * time.Minute}
}
