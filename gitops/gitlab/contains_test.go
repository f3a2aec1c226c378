package gitlab

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lockstep/fixtures"
	"lockstep/gitops"
)

// TestContains: the head, what came before it, and what never came.
func TestContains(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	first := change(t, g, "main", "2026.11.3")
	last := change(t, g, "main", "2026.11.4")
	aside := change(t, g, branch, "2026.11.5")
	if _, err := g.Tag(env, "main"); err != nil { // a tag of the branch's name says nothing
		t.Fatal(err)
	}
	later := change(t, g, "main", "2026.11.6")
	for commit, want := range map[string]bool{first: true, last: true, later: true, aside: false, strings.Repeat("1", 40): false, "": false} {
		if got, err := c.Contains(t.Context(), env, "main", commit); got != want || err != nil {
			t.Errorf("%q: got %v, %v; want %v", commit, got, err, want)
		}
	}
	for name, project := range map[string]string{"gone": env, "main": "env/nothing"} {
		if in, err := c.Contains(t.Context(), project, name, first); in || !errors.Is(err, gitops.ErrNotFound) {
			t.Errorf("branch %s of %s: got %v, %v", name, project, in, err)
		}
	}
}

// TestContainsNobodyCanTell: every answer but the two that mean no is an error.
func TestContainsNobodyCanTell(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`400 {"message":"Could not find ref: abc"}`:  "false <nil>",
		`404 {"message":"404 Merge Base Not Found"}`: "false <nil>",
		`400 {"error":"refs is invalid"}`:            "GitLab answers 400: refs is invalid",
		`403 {}`:                                     "GitLab answers 403: Forbidden",
		`401 {}`:                                     "renew it",
		`200 {"id":"abc"}`:                           "true <nil>",
		`200 {"id":"fed"}`:                           "false <nil>",
		`200 <html>`:                                 "invalid character",
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/branches/") {
				fmt.Fprint(w, `{"commit":{"id":"def"}}`)
				return
			}
			if got := r.URL.Query()["refs[]"]; len(got) != 2 || got[0] != "abc" || got[1] != "def" {
				t.Errorf("got refs %q", got)
			}
			var status int
			code, body, _ := strings.Cut(answer, " ")
			_, _ = fmt.Sscan(code, &status)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
		in, err := c.Contains(t.Context(), env, "main", "abc")
		if got := fmt.Sprint(in, err); !strings.Contains(got, want) || err != nil && in {
			t.Errorf("%s: got %s, want %s", answer, got, want)
		}
	}
}
