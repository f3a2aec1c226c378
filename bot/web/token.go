package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"lockstep/bot"
)

// A NewToken is the body of POST /api/v1/tokens.
type NewToken struct {
	Name    string           `json:"name"`   // who will speak with it
	Scopes  []bot.TokenScope `json:"scopes"` // what it is for
	Expires string           `json:"expires,omitempty"`
	// ExpiresIn is how long it counts, such as 720h; Expires is a time in RFC 3339. Neither:
	// 90 days.
	ExpiresIn string `json:"expires_in,omitempty"`
	By        string `json:"by"` // who makes it, as in Words
}

// A MadeToken is the answer of POST /api/v1/tokens.
type MadeToken struct {
	Secret string    `json:"secret"` // the token itself, which is shown nowhere else
	Token  bot.Token `json:"token"`
}

// A TokenList is the answer of GET /api/v1/tokens.
type TokenList struct {
	Tokens []bot.Token `json:"tokens"` // the newest first
}

// makeToken answers POST /api/v1/tokens.
func (s *Server) makeToken(r *http.Request) (any, error) {
	var body NewToken
	if err := readBody(r, &body, `JSON with "name" and "scopes", perhaps "expires" or "expires_in", and "by"`); err != nil {
		return nil, err
	}
	if err := (Words{By: body.By}).check(); err != nil {
		return nil, err
	}
	if body.Expires != "" && body.ExpiresIn != "" {
		return nil, failed(http.StatusBadRequest, `write "expires" or "expires_in", not both`)
	}
	expires, err := s.timeToCome("expires", cmp.Or(body.Expires, body.ExpiresIn, bot.DefaultTokenLife.String()))
	if err != nil {
		return nil, err
	}
	t := bot.Token{Name: strings.TrimSpace(body.Name), Scopes: body.Scopes, By: maker(r, body.By), Made: s.Now(), Expires: expires}
	if err := t.Check(); err != nil {
		return nil, failed(http.StatusBadRequest, "%v", err)
	}
	t, secret := t.Issue()
	if err := s.Access.Tokens.AddToken(r.Context(), t); err != nil {
		return nil, err
	}
	s.Log.Info("a token was made", "id", t.ID, "name", t.Name, "scopes", t.Scopes, "by", t.By, "expires", t.Expires)
	return said{http.StatusCreated, MadeToken{secret.Reveal(), t}}, nil
}

// maker returns who makes or revokes a token.
func maker(r *http.Request, body string) string {
	by, _ := callerOf(r).speaks(body)
	return cmp.Or(by, "somebody")
}

// tokens answers GET /api/v1/tokens.
func (s *Server) tokens(r *http.Request) (any, error) {
	tokens, err := s.Access.Tokens.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	return TokenList{append([]bot.Token{}, tokens...)}, nil
}

// revokeToken answers DELETE /api/v1/tokens/{id}.
func (s *Server) revokeToken(r *http.Request) (any, error) {
	id, by := r.PathValue("id"), r.URL.Query().Get("by")
	if err := (Words{By: by}).check(); err != nil {
		return nil, err
	}
	t, err := s.Access.Tokens.RevokeToken(r.Context(), id, maker(r, by), s.Now())
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return nil, failed(http.StatusNotFound, "there is no token %.100q: GET /api/v1/tokens has their ids", id)
	case err != nil:
		return nil, err
	}
	s.Log.Info("a token was revoked", "id", t.ID, "name", t.Name, "by", t.RevokedBy)
	return t, nil
}
