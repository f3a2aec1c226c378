package bot

import (
	"regexp"
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
			k.fail(at+".name", "gate %q is there twice in the stage: give each its own name", g.Name)
		}
		if g.Group != "" {
			g.validateGroup(k, at, before)
		}
		if g.Soak != nil {
			g.validateWatch(k, at+".soak.watch", before)
		}
		if g.Callback != nil && !k.has("server.callbacks", c.Server.Callbacks) {
			k.fail("server.callbacks", "missing: gate %q is answered at a signed address: write a reference such as env:LOCKSTEP_CALLBACK_KEY", g.Name)
		}
		for _, p := range t.Packages {
			if g.Data != nil && c.Packages[p] != nil && c.Packages[p].Data == nil {
				k.fail(at+".data", "nobody knows where package %q is published: write packages.%s.data", p, p)
			}
		}
	}
}

// validateGroup checks that a group is one block, and on one side of the deployment.
func (g GateConfig) validateGroup(k *configCheck, field string, before []GateConfig) {
	k.name(field+".group", g.Group)
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
		case g.Group != "" && before[at].Group == g.Group:
			k.fail(item(field, i), "gate %q is in the same group: let the soak follow it", name)
		}
	}
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
	kinds := map[string]interface{ validate(*configCheck, string) }{}
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
	switch len(kinds) {
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

// address checks an address that may hold placeholders and a query.
func (k *configCheck) address(field, address string, placeholders ...string) {
	if !k.placeholders(field, address, placeholders...) {
		return
	}
	plain, _, _ := strings.Cut(placeholderPattern.ReplaceAllString(address, "x"), "?")
	k.url(field, plain)
}

// condition checks a condition in CEL.
func (k *configCheck) condition(field, text string, check func(string) error) {
	if text == "" {
		return
	}
	if err := check(text); err != nil {
		k.fail(field, "%v", err)
	}
}

func (h *HTTPConfig) validate(k *configCheck, field string) {
	if k.given(field+".url", h.URL, "the address to ask, such as https://shop.example.com/health") {
		k.address(field+".url", h.URL, gatePlaceholders...)
	}
	for _, name := range sortedKeys(h.Headers) {
		at := field + ".headers." + name
		switch {
		case !headerName.MatchString(name):
			k.fail(at, "%q is no header", shortened(name))
		case strings.EqualFold(name, "Authorization"):
			k.fail(at, "secrets do not stand here: write token, a reference")
		case strings.ContainsAny(h.Headers[name], "\r\n\x00"):
			k.fail(at, "a header is one line")
		}
		k.placeholders(at, h.Headers[name], gatePlaceholders...)
	}
	k.given(field+".pass", h.Pass, "the condition on which the gate passes, such as status == 200")
	k.condition(field+".pass", h.Pass, gates.CheckHTTP)
	k.condition(field+".fail", h.Fail, gates.CheckHTTP)
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)

func (p *PrometheusConfig) validate(k *configCheck, field string) {
	if k.given(field+".url", p.URL, "the address of the server, such as https://prometheus.example.com") {
		k.url(field+".url", p.URL)
	}
	if k.given(field+".query", p.Query, "the query in PromQL") {
		k.queryPlaceholders(field+".query", p.Query)
	}
	if k.given(field+".pass", p.Pass, "the condition on which the gate passes, such as value < 0.01") {
		k.condition(field+".pass", p.Pass, gates.CheckPrometheus)
	}
	k.condition(field+".fail", p.Fail, gates.CheckPrometheus)
	k.oneOf(field+".no_data", p.NoData, "fail", "pass", "wait")
}

// queryPlaceholders checks the placeholders of a query, in which braces also hold the
// labels of a metric: only what looks like one of ours, but is none, is a mistake.
func (k *configCheck) queryPlaceholders(field, query string) {
	for _, found := range placeholderPattern.FindAllStringSubmatch(query, -1) {
		if !slices.Contains(gatePlaceholders, found[1]) {
			k.fail(field, "unknown placeholder {%s}: %s", shortened(found[1]), known(found[1], gatePlaceholders))
		}
	}
}

func (a *ApprovalConfig) validate(k *configCheck, field string) {
	for i, name := range a.By {
		switch {
		case !speaker.MatchString(name):
			k.fail(item(field+".by", i), "%q is no name: write 1 to 100 letters, digits, spaces and . _ @ + -", shortened(name))
		case slices.Contains(a.By[:i], name):
			k.fail(item(field+".by", i), "%q is there twice: remove one", name)
		}
	}
	switch {
	case a.By != nil && len(a.By) == 0:
		k.fail(field+".by", "the list is empty: name people, or remove it for all")
	case a.Count < 1 || a.Count > 100:
		k.fail(field+".count", "%d is no number of people: write 1 to 100", a.Count)
	case len(a.By) > 0 && a.Count > len(a.By):
		k.fail(field+".count", "%d have to approve and only %d may: write fewer, or name more", a.Count, len(a.By))
	}
}

var speaker = regexp.MustCompile(`^[\p{L}\p{N} ._@+-]{1,100}$`)

func (c *CallbackConfig) validate(k *configCheck, field string) {
	if k.given(field+".url", c.URL, "the address that is told about the run") {
		k.address(field+".url", c.URL, gatePlaceholders...)
	}
}

func (s *SoakConfig) validate(k *configCheck, field string) {
	if s.For == 0 && !k.broken[field+".for"] {
		k.fail(field+".for", "missing: write how long, such as 30m")
	}
}

func (d *DataGateConfig) validate(k *configCheck, field string) {
	if k.given(field+".pass", d.Pass, "the condition on which the gate passes, such as objects > 100") {
		k.condition(field+".pass", d.Pass, gates.CheckData)
	}
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// gatePlaceholders are what gates.Subject.Expand knows.
var gatePlaceholders = []string{"version", "package", "environment", "track", "run", "commit"}

func (p *PipelineConfig) validate(k *configCheck, field string) {
	k.project(field+".project", p.Project)
	k.ref(field+".ref", p.Ref)
	for _, name := range sortedKeys(p.Variables) {
		at := field + ".variables." + name
		switch {
		case !variableName.MatchString(name):
			k.fail(at, "%q is no variable: write letters, digits and _, not beginning with a digit", shortened(name))
		case name == gates.GateVariable:
			k.fail(at, "Lockstep sets this variable itself: choose another name")
		}
		k.placeholders(at, p.Variables[name], gatePlaceholders...)
	}
}
