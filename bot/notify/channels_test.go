package notify

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
)

// An end is a channel, and the simulated outside that it leads to.
type end struct {
	channel Channel
	journal *fixtures.Journal
	down    func(bool)
	titles  func() []string // of what has arrived, in order
	once    bool            // a repeat is found, or is the same message for its reader
	secret  string          // that no error may hold
}

// ends makes a channel of each kind. Their clients keep no connection: one that waits
// would hold the clock of synctest.
var ends = map[string]func(*testing.T) end{
	"rocketchat": func(t *testing.T) end {
		chat, channel := newChat(t)
		channel.HTTP, channel.URL = brief(), chat.URL()
		down := func(down bool) { chat.Break(map[bool]string{true: "down"}[down]) }
		return end{channel, chat.Journal, down, func() []string { return rocketTitles(chat) }, true, chat.Token()}
	},
	"rocketchat hook": func(t *testing.T) end {
		chat, _ := newChat(t)
		down := func(down bool) { chat.Break(map[bool]string{true: "down"}[down]) }
		return end{&RocketChatHook{URL: bot.NewSecret(chat.HookURL()), HTTP: brief()}, chat.Journal, down, func() []string { return rocketTitles(chat) }, false, "hook-token-of-the-bot"}
	},
	"slack": func(t *testing.T) end {
		slack, channel := newSlack(t)
		return end{channel, slack.Journal, slack.SetDown, func() []string { return slackTitles(slack) }, true, slack.Token()}
	},
	"slack hook": func(t *testing.T) end {
		slack, _ := newSlack(t)
		return end{&SlackHook{URL: bot.NewSecret(slack.HookURL()), HTTP: brief()}, slack.Journal, slack.SetDown, func() []string { return slackTitles(slack) }, false, "hook-token-of-the-bot"}
	},
	"mattermost": func(t *testing.T) end {
		chat, channel := newMattermost(t)
		return end{channel, chat.Journal, chat.SetDown, func() []string { return mattermostTitles(chat) }, true, chat.Token()}
	},
	"mattermost hook": func(t *testing.T) end {
		chat, _ := newMattermost(t)
		return end{&MattermostHook{URL: bot.NewSecret(chat.HookURL()), HTTP: brief()}, chat.Journal, chat.SetDown, func() []string { return mattermostTitles(chat) }, false, "mattermost-hook-of-the-bot"}
	},
	"teams": func(t *testing.T) end {
		inbox := newInbox(t)
		return end{&Teams{URL: bot.NewSecret(inbox.TeamsURL()), HTTP: brief()}, inbox.Journal, inbox.SetDown, func() []string { return cardTitles(t, inbox) }, false, "teams-signature-of-the-bot"}
	},
	"webhook": func(t *testing.T) end {
		inbox := newInbox(t)
		channel, err := NewWebhook(bot.NewSecret(inbox.WebhookURL()), bot.NewSecret(inbox.WebhookSecret()))
		if err != nil {
			t.Fatal(err)
		}
		channel.HTTP = brief()
		return end{channel, inbox.Journal, inbox.SetDown, func() []string { return webhookTitles(t, inbox) }, true, "webhook-of-the-bot"}
	},
	"mail": func(t *testing.T) end {
		server, channel := newMail(t, false)
		return end{channel, server.Journal, server.SetDown, func() []string { return mailTitles(t, server) }, false, server.Password()}
	},
}

// brief returns a client that keeps no connection.
func brief() *http.Client { return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} }

// old returns the rolled back example, asked for before the clock of synctest begins.
func old() *bot.Run {
	r := rolledBack()
	r.Created = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	history(r, 9)
	return r
}

// oldText is text of the run that old returns.
func oldText(m bot.Message) Text {
	r := old()
	return newText(m, r, history(r, 9), runURL)
}

// TestOutageLosesAndDoublesNothing holds that what is due during an outage of a day is
// told once it ends, each once, in order.
func TestOutageLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for name, open := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := open(t)
			synctest.Test(t, func(t *testing.T) {
				box := &outbox{}
				end.down(true)
				box.add(message(bot.MessageStart, "chat", 2), message(bot.MessageCall, "chat", 5), message(bot.MessageFinish, "chat", 9))
				start(t, &Sender{Outbox: box, Runs: runs{exampleID: old()}, Channels: map[string]Channel{"chat": end.channel}, Every: time.Minute})
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if got := end.titles(); len(got) != 0 {
					t.Fatalf("during the outage arrived %q", got)
				}
				for _, why := range box.find(exampleID + "/start/chat").why {
					if strings.Contains(why, end.secret) {
						t.Fatalf("a reason holds the secret: %s", why)
					}
				}
				end.down(false)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if left := box.left(); len(left) != 0 {
					t.Errorf("still to be told: %q, because %q", left, box.find(left[0]).why)
				}
				got := end.titles()
				want := []string{"started by a tag", "a person is needed", "failed, rolled back"}
				if len(got) != len(want) {
					t.Fatalf("arrived %q, want one of each %q", got, want)
				}
				for i := range want {
					if !strings.Contains(got[i], want[i]) {
						t.Errorf("message %d: got %q, want %q in it", i+1, got[i], want[i])
					}
				}
			})
		})
	}
}

// TestChannelsBrokenTwice breaks each call that changes something before and after its
// effect: a message then comes once, or its repeat says that it is one.
func TestChannelsBrokenTwice(t *testing.T) {
	t.Parallel()
	faults := map[string]struct{ before, after fixtures.Fault }{
		"cut before": {before: fixtures.Cut}, "cut after": {after: fixtures.Cut},
		"502 before": {before: fixtures.BadGateway}, "502 after": {after: fixtures.BadGateway},
		"429 before": {before: fixtures.TooMany},
	}
	for name, open := range ends {
		for kind, fault := range faults {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				end := open(t)
				m := message(bot.MessageStart, "chat", 2)
				end.journal.Break(faulty(fault.before), faulty(fault.after))
				first := end.channel.Send(t.Context(), m, oldText(m), false)
				end.journal.Break(nil, nil)
				if first == nil && len(end.titles()) == 0 {
					t.Fatal("counts as sent, but nothing arrived")
				}
				if err := end.channel.Send(t.Context(), m, oldText(m), true); err != nil {
					t.Fatal(err)
				}
				got := end.titles()
				last := got[len(got)-1]
				if end.once && (len(got) != 1 || strings.Contains(last, "repeat")) {
					t.Errorf("got %q, want one that is no repeat", got)
				}
				if !end.once && !strings.HasPrefix(last, "(repeat) ") {
					t.Errorf("got %q, want the last to say that it may be a repeat", got)
				}
			})
		}
	}
}

// faulty breaks each call in the same way.
func faulty(f fixtures.Fault) func(fixtures.Call) fixtures.Fault {
	return func(fixtures.Call) fixtures.Fault { return f }
}

// TestNoErrorHoldsASecret holds that neither the address nor the token of a channel is
// in what it says when nobody is there, or when it is refused.
func TestNoErrorHoldsASecret(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	closed := strings.TrimPrefix(gone.URL, "http://")
	const secret = "hush-hush-hush-hush-hush-hush"
	token, hook := bot.NewSecret(secret), bot.NewSecret(gone.URL+"/"+secret)
	webhook, err := NewWebhook(hook, token)
	if err != nil {
		t.Fatal(err)
	}
	slack, _ := newSlack(t)
	chat, _ := newMattermost(t)
	server, _ := newMail(t, false)
	tests := map[string]struct {
		channel Channel
		want    string
	}{
		"slack gone":        {&Slack{URL: gone.URL, Token: token}, "slack: conversations.history: "},
		"slack hook gone":   {&SlackHook{URL: hook}, "slack hook: "},
		"mattermost gone":   {&Mattermost{URL: gone.URL, Token: token}, `channel "": mattermost: `},
		"mattermost hook":   {&MattermostHook{URL: hook}, "mattermost hook: "},
		"teams":             {&Teams{URL: hook}, "teams workflow: "},
		"webhook":           {webhook, "webhook: "},
		"mail gone":         {&Mail{Server: closed, TLS: "none", User: token, Password: token, From: "a@example.com", To: []string{"b@example.com"}}, "mail: "},
		"slack token":       {&Slack{URL: slack.URL(), Channel: slack.Channel(), Token: token}, "slack: conversations.history: 200: invalid_auth (the token is not valid)"},
		"slack channel":     {&Slack{URL: slack.URL(), Channel: "C1", Token: bot.NewSecret(slack.Token())}, "slack: conversations.history: 200: channel_not_found (write the channel's id"},
		"slack hook token":  {&SlackHook{URL: bot.NewSecret(slack.URL() + "/services/" + secret)}, "slack hook: 403: invalid_token"},
		"mattermost token":  {&Mattermost{URL: chat.URL(), Team: "data", Channel: "data-releases", Token: token}, `channel "data-releases": mattermost: teams/name/data/channels/name/data-releases: 401: Invalid or expired session`},
		"mail password":     {&Mail{Server: server.Address(), TLS: "starttls", Roots: server.Roots, User: token, Password: token, From: "a@example.com", To: []string{"b@example.com"}}, "mail: "},
		"mail unencrypted":  {&Mail{Server: openMail(t).Address(), TLS: "starttls", From: "a@example.com", To: []string{"b@example.com"}}, "mail: "},
		"mail, not trusted": {&Mail{Server: server.Address(), TLS: "starttls", Roots: &tls.Config{}, From: "a@example.com", To: []string{"b@example.com"}}, "mail: "},
	}
	for name, test := range tests {
		m := message(bot.MessageFinish, "chat", 9)
		err := test.channel.Send(t.Context(), m, oldText(m), false)
		switch {
		case err == nil:
			t.Errorf("%s: no error", name)
		case strings.Contains(err.Error(), secret):
			t.Errorf("%s: the error holds the secret: %v", name, err)
		case !strings.HasPrefix(err.Error(), test.want):
			t.Errorf("%s: got %q, want it to begin with %q", name, err, test.want)
		}
	}
}

// TestReach holds what channels say about themselves, and that asking tells nobody.
func TestReach(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"rocketchat": "Rocket.Chat knows the user as lockstep, and shows it room data-releases",
		"slack":      "Slack knows the bot as lockstep of Example, and shows it channel C0123456789",
		"mattermost": "Mattermost knows the user as lockstep, and shows it channel data-releases",
		"mail":       "answers and knows the user",
	}
	for name, open := range ends {
		end := open(t)
		asked, ok := end.channel.(Reacher)
		if ok != (want[name] != "") {
			t.Errorf("%s can be asked: %t", name, ok)
		}
		if !ok {
			continue
		}
		if got, err := asked.Reach(t.Context()); err != nil || !strings.Contains(got, want[name]) {
			t.Errorf("%s: got %q, %v; want %q in it", name, got, err, want[name])
		}
		end.down(true)
		if got, err := asked.Reach(t.Context()); err == nil {
			t.Errorf("%s: is down and says %q", name, got)
		}
		if calls := end.journal.Calls(); len(calls) != 0 {
			t.Errorf("%s: asking made %v", name, calls)
		}
	}
}

// TestSenderTellsWhatIsHeard holds that what a channel does not hear counts as told.
func TestSenderTellsWhatIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, chat := &outbox{}, &room{}
		box.add(message(bot.MessageStart, "chat", 2), message(bot.MessageFinish, "chat", 9))
		hears := func(_ string, kind bot.MessageKind, r *bot.Run) bool {
			return kind == bot.MessageFinish && r.State == bot.RolledBack
		}
		start(t, &Sender{Outbox: box, Channels: map[string]Channel{"chat": chat}, Hears: hears, Every: time.Second})
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := exampleID + "/finish/chat"; len(chat.heard) != 1 || chat.heard[0] != want || len(box.left()) != 0 {
			t.Errorf("heard %q, still to be told %q; want only %s", chat.heard, box.left(), want)
		}
	})
}

// read reads JSON into a value of type T.
func read[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
