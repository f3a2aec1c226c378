package bot

import (
	"fmt"
	"strings"
)

// validatePlaces refuses values and parameters that are named twice: two of them would
// be written in one, and put back by each other.
func (c *Config) validatePlaces(k *configCheck) {
	values, parameters := map[string]string{}, map[string]string{} // where each place is named first
	for _, name := range sortedKeys(c.Environments) {
		e, field := c.Environments[name], "environments."+name
		for i, s := range e.Services {
			if s.bare() || s.Key == "" {
				continue
			}
			at, place := item(field+".services", i), strings.Join([]string{e.Repository, e.Branch, s.File, s.Glob, s.Helmfile, s.served(name), s.Key}, "\n")
			if first, ok := values[place]; ok {
				k.fail(at, "%s names the same value: give each its own", first)
				continue
			}
			values[place] = at
		}
		e.Deploy.claim(k, field+".deploy", e, name, parameters)
		e.Record.claim(k, field+".record", e, name, parameters)
	}
}

// claim notes the parameters of an environment, one for each package, and refuses those
// that are named elsewhere.
func (r *ParameterConfig) claim(k *configCheck, field string, e *EnvironmentConfig, environment string, claimed map[string]string) {
	if r == nil || r.Name == "" {
		return
	}
	for _, pkg := range e.packages() {
		p := r.of(environment, pkg)
		place := strings.Join([]string{p.Name, p.Region, account(p.RoleARN), p.Endpoint}, "\n")
		if first, ok := claimed[place]; ok && first != field {
			k.fail(field+".parameter", "%s names the same parameter, %s: give each its own", first, shortened(p.Name))
			return
		}
		claimed[place] = field
	}
}

// account returns the number of the account that a role is in.
func account(role string) string {
	var number string
	if _, err := fmt.Sscanf(role, "arn:aws:iam::%12s", &number); err != nil {
		return role
	}
	return number
}
