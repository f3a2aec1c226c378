package bot

import (
	"regexp"
	"slices"
	"strings"

	"lockstep/gates"
)

// The kinds of gates that ask somebody else: GitLab, an address, a Prometheus, people.

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

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
		if k.lines(at, p.Variables[name], maxGateText) {
			k.placeholders(at, p.Variables[name], gatePlaceholders...)
		}
	}
}

func (h *HTTPConfig) validate(k *configCheck, field string) {
	if k.given(field+".url", h.URL, "the address to ask, such as https://shop.example.com/health") {
		k.address(field+".url", h.URL, k.has(field+".token", h.Token), gatePlaceholders...)
	}
	seen := map[string]bool{}
	for _, name := range sortedKeys(h.Headers) {
		at := field + ".headers." + name
		if k.header(at, name) && seen[strings.ToLower(name)] {
			k.fail(at, "header %q is there twice: remove one", name)
		}
		seen[strings.ToLower(name)] = true
		if k.line(at, h.Headers[name], maxGateText) {
			k.placeholders(at, h.Headers[name], gatePlaceholders...)
		}
	}
	k.given(field+".pass", h.Pass, "the condition on which the gate passes, such as status == 200")
	k.condition(field+".pass", h.Pass, gates.CheckHTTP)
	k.condition(field+".fail", h.Fail, gates.CheckHTTP)
}

var (
	headerName    = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}$`)
	secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "private-token", "job-token", "deploy-token", "x-api-key", "api-key", "x-auth-token", "x-gitlab-token"}
	ownHeaders    = []string{"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade"}
)

// header checks the name of a header that is sent along.
func (k *configCheck) header(field, name string) bool {
	switch low := strings.ToLower(name); {
	case !headerName.MatchString(name):
		k.fail(field, "%q is no header: write a name such as Accept", shortened(name))
	case slices.Contains(secretHeaders, low):
		k.fail(field, "secrets do not stand here: write token, a reference, which is sent as Authorization: Bearer")
	case slices.Contains(ownHeaders, low):
		k.fail(field, "belongs to the connection: remove it")
	default:
		return true
	}
	return false
}

func (p *PrometheusConfig) validate(k *configCheck, field string) {
	if k.given(field+".url", p.URL, "the address of the server, such as https://prometheus.example.com") {
		if err := checkURL(p.URL, k.has(field+".token", p.Token)); err != nil {
			k.fail(field+".url", "%v", err)
		}
	}
	if k.given(field+".query", p.Query, "the query in PromQL") && k.lines(field+".query", p.Query, maxGateText) {
		k.placeholders(field+".query", p.Query, gatePlaceholders...)
	}
	if k.given(field+".pass", p.Pass, "the condition on which the gate passes, such as value < 0.01") {
		k.condition(field+".pass", p.Pass, gates.CheckPrometheus)
	}
	k.condition(field+".fail", p.Fail, gates.CheckPrometheus)
	k.oneOf(field+".no_data", p.NoData, "fail", "pass", "wait")
}

// personName is how a person may be called: nothing that cannot be seen, and no space
// at an end.
var personName = regexp.MustCompile(`^[\p{L}\p{N}._@+-]([\p{L}\p{N} ._@+-]{0,98}[\p{L}\p{N}._@+-])?$`)

func (a *ApprovalConfig) validate(k *configCheck, field string) {
	for i, name := range a.By {
		switch {
		case !personName.MatchString(name):
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

func (c *CallbackConfig) validate(k *configCheck, field string) {
	if k.given(field+".url", c.URL, "the address that is told about the run") {
		k.address(field+".url", c.URL, true, gatePlaceholders...) // it is sent the signature of the answer
	}
}
