package gitlab

import (
	"context"
	"fmt"
)

// A member is a user as a member of a project or of a group above it.
type member struct {
	Level      int    `json:"access_level"`
	State      string `json:"state"`            // of the account: active, blocked …
	Membership string `json:"membership_state"` // active, awaiting; "" in older versions of GitLab
}

// Member returns the access level of a user in project, what is inherited from groups
// included, and whether the account and the membership are active: a blocked user stays
// a member. It wraps gitops.ErrNotFound for who is no member. The answer is never kept,
// because rights change.
func (c *Client) Member(ctx context.Context, project string, user int64) (level int, active bool, err error) {
	m, err := read[member](ctx, c, fmt.Sprintf("%s/members/all/%d", projectPath(project), user), nil)
	active = m.State == "active" && (m.Membership == "" || m.Membership == "active")
	return m.Level, active, wrap(err, "read what user %d is in %q", user, project)
}

// Program reports whether the account of a user is that of a program: of a token of a
// project or a group, a service account. One that GitLab does not show is not known as one.
func (c *Client) Program(ctx context.Context, user int64) (bool, error) {
	u, err := read[struct {
		Bot bool `json:"bot"`
	}](ctx, c, fmt.Sprintf("users/%d", user), nil)
	if hidden(err) {
		return false, nil
	}
	return u.Bot, wrap(err, "read user %d", user)
}

// Username returns the name by which people call the bot.
func (c *Client) Username(ctx context.Context) (string, error) {
	me, err := c.User(ctx)
	return me.Username, err
}
