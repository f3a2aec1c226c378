package notify

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"lockstep/bot"
)

// newMail returns t as a mail, in plain text and in HTML. The same message at the same
// time is the same to the byte.
func (c *Mail) newMail(m bot.Message, t Text, at time.Time) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary("lockstep-"+messageID(m.ID)))
	if err := message.FromFormat("Lockstep", c.From); err != nil {
		return nil, fmt.Errorf("mail from %q: %w", c.From, err)
	}
	if err := message.To(c.To...); err != nil {
		return nil, fmt.Errorf("mail to %q: %w", c.To, err)
	}
	message.SetDateWithValue(at)
	message.SetMessageIDWithValue(c.mailID(m.ID))
	if t.Reply != "" {
		first := "<" + c.mailID(t.Reply) + ">"
		// The library writes headers of this kind in order, preformatted ones in any.
		message.SetGenHeader(mail.HeaderInReplyTo, first)
		message.SetGenHeader(mail.HeaderReferences, first)
	}
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	message.Subject(t.Title)
	message.SetBodyString(mail.TypeTextPlain, plainMail(t))
	if err := message.AddAlternativeHTMLTemplate(mailPage, struct {
		Text
		Color string
		All   []Link
	}{t, colours[t.Tone], t.allLinks()}); err != nil {
		return nil, fmt.Errorf("mail as HTML: %w", err)
	}
	return message, nil
}

// mailID returns the Message-ID of our message with this id, without its brackets.
func (c *Mail) mailID(id string) string {
	_, domain, _ := strings.Cut(c.From, "@")
	return messageID(id) + ".lockstep@" + domain
}

// plainMail returns the text of a mail.
func plainMail(t Text) string {
	var b strings.Builder
	paragraph := func(lines []string) {
		if len(lines) > 0 {
			b.WriteString("\n" + strings.Join(lines, "\n") + "\n")
		}
	}
	b.WriteString(t.Title + "\n")
	paragraph(t.Lines)
	paragraph(t.Commands)
	var facts, links []string
	for _, f := range t.Fields {
		if f.Value != "" {
			facts = append(facts, f.Name+": "+f.Value)
		}
	}
	paragraph(facts)
	for _, l := range t.allLinks() {
		links = append(links, l.Name+": "+l.URL)
	}
	paragraph(links)
	return b.String()
}

// mailPage is a mail in HTML, which mail programs read of twenty years ago: no styles
// but inline ones. The template escapes whatever came from outside.
var mailPage = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="en">
<body style="font-family: sans-serif">
<p style="border-left: 4px solid {{.Color}}; padding-left: 8px"><strong>{{.Title}}</strong></p>
{{range .Lines}}<p>{{.}}</p>
{{end}}{{range .Commands}}<p><code>{{.}}</code></p>
{{end}}<table>
{{range .Fields}}{{if .Value}}<tr><th align="left" valign="top">{{.Name}}</th><td>{{.Value}}</td></tr>
{{end}}{{end}}</table>
<p>{{range $i, $l := .All}}{{if $i}} · {{end}}<a href="{{$l.URL}}">{{$l.Name}}</a>{{end}}</p>
</body>
</html>
`))
