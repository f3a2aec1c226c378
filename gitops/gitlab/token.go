package gitlab

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// A Token is what GitLab says of the bot's token.
type Token struct {
	Name   string
	Scopes []string
	Ends   time.Time // at midnight UTC it ends; zero: never
}

// Has reports that the token has a scope.
func (t Token) Has(scope string) bool { return slices.Contains(t.Scopes, scope) }

// Token reads the bot's own token. known is false when GitLab does not say: before version
// 15.5, of tokens of another kind, and of one that is worth nothing.
func (c *Client) Token(ctx context.Context) (t Token, known bool, err error) {
	self, err := read[struct {
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
		Ends   string   `json:"expires_at"` // 2026-11-30, or null
	}](ctx, c, "personal_access_tokens/self", nil)
	if hidden(err) || status(err) == http.StatusUnauthorized {
		return Token{}, false, nil
	}
	if err != nil {
		return Token{}, false, wrap(err, "read the bot's own token")
	}
	t = Token{Name: self.Name, Scopes: self.Scopes}
	t.Ends, _ = time.Parse(time.DateOnly, self.Ends) // none, or none that is known here
	return t, true, nil
}
