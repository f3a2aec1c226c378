package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lockstep/bot"
)

// tokenColumns are what scanToken reads.
const tokenColumns = `SELECT id, hash, name, scopes, made_by, made, expires, revoked, revoked_by, used FROM tokens`

// AddToken keeps a new token of the API, of which it knows the hash only.
func (s *Store) AddToken(ctx context.Context, t bot.Token) error {
	scopes := make([]string, len(t.Scopes))
	for i, scope := range t.Scopes {
		scopes[i] = string(scope)
	}
	_, err := s.db.Exec(ctx, `INSERT INTO tokens (id, hash, name, scopes, made_by, made, expires, revoked, revoked_by, used)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', 0)`, t.ID, t.Hash, t.Name, strings.Join(scopes, " "), t.By, millis(t.Made), millis(t.Expires))
	if err != nil {
		return fmt.Errorf("add token %q: %w", t.ID, err)
	}
	return nil
}

// Token returns the token with that id, be it expired or revoked; bot.ErrNotFound without
// one.
func (s *Store) Token(ctx context.Context, id string) (bot.Token, error) {
	tokens, err := s.tokens(ctx, tokenColumns+` WHERE id = $1`, id)
	switch {
	case err != nil:
		return bot.Token{}, fmt.Errorf("token %q: %w", id, err)
	case len(tokens) == 0:
		return bot.Token{}, fmt.Errorf("token %q: %w", id, bot.ErrNotFound)
	}
	return tokens[0], nil
}

// Tokens returns all tokens, the newest first.
func (s *Store) Tokens(ctx context.Context) ([]bot.Token, error) {
	tokens, err := s.tokens(ctx, tokenColumns+` ORDER BY made DESC, id`)
	if err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return tokens, nil
}

// tokens reads the tokens of a query.
func (s *Store) tokens(ctx context.Context, query string, args ...any) ([]bot.Token, error) {
	var tokens []bot.Token
	err := s.db.Each(ctx, query, args, func(scan Scan) error {
		var t bot.Token
		var scopes string
		var made, expires, revoked, used int64
		if err := scan(&t.ID, &t.Hash, &t.Name, &scopes, &t.By, &made, &expires, &revoked, &t.RevokedBy, &used); err != nil {
			return err
		}
		for scope := range strings.FieldsSeq(scopes) {
			t.Scopes = append(t.Scopes, bot.TokenScope(scope))
		}
		t.Made, t.Expires, t.Revoked, t.Used = moment(made), moment(expires), moment(revoked), moment(used)
		tokens = append(tokens, t)
		return nil
	})
	return tokens, err
}

// RevokeToken lets a token count no more, and returns it. One that was revoked before
// stays as it was. bot.ErrNotFound without such a token.
func (s *Store) RevokeToken(ctx context.Context, id, by string, now time.Time) (bot.Token, error) {
	if _, err := s.db.Exec(ctx, `UPDATE tokens SET revoked = $2, revoked_by = $3 WHERE id = $1 AND revoked = 0`, id, millis(now), by); err != nil {
		return bot.Token{}, fmt.Errorf("revoke token %q: %w", id, err)
	}
	return s.Token(ctx, id)
}

// TokenUsed notes that a token was used, to the minute: within one it writes once.
func (s *Store) TokenUsed(ctx context.Context, id string, now time.Time) error {
	if _, err := s.db.Exec(ctx, `UPDATE tokens SET used = $2 WHERE id = $1 AND used < $2`, id, millis(now.Truncate(time.Minute))); err != nil {
		return fmt.Errorf("token %q was used: %w", id, err)
	}
	return nil
}
