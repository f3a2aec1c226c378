package gitlab

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"lockstep/fixtures"
	"lockstep/gitops"
)

// answering returns a client of a server that answers every read with the same.
func answering(t *testing.T, status int, answer string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return client(t, server.URL)
}

func TestOwnToken(t *testing.T) {
	t.Parallel()
	c := answering(t, http.StatusOK, `{"id":7,"name":"lockstep","scopes":["api","read_repository"],"expires_at":"2026-11-30","active":true}`)
	got, known, err := c.Token(t.Context())
	if want := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC); err != nil || !known || !got.Has("api") || got.Has("sudo") || !got.Ends.Equal(want) {
		t.Errorf("got %+v, %t, %v", got, known, err)
	}
	c = answering(t, http.StatusOK, `{"name":"lockstep","scopes":["api"],"expires_at":null}`)
	if got, known, err := c.Token(t.Context()); err != nil || !known || !got.Ends.IsZero() {
		t.Errorf("one that never ends: got %+v, %t, %v", got, known, err)
	}
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized} {
		if _, known, err := answering(t, status, `{"message":"no"}`).Token(t.Context()); known || err != nil {
			t.Errorf("%d: got %t, %v, want that nobody could tell", status, known, err)
		}
	}
	if _, known, err := answering(t, http.StatusBadRequest, `{"message":"no"}`).Token(t.Context()); known || err == nil {
		t.Errorf("400: got %t, %v, want the error", known, err)
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	g.Hook(env, "http://127.0.0.1:1/webhooks/gitlab", "secret", "push", "note")
	hooks, seen, err := c.Hooks(t.Context(), env)
	if err != nil || !seen || len(hooks) != 1 || !hooks[0].Push || !hooks[0].Notes || hooks[0].Pipelines || hooks[0].TagPush || hooks[0].Disabled() {
		t.Errorf("got %+v, %t, %v", hooks, seen, err)
	}
	if !(Hook{AlertStatus: "temporarily_disabled"}).Disabled() || !(Hook{AlertStatus: "disabled"}).Disabled() || (Hook{}).Disabled() {
		t.Error("a hook is disabled when GitLab says so, and only then")
	}
	if hooks, seen, err := answering(t, http.StatusForbidden, `{"message":"403 Forbidden"}`).Hooks(t.Context(), env); len(hooks) != 0 || seen || err != nil {
		t.Errorf("to one who may not see them: %+v, %t, %v", hooks, seen, err)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	if got, err := c.Access(t.Context(), gate); err != nil || got.Level != Maintainer || !got.Variables {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := g.Member(gate, "lockstep-bot", Reporter); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Access(t.Context(), gate); err != nil || got.Level != Reporter || got.Variables || got.Needs != "Developer (30)" {
		t.Errorf("a reporter: got %+v, %v", got, err)
	}
	if _, err := c.Access(t.Context(), "no/such"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("unknown project: got %v", err)
	}
}

func TestWhoMaySetVariables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rules variableRules
		want  string
	}{
		{variableRules{}, "Developer (30)"},
		{variableRules{false, "no_one_allowed"}, "Developer (30)"},
		{variableRules{true, ""}, "Maintainer (40)"},
		{variableRules{true, "developer"}, "Developer (30)"},
		{variableRules{true, "maintainer"}, "Maintainer (40)"},
		{variableRules{true, "owner"}, "Owner (50)"},
		{variableRules{true, "no_one_allowed"}, "nobody"},
	} {
		if got := needs(test.rules.lowest()); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.rules, got, test.want)
		}
	}
	if got, want := Role(0)+", "+Role(30), "no member, Developer (30)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBranch(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	read := func() Branch {
		b, err := c.Branch(t.Context(), env, "main")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if got := read(); !got.Protected || got.DevelopersPush {
		t.Errorf("protected: got %+v", got)
	}
	if err := g.Protect(env, "main", 40, 30); err != nil {
		t.Fatal(err)
	}
	if got := read(); !got.Protected || !got.DevelopersPush {
		t.Errorf("developers may push: got %+v", got)
	}
	if err := g.Unprotect(env, "main"); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Protected || got.DevelopersPush {
		t.Errorf("not protected: got %+v", got)
	}
	if _, err := c.Branch(t.Context(), env, "none"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("unknown branch: got %v", err)
	}
}
