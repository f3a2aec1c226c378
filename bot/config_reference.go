package bot

import (
	"regexp"
	"slices"
	"strings"
)

// A Reference says where a secret is found. The zero value means that none is given.
// The forms are
//
//	env:NAME               an environment variable
//	file:/path             a file, by its absolute path
//	ref+awsssm://…         an AWS SSM parameter
//	ref+awssecrets://…     an AWS Secrets Manager secret
//	ref+s3://…             an object in S3
type Reference struct {
	Text  string
	Field string // where it is used: "gitlab.token"
	Line  int    // of the configuration file
}

// String returns the reference as it is written; it is no secret.
func (r Reference) String() string { return r.Text }

// Given reports that there is a reference.
func (r Reference) Given() bool { return r.Text != "" }

var referencePattern = regexp.MustCompile(`^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|ref\+(awsssm|awssecrets|s3)://.+)$`)

// IsReference reports that text has one of the forms of a Reference.
func IsReference(text string) bool { return referencePattern.MatchString(text) }

// exampleVariable returns the name that an environment variable for field could have.
func exampleVariable(field string) string {
	parts := strings.Split(field, ".")
	if len(parts) > 2 {
		parts = parts[len(parts)-2:]
	}
	return strings.ToUpper(strings.Join(parts, "_"))
}

// References returns every reference to a secret in the order gitlab, server, store,
// packages, environments, tracks, notify.
func (c *Config) References() []Reference {
	all := []Reference{c.GitLab.Token, c.GitLab.Webhook.Secret, c.GitLab.Webhook.Signing, c.Server.Token, c.Server.Callbacks, c.storeAt}
	for _, name := range sortedKeys(c.Packages) {
		if hook := c.Packages[name].Hook; hook != nil {
			all = append(all, hook.Secret)
		}
	}
	for _, name := range sortedKeys(c.Environments) {
		if ask := c.Environments[name].Sync.HTTP; ask != nil {
			all = append(all, ask.Token)
		}
	}
	for _, name := range sortedKeys(c.Tracks) {
		for _, s := range c.Tracks[name].Stages {
			for _, g := range s.Gates {
				all = append(all, g.token())
			}
		}
	}
	for _, name := range sortedKeys(c.Notify) {
		all = append(all, c.Notify[name].references()...)
	}
	return slices.DeleteFunc(all, func(r Reference) bool { return !r.Given() })
}

// token returns the reference to the bearer token of a gate; the zero value without
// one.
func (g GateConfig) token() Reference {
	switch {
	case g.HTTP != nil:
		return g.HTTP.Token
	case g.Prometheus != nil:
		return g.Prometheus.Token
	case g.Callback != nil:
		return g.Callback.Token
	}
	return Reference{}
}
