package bot

// A TrackConfig is an ordered way through environments, which a run takes with one
// version.
type TrackConfig struct {
	// Packages are the data packages that go this way. Default: all.
	Packages []string `yaml:"packages"`

	// On is what starts runs besides people and schedules: `tag`, `release`, `pipeline`,
	// `push`, `hook` and `listing`, for what the packages say under `tags`, `releases`,
	// `pipelines`, `pushes`, `hook` and `listing`. A version that is announced in two ways,
	// or twice, is one run: people alone ask for a version again. Default: nothing.
	On []string `yaml:"on"`

	// Schedules are the times at which runs are asked for. Default: none.
	Schedules []ScheduleConfig `yaml:"schedules"`

	// Windows say when runs may begin. A run that waits for them keeps its place in the
	// queue, and those of other tracks go first; it has the windows of the time when it
	// was asked for. Default: at any time.
	Windows *WindowsConfig `yaml:"windows"`

	// From is a track that a version must have finished well before it may go this
	// way. That is asked again before each change: a run whose version was put back there
	// since is refused, or calls people where it has changed something already. Such a
	// track is not started by tags, nor by anything that starts the other one as well.
	// Default: none.
	From string `yaml:"from"`

	// Lane is the queue in which the runs of the track wait; one runs at a time. Tracks
	// that share an environment must share a lane. Default: the track's name.
	Lane string `yaml:"lane"`

	// Supersede says what a new run does to runs of the same package that still wait
	// on this track: `none` lets all of them run in order, `waiting` ends them. Default
	// `none`.
	Supersede string `yaml:"supersede"`

	// Stages are the environments in order, each once. Required: at least one.
	Stages []StageConfig `yaml:"stages"`

	// Rollback says how much is put back.
	Rollback TrackRollbackConfig `yaml:"rollback"`

	// Notify are the channels on which people are told. Default: all; `[]` is none.
	Notify []string `yaml:"notify"`
}

// A StageConfig is one environment of a track with its gates.
type StageConfig struct {
	// Environment is the name of an environment. Required.
	Environment string `yaml:"environment"`

	// Gates are the checks before and after the deployment, in order. Default: none.
	Gates []GateConfig `yaml:"gates"`
}

// A TrackRollbackConfig says how much of a run a failed gate or deployment puts back.
type TrackRollbackConfig struct {
	// Scope is `run` for every environment of the run, or `stage` for the one that
	// failed alone. A cancelled run is put back as a whole. Default `run`.
	Scope string `yaml:"scope"`
}

// setDefaults sets the defaults of a track.
func (t *TrackConfig) setDefaults() {
	t.Supersede = "none"
	t.Rollback.Scope = "run"
}
