package main

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"

	"lockstep/bot"
	"lockstep/bot/data"
	"lockstep/bot/notify"
	"lockstep/bot/web"
	"lockstep/gitops/gitlab"
)

// An outside is everything that a configuration reaches, and the step function on it.
type outside struct {
	gitlab     *gitlab.Client
	bot        *bot.Bot
	gates      *gateMaker
	parameters *data.Parameters
	packages   *data.Packages
	channels   map[string]notify.Channel
	metrics    *web.Metrics
}

// newOutside resolves the references of a configuration and connects to nothing yet.
func newOutside(ctx context.Context, cfg *bot.Config) (*outside, error) {
	token, err := data.Resolve(ctx, cfg.GitLab.Token.Text)
	if err != nil {
		return nil, fmt.Errorf("gitlab.token: %w", err)
	}
	metrics := web.NewMetrics(version, now)
	client, err := gitlab.New(gitlab.Options{
		URL: cfg.GitLab.URL, Token: token.Reveal, Rate: rate.Limit(cfg.GitLab.Rate), Asked: metrics.Asked, Waited: metrics.Waited,
	})
	if err != nil {
		return nil, err
	}
	repos := &repositories{url: cfg.GitLab.URL, token: token.Reveal, author: cfg.GitLab.Author, metrics: metrics}
	bearers := &tokens{}
	o := &outside{gitlab: client, parameters: data.NewParameters(), packages: &data.Packages{Now: now}, metrics: metrics}
	o.gates = &gateMaker{gitlab: client, packages: o.packages, tokens: bearers}
	o.bot = &bot.Bot{
		Config: cfg, Repos: repos, Forge: client, Pipelines: client, Rules: client, Watch: watcher{client, repos, bearers},
		Gates: o.gates, Parameters: o.parameters, Data: o.packages, Limits: cfg.Limits(), Now: now,
		RunURL: func(id string) string { return cfg.Server.URL + "/runs/" + id },
	}
	o.channels, err = channels(ctx, cfg)
	return o, err
}

// resolved returns the secret of an optional reference; the empty one when it is not
// given.
func resolved(ctx context.Context, ref bot.Reference) (bot.Secret, error) {
	if !ref.Given() {
		return bot.Secret{}, nil
	}
	secret, err := data.Resolve(ctx, ref.Text)
	if err != nil {
		return bot.Secret{}, fmt.Errorf("%s: %w", ref.Field, err)
	}
	return secret, nil
}
