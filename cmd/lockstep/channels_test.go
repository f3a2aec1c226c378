package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// secretFile returns a reference to a file that holds text.
func secretFile(t *testing.T, text string) bot.Reference {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return bot.Reference{Text: "file:" + path, Field: "notify.x"}
}

// TestChannelsOfEachKind holds that each kind of channel is made, and what check says
// of it.
func TestChannelsOfEachKind(t *testing.T) {
	t.Parallel()
	slack, chat, inbox, server := fixtures.NewSlack(nil), fixtures.NewMattermost(nil), fixtures.NewHookInbox(nil), fixtures.NewMailServer(nil, true)
	for _, end := range []interface{ Close() }{slack, chat, inbox, server} {
		t.Cleanup(end.Close)
	}
	hook := secretFile(t, inbox.TeamsURL())
	cfg := &bot.Config{Notify: map[string]*bot.ChannelConfig{
		"a": {RocketChat: &bot.RocketChatConfig{Hook: hook}},
		"b": {Slack: &bot.SlackConfig{URL: slack.URL(), Channel: slack.Channel(), Token: secretFile(t, slack.Token())}},
		"c": {Slack: &bot.SlackConfig{Hook: hook}},
		"d": {Mattermost: &bot.MattermostConfig{URL: chat.URL(), Team: "data", Channel: "data-releases", Token: secretFile(t, chat.Token())}},
		"e": {Mattermost: &bot.MattermostConfig{Hook: hook}},
		"f": {Teams: &bot.TeamsConfig{Hook: hook}},
		"g": {Mail: &bot.MailConfig{Server: server.Address(), TLS: "none", From: "a@example.com", To: []string{"b@example.com"}}},
		"h": {Webhook: &bot.NotifyWebhookConfig{URL: secretFile(t, inbox.WebhookURL()), Secret: secretFile(t, inbox.WebhookSecret())}},
		"i": {Slack: &bot.SlackConfig{URL: slack.URL(), Channel: slack.Channel(), Token: secretFile(t, "wrong")}},
	}}
	made, err := channels(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var kinds, says []string
	for _, line := range (&outside{channels: made}).checkChannels(t.Context()) {
		_, name, _ := strings.Cut(line.What, " ")
		kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", made[name]), "*notify."))
		says = append(says, fmt.Sprintf("%s %t: %s", line.What, line.OK, line.Says))
	}
	if got, want := strings.Join(kinds, " "), "RocketChatHook Slack SlackHook Mattermost MattermostHook Teams Mail Webhook Slack"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i, want := range []string{
		"channel a true: is a hook, and is not called", "channel b true: Slack knows the bot as lockstep", "channel c true: is a hook",
		"channel d true: Mattermost knows the user as lockstep", "channel e true: is a hook", "channel f true: is a hook",
		"channel g true: mail server 127.0.0.1:", "channel h true: is a hook", "channel i false: slack: auth.test: 200: invalid_auth",
	} {
		if !strings.HasPrefix(says[i], want) {
			t.Errorf("got %q, want it to begin with %q", says[i], want)
		}
	}
	if got := len(inbox.Hooked()); got != 0 {
		t.Errorf("check told people %d messages", got)
	}
}

// TestChannelsRefuseBadSecrets holds that what a reference leads to is checked, and not
// repeated.
func TestChannelsRefuseBadSecrets(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"http://hooks.example.com/hush": "notify.x: http sends the secret in the clear: use https",
		"hooks.example.com/hush":        "notify.x: leads to no address: write the whole URL there, beginning with https://",
		"https://[hush":                 "notify.x: leads to no address: write the whole URL there, beginning with https://",
	}
	for address, want := range tests {
		cfg := &bot.Config{Notify: map[string]*bot.ChannelConfig{"x": {Teams: &bot.TeamsConfig{Hook: secretFile(t, address)}}}}
		if _, err := channels(t.Context(), cfg); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
	webhook := &bot.NotifyWebhookConfig{URL: secretFile(t, "https://example.com"), Secret: secretFile(t, "hush")}
	_, err := channels(t.Context(), &bot.Config{Notify: map[string]*bot.ChannelConfig{"x": {Webhook: webhook}}})
	if want := "notify.x: the key has 4 bytes: make one with 24 at least, such as by openssl rand -base64 32"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, address := range []string{"https://hooks.example.com/x", "http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]/x"} {
		if err := checkHook(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
