package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"lockstep/bot"
	"lockstep/bot/trigger"
)

// poll looks for versions whose announcements were lost.
func (s *server) poll(ctx context.Context, group *errgroup.Group) {
	for _, poll := range trigger.Polls(s.cfg.Sources(), trigger.Poll{
		Forge: s.outside.gitlab, Shelf: s.outside.packages, Catalog: s.cfg, Store: s.store,
		Wake: s.engine.Wake, Now: now, Log: s.log,
	}) {
		poll.Looked = s.outside.metrics.Looks(string(poll.Sources[0].Origin))
		group.Go(func() error { return poll.Run(ctx) })
	}
}

// calls takes versions that programs announce.
func (s *server) calls() *trigger.Calls {
	return &trigger.Calls{Catalog: s.cfg, Store: s.store, Secrets: s.keys, Wake: s.engine.Wake, Now: now, Log: s.log}
}

// callKeys resolves the keys of signed calls, by package.
func callKeys(ctx context.Context, cfg *bot.Config) (map[string]bot.Secret, error) {
	keys := map[string]bot.Secret{}
	for pkg, p := range cfg.Packages {
		if p.Hook == nil {
			continue
		}
		key, err := resolved(ctx, p.Hook.Secret)
		if err != nil {
			return nil, err
		}
		if have := len(key.Reveal()); have < trigger.MinSecret {
			return nil, fmt.Errorf("%s: the key has %d characters: make one with %d at least, such as by openssl rand -base64 32",
				p.Hook.Secret.Field, have, trigger.MinSecret)
		}
		keys[pkg] = key
	}
	return keys, nil
}
