package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"lockstep/fixtures"
	"lockstep/gitops/gitlab"
)

// findings returns what check says of GitLab in a world, but for what is well, each as
// "note WHAT: SAYS" or "BAD WHAT: SAYS", with {hook} for the address of hooks and {gitlab}
// for that of GitLab.
func (s *scene) findings() []string {
	s.Helper()
	o, err := newOutside(s.Context(), s.cfg)
	if err != nil {
		s.Fatal(err)
	}
	var all []string
	for _, line := range o.checkGitLab(s.Context(), s.cfg) {
		mark := "note"
		switch {
		case !line.OK:
			mark = "BAD"
		case !line.Note:
			continue
		}
		all = append(all, fmt.Sprintf("%s %s: %s", mark, line.What, line.Says))
	}
	shown := strings.NewReplacer(s.cfg.Server.URL+"/webhooks/gitlab", "{hook}", s.GitLab.URL(), "{gitlab}")
	for i, line := range all {
		all[i] = shown.Replace(line)
	}
	return all
}

// edition is what check says of an Enterprise Edition alone.
const edition = "note {gitlab}: the Enterprise build takes /promote in a comment for a command of its own: write /lockstep promote"

// checks are what can be wrong in GitLab, with all that check says then.
var checks = map[string]struct {
	wrong func(*scene) error
	says  []string
	gone  bool // nothing else is asked
}{
	"nothing": {func(*scene) error { return nil }, nil, false},
	"missing scopes": {
		func(s *scene) error {
			s.GitLab.SetToken(fixtures.Token{Scopes: []string{"read_api", "read_repository"}})
			return nil
		},
		[]string{"BAD gitlab.token: has the scopes read_api, read_repository and not api: make a token with the scope api and put it in the place of this one"},
		true,
	},
	"a token that ends soon": {
		func(s *scene) error {
			s.GitLab.SetToken(fixtures.Token{Scopes: []string{"api"}, Expires: soonEnd})
			return nil
		},
		[]string{"note gitlab.token: ends on " + soonEnd.Format(time.DateOnly) + ", in 9 days: make a new one and put it in the place of this one"},
		false,
	},
	"a token that has ended": {
		func(s *scene) error { s.GitLab.ExpireToken(true); return nil },
		[]string{"BAD gitlab.token: read the bot's own user: GitLab refuses the token (401): renew it: see that gitlab.url is right, and that the token counts and has the scope api"},
		true,
	},
	"a branch that is not protected": {
		func(s *scene) error { return s.GitLab.Unprotect(envProject, "main") },
		[]string{"note env/mda: branch main is not protected, so every Developer can push versions past Lockstep: protect it, and allow the bot to merge"},
		false,
	},
	"developers may push": {
		func(s *scene) error { return s.GitLab.Protect(envProject, "main", 40, 30) },
		[]string{"note env/mda: every Developer may push versions to branch main past Lockstep: allow pushing to fewer in Settings → Repository → Protected branches"},
		false,
	},
	"a disabled hook": {
		func(s *scene) error {
			return s.GitLab.SetHookStatus(envProject, s.cfg.Server.URL+"/webhooks/gitlab", "disabled")
		},
		[]string{"BAD env/mda: its hook to {hook} is disabled, because it was not answered well too often: see why in Settings → Webhooks → Edit → Recent events, and send a test from there, which enables it again"},
		false,
	},
	"a hook that is disabled for a while": {
		func(s *scene) error {
			return s.GitLab.SetHookStatus(dataProject, s.cfg.Server.URL+"/webhooks/gitlab", "temporarily_disabled")
		},
		[]string{"BAD data/mda: its hook to {hook} is temporarily disabled, because it was not answered well too often: see why in Settings → Webhooks → Edit → Recent events, and send a test from there, which enables it again"},
		false,
	},
	"no hooks": {
		func(s *scene) error { s.cfg.Server.URL = "https://other.example.com"; return nil },
		[]string{
			"note data/mda: no hook of it leads to {hook}, and what happens is found by looking: add one with Tag push events, unless a group of it has one",
			"note env/mda: no hook of it leads to {hook}, and what happens is found by looking: add one with Comments, Merge request events, Pipeline events, unless a group of it has one",
			"note qa/e2e-test-abn: no hook of it leads to {hook}, and what happens is found by looking: add one with Pipeline events, unless a group of it has one",
			"note qa/e2e-test-lup: no hook of it leads to {hook}, and what happens is found by looking: add one with Pipeline events, unless a group of it has one",
			"note qa/int-test: no hook of it leads to {hook}, and what happens is found by looking: add one with Pipeline events, unless a group of it has one",
		},
		false,
	},
	"a Developer sees no hooks": {
		func(s *scene) error { return s.GitLab.Member(gateProject, "lockstep-bot", gitlab.Developer) },
		[]string{"note qa/int-test: GitLab shows its hooks to Maintainers only, so nobody could tell: see in Settings → Webhooks that one leads to {hook}, with Pipeline events"},
		false,
	},
	"variables refused in a gate project": {
		func(s *scene) error { return s.GitLab.RefuseVariables(gateProject, true) },
		[]string{"BAD qa/int-test: nobody may set pipeline variables, the bot is Maintainer (40), and gate int-test cannot start without: choose Developer in Settings → CI/CD → Variables → Minimum role to use pipeline variables"},
		false,
	},
	"no role in a gate project": {
		func(s *scene) error { return s.GitLab.Member(gateProject, "lockstep-bot", gitlab.Reporter) },
		[]string{
			"BAD qa/int-test: the bot is Reporter (20) and needs Developer (30) to start the pipelines of gate int-test: give it that role",
			"note qa/int-test: GitLab shows its hooks to Maintainers only, so nobody could tell: see in Settings → Webhooks that one leads to {hook}, with Pipeline events",
		},
		false,
	},
	"no role for statuses": {
		func(s *scene) error { return s.GitLab.Member(dataProject, "lockstep-bot", gitlab.Reporter) },
		[]string{
			"note data/mda: the bot is Reporter (20) and needs Developer (30) to show commit statuses: give it that role, or write gitlab.statuses: false",
			"note data/mda: GitLab shows its hooks to Maintainers only, so nobody could tell: see in Settings → Webhooks that one leads to {hook}, with Tag push events",
		},
		false,
	},
	"not a member": {
		func(s *scene) error { return s.GitLab.Member(envProject, "lockstep-bot", 0) },
		[]string{`BAD env/mda: read project "env/mda": GitLab answers 404, as it also does when the bot has no right to see it: check the name, and that the bot's user is a member`},
		false,
	},
	"tags that are not protected": {
		func(s *scene) error {
			if err := s.GitLab.UnprotectTags(dataProject, "*"); err != nil {
				return err
			}
			_, err := s.GitLab.Tag(dataProject, "2026.11.1")
			return err
		},
		[]string{"note data/mda: tag 2026.11.1 is not protected, and one like it would start nothing: protect the tags * in Settings → Repository → Protected tags, or write protected: false for package mda"},
		false,
	},
}

// soonEnd is when a token ends that ends soon.
var soonEnd = time.Now().UTC().Truncate(24 * time.Hour).Add(10 * 24 * time.Hour)

func TestCheckGitLab(t *testing.T) {
	t.Parallel()
	for _, edited := range []string{"CE", "EE"} {
		for name, test := range checks {
			t.Run(edited+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := openScene(t, worldOptions{Edition: edited})
				if err := test.wrong(s); err != nil {
					t.Fatal(err)
				}
				want := slices.Clone(test.says)
				if edited == "EE" && !test.gone {
					want = append([]string{edition}, want...)
				}
				if got := s.findings(); !slices.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if calls := s.Journal.Calls(); len(calls) > 0 {
					t.Errorf("check changed something: %v", calls)
				}
			})
		}
	}
}

// What check says of an old GitLab that does not tell of its tokens.
func TestCheckTokenUnknown(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	s.cfg.GitLab.URL = oldGitLab(t)
	if got := s.findings(); len(got) == 0 || got[0] != "note gitlab.token: GitLab does not say which scopes it has and when it ends: look where it was made, it needs the scope api" {
		t.Errorf("got %q", got)
	}
}

// oldGitLab returns the address of a GitLab 15 without projects.
func oldGitLab(t *testing.T) string {
	t.Helper()
	g, err := fixtures.NewGitLab(fixtures.Options{Dir: t.TempDir(), Token: gitlabToken, Version: "15"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g.URL()
}

// A rollback that could not merge is BAD, with its cure.
func TestCheckRollback(t *testing.T) {
	t.Parallel()
	for name, test := range obstacles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, worldOptions{Edition: "EE"})
			if test.push {
				s.ofInt("rollback: {via: push}")
			}
			if err := test.raise(s); err != nil {
				t.Fatal(err)
			}
			o, err := newOutside(t.Context(), s.cfg)
			if err != nil {
				t.Fatal(err)
			}
			key := credentials.NewStaticCredentialsProvider("AKIADEMO", "demo", "")
			o.parameters.Credentials, o.packages.Credentials = key, key
			all := o.checkTrack(t.Context(), "integration", "mda")
			if len(all) != 1 || all[0].OK || !strings.Contains(all[0].Says, test.says) || !strings.HasSuffix(all[0].Says, "; mend it, or write rollback.attended: true") {
				t.Errorf("got %+v, want one that is BAD, with %q", all, test.says)
			}
		})
	}
}

func TestCheckedLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	con := &console{out: &out}
	err := con.checked([]checked{fine("a", "is %d", 1), aside("b", "may be"), bad("c", "is not")}, "text")
	if want := "ok   a: is 1\nnote b: may be\nBAD  c: is not\n"; out.String() != want || err == nil {
		t.Errorf("got %q, %v, want %q and an error", out.String(), err, want)
	}
	if err := con.checked([]checked{aside("b", "may be")}, "text"); err != nil {
		t.Errorf("a note is %v, want no error", err)
	}
}
