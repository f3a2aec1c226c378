package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"lockstep/bot"
)

// A Slack is a channel of Slack, written to through its Web API: one thread per run,
// whose replies are shown in the channel as well, and whose first message is edited to
// say how the run ended.
//
// Slack takes no message id of ours. Each message carries it as metadata instead, and
// is looked for before it is sent. That leaves one way to send twice: Slack works on a
// request for longer than we wait, and it cannot be found yet when we look again.
type Slack struct {
	URL     string       // "https://slack.com"
	Channel string       // its id: "C0123456789"
	Token   bot.Secret   // of a bot that is a member of the channel
	HTTP    *http.Client // nil: a client of its own that waits 15 s for an answer
}

// A slackAnswer is what the Web API answers, as far as we look at it.
type slackAnswer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"` // the scope that is missing
	User     string `json:"user"`
	Team     string `json:"team"`
	Messages []struct {
		TS       string         `json:"ts"`
		Metadata *slackMetadata `json:"metadata"`
	} `json:"messages"`
	More struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

// Send implements Channel. A message that is there already counts as sent.
func (c *Slack) Send(ctx context.Context, m bot.Message, t Text, _ bool) error {
	root, err := c.find(ctx, t.Reply, "", t)
	if err != nil {
		return err
	}
	there, err := c.find(ctx, m.ID, root, t)
	if err != nil {
		return err
	}
	message := newSlackMessage(t)
	message.Channel = c.Channel
	if there == "" {
		reply := message
		reply.Thread, reply.Show, reply.Metadata = root, root != "", metadata(m.ID)
		if _, err := c.call(ctx, http.MethodPost, "chat.postMessage", nil, reply); err != nil {
			return err
		}
	}
	if root == "" || m.Kind != bot.MessageFinish {
		return nil
	}
	message.TS, message.Metadata = root, metadata(t.Reply)
	_, err = c.call(ctx, http.MethodPost, "chat.update", nil, message)
	return err
}

// find returns the timestamp, which is the name, of our message with this id in the
// thread of root, or in the channel where that is ""; "" where there is none. It looks
// at what is newer than the run of t.
func (c *Slack) find(ctx context.Context, id, root string, t Text) (string, error) {
	if id == "" {
		return "", nil
	}
	query := url.Values{"channel": {c.Channel}, "include_all_metadata": {"true"}, "limit": {"200"}}
	name := "conversations.history"
	query.Set("oldest", strconv.FormatInt(t.Run.Created.Add(-lookBack).Unix(), 10))
	if root != "" {
		name = "conversations.replies"
		query.Set("ts", root)
	}
	for {
		answer, err := c.call(ctx, http.MethodGet, name, query, nil)
		if err != nil {
			return "", err
		}
		for _, m := range answer.Messages {
			if m.Metadata != nil && m.Metadata.Type == slackEvent && m.Metadata.Payload.ID == id {
				return m.TS, nil
			}
		}
		if answer.More.Cursor == "" {
			return "", nil
		}
		query.Set("cursor", answer.More.Cursor)
	}
}

// Reach implements Reacher: the token is good, and the bot sees the channel.
func (c *Slack) Reach(ctx context.Context) (string, error) {
	who, err := c.call(ctx, http.MethodGet, "auth.test", nil, nil)
	if err != nil {
		return "", err
	}
	query := url.Values{"channel": {c.Channel}, "limit": {"1"}}
	if _, err := c.call(ctx, http.MethodGet, "conversations.history", query, nil); err != nil {
		return "", err
	}
	return fmt.Sprintf("Slack knows the bot as %s of %s, and shows it channel %s", who.User, who.Team, c.Channel), nil
}

// call calls one method of the Web API. What it refuses is an error.
func (c *Slack) call(ctx context.Context, method, name string, query url.Values, body any) (slackAnswer, error) {
	header := http.Header{"Authorization": {"Bearer " + c.Token.Reveal()}}
	address := c.URL + "/api/" + name
	if query != nil {
		address += "?" + query.Encode()
	}
	status, data, err := exchange(ctx, c.HTTP, method, address, header, body)
	if err != nil {
		return slackAnswer{}, fmt.Errorf("slack: %s: %w", name, err)
	}
	var answer slackAnswer
	_ = json.Unmarshal(data, &answer) // what is no JSON is not OK; the status says the rest
	if status != http.StatusOK || !answer.OK {
		return slackAnswer{}, fmt.Errorf("slack: %s: %d: %s", name, status, answer.refusal())
	}
	return answer, nil
}

// slackCures say what to do about an error that a person has to mend.
var slackCures = map[string]string{
	"not_in_channel":    "invite the bot to the channel",
	"channel_not_found": "write the channel's id, and invite the bot to the channel",
	"is_archived":       "the channel is archived",
	"invalid_auth":      "the token is not valid",
	"token_revoked":     "the token was revoked: install the app again",
}

// refusal says why Slack refused a call.
func (a slackAnswer) refusal() string {
	said := clip(a.Error, 200)
	switch cure := slackCures[a.Error]; {
	case said == "":
		return "no reason given"
	case a.Error == "missing_scope":
		return fmt.Sprintf("%s (give the app the scope %s and install it again)", said, clip(a.Needed, 100))
	case cure != "":
		return fmt.Sprintf("%s (%s)", said, cure)
	}
	return said
}
