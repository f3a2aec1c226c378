package gitlab

import (
	"context"
	"errors"
	"fmt"

	"lockstep/gitops"
)

// The access levels that check speaks of.
const (
	Reporter   = 20
	Developer  = developer
	Maintainer = maintainer
	owner      = 50
	nobody     = 1000 // a level that nobody has
)

// Role returns an access level as people read it: "Developer (30)"; "no member" for 0.
func Role(level int) string {
	if level == 0 {
		return "no member"
	}
	return role(level)
}

// Access is what the bot may do in a project.
type Access struct {
	Level     int    // of the bot as a member, by itself or by a group; 0: it is none
	Variables bool   // it may set the variables of pipelines that it starts
	Needs     string // who may: "Maintainer (40)", or nobody
}

// Access reads the bot's access to a project.
func (c *Client) Access(ctx context.Context, project string) (Access, error) {
	access, err := c.access(ctx, project)
	return access, wrap(err, "read the bot's access to %q", project)
}

// access is Access with errors that do not say what of.
func (c *Client) access(ctx context.Context, project string) (Access, error) {
	me, err := c.User(ctx)
	if err != nil {
		return Access{}, err
	}
	member, err := read[struct {
		Level int `json:"access_level"`
	}](ctx, c, fmt.Sprintf("%s/members/all/%d", projectPath(project), me.ID), nil)
	if err != nil && !errors.Is(err, gitops.ErrNotFound) {
		return Access{}, err
	}
	rules, err := read[variableRules](ctx, c, projectPath(project), nil)
	if err != nil {
		return Access{}, err
	}
	lowest := rules.lowest()
	return Access{Level: member.Level, Variables: member.Level >= lowest, Needs: needs(lowest)}, nil
}

// variableRules are what a project's answer says of who may set pipeline variables.
type variableRules struct {
	Restricted bool   `json:"restrict_user_defined_variables"`
	Lowest     string `json:"ci_pipeline_variables_minimum_override_role"` // since GitLab 17.1
}

// lowest returns the lowest level that may set variables. The setting counts only where
// variables are restricted at all; before there was one, maintainers could.
func (r variableRules) lowest() int {
	switch {
	case !r.Restricted:
		return developer
	case r.Lowest == "developer":
		return developer
	case r.Lowest == "owner":
		return owner
	case r.Lowest == "no_one_allowed":
		return nobody
	}
	return maintainer
}

// needs says which role may set variables.
func needs(level int) string {
	if level == nobody {
		return "nobody"
	}
	return role(level)
}

// A Branch is what everybody who reads a project sees of one of its branches.
type Branch struct {
	Protected      bool
	DevelopersPush bool // although it is protected
}

// Branch reads a branch. It wraps gitops.ErrNotFound.
func (c *Client) Branch(ctx context.Context, project, name string) (Branch, error) {
	b, err := c.tip(ctx, project, name)
	return Branch{b.Protected, b.Protected && b.DevelopersPush}, wrap(err, "read branch %q of %q", name, project)
}
