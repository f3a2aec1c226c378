package bot

import "time"

// A GateConfig is one check. It has exactly one kind: `pipeline`, `http`, `prometheus`,
// `approval`, `callback`, `soak` or `data`.
type GateConfig struct {
	// Name is the gate's name, once per stage. Required.
	Name string `yaml:"name"`

	// When is `before` the stage is deployed, or `after`. Default `after`.
	When string `yaml:"when"`

	// Group lets neighbours that share it be asked side by side. Default: none, the
	// gate is asked when the one before it has its outcome.
	Group string `yaml:"group"`

	// TimeLimit is how long the gate may answer "not yet"; then it has no result, which
	// counts as a failure. Time in which its source did not answer is left out. It is
	// longer than `for`. Default `1h`, and `for` in addition where a `soak` or a
	// `prometheus` has it.
	TimeLimit time.Duration `yaml:"time_limit"`

	// Interval is the shortest time between two questions. Default: as often as the
	// run looks.
	Interval time.Duration `yaml:"interval"`

	// Retries is how often in a row the source may fail to answer, 0 to 1000; after
	// that the gate has no result where it may fail, and people are called where it may
	// not. Default `0`: for as long as `limits.unknown`.
	Retries int `yaml:"retries"`

	// AllowFailure makes a failure a warning, with which the run goes on. Default
	// `false`.
	AllowFailure bool `yaml:"allow_failure"`

	// Pipeline makes the gate a GitLab pipeline of another project. Default: none.
	Pipeline *PipelineConfig `yaml:"pipeline"`

	// HTTP asks an address. Default: none.
	HTTP *HTTPConfig `yaml:"http"`

	// Prometheus asks a Prometheus. Default: none.
	Prometheus *PrometheusConfig `yaml:"prometheus"`

	// Approval waits for people. Default: none.
	Approval *ApprovalConfig `yaml:"approval"`

	// Callback tells an outside system, which answers at a signed address. Default:
	// none.
	Callback *CallbackConfig `yaml:"callback"`

	// Soak lets time pass while other gates of the stage are asked again. Default: none.
	Soak *SoakConfig `yaml:"soak"`

	// Data checks the version's own data. Default: none.
	Data *DataGateConfig `yaml:"data"`
}

// A PipelineConfig is the pipeline of a gate. It is started once per run and stage,
// and passes when it succeeds.
type PipelineConfig struct {
	// Project is the GitLab path of the project. Required.
	Project string `yaml:"project"`

	// Ref is the branch or tag that is run. Default `main`.
	Ref string `yaml:"ref"`

	// Variables are the pipeline's variables. Values may hold
	// [placeholders](#placeholders-of-gates), but no secrets. Default: none.
	Variables map[string]string `yaml:"variables"`
}

// An HTTPConfig asks an address with GET. [Conditions](#conditions) are written over
// `status`, `headers` (names in small letters), `body` (the answer as JSON) and `text`.
// An answer of status 401, 403, 408, 425, 429, 3xx or 5xx says nothing of the version,
// unless the condition itself names `status`.
type HTTPConfig struct {
	// URL is the address, with [placeholders](#placeholders-of-gates), and `{version}`
	// not in the server's name. https unless it is loopback or there is no `token`.
	// Required.
	URL string `yaml:"url"`

	// Headers are sent along; values may hold [placeholders](#placeholders-of-gates),
	// but no secrets. Default: none.
	Headers map[string]string `yaml:"headers"`

	// Token is the bearer token of the request. Default: none.
	Token Reference `yaml:"token"`

	// Pass is the condition on which the gate passes. Default
	// `status >= 200 && status < 300`.
	Pass string `yaml:"pass"`

	// Fail is the condition on which the gate fails; it is looked at first. Default:
	// none, the gate waits until its time limit.
	Fail string `yaml:"fail"`
}

// A PrometheusConfig asks a Prometheus. [Conditions](#conditions) are written over
// `value` (of the only sample) and `values` (each with `labels` and `value`). A value
// that is no number counts as no data.
type PrometheusConfig struct {
	// URL is the address of the server, without `/api/v1`. https unless it is loopback
	// or there is no `token`. Required.
	URL string `yaml:"url"`

	// Token is the bearer token of the requests. Default: none.
	Token Reference `yaml:"token"`

	// Query is the query in PromQL, with [placeholders](#placeholders-of-gates).
	// Required.
	Query string `yaml:"query"`

	// Pass is the condition on which the gate passes. Required.
	Pass string `yaml:"pass"`

	// Fail is the condition on which the gate fails; it is looked at first. Default:
	// none, the gate waits until its time limit.
	Fail string `yaml:"fail"`

	// For is how long `pass` has to hold without a break. Default: once is enough.
	For time.Duration `yaml:"for"`

	// NoData says what it means that the query has answered nothing for 2 minutes:
	// `fail` (the gate has no result), `pass` or `wait`. Default `fail`.
	NoData string `yaml:"no_data"`
}

// An ApprovalConfig waits for people, who answer with `lockstep confirm` and `lockstep
// deny`.
type ApprovalConfig struct {
	// By are the names of those who may answer. Default: everybody who may call the
	// API.
	By []string `yaml:"by"`

	// Count is how many of them have to approve, 1 to 100; one who denies is enough for
	// a failure. Default `1`.
	Count int `yaml:"count"`

	// NotAuthor keeps the one who asked for the run from answering. Where nobody knows
	// who that was, as for a tag that was found without its hook, nobody may answer. Two
	// whose accounts in GitLab are known are told apart by these, others by their names.
	// Default `false`.
	NotAuthor bool `yaml:"not_author"`
}

// A CallbackConfig tells an outside system with a POST, and waits for its answer. The
// request holds the run, the version and the address to answer at; it needs
// `server.callbacks`.
type CallbackConfig struct {
	// URL is the address, with [placeholders](#placeholders-of-gates), and `{version}`
	// not in the server's name. https unless it is loopback. Required.
	URL string `yaml:"url"`

	// Token is the bearer token of the request. Default: none.
	Token Reference `yaml:"token"`
}

// A SoakConfig lets time pass, and passes when nothing has turned bad.
type SoakConfig struct {
	// For is how long. Required.
	For time.Duration `yaml:"for"`

	// Watch are gates of the stage, of kind `http`, `prometheus` or `data`, that stand
	// before this one and are asked again meanwhile; none of them may fail any more,
	// and in the end all have to pass. Default: none.
	Watch []string `yaml:"watch"`
}

// A DataGateConfig checks the version's own data. It needs `data` at the package.
type DataGateConfig struct {
	// Pass is the [condition](#conditions) on which the gate passes, else it fails,
	// over `objects` (how many), `bytes` (how large together) and `manifest` (as JSON).
	// Required.
	Pass string `yaml:"pass"`
}

// setDefaults sets the defaults of a gate that do not depend on other fields.
func (g *GateConfig) setDefaults() { g.When = "after" }

// fill sets the defaults of a gate that depend on other fields.
func (g *GateConfig) fill() {
	if g.TimeLimit <= 0 {
		g.TimeLimit = time.Hour + g.lasts()
	}
}

// lasts returns how long a gate takes at least.
func (g *GateConfig) lasts() time.Duration {
	switch {
	case g.Soak != nil:
		return g.Soak.For
	case g.Prometheus != nil:
		return g.Prometheus.For
	}
	return 0
}

// setDefaults sets the defaults of a gate's pipeline.
func (p *PipelineConfig) setDefaults() { p.Ref = "main" }

// setDefaults sets the defaults of a gate that asks an address.
func (h *HTTPConfig) setDefaults() { h.Pass = "status >= 200 && status < 300" }

// setDefaults sets the defaults of a gate that asks a Prometheus.
func (p *PrometheusConfig) setDefaults() { p.NoData = "fail" }

// setDefaults sets the defaults of an approval.
func (a *ApprovalConfig) setDefaults() { a.Count = 1 }
