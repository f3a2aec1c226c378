package trigger

import (
	"context"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
	"lockstep/gitops"
	forge "lockstep/gitops/gitlab"
)

// A comment is taken from a GitLab and kept in a store: what the parts of this package are
// tested with alone.
func TestCommentsInAGitLab(t *testing.T) {
	t.Parallel()
	for _, edition := range []string{"CE", "EE"} {
		t.Run(edition, func(t *testing.T) {
			t.Parallel()
			g, client := simulated(t, edition)
			s := openStore(t)
			c, _, _ := talk(t)
			c.Forum, c.Ledger = client, s
			c.Do = func(ctx context.Context, b bot.Batch) ([]bot.Answer, error) {
				return s.Do(ctx, b, func(string) []string { return nil })
			}
			c.Now = time.Now
			c.Enterprise = func(ctx context.Context) (bool, error) {
				m, err := client.Metadata(ctx)
				return m.Enterprise, err
			}
			theirs := forged(t, g, g.AddBot("renovate", 30, "env/mda")) // the merge request is not the bot's
			mr, err := theirs.Open(t.Context(), gitops.Proposal{Change: gitops.Change{Repo: "env/mda", Target: "main", Branch: "feature", Title: "A change"}})
			if err != nil {
				t.Fatal(err)
			}
			p := &CommentPoll{Comments: c}
			for _, step := range []struct{ by, body, ce, ee string }{
				{"ana", "/promote integration 2026.11.3", "integration 2026.11.3", ""},
				{"ana", "/lockstep promote nightly mda 2026.11.4", "integration 2026.11.3, nightly 2026.11.4", "nightly 2026.11.4"},
				{"ben", "@lockstep-bot promote integration 2026.11.5", "integration 2026.11.3, nightly 2026.11.4", "nightly 2026.11.4"},
			} {
				if _, err := g.Comment("env/mda", int(mr.IID), step.by, step.body); err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second look finds nothing new
					p.reset()
					if err := p.look(t.Context(), "env/mda"); err != nil {
						t.Fatal(err)
					}
				}
				want := map[string]string{"CE": step.ce, "EE": step.ee}[edition]
				if got := strings.Join(versions(t, s), ", "); got != want {
					t.Errorf("%s: got %q, want %q", step.body, got, want)
				}
			}
			if enterprise, err := c.Enterprise(t.Context()); enterprise != (edition == "EE") || err != nil {
				t.Errorf("got %t, %v", enterprise, err)
			}
		})
	}
}

// simulated starts a GitLab with the environment repositories of talk, in which ana is a
// maintainer and ben a reporter, and returns a client for it.
func simulated(t *testing.T, edition string) (*fixtures.GitLab, *forge.Client) {
	t.Helper()
	g, err := fixtures.NewGitLab(fixtures.Options{Dir: t.TempDir(), Token: "glpat-secret", Edition: edition})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, path := range []string{"env/mda", "env/prd"} {
		if err := g.Create(fixtures.Project{Path: path, Files: map[string]string{"README.md": "values\n"}}); err != nil {
			t.Fatal(err)
		}
	}
	g.AddPerson("ana", 40, "env/mda", "env/prd")
	g.AddPerson("ben", 20, "env/mda", "env/prd")
	if _, err := g.Commit("env/mda", "feature", "Change", map[string]string{"README.md": "more\n"}); err != nil {
		t.Fatal(err)
	}
	return g, forged(t, g, "glpat-secret")
}

// forged returns a client for a GitLab that speaks with a token.
func forged(t *testing.T, g *fixtures.GitLab, token string) *forge.Client {
	t.Helper()
	client, err := forge.New(forge.Options{URL: g.URL(), Token: func() string { return token }, Rate: 10000})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
