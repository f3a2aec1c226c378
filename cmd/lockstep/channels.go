package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"

	"lockstep/bot"
	"lockstep/bot/notify"
)

// channels makes the ways to reach people.
func channels(ctx context.Context, cfg *bot.Config) (map[string]notify.Channel, error) {
	made := map[string]notify.Channel{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Notify)) {
		secrets := secretReader{ctx: ctx}
		channel := newChannel(&secrets, cfg.Notify[name])
		if secrets.err != nil {
			return nil, secrets.err
		}
		made[name] = channel
	}
	return made, nil
}

// newChannel makes a channel of the kind that it is configured to be.
func newChannel(secrets *secretReader, c *bot.ChannelConfig) notify.Channel {
	switch {
	case c.RocketChat != nil && c.RocketChat.Hook.Given():
		return &notify.RocketChatHook{URL: secrets.address(c.RocketChat.Hook)}
	case c.RocketChat != nil:
		r := c.RocketChat
		return &notify.RocketChat{URL: r.URL, Room: r.Room, User: secrets.read(r.User), Token: secrets.read(r.Token)}
	case c.Slack != nil && c.Slack.Hook.Given():
		return &notify.SlackHook{URL: secrets.address(c.Slack.Hook)}
	case c.Slack != nil:
		return &notify.Slack{URL: c.Slack.URL, Channel: c.Slack.Channel, Token: secrets.read(c.Slack.Token)}
	case c.Mattermost != nil && c.Mattermost.Hook.Given():
		return &notify.MattermostHook{URL: secrets.address(c.Mattermost.Hook)}
	case c.Mattermost != nil:
		m := c.Mattermost
		return &notify.Mattermost{URL: m.URL, Team: m.Team, Channel: m.Channel, Token: secrets.read(m.Token)}
	case c.Teams != nil:
		return &notify.Teams{URL: secrets.address(c.Teams.Hook)}
	case c.Mail != nil:
		m := c.Mail
		return &notify.Mail{Server: m.Server, TLS: m.TLS, User: secrets.read(m.User), Password: secrets.read(m.Password), From: m.From, To: m.To}
	}
	webhook, err := notify.NewWebhook(secrets.address(c.Webhook.URL), secrets.read(c.Webhook.Secret))
	secrets.fail(c.Webhook.Secret, err)
	return webhook
}

// A secretReader reads references until one cannot be read.
type secretReader struct {
	ctx context.Context
	err error // the first one
}

// read returns the secret of an optional reference.
func (s *secretReader) read(ref bot.Reference) bot.Secret {
	if s.err != nil {
		return bot.Secret{}
	}
	secret, err := resolved(s.ctx, ref)
	s.err = err
	return secret
}

// address returns the secret of a reference to an address, which is not sent to other
// machines in the clear.
func (s *secretReader) address(ref bot.Reference) bot.Secret {
	secret := s.read(ref)
	s.fail(ref, checkHook(secret.Reveal()))
	return secret
}

// fail notes what is wrong with what a reference leads to.
func (s *secretReader) fail(ref bot.Reference, err error) {
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("%s: %w", ref.Field, err)
	}
}

// checkHook returns what is wrong with the address of a hook. It never repeats it.
func checkHook(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("leads to no address: write the whole URL there, beginning with https://")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if loopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback(); u.Scheme == "http" && !loopback {
		return errors.New("http sends the secret in the clear: use https")
	}
	return nil
}

// checkChannels asks each channel whether it can be reached, where that tells nobody
// anything.
func (o *outside) checkChannels(ctx context.Context) []checked {
	var all []checked
	for _, name := range slices.Sorted(maps.Keys(o.channels)) {
		channel, ok := o.channels[name].(notify.Reacher)
		if !ok {
			all = append(all, verdict("channel "+name, nil, "is a hook, and is not called: the first message shows whether it can be reached"))
			continue
		}
		says, err := channel.Reach(ctx)
		all = append(all, verdict("channel "+name, err, says))
	}
	return all
}
