package notify

import (
	"context"
	"encoding/json"
	"net/http"

	"lockstep/bot"
)

// A Teams is a workflow of Microsoft Teams that posts the card that it is sent. It knows
// neither our ids nor threads. A message whose answer was lost is sent again and says
// "(repeat)"; a workflow that accepts a card and then fails tells nobody.
type Teams struct {
	URL  bot.Secret   // the whole address of the workflow; who knows it can write
	HTTP *http.Client // nil: a client of its own that waits 15 s for an answer
}

// maxCard is how many bytes the message may have; a workflow refuses larger ones.
const maxCard = 21_000

// maxActions is how many buttons of a card Teams shows.
const maxActions = 6

// A teamsMessage is what the trigger of a workflow takes.
type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

// A teamsAttachment holds a card.
type teamsAttachment struct {
	Type string    `json:"contentType"`
	Card teamsCard `json:"content"`
}

// A teamsCard is an Adaptive Card.
type teamsCard struct {
	Schema  string        `json:"$schema"`
	Type    string        `json:"type"`
	Version string        `json:"version"`
	Body    []teamsText   `json:"body"`
	Actions []teamsAction `json:"actions,omitempty"`
}

// A teamsText is a paragraph of a card. Its runs know no markup, and a mention needs an
// entity of the card, of which there are none: so nothing in them has a meaning.
type teamsText struct {
	Type    string     `json:"type"`
	Inlines []teamsRun `json:"inlines"`
}

// A teamsRun is a piece of a paragraph.
type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
	Font   string `json:"fontType,omitempty"`
}

// A teamsAction is a button that opens an address.
type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// teamsColours are the colours of the tones.
var teamsColours = map[Tone]string{Good: "good", Warn: "warning", Bad: "attention", Call: "accent"}

// Send implements Channel.
func (c *Teams) Send(ctx context.Context, _ bot.Message, t Text, repeat bool) error {
	return postHook(ctx, c.HTTP, "teams workflow", c.URL, newTeamsMessage(t.marked(repeat)), http.StatusAccepted, http.StatusOK)
}

// newTeamsMessage returns t as a card that is not too large: lines, then facts, then
// links are left out from their end where it would be.
func newTeamsMessage(t Text) teamsMessage {
	t.Links = t.allLinks()[:min(len(t.allLinks()), maxActions)]
	for {
		message := teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", newTeamsCard(t)}}}
		data, err := json.Marshal(message)
		switch {
		case err != nil:
			panic("notify: a card that is no JSON: " + err.Error())
		case len(data) <= maxCard:
			return message
		case len(t.Lines) > 0:
			t.Lines = t.Lines[:len(t.Lines)-1]
		case len(t.Fields) > 0:
			t.Fields = t.Fields[:len(t.Fields)-1]
		case len(t.Links) > 0:
			t.Links = t.Links[:len(t.Links)-1]
		default:
			return message
		}
	}
}

// newTeamsCard lays t out.
func newTeamsCard(t Text) teamsCard {
	card := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4"}
	add := func(runs ...teamsRun) {
		for i := range runs {
			runs[i].Type = "TextRun"
		}
		card.Body = append(card.Body, teamsText{"RichTextBlock", runs})
	}
	add(teamsRun{Text: t.Title, Weight: "bolder", Size: "medium", Color: teamsColours[t.Tone]})
	for _, line := range t.Lines {
		add(teamsRun{Text: line})
	}
	for _, command := range t.Commands {
		add(teamsRun{Text: command, Font: "monospace"})
	}
	for _, f := range t.Fields {
		if f.Value != "" {
			add(teamsRun{Text: f.Name + ": ", Weight: "bolder"}, teamsRun{Text: f.Value})
		}
	}
	for _, l := range t.Links {
		card.Actions = append(card.Actions, teamsAction{"Action.OpenUrl", l.Name, l.URL})
	}
	return card
}
