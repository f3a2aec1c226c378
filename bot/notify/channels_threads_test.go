package notify

import (
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
)

func newSlack(t *testing.T) (*fixtures.Slack, *Slack) {
	t.Helper()
	slack := fixtures.NewSlack(nil)
	t.Cleanup(slack.Close)
	return slack, &Slack{URL: slack.URL(), Channel: slack.Channel(), Token: bot.NewSecret(slack.Token()), HTTP: brief()}
}

func newMattermost(t *testing.T) (*fixtures.Mattermost, *Mattermost) {
	t.Helper()
	chat := fixtures.NewMattermost(nil)
	t.Cleanup(chat.Close)
	return chat, &Mattermost{URL: chat.URL(), Team: "data", Channel: "data-releases", Token: bot.NewSecret(chat.Token()), HTTP: brief()}
}

func newInbox(t *testing.T) *fixtures.HookInbox {
	t.Helper()
	inbox := fixtures.NewHookInbox(nil)
	t.Cleanup(inbox.Close)
	return inbox
}

// newMail starts a mail server, and returns it with a channel that writes to it.
func newMail(t *testing.T, open bool) (*fixtures.MailServer, *Mail) {
	t.Helper()
	server := fixtures.NewMailServer(nil, open)
	t.Cleanup(server.Close)
	channel := &Mail{Server: server.Address(), TLS: "starttls", Roots: server.Roots, From: "lockstep@example.com", To: []string{"data@example.com", "ops@example.com"}}
	if open {
		channel.TLS = "none"
		return server, channel
	}
	channel.User, channel.Password = bot.NewSecret(server.User()), bot.NewSecret(server.Password())
	return server, channel
}

func openMail(t *testing.T) *fixtures.MailServer {
	t.Helper()
	server, _ := newMail(t, true)
	return server
}

func rocketTitles(chat *fixtures.Chat) []string {
	var titles []string
	for _, m := range chat.Messages() {
		titles = append(titles, m.Text)
	}
	return titles
}

// slackTitles returns the titles; of the one that begins a thread what it said before it
// was edited is not known, and "started by a tag" stands for it.
func slackTitles(slack *fixtures.Slack) []string {
	var titles []string
	for _, m := range slack.Messages() {
		if m.Edited > 0 {
			m.Text = "started by a tag, and edited: " + m.Text
		}
		titles = append(titles, m.Text)
	}
	return titles
}

func mattermostTitles(chat *fixtures.Mattermost) []string {
	var titles []string
	for _, p := range chat.Posts() {
		titles = append(titles, p.Message)
	}
	return titles
}

func cardTitles(t *testing.T, inbox *fixtures.HookInbox) []string {
	t.Helper()
	var titles []string
	for _, h := range inbox.Hooked() {
		titles = append(titles, read[teamsMessage](t, h.Body).Attachments[0].Card.Body[0].Inlines[0].Text)
	}
	return titles
}

// webhookTitles returns the titles as a receiver sees them that knows ids.
func webhookTitles(t *testing.T, inbox *fixtures.HookInbox) []string {
	t.Helper()
	var titles []string
	seen := map[string]bool{}
	for _, h := range inbox.Hooked() {
		if !seen[h.ID] {
			seen[h.ID] = true
			titles = append(titles, read[webhookMessage](t, h.Body).Title)
		}
	}
	return titles
}

func mailTitles(t *testing.T, server *fixtures.MailServer) []string {
	t.Helper()
	var titles []string
	for _, m := range server.Mails() {
		subject, err := new(mime.WordDecoder).DecodeHeader(header(t, m).Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		titles = append(titles, subject)
	}
	return titles
}

func header(t *testing.T, m fixtures.Mailed) mail.Header {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	return message.Header
}

// tell sends the three kinds of messages of a run.
func tell(t *testing.T, channel Channel) {
	t.Helper()
	for _, kind := range []bot.MessageKind{bot.MessageStart, bot.MessageCall, bot.MessageFinish} {
		m := message(kind, "chat", 9)
		if err := channel.Send(t.Context(), m, oldText(m), false); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSlackKeepsOneThreadAndEditsItsBeginning(t *testing.T) {
	t.Parallel()
	slack, channel := newSlack(t)
	tell(t, channel)
	got := slack.Messages()
	if len(got) != 3 {
		t.Fatalf("%d messages, want 3", len(got))
	}
	if got[0].Thread != "" || got[0].Edited != 1 || got[0].Text != got[2].Text {
		t.Errorf("the first message: thread %q, edited %d times, says %q; want none, once, and how the run ended", got[0].Thread, got[0].Edited, got[0].Text)
	}
	for _, reply := range got[1:] {
		if reply.Thread != got[0].TS || !reply.Shown || reply.Edited != 0 {
			t.Errorf("%q is in thread %q, want %q", reply.Text, reply.Thread, got[0].TS)
		}
	}
	tell(t, channel)
	if got := len(slack.Messages()); got != 3 {
		t.Errorf("told again, there are %d messages, want 3", got)
	}
}

func TestSlackSaysWhichScopeIsMissing(t *testing.T) {
	t.Parallel()
	slack, channel := newSlack(t)
	slack.SetScopes("chat:write")
	m := message(bot.MessageStart, "chat", 2)
	err := channel.Send(t.Context(), m, oldText(m), false)
	want := "slack: conversations.history: 200: missing_scope (give the app the scope channels:history and install it again)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestMattermostFindsWhatIsBuried(t *testing.T) {
	t.Parallel()
	chat, channel := newMattermost(t)
	m := message(bot.MessageStart, "chat", 2)
	if err := channel.Send(t.Context(), m, oldText(m), false); err != nil {
		t.Fatal(err)
	}
	chat.Chatter(2*mattermostPage + 1)
	tell(t, channel)
	var got []fixtures.Post
	for _, p := range chat.Posts() {
		if p.Message != "good morning" {
			got = append(got, p)
		}
	}
	if len(got) != 3 {
		t.Fatalf("%d posts of ours, want 3", len(got))
	}
	if got[0].Root != "" || got[1].Root != got[0].ID || got[2].Root != got[0].ID {
		t.Errorf("roots are %q, %q, %q; want none and twice %q", got[0].Root, got[1].Root, got[2].Root, got[0].ID)
	}
}

// TestReplyWithoutABeginning holds that a message stands for itself where the Start of
// its run was never told.
func TestReplyWithoutABeginning(t *testing.T) {
	t.Parallel()
	m := message(bot.MessageFinish, "chat", 9)
	slack, slackChannel := newSlack(t)
	chat, chatChannel := newMattermost(t)
	rocket, rocketChannel := newChat(t)
	for _, channel := range []Channel{slackChannel, chatChannel, rocketChannel} {
		if err := channel.Send(t.Context(), m, oldText(m), false); err != nil {
			t.Fatal(err)
		}
	}
	if got := slack.Messages()[0]; got.Thread != "" || got.Edited != 0 {
		t.Errorf("slack: in thread %q, edited %d times", got.Thread, got.Edited)
	}
	if got := chat.Posts()[0]; got.Root != "" {
		t.Errorf("mattermost: in thread %q", got.Root)
	}
	if got := rocket.Messages()[0]; got.Thread != "" {
		t.Errorf("rocket.chat: in thread %q", got.Thread)
	}
}

func TestMailsOfARunAreOneThread(t *testing.T) {
	t.Parallel()
	for _, open := range []bool{false, true} {
		server, channel := newMail(t, open)
		tell(t, channel)
		got := server.Mails()
		if len(got) != 3 {
			t.Fatalf("%d mails, want 3", len(got))
		}
		first := header(t, got[0]).Get("Message-ID")
		if !strings.HasSuffix(first, ".lockstep@example.com>") || header(t, got[0]).Get("In-Reply-To") != "" {
			t.Errorf("the first mail has id %s, replies to %q", first, header(t, got[0]).Get("In-Reply-To"))
		}
		for _, m := range got[1:] {
			h := header(t, m)
			if h.Get("In-Reply-To") != first || h.Get("References") != first || h.Get("Message-ID") == first {
				t.Errorf("%q: id %s, in reply to %s, want %s", h.Get("Subject"), h.Get("Message-ID"), h.Get("In-Reply-To"), first)
			}
			if len(m.To) != 2 || m.From != "lockstep@example.com" {
				t.Errorf("from %s to %q", m.From, m.To)
			}
		}
		m := message(bot.MessageStart, "chat", 9)
		if err := channel.Send(t.Context(), m, oldText(m), true); err != nil {
			t.Fatal(err)
		}
		if again := header(t, server.Mails()[3]); again.Get("Message-ID") != first {
			t.Errorf("the repeat has id %s, want %s", again.Get("Message-ID"), first)
		}
	}
}

func TestWebhookRepeatsItsID(t *testing.T) {
	t.Parallel()
	inbox := newInbox(t)
	channel, err := NewWebhook(bot.NewSecret(inbox.WebhookURL()), bot.NewSecret(inbox.WebhookSecret()))
	if err != nil {
		t.Fatal(err)
	}
	m := message(bot.MessageFinish, "chat", 9)
	for at, repeat := range []bool{false, true} {
		channel.Now = func() time.Time { return clock.Add(time.Duration(at) * time.Hour) }
		if err := channel.Send(t.Context(), m, oldText(m), repeat); err != nil {
			t.Fatal(err)
		}
	}
	got := inbox.Hooked()
	if len(got) != 2 || got[0].ID != m.ID || got[1].ID != m.ID || string(got[0].Body) != string(got[1].Body) {
		t.Errorf("got %d requests with ids %q and %q, want the same twice with id %q", len(got), got[0].ID, got[1].ID, m.ID)
	}
	sent := read[webhookMessage](t, got[0].Body)
	if sent.ID != m.ID || sent.Kind != "finish" || sent.Run.State != "rolled back" || sent.Run.Version != "2026.11.3" {
		t.Errorf("got %+v", sent)
	}
}

func TestWebhookSignsAsTheStandardSays(t *testing.T) {
	t.Parallel()
	// The example of the Standard Webhooks libraries.
	channel, err := NewWebhook(bot.NewSecret("https://example.com"), bot.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	if err != nil {
		t.Fatal(err)
	}
	got := channel.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWebhookSecretsThatAreNone(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string]string{
		"short":      "the key has 5 bytes: make one with 24 at least, such as by openssl rand -base64 32",
		"whsec_%%%":  "what follows whsec_ is not base64",
		"whsec_YQ==": "the key has 1 bytes: make one with 24 at least, such as by openssl rand -base64 32",
	} {
		if _, err := NewWebhook(bot.Secret{}, bot.NewSecret(secret)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", secret, err, want)
		}
	}
}
