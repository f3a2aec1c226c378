package gitlab

import (
	"context"
	"net/http"
	"strings"
)

// A User is who a token belongs to.
type User struct {
	ID       int64
	Username string
}

// User returns the bot's own user. It is asked for once for each token.
func (c *Client) User(ctx context.Context) (User, error) {
	token := c.token()
	c.mu.Lock()
	user, of := c.user, c.of
	c.mu.Unlock()
	if user != (User{}) && of == token {
		return user, nil
	}
	user, err := c.askUser(ctx)
	if err != nil {
		return User{}, err
	}
	c.mu.Lock()
	c.user, c.of = user, token
	c.mu.Unlock()
	return user, nil
}

// askUser asks GitLab whose token it is.
func (c *Client) askUser(ctx context.Context) (User, error) {
	me, _, err := c.client.Users.CurrentUser(in(ctx))
	if err != nil {
		return User{}, wrap(c.why(err), "read the bot's own user")
	}
	return User{ID: int64(me.ID), Username: me.Username}, nil
}

// Metadata is what GitLab says of itself.
type Metadata struct {
	Version    string // "19.1.0-ee"
	Enterprise bool   // the Enterprise build, with or without a licence
}

// Metadata returns GitLab's version and edition.
func (c *Client) Metadata(ctx context.Context) (Metadata, error) {
	m, _, err := c.client.Metadata.GetMetadata(in(ctx))
	if err == nil {
		return Metadata{Version: m.Version, Enterprise: m.Enterprise || enterprise(m.Version)}, nil
	}
	if status(err) != http.StatusNotFound {
		return Metadata{}, wrap(c.why(err), "read metadata")
	}
	v, _, err := c.client.Version.GetVersion(in(ctx)) // before GitLab 15.2
	if err != nil {
		return Metadata{}, wrap(c.why(err), "read version")
	}
	return Metadata{Version: v.Version, Enterprise: enterprise(v.Version)}, nil
}

// enterprise reports that a version is one of the Enterprise build. GitLab before
// 15.6 says it nowhere else.
func enterprise(version string) bool { return strings.HasSuffix(version, "-ee") }
