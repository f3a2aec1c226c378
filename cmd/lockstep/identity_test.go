package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/fixtures"
)

// as returns a client of the scene's server that shows a token.
func (s *scene) as(token string) *client {
	return &client{url: s.cfg.Server.URL, token: bot.NewSecret(token), http: &http.Client{Timeout: 10 * time.Second}}
}

// refuses expects that a request of a client is turned away with a sentence.
func (s *scene) refuses(who string, err error, part string) {
	s.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		s.Errorf("%s: got %v, want a refusal with %q", who, err, part)
	}
}

// A job of GitLab CI asks for a run with the ID token that GitLab has made for it, and is
// kept as who it is. It may do what the configuration says, and no other job may.
func TestJobOfGitLabCI(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	s.rewrite("server:\n", "server:\n  ci: [{project: data/mda, ref: main, protected: false, tracks: [integration]}]\n")
	s.begin()
	s.script(works)
	audience := []string{s.cfg.Server.URL}
	wanted := map[string]string{"track": "integration", "version": works.Version}
	for name, test := range map[string]struct {
		token fixtures.JobToken
		says  string
	}{
		"another project":  {fixtures.JobToken{Project: gateProject, Audience: audience}, "qa/int-test"},
		"another branch":   {fixtures.JobToken{Project: dataProject, Ref: "feature", Audience: audience}, "feature"},
		"another audience": {fixtures.JobToken{Project: dataProject, Audience: []string{"https://elsewhere.example.com"}}, "token"},
		"another key":      {fixtures.JobToken{Project: dataProject, Audience: audience, Foreign: true}, "token"},
		"of yesterday":     {fixtures.JobToken{Project: dataProject, Audience: audience, Issued: time.Now().Add(-24 * time.Hour)}, "token"},
	} {
		s.refuses(name, s.as(s.GitLab.IDToken(test.token)).post(t.Context(), "runs", wanted, &bot.Answer{}), test.says)
	}
	job := s.as(s.GitLab.IDToken(fixtures.JobToken{Project: dataProject, User: "operator", Audience: audience}))
	s.refuses("another track", job.post(t.Context(), "runs", map[string]string{"track": "release", "version": works.Version}, &bot.Answer{}), "release")
	s.refuses("a freeze", job.post(t.Context(), "lanes/integration/freeze", map[string]string{"reason": "fun"}, &bot.Answer{}), "freeze")
	if runs := s.runs(); len(runs) != 0 {
		t.Fatalf("got %+v, want no run of those", runs)
	}
	var answer bot.Answer
	if err := job.post(t.Context(), "runs", wanted, &answer); err != nil || !answer.New {
		t.Fatalf("got %+v, %v, want a run", answer, err)
	}
	s.ends(works)
	if run := s.report(works.Version).Run; run.By != "operator" {
		t.Errorf("the run was asked for by %q, want operator", run.By)
	}
	s.types(typed{line: "audit --since 1h", says: []string{`"who":"operator","from":"job `, `of data/mda (main)`, `"what":"promote`}})
}

// A token speaks for the name that it has, does what its scopes say, and ends when it is
// revoked.
func TestNamedToken(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	s.rewrite(goAhead...)
	s.begin()
	s.script(works)
	made := func(name string, scopes ...string) web.MadeToken {
		var made web.MadeToken
		if err := s.api.post(t.Context(), "tokens", map[string]any{"name": name, "scopes": scopes, "by": "olga"}, &made); err != nil {
			t.Fatal(err)
		}
		return made
	}
	nightly, ana := made("nightly", "run"), made("ana", "approve")
	if err := s.as(nightly.Secret).post(t.Context(), "runs", map[string]string{"track": "integration", "version": works.Version}, &bot.Answer{}); err != nil {
		t.Fatal(err)
	}
	s.waits(works.Version, "go")
	run := "runs/" + s.report(works.Version).Run.ID
	yes := map[string]string{"gate": "go", "by": "olga"}
	s.refuses("nightly", s.as(nightly.Secret).post(t.Context(), run+"/confirm", yes, &bot.Answer{}), "approve")
	var answer bot.Answer
	if err := s.as(ana.Secret).post(t.Context(), run+"/confirm", yes, &answer); err != nil || !strings.Contains(answer.Sentence, "confirmed by ana") {
		t.Errorf("got %+v, %v, want that ana has confirmed it, whoever the call names", answer, err)
	}
	s.reaches(works.Version, bot.Done)
	s.types(typed{line: "token revoke " + nightly.Token.ID + " --by olga"})
	s.refuses("a revoked token", s.as(nightly.Secret).get(t.Context(), "status", &web.Status{}), "token")
	s.refuses("nobody's token", s.as("lst_0123456789ab_"+strings.Repeat("0", 64)).get(t.Context(), "status", &web.Status{}), "token")
}
