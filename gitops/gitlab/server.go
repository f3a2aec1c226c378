package gitlab

import (
	"context"
	"net/http"
	"strings"
)

// A User is who a token belongs to.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
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
	me, err := read[User](ctx, c, "user", nil)
	return me, wrap(err, "read the bot's own user")
}

// Metadata is what GitLab says of itself.
type Metadata struct {
	Version    string `json:"version"`    // "19.1.0-ee"
	Enterprise bool   `json:"enterprise"` // the Enterprise build, with or without a licence
}

// Metadata returns GitLab's version and edition.
func (c *Client) Metadata(ctx context.Context) (Metadata, error) {
	m, err := read[Metadata](ctx, c, "metadata", nil)
	if status(err) == http.StatusNotFound { // before GitLab 15.2
		m, err = read[Metadata](ctx, c, "version", nil)
	}
	// GitLab before 15.6 names its edition in the version only.
	m.Enterprise = m.Enterprise || strings.HasSuffix(m.Version, "-ee")
	return m, wrap(err, "read metadata")
}
