package notify

import (
	"fmt"
	"net/url"
	"strings"
)

// A rocketMessage is a message as chat.sendMessage takes it.
type rocketMessage struct {
	ID          string             `json:"_id"`
	Room        string             `json:"rid"`
	Text        string             `json:"msg"`
	Thread      string             `json:"tmid,omitempty"`  // the message that it replies to
	Show        bool               `json:"tshow,omitempty"` // show the reply in the room as well
	Attachments []rocketAttachment `json:"attachments,omitempty"`
}

// A rocketAttachment is the box under a message.
type rocketAttachment struct {
	Color     string        `json:"color"`
	Title     string        `json:"title,omitempty"`
	TitleLink string        `json:"title_link,omitempty"`
	Text      string        `json:"text,omitempty"`
	Fields    []rocketField `json:"fields,omitempty"`
}

// A rocketField is one cell of the table in an attachment; neither part may be empty.
type rocketField struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// colours are the colours of the tones.
var colours = map[Tone]string{
	News: "#1f75cb", Good: "#108548", Warn: "#c17d10", Bad: "#dd2b0e", Call: "#7b58cf",
}

// shortField is how long a value may be to stand beside another one.
const shortField = 30

// attachments returns the box under the title of t.
func attachments(t Text) []rocketAttachment {
	a := rocketAttachment{Color: colours[t.Tone], Text: strings.Join(chatLines(t), "\n")}
	if webLink(t.Link) {
		a.Title, a.TitleLink = "The run", t.Link
	}
	for _, f := range t.Fields {
		if f.Value != "" {
			a.Fields = append(a.Fields, rocketField{f.Name, chatEscape(f.Value), len(f.Value) <= shortField})
		}
	}
	return []rocketAttachment{a}
}

// chatLines returns the lines of the box: what happened, what to type, where to look.
func chatLines(t Text) []string {
	var lines []string
	for _, line := range t.Lines {
		lines = append(lines, chatEscape(line))
	}
	for _, command := range t.Commands {
		lines = append(lines, "`"+strings.ReplaceAll(command, "`", "")+"`")
	}
	var links []string
	for _, l := range t.Links {
		if webLink(l.URL) {
			links = append(links, fmt.Sprintf("[%s](%s)", chatEscape(l.Name), l.URL))
		}
	}
	if len(links) > 0 {
		lines = append(lines, strings.Join(links, " · "))
	}
	return lines
}

// joiner is a character without width: where Rocket.Chat and GitLab look for two
// characters side by side, it keeps them apart.
const joiner = "\u2060"

// chatEscaper takes the meaning from what Rocket.Chat would read as markup, a mention
// or a room. Rocket.Chat knows no escape character; asterisks, tildes and backticks
// become letters that look like them, the rest is kept apart from what follows it. An
// underscore stays, because names are full of them: at worst a word is in italics.
var chatEscaper = strings.NewReplacer(
	"@", "@"+joiner, "#", "#"+joiner, "](", "]"+joiner+"(", "<", "<"+joiner, "|", "|"+joiner,
	`\`, `\`+joiner, "$", "$"+joiner, "*", "∗", "~", "∼", "`", "ˋ",
)

// chatEscape returns plain text as Rocket.Chat shows it unchanged.
func chatEscape(s string) string { return chatEscaper.Replace(s) }

// webLink reports that s is an address that can stand in a Markdown link.
func webLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && !strings.ContainsAny(s, "()<>[]|\\`\"' \t\r\n")
}
