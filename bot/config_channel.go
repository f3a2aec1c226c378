package bot

import "slices"

// A ChannelConfig is one way to tell people: a channel of exactly one kind, and what is
// told there.
type ChannelConfig struct {
	// RocketChat is a room of Rocket.Chat. Default: none.
	RocketChat *RocketChatConfig `yaml:"rocketchat"`

	// Slack is a channel of Slack. Default: none.
	Slack *SlackConfig `yaml:"slack"`

	// Mattermost is a channel of Mattermost. Default: none.
	Mattermost *MattermostConfig `yaml:"mattermost"`

	// Teams is a channel or chat of Microsoft Teams. Default: none.
	Teams *TeamsConfig `yaml:"teams"`

	// Mail is sent by SMTP. Default: none.
	Mail *MailConfig `yaml:"mail"`

	// Webhook is a program of yours that is sent JSON. Default: none.
	Webhook *NotifyWebhookConfig `yaml:"webhook"`

	// On says which messages are told here: `start` when a run starts, `finish` when it has
	// ended, `call` when it needs a person. Default: all.
	On []string `yaml:"on"`

	// Results says of which ends a `finish` tells: `success`, `warnings` (success with
	// warnings), `rolled back`, `rollback failed`, `cancelled`, `refused`. Starts and calls
	// do not depend on it. Default: all.
	Results []string `yaml:"results"`
}

// A RocketChatConfig is a room of Rocket.Chat. With `url`, `user`, `token` and `room` it
// is reached by the REST API: each message comes exactly once, and each run has its
// thread. With `hook` alone it is reached by an incoming hook: after a cut a message
// may come twice, and the repeat says so.
type RocketChatConfig struct {
	// URL is the address of Rocket.Chat; https unless it is loopback. Required without
	// `hook`.
	URL string `yaml:"url"`

	// User is the user id that belongs to the token (`X-User-Id`). Required without
	// `hook`.
	User Reference `yaml:"user"`

	// Token is a personal access token (`X-Auth-Token`). Required without `hook`.
	Token Reference `yaml:"token"`

	// Room is the name of the room, without `#`. The user must be a member. Required
	// without `hook`.
	Room string `yaml:"room"`

	// Hook is the whole URL of an incoming hook. Default: none.
	Hook Reference `yaml:"hook"`
}

// A SlackConfig is a channel of Slack. With `token` and `channel` it is reached by the
// Web API: a message is looked for before it is sent, each run has its thread, and the
// message that began it is edited to say how the run ended. With `hook` alone it is
// reached by an incoming hook: after a cut a message may come twice, and the repeat
// says so.
type SlackConfig struct {
	// URL is the address of Slack; GovSlack has another one. Default
	// `https://slack.com`.
	URL string `yaml:"url"`

	// Token is the token of a bot (`xoxb-…`) with the scopes `chat:write` and
	// `channels:history`; for a private channel `groups:history`. Required without
	// `hook`.
	Token Reference `yaml:"token"`

	// Channel is the id of the channel, at the end of what Slack tells about it. The bot
	// must be a member. Required without `hook`.
	Channel string `yaml:"channel"`

	// Hook is the whole URL of an incoming hook. Default: none.
	Hook Reference `yaml:"hook"`
}

// A MattermostConfig is a channel of Mattermost. With `url`, `token`, `team` and
// `channel` it is reached by the REST API: a message is looked for before it is sent,
// and each run has its thread. With `hook` alone it is reached by an incoming hook:
// after a cut a message may come twice, and the repeat says so.
type MattermostConfig struct {
	// URL is the address of Mattermost; https unless it is loopback. Required without
	// `hook`.
	URL string `yaml:"url"`

	// Token is the token of a bot account, or a personal access token. Required without
	// `hook`.
	Token Reference `yaml:"token"`

	// Team is the name of the team, as it stands in addresses. Required without `hook`.
	Team string `yaml:"team"`

	// Channel is the name of the channel, as it stands in addresses. The user must be a
	// member. Required without `hook`.
	Channel string `yaml:"channel"`

	// Hook is the whole URL of an incoming hook. Default: none.
	Hook Reference `yaml:"hook"`
}

// A TeamsConfig is a channel or chat of Microsoft Teams, reached by a workflow that
// posts what a webhook receives. After a cut a message may come twice, and the repeat
// says so; workflows know no threads.
type TeamsConfig struct {
	// Hook is the whole URL of the workflow. Required.
	Hook Reference `yaml:"hook"`
}

// A MailConfig is mail that is sent by SMTP. The mails of a run are one thread. A mail
// always has the same Message-ID, so that mailboxes can tell a repeat after a cut, and
// the repeat says so in its subject.
type MailConfig struct {
	// Server is the name and port of the mail server, such as `smtp.example.com:587`.
	// Required.
	Server string `yaml:"server"`

	// TLS says how the connection is encrypted: `starttls` (it must be, before anything is
	// sent), `implicit` (from its first byte, as on port 465), or `none`, to loopback only.
	// Default `starttls`.
	TLS string `yaml:"tls"`

	// User is the user at the server. Default: none, nobody logs in.
	User Reference `yaml:"user"`

	// Password is the password of the user. Required with `user`.
	Password Reference `yaml:"password"`

	// From is the address that the mail comes from. Required.
	From string `yaml:"from"`

	// To are the addresses that it goes to, all in one mail. Required.
	To []string `yaml:"to"`
}

// A NotifyWebhookConfig is a program of yours that is sent JSON by POST, signed in the
// manner of Standard Webhooks: `webhook-id`, `webhook-timestamp` and
// `webhook-signature`. A repeat has the same id.
type NotifyWebhookConfig struct {
	// URL is the whole address; https unless it is loopback. Required.
	URL Reference `yaml:"url"`

	// Secret is the key of the signature: `whsec_` and base64, or at least 24 characters.
	// Required.
	Secret Reference `yaml:"secret"`
}

// The words of `on` and `results`.
var (
	toldOn  = []string{string(MessageStart), string(MessageFinish), string(MessageCall)}
	results = []string{"success", "warnings", string(RolledBack), string(RollbackFailed), string(Cancelled), string(Refused)}
)

// setDefaults sets the defaults of a channel of Slack.
func (s *SlackConfig) setDefaults() { s.URL = "https://slack.com" }

// setDefaults sets the defaults of mail.
func (m *MailConfig) setDefaults() { m.TLS = "starttls" }

// Hears reports that a message on run r is told on this channel. r is the run as it
// stands when the message is sent.
func (c *ChannelConfig) Hears(kind MessageKind, r *Run) bool {
	if c.On != nil && !slices.Contains(c.On, string(kind)) {
		return false
	}
	return kind != MessageFinish || c.Results == nil || slices.Contains(c.Results, r.ResultWord())
}

// Hears reports that a message on run r is told on a channel; one that is not configured
// any more has no say.
func (c *Config) Hears(channel string, kind MessageKind, r *Run) bool {
	known, ok := c.Notify[channel]
	return !ok || known.Hears(kind, r)
}

// ResultWord returns how a run ended, in one of the words of Results.
func (r *Run) ResultWord() string {
	switch {
	case r.State == Done && len(r.Warnings) > 0:
		return "warnings"
	case r.State == Done:
		return "success"
	}
	return string(r.State)
}

// references returns the references of a channel; some are not given.
func (c *ChannelConfig) references() []Reference {
	var all []Reference
	if r := c.RocketChat; r != nil {
		all = append(all, r.User, r.Token, r.Hook)
	}
	if s := c.Slack; s != nil {
		all = append(all, s.Token, s.Hook)
	}
	if m := c.Mattermost; m != nil {
		all = append(all, m.Token, m.Hook)
	}
	if t := c.Teams; t != nil {
		all = append(all, t.Hook)
	}
	if m := c.Mail; m != nil {
		all = append(all, m.User, m.Password)
	}
	if w := c.Webhook; w != nil {
		all = append(all, w.URL, w.Secret)
	}
	return all
}
