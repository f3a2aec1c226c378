package bot

import (
	"slices"
	"strings"
)

// ciScopes are what jobs may do. A job does what its project's files say, so it answers for
// nobody: it cannot approve, nor make tokens.
var ciScopes = []string{string(MayRead), string(MayRun), string(MayFreeze)}

// validateCI checks which jobs may use the API.
func (c *Config) validateCI(k *configCheck) {
	for i, entry := range c.Server.CI {
		field := item("server.ci", i)
		k.project(field+".project", entry.Project)
		if entry.ProjectID < 0 {
			k.fail(field+".project_id", "%d is no number of a project: write the one that its page shows, or leave it out", entry.ProjectID)
		}
		if entry.Ref != "" && (!isRef(strings.ReplaceAll(entry.Ref, "*", "x")) || strings.Contains(entry.Ref, "**")) {
			k.fail(field+".ref", "%q is no branch or tag: write its name, such as main, or one with *, such as release/*", shortened(entry.Ref))
		}
		k.oneOf(field+".ref_type", entry.RefType, "branch", "tag")
		if len(entry.Scopes) == 0 {
			k.fail(field+".scopes", "names nothing that the job may do: write some of %s, or leave it out for run", strings.Join(ciScopes, ", "))
		}
		for n, scope := range entry.Scopes {
			at := item(field+".scopes", n)
			switch {
			case scope == string(MayApprove) || scope == string(MayAdmin):
				k.fail(at, "a job cannot have %s: whoever may push to its project would approve and administer in the name of others; make a token for a person instead", scope)
			case k.oneOf(at, scope, ciScopes...) && slices.Contains(entry.Scopes[:n], scope):
				k.fail(at, "scope %s is there twice: remove one", scope)
			}
		}
		k.names(field+".tracks", "track", entry.Tracks, sortedKeys(c.Tracks))
		if entry.Tracks != nil && len(entry.Tracks) == 0 {
			k.fail(field+".tracks", "names no track: write some, or leave it out for all of them")
		}
	}
}
