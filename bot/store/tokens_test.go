package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"lockstep/bot"
)

// tokenOf adds a token and returns it.
func tokenOf(t *testing.T, s *Store, name string, made time.Time) bot.Token {
	t.Helper()
	token, _ := bot.Token{Name: name, Scopes: []bot.TokenScope{bot.MayRead, bot.MayRun}, By: "ana", Made: made, Expires: made.Add(time.Hour)}.Issue()
	if err := s.AddToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokens(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		first, second := tokenOf(t, s, "one", noon), tokenOf(t, s, "two", minute(1))
		got, err := s.Token(t.Context(), first.ID)
		if err != nil || got.Hash != first.Hash || got.Name != "one" || !slices.Equal(got.Scopes, first.Scopes) || got.By != "ana" || !got.Made.Equal(noon) || !got.Expires.Equal(first.Expires) || !got.Revoked.IsZero() || !got.Used.IsZero() {
			t.Errorf("got %+v, %v, want %+v", got, err, first)
		}
		all, err := s.Tokens(t.Context())
		if err != nil || len(all) != 2 || all[0].ID != second.ID || all[1].ID != first.ID {
			t.Errorf("got %+v, %v, want both, the newest first", all, err)
		}
		if _, err := s.Token(t.Context(), "nothing"); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("got %v, want %v", err, bot.ErrNotFound)
		}
	})
}

func TestRevokeToken(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		token := tokenOf(t, s, "one", noon)
		for i, by := range []string{"bob", "eve"} {
			got, err := s.RevokeToken(t.Context(), token.ID, by, minute(i+1))
			if err != nil || !got.Revoked.Equal(minute(1)) || got.RevokedBy != "bob" {
				t.Errorf("got %+v, %v, want it revoked by bob", got, err)
			}
		}
		if _, err := s.RevokeToken(t.Context(), "nothing", "bob", noon); !errors.Is(err, bot.ErrNotFound) {
			t.Errorf("got %v, want %v", err, bot.ErrNotFound)
		}
	})
}

func TestTokenUsed(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		token := tokenOf(t, s, "one", noon)
		for _, test := range []struct{ at, want time.Time }{
			{noon.Add(70 * time.Second), minute(1)},
			{noon.Add(119 * time.Second), minute(1)},
			{noon, minute(1)}, // a clock that was put back
			{minute(2), minute(2)},
		} {
			if err := s.TokenUsed(t.Context(), token.ID, test.at); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Token(t.Context(), token.ID); err != nil || !got.Used.Equal(test.want) {
				t.Errorf("after %s: used %s, %v, want %s", test.at, got.Used, err, test.want)
			}
		}
	})
}
