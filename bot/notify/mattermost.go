package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"lockstep/bot"
)

// A Mattermost is a channel of Mattermost, written to through its REST API: one thread
// per run.
//
// Each message carries our id twice: as a property, by which it is looked for before it
// is sent, and as its pending id, by which Mattermost itself takes a repeat for the same
// post, but for 30 seconds only.
type Mattermost struct {
	URL     string       // root of the server: "https://chat.example.com"
	Team    string       // name of the team, as in addresses
	Channel string       // name of the channel, as in addresses; the user must be a member
	Token   bot.Secret   // of a bot or a user
	HTTP    *http.Client // nil: a client of its own that waits 15 s for an answer

	mu      sync.Mutex
	channel string // id of Channel; "" before the first message
}

// A mattermostPost is a post as Mattermost takes and shows it.
type mattermostPost struct {
	Channel string          `json:"channel_id"`
	Message string          `json:"message"`
	Root    string          `json:"root_id,omitempty"` // the post that it replies to
	Pending string          `json:"pending_post_id"`
	Created int64           `json:"create_at,omitempty"` // in ms
	Props   mattermostProps `json:"props"`
}

// A mattermostProps are the properties of a post.
type mattermostProps struct {
	ID          string                 `json:"lockstep_id,omitempty"`
	Attachments []mattermostAttachment `json:"attachments"`
}

// A mattermostAttachment is the box under a post.
type mattermostAttachment struct {
	Fallback string `json:"fallback"`
	rocketAttachment
}

// mattermostPage is how many posts are looked at in one request, the most there can be.
const mattermostPage = 200

// Send implements Channel. A message that is there already counts as sent.
func (c *Mattermost) Send(ctx context.Context, m bot.Message, t Text, _ bool) error {
	channel, err := c.channelID(ctx)
	if err != nil {
		return err
	}
	found, err := c.look(ctx, channel, t.Run.Created.Add(-lookBack), m.ID, t.Reply)
	if err != nil || found[m.ID] != "" {
		return err
	}
	post := mattermostPost{
		Channel: channel, Message: chatEscape(t.Title), Root: found[t.Reply], Pending: "lockstep:" + messageID(m.ID),
		Props: mattermostProps{ID: m.ID, Attachments: mattermostAttachments(t)},
	}
	return c.call(ctx, http.MethodPost, "posts", post, nil)
}

// look returns the posts of the channel that carry one of our ids, by that id. It goes
// from the newest back to since.
func (c *Mattermost) look(ctx context.Context, channel string, since time.Time, ids ...string) (map[string]string, error) {
	found := map[string]string{}
	for page := 0; ; page++ {
		var list struct {
			Order []string                  `json:"order"`
			Posts map[string]mattermostPost `json:"posts"`
		}
		path := fmt.Sprintf("channels/%s/posts?page=%d&per_page=%d", url.PathEscape(channel), page, mattermostPage)
		if err := c.call(ctx, http.MethodGet, path, nil, &list); err != nil {
			return nil, err
		}
		for _, at := range list.Order {
			post := list.Posts[at]
			if post.Created < since.UnixMilli() {
				return found, nil
			}
			for _, id := range ids {
				if id != "" && post.Props.ID == id {
					found[id] = at
				}
			}
		}
		if len(list.Order) < mattermostPage {
			return found, nil
		}
	}
}

// channelID returns the id of the channel, which it asks for once.
func (c *Mattermost) channelID(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.channel != "" {
		return c.channel, nil
	}
	var channel struct {
		ID string `json:"id"`
	}
	path := "teams/name/" + url.PathEscape(c.Team) + "/channels/name/" + url.PathEscape(c.Channel)
	if err := c.call(ctx, http.MethodGet, path, nil, &channel); err != nil {
		return "", fmt.Errorf("channel %q: %w (does it exist, and is the user a member?)", c.Channel, err)
	}
	c.channel = channel.ID
	return c.channel, nil
}

// Reach implements Reacher: the token is good, and the user sees the channel.
func (c *Mattermost) Reach(ctx context.Context) (string, error) {
	var user struct {
		Name string `json:"username"`
	}
	if err := c.call(ctx, http.MethodGet, "users/me", nil, &user); err != nil {
		return "", err
	}
	if _, err := c.channelID(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("Mattermost knows the user as %s, and shows it channel %s", user.Name, c.Channel), nil
}

// call sends one request to the REST API and reads the answer into into, unless that is
// nil. What it refuses is an error.
func (c *Mattermost) call(ctx context.Context, method, path string, body, into any) error {
	name, _, _ := strings.Cut(path, "?")
	header := http.Header{"Authorization": {"Bearer " + c.Token.Reveal()}}
	status, data, err := exchange(ctx, c.HTTP, method, c.URL+"/api/v4/"+path, header, body)
	if err != nil {
		return fmt.Errorf("mattermost: %s: %w", name, err)
	}
	if status != http.StatusOK && status != http.StatusCreated {
		refusal := struct {
			Message string `json:"message"`
		}{"no reason given"}
		_ = json.Unmarshal(data, &refusal) // what is no JSON gives no reason
		return fmt.Errorf("mattermost: %s: %d: %s", name, status, clip(refusal.Message, 200))
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("mattermost: %s: no answer of Mattermost: %v", name, err)
	}
	return nil
}

// mattermostAttachments returns the box under the title of t. Mattermost reads the same
// markup there as Rocket.Chat, so it is escaped in the same way.
func mattermostAttachments(t Text) []mattermostAttachment {
	var boxes []mattermostAttachment
	for _, a := range attachments(t) {
		boxes = append(boxes, mattermostAttachment{chatEscape(t.Title), a})
	}
	return boxes
}
