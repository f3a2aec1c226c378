package bot

import (
	"slices"
	"strings"

	"lockstep/gates"
)

// validateGates checks the gates of a stage.
func (c *Config) validateGates(k *configCheck, field string, t *TrackConfig, s StageConfig) {
	for i, g := range s.Gates {
		at, before := item(field+".gates", i), s.Gates[:i]
		g.validate(k, at)
		if g.Name != "" && slices.ContainsFunc(before, func(o GateConfig) bool { return o.Name == g.Name }) {
			k.fail(at+".name", "gate %q is there twice in the stage: give each its own name", shortened(g.Name))
		}
		if g.Group != "" {
			g.validateGroup(k, at, before)
		}
		if g.Soak != nil {
			g.validateWatch(k, at+".soak.watch", before)
		}
		for _, p := range t.Packages {
			if g.Data != nil && c.Packages[p] != nil && c.Packages[p].Data == nil {
				k.fail(at+".data", "nobody knows where package %q is published: write packages.%s.data", p, p)
			}
		}
	}
}

// validateCallbacks checks that there is a key where a callback gate is.
func (c *Config) validateCallbacks(k *configCheck) {
	if k.has("server.callbacks", c.Server.Callbacks) {
		return
	}
	for _, name := range sortedKeys(c.Tracks) {
		for _, s := range c.Tracks[name].Stages {
			for _, g := range s.Gates {
				if g.Callback != nil {
					k.fail("server.callbacks", "missing: gate %q is answered at a signed address: write a reference such as env:LOCKSTEP_CALLBACK_KEY", shortened(g.Name))
					return
				}
			}
		}
	}
}

// validateGroup checks that a group is one block, and on one side of the deployment.
func (g GateConfig) validateGroup(k *configCheck, field string, before []GateConfig) {
	if !k.name(field+".group", g.Group) {
		return
	}
	last := -1
	for i, o := range before {
		if o.Group == g.Group {
			last = i
		}
	}
	switch {
	case last < 0:
	case last < len(before)-1:
		k.fail(field+".group", "other gates stand between those of group %q: put them side by side", g.Group)
	case before[last].When != g.When:
		k.fail(field+".group", "group %q has gates before and after the deployment: give each side its own", g.Group)
	}
}

// validateWatch checks that a soak watches gates that can be asked again.
func (g GateConfig) validateWatch(k *configCheck, field string, before []GateConfig) {
	var names []string
	for _, o := range before {
		if o.HTTP != nil || o.Prometheus != nil || o.Data != nil {
			names = append(names, o.Name)
		}
	}
	for i, name := range g.Soak.Watch {
		at := slices.IndexFunc(before, func(o GateConfig) bool { return o.Name == name })
		switch {
		case !slices.Contains(names, name):
			k.fail(item(field, i), "%q is no gate before this one of kind http, prometheus or data: %s", shortened(name), known(name, names))
		case slices.Contains(g.Soak.Watch[:i], name):
			k.fail(item(field, i), "gate %q is there twice: remove one", name)
		case g.Group != "" && before[at].Group == g.Group:
			k.fail(item(field, i), "gate %q is in the same group: let the soak follow it", name)
		case g.When == "before" && before[at].When == "after":
			k.fail(item(field, i), "gate %q is asked after the deployment, and this one before it", name)
		}
	}
}

// A gateKind is what is particular to one kind of gate.
type gateKind interface {
	validate(k *configCheck, field string)
}

// kinds returns what is set, by its key.
func (g GateConfig) kinds() map[string]gateKind {
	kinds := map[string]gateKind{}
	if g.Pipeline != nil {
		kinds["pipeline"] = g.Pipeline
	}
	if g.HTTP != nil {
		kinds["http"] = g.HTTP
	}
	if g.Prometheus != nil {
		kinds["prometheus"] = g.Prometheus
	}
	if g.Approval != nil {
		kinds["approval"] = g.Approval
	}
	if g.Callback != nil {
		kinds["callback"] = g.Callback
	}
	if g.Soak != nil {
		kinds["soak"] = g.Soak
	}
	if g.Data != nil {
		kinds["data"] = g.Data
	}
	return kinds
}

// validate checks one gate.
func (g GateConfig) validate(k *configCheck, field string) {
	if k.given(field+".name", g.Name, "the gate's name, such as int-test") {
		k.name(field+".name", g.Name)
	}
	k.oneOf(field+".when", g.When, "before", "after")
	if g.Retries < 0 || g.Retries > 1000 {
		k.fail(field+".retries", "%d is out of range: write 0 to 1000", g.Retries)
	}
	if g.Interval >= g.TimeLimit {
		k.fail(field+".interval", "%s is not shorter than time_limit, %s: the gate would be asked once", g.Interval, g.TimeLimit)
	}
	if lasts := g.lasts(); lasts >= g.TimeLimit {
		k.fail(field+".time_limit", "%s is not longer than for, %s: the gate could never pass", g.TimeLimit, lasts)
	}
	for at, text := range g.texts() {
		if g.When == "before" && strings.Contains(text, "{commit}") {
			k.fail(field+"."+at, "there is no commit before the deployment: remove {commit}, or write when: after")
		}
	}
	switch kinds := g.kinds(); len(kinds) {
	case 0:
		k.fail(field, "no kind of gate: write pipeline, http, prometheus, approval, callback, soak or data")
	case 1:
		for name, kind := range kinds {
			kind.validate(k, field+"."+name)
		}
	default:
		k.fail(field, "%s: a gate has one kind, so make them gates of their own", strings.Join(sortedKeys(kinds), " and "))
	}
}

// texts returns what may hold placeholders, by its field.
func (g GateConfig) texts() map[string]string {
	texts := map[string]string{}
	switch {
	case g.Pipeline != nil:
		for name, text := range g.Pipeline.Variables {
			texts["pipeline.variables."+name] = text
		}
	case g.HTTP != nil:
		texts["http.url"] = g.HTTP.URL
		for name, text := range g.HTTP.Headers {
			texts["http.headers."+name] = text
		}
	case g.Prometheus != nil:
		texts["prometheus.query"] = g.Prometheus.Query
	case g.Callback != nil:
		texts["callback.url"] = g.Callback.URL
	}
	return texts
}

// gatePlaceholders are what gates.Subject.Expand knows.
var gatePlaceholders = []string{"version", "package", "environment", "track", "run", "commit"}

// maxGateText is how many characters a text may have that a gate sends.
const maxGateText = 10_000

// condition checks a condition in CEL.
func (k *configCheck) condition(field, text string, check func(string) error) {
	if text == "" {
		return
	}
	if err := check(text); err != nil {
		k.fail(field, "%v", err)
	}
}

func (d *DataGateConfig) validate(k *configCheck, field string) {
	if k.given(field+".pass", d.Pass, "the condition on which the gate passes, such as objects > 100") {
		k.condition(field+".pass", d.Pass, gates.CheckData)
	}
}

func (s *SoakConfig) validate(k *configCheck, field string) {
	if s.For == 0 {
		k.fail(field+".for", "missing: write how long, such as 30m")
	}
}
