package notify

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
)

// TestChannelMessages holds what each kind of channel is sent, to the byte.
func TestChannelMessages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind bot.MessageKind
		run  *bot.Run
	}{
		"start":       {bot.MessageStart, example()},
		"rolled-back": {bot.MessageFinish, rolledBack()},
		"stalled":     {bot.MessageCall, stalled()},
		"hostile":     {bot.MessageFinish, hostile()},
	}
	sender := &Mail{From: "lockstep@example.com", To: []string{"data@example.com", "ops@example.com"}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := message(test.kind, "chat", 6)
			text := newText(m, test.run, history(test.run, 6), runURL)
			golden(t, "slack-"+name+".json", indented(t, newSlackMessage(text)))
			golden(t, "mattermost-"+name+".json", indented(t, mattermostHooked{chatEscape(text.Title), mattermostAttachments(text)}))
			golden(t, "teams-"+name+".json", indented(t, newTeamsMessage(text)))
			golden(t, "webhook-"+name+".json", indented(t, newWebhookMessage(m, text)))
			made, err := sender.newMail(m, text, clock)
			if err != nil {
				t.Fatal(err)
			}
			var mail bytes.Buffer
			if _, err := made.WriteTo(&mail); err != nil {
				t.Fatal(err)
			}
			golden(t, "mail-"+name+".eml", strings.ReplaceAll(mail.String(), "\r\n", "\n"))
		})
	}
}

// TestNobodyIsMentioned holds that what outsiders write mentions nobody and makes no
// link, whatever the channel.
func TestNobodyIsMentioned(t *testing.T) {
	t.Parallel()
	r := hostile()
	r.Cause.Sentence = "@channel <!here> <@U0000> <at>everyone</at> [click](https://evil.example.com) <https://evil.example.com|click> `x` <img src=x onerror=alert(1)>"
	text := newText(message(bot.MessageFinish, "chat", 6), r, history(r, 6), runURL)
	mail, err := (&Mail{From: "a@example.com", To: []string{"b@example.com"}}).newMail(message(bot.MessageFinish, "chat", 6), text, clock)
	if err != nil {
		t.Fatal(err)
	}
	html, err := mail.GetParts()[1].GetContent()
	if err != nil {
		t.Fatal(err)
	}
	slack := newSlackMessage(text)
	markup := slack.Text
	for _, b := range slack.Attachments[0].Blocks {
		if b.Text != nil && b.Text.Type == "mrkdwn" {
			markup += b.Text.Text
		}
	}
	tests := map[string]struct {
		shown string
		never []string
	}{
		"slack":      {markup, []string{"@channel", "<!", "<@", "|click>", "`"}},
		"mattermost": {indented(t, mattermostAttachments(text)), []string{"@channel", "](https://evil", "<http", "<img", "`"}},
		"teams":      {indented(t, newTeamsMessage(text)), []string{`"entities"`, `"TextBlock"`, `"FactSet"`, `"url": "https://evil`, "javascript:"}},
		"mail":       {string(html), []string{"<img", "<at>", `href="https://evil`, "javascript:"}},
	}
	for name, test := range tests {
		for _, never := range test.never {
			if strings.Contains(test.shown, never) {
				t.Errorf("%s: %q is in\n%s", name, never, test.shown)
			}
		}
	}
}

// TestCardsAreNotTooLarge holds that a card fits, whatever its text, and keeps its title
// and the page of the run.
func TestCardsAreNotTooLarge(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<😀>", maxLine)
	text := Text{Title: long, Lines: slices.Repeat([]string{long}, 8), Fields: slices.Repeat([]Field{{"Cause", long}}, 8), Link: runURL}
	text.trim()
	card := newTeamsMessage(text)
	got := len(compact(t, card))
	if got > maxCard {
		t.Errorf("the card has %d bytes, want at most %d", got, maxCard)
	}
	if content := card.Attachments[0].Card; content.Body[0].Inlines[0].Text != text.Title || len(content.Actions) != 1 {
		t.Errorf("the card has lost its title or the page of the run")
	}
}

// TestSlackSectionsAreNotTooLong holds that a section fits, whatever its text.
func TestSlackSectionsAreNotTooLong(t *testing.T) {
	t.Parallel()
	link := Link{"&&&&&&&&&&&&&&&&&&&&", "https://example.com/" + strings.Repeat("x", 500)}
	text := Text{Title: "t", Lines: slices.Repeat([]string{"x"}, maxLines), Links: slices.Repeat([]Link{link}, 20)}
	text.trim()
	for _, b := range newSlackMessage(text).Attachments[0].Blocks {
		if n := len([]rune(b.Text.Text)); n > slackSection {
			t.Errorf("a section has %d characters, want at most %d", n, slackSection)
		}
	}
}

// compact returns v as it is sent.
func compact(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
