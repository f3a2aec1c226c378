package notify

import (
	"fmt"
	"strings"
)

// A slackMessage is a message as chat.postMessage, chat.update and hooks take it.
type slackMessage struct {
	Channel     string            `json:"channel,omitempty"`
	TS          string            `json:"ts,omitempty"`              // the message that is edited
	Thread      string            `json:"thread_ts,omitempty"`       // the message that it replies to
	Show        bool              `json:"reply_broadcast,omitempty"` // show the reply in the channel as well
	Text        string            `json:"text"`                      //
	Markup      bool              `json:"mrkdwn"`                    // read markup in Text: never
	UnfurlLinks bool              `json:"unfurl_links"`              // fetch what links lead to: never
	UnfurlMedia bool              `json:"unfurl_media"`              // the same for pictures
	Attachments []slackAttachment `json:"attachments"`               //
	Metadata    *slackMetadata    `json:"metadata,omitempty"`        // what nobody sees
}

// A slackAttachment is the box under a message.
type slackAttachment struct {
	Color  string       `json:"color"`
	Blocks []slackBlock `json:"blocks"`
}

// A slackBlock is a part of a box.
type slackBlock struct {
	Type   string      `json:"type"`
	Text   *slackText  `json:"text,omitempty"`
	Fields []slackText `json:"fields,omitempty"`
}

// A slackText is a text, plain or with markup. A verbatim one makes no links and
// mentions of names.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

// slackEvent is the type of the metadata of our messages.
const slackEvent = "lockstep_message"

// A slackMetadata is what a message carries for programs.
type slackMetadata struct {
	Type    string `json:"event_type"`
	Payload struct {
		ID string `json:"id"`
	} `json:"event_payload"`
}

// metadata returns the metadata of our message with this id.
func metadata(id string) *slackMetadata {
	m := &slackMetadata{Type: slackEvent}
	m.Payload.ID = id
	return m
}

// What Slack takes, in characters of a section and in fields of one.
const (
	slackSection = 3000
	slackFields  = 10
)

// newSlackMessage returns t as Slack shows it. Whatever came from outside is plain text
// there, but for the names of links and the commands, which are escaped.
func newSlackMessage(t Text) slackMessage {
	box := slackAttachment{Color: colours[t.Tone]}
	if text := fitting(t.Lines, "\n", slackSection); text != "" {
		box.add(slackText{Type: "plain_text", Text: text})
	}
	if text := fitting(slackCommands(t), "\n", slackSection); text != "" {
		box.add(slackText{Type: "mrkdwn", Text: text, Verbatim: true})
	}
	var fields []slackText
	for _, f := range t.Fields {
		if f.Value != "" && len(fields) < slackFields {
			fields = append(fields, slackText{Type: "plain_text", Text: f.Name + "\n" + f.Value})
		}
	}
	if len(fields) > 0 {
		box.Blocks = append(box.Blocks, slackBlock{Type: "section", Fields: fields})
	}
	if text := fitting(slackLinks(t), " · ", slackSection); text != "" {
		box.add(slackText{Type: "mrkdwn", Text: text, Verbatim: true})
	}
	return slackMessage{Text: slackEscape(t.Title), Attachments: []slackAttachment{box}}
}

// add adds a section with one text.
func (a *slackAttachment) add(text slackText) {
	a.Blocks = append(a.Blocks, slackBlock{Type: "section", Text: &text})
}

// slackCommands returns what a person may type next.
func slackCommands(t Text) []string {
	var commands []string
	for _, command := range t.Commands {
		commands = append(commands, "`"+slackEscape(strings.ReplaceAll(command, "`", ""))+"`")
	}
	return commands
}

// slackLinks returns where to look.
func slackLinks(t Text) []string {
	var links []string
	for _, l := range t.allLinks() {
		links = append(links, fmt.Sprintf("<%s|%s>", strings.ReplaceAll(l.URL, "&", "&amp;"), slackEscape(l.Name)))
	}
	return links
}

// slackEscaper takes the meaning from what Slack would read as a link, a mention or
// markup. Its escapes are for these three characters alone; the others become letters
// that look like them, or are kept apart from what follows.
var slackEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@"+joiner, "#", "#"+joiner, "*", "∗", "~", "∼", "`", "ˋ")

// slackEscape returns plain text as Slack shows it unchanged.
func slackEscape(s string) string { return slackEscaper.Replace(s) }
