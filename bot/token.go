package bot

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A TokenScope is what a caller of the API may do.
type TokenScope string

// The scopes.
const (
	MayRead    TokenScope = "read"    // look at runs; every other scope includes it
	MayRun     TokenScope = "run"     // promote, roll back, retry, cancel, hold and resume
	MayApprove TokenScope = "approve" // confirm and deny
	MayFreeze  TokenScope = "freeze"  // freeze and thaw
	MayAdmin   TokenScope = "admin"   // make and revoke tokens, read the audit log; it includes all others
)

// TokenScopes are all scopes, the least first.
var TokenScopes = []TokenScope{MayRead, MayRun, MayApprove, MayFreeze, MayAdmin}

// In reports that somebody who has scopes may do what s is for.
func (s TokenScope) In(scopes []TokenScope) bool {
	return s == MayRead && len(scopes) > 0 || slices.Contains(scopes, s) || slices.Contains(scopes, MayAdmin)
}

// TokenPrefix is what every token with a name begins with, so that people and scanners of
// repositories know what they have found.
const TokenPrefix = "lst_"

// How long a token counts: by default, and at most.
const (
	DefaultTokenLife = 90 * 24 * time.Hour
	LongestTokenLife = 366 * 24 * time.Hour
)

// A Token lets its holder use the API in its name until it expires. The token itself is
// shown once, when it is made; its hash alone is kept, which is enough for a secret that
// nobody can guess.
type Token struct {
	ID        string       `json:"id"`   // the part of the token that is no secret
	Name      string       `json:"name"` // who speaks with it
	Scopes    []TokenScope `json:"scopes"`
	By        string       `json:"by"` // who made it
	Made      time.Time    `json:"made"`
	Expires   time.Time    `json:"expires"`
	Revoked   time.Time    `json:"revoked,omitzero"`
	RevokedBy string       `json:"revoked_by,omitempty"`
	Used      time.Time    `json:"used,omitzero"` // when last, to the minute; zero: never

	Hash string `json:"-"` // SHA-256 of the whole token, in hex
}

// Issue returns t with a new id and hash, and the token that it stands for.
func (t Token) Issue() (Token, Secret) {
	t.ID = randomHex(6)
	text := TokenPrefix + t.ID + "_" + randomHex(32)
	t.Hash = hashed(text)
	return t, NewSecret(text)
}

// TokenID returns the id of a token that somebody shows; "" when it is none.
func TokenID(text string) string {
	id, _, found := strings.Cut(strings.TrimPrefix(text, TokenPrefix), "_")
	if !found || !strings.HasPrefix(text, TokenPrefix) || !tokenID.MatchString(id) {
		return ""
	}
	return id
}

// Is reports, in a time that says nothing about it, that text is the token.
func (t Token) Is(text string) bool {
	return subtle.ConstantTimeCompare([]byte(hashed(text)), []byte(t.Hash)) == 1
}

// randomHex returns n random bytes in hex.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// hashed returns what is kept of a token.
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

var (
	tokenID   = regexp.MustCompile(`^[0-9a-f]{12}$`)
	tokenName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._@+-]{0,99}$`)

	// nobody are names in which nobody may speak: others speak in them.
	nobody = []string{CallbackSpeaker, ours, "somebody"}
)

// Reserved reports that in a name nobody may speak, however it came to be theirs.
func Reserved(name string) bool {
	return slices.ContainsFunc(nobody, func(n string) bool { return strings.EqualFold(n, name) })
}

// Check returns, in a sentence, why there can be no such token; nil when there can.
func (t Token) Check() error {
	lasts := t.Expires.Sub(t.Made)
	switch {
	case !tokenName.MatchString(t.Name) || strings.TrimSpace(t.Name) != t.Name:
		return errors.New(`"name" must be 1 to 100 letters, digits, spaces and . _ @ + -, and begin with a letter or digit: it is who speaks with the token`)
	case Reserved(t.Name):
		return fmt.Errorf(`"name" cannot be %s: Lockstep uses it for others`, t.Name)
	case len(t.Scopes) == 0:
		return fmt.Errorf(`"scopes" is missing: write what the token is for, of %s`, scopeNames(TokenScopes))
	case lasts <= 0:
		return errors.New("the token would expire at once: write a time to come")
	case lasts > LongestTokenLife:
		return fmt.Errorf("the token would count for %d days: write 366 at most, and make a new one then", int(lasts.Hours()/24))
	}
	for i, s := range t.Scopes {
		switch {
		case !slices.Contains(TokenScopes, s):
			return fmt.Errorf(`"scopes" holds %q, which is none: the scopes are %s`, shortened(string(s)), scopeNames(TokenScopes))
		case slices.Contains(t.Scopes[:i], s):
			return fmt.Errorf(`"scopes" holds %s twice: remove one`, s)
		}
	}
	return nil
}

// scopeNames lists scopes in a sentence.
func scopeNames(scopes []TokenScope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
