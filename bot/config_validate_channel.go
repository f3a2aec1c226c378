package bot

import (
	"net"
	"net/mail"
	"regexp"
	"strconv"
)

func (c *ChannelConfig) validate(k *configCheck, name string) {
	field := "notify." + name
	k.name(field, name)
	c.validateKind(k, field)
	k.words(field+".on", c.On, toldOn)
	k.words(field+".results", c.Results, results)
}

// validateKind checks that a channel is of one kind, and that kind.
func (c *ChannelConfig) validateKind(k *configCheck, field string) {
	kinds := 0
	kind := func(name string, is bool, validate func(*configCheck, string)) {
		if is {
			kinds++
			validate(k, field+"."+name)
		}
	}
	kind("rocketchat", c.RocketChat != nil, c.RocketChat.validate)
	kind("slack", c.Slack != nil, c.Slack.validate)
	kind("mattermost", c.Mattermost != nil, c.Mattermost.validate)
	kind("teams", c.Teams != nil, c.Teams.validate)
	kind("mail", c.Mail != nil, c.Mail.validate)
	kind("webhook", c.Webhook != nil, c.Webhook.validate)
	switch {
	case kinds == 0:
		k.fail(field, "no kind of channel: write one of rocketchat, slack, mattermost, teams, mail and webhook")
	case kinds > 1:
		k.fail(field, "several kinds of channel: make a channel of each, with its own name")
	}
}

// words checks a list of words that may be left out, each once.
func (k *configCheck) words(field string, list, words []string) {
	if list != nil && len(list) == 0 {
		k.fail(field, "nothing would be told here: write some of %s, or remove the key", sentence(words))
	}
	k.names(field, "word", list, words)
}

// sentence lists words for people.
func sentence(words []string) string {
	text := ""
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			text += " and "
		default:
			text += ", "
		}
		text += word
	}
	return text
}

var (
	roomName     = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._-]*$`)
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{8,20}$`)
	addressName  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
)

func (r *RocketChatConfig) validate(k *configCheck, field string) {
	if k.has(field+".hook", r.Hook) {
		if r.URL != "" || r.User.Given() || r.Token.Given() || r.Room != "" {
			k.fail(field, "has hook and more: write hook alone, or url, user, token and room")
		}
		return
	}
	if *r == (RocketChatConfig{}) {
		k.fail(field, "nothing is there: write url, user, token and room, or hook")
		return
	}
	if k.given(field+".url", r.URL, "Rocket.Chat's address, such as https://chat.example.com") {
		k.url(field+".url", r.URL)
	}
	k.given(field+".user", r.User.Text, "a reference such as env:ROCKETCHAT_USER")
	k.given(field+".token", r.Token.Text, "a reference such as env:ROCKETCHAT_TOKEN")
	if k.given(field+".room", r.Room, "the room's name, such as data-releases") && !roomName.MatchString(r.Room) {
		k.fail(field+".room", "%q is no room: write its name without #", shortened(r.Room))
	}
}

func (s *SlackConfig) validate(k *configCheck, field string) {
	if k.has(field+".hook", s.Hook) {
		if k.stands(field+".url") || s.Token.Given() || s.Channel != "" {
			k.fail(field, "has hook and more: write hook alone, or token and channel")
		}
		return
	}
	if !k.has(field+".token", s.Token) && s.Channel == "" {
		k.fail(field, "nothing is there: write token and channel, or hook")
		return
	}
	k.url(field+".url", s.URL)
	k.given(field+".token", s.Token.Text, "a reference such as env:SLACK_TOKEN")
	if k.given(field+".channel", s.Channel, "the channel's id, such as C0123456789") && !slackChannel.MatchString(s.Channel) {
		k.fail(field+".channel", "%q is no id of a channel: write it as Slack shows it at the end of what it tells about the channel, such as C0123456789", shortened(s.Channel))
	}
}

func (m *MattermostConfig) validate(k *configCheck, field string) {
	if k.has(field+".hook", m.Hook) {
		if m.URL != "" || m.Token.Given() || m.Team != "" || m.Channel != "" {
			k.fail(field, "has hook and more: write hook alone, or url, token, team and channel")
		}
		return
	}
	if *m == (MattermostConfig{}) {
		k.fail(field, "nothing is there: write url, token, team and channel, or hook")
		return
	}
	if k.given(field+".url", m.URL, "Mattermost's address, such as https://chat.example.com") {
		k.url(field+".url", m.URL)
	}
	k.given(field+".token", m.Token.Text, "a reference such as env:MATTERMOST_TOKEN")
	for _, at := range []struct{ key, name string }{{"team", m.Team}, {"channel", m.Channel}} {
		if k.given(field+"."+at.key, at.name, "its name as it stands in addresses, such as data-releases") && !addressName.MatchString(at.name) {
			k.fail(field+"."+at.key, "%q is no name of a %s: write it as it stands in addresses, in small letters", shortened(at.name), at.key)
		}
	}
}

func (t *TeamsConfig) validate(k *configCheck, field string) {
	k.given(field+".hook", t.Hook.Text, "a reference such as env:TEAMS_HOOK to the URL of the workflow")
}

func (m *MailConfig) validate(k *configCheck, field string) {
	m.validateServer(k, field)
	switch user, password := k.has(field+".user", m.User), k.has(field+".password", m.Password); {
	case user && !password:
		k.fail(field+".password", "missing: write a reference such as env:SMTP_PASSWORD, or remove user")
	case password && !user:
		k.fail(field+".user", "missing: write a reference such as env:SMTP_USER, or remove password")
	}
	if k.given(field+".from", m.From, "an address such as lockstep@example.com") {
		k.mailbox(field+".from", m.From)
	}
	if len(m.To) == 0 {
		k.fail(field+".to", "missing: write a list of addresses, such as [data@example.com]")
	}
	for i, to := range m.To {
		k.mailbox(item(field+".to", i), to)
	}
}

// validateServer checks where mail goes and how it is encrypted on its way.
func (m *MailConfig) validateServer(k *configCheck, field string) {
	if !k.oneOf(field+".tls", m.TLS, "starttls", "implicit", "none") || !k.given(field+".server", m.Server, "name and port of the mail server, such as smtp.example.com:587") {
		return
	}
	host, port, err := net.SplitHostPort(m.Server)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || number == 0 || host == "" {
		k.fail(field+".server", "%q is no mail server: write name:port, such as smtp.example.com:587", shortened(m.Server))
		return
	}
	if m.TLS == "none" && !loopback(host) {
		k.fail(field+".tls", "none sends mail and password in the clear: use starttls or implicit")
	}
}

// mailbox checks a mail address.
func (k *configCheck) mailbox(field, address string) {
	if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
		k.fail(field, "%q is no mail address: write one such as data@example.com", shortened(address))
	}
}

func (w *NotifyWebhookConfig) validate(k *configCheck, field string) {
	k.given(field+".url", w.URL.Text, "a reference such as env:NOTIFY_URL to the whole address")
	k.given(field+".secret", w.Secret.Text, "a reference such as env:NOTIFY_SECRET")
}
