package notify

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"lockstep/bot"
)

// A RocketChat is a room of Rocket.Chat, written to through its REST API: each message
// exactly once, because it carries an id of ours, and one thread per run, whose
// replies are shown in the room as well.
type RocketChat struct {
	URL   string       // root of the server: "https://chat.example.com"
	Room  string       // name of the room, without "#"; the user must be a member
	User  bot.Secret   // user id (X-User-Id)
	Token bot.Secret   // personal access token of that user (X-Auth-Token)
	HTTP  *http.Client // nil: a client of its own that waits 15 s for an answer

	mu   sync.Mutex
	room string // id of Room; "" before the first message
}

// A rocketAnswer is what Rocket.Chat's REST API answers, as far as we look at it.
type rocketAnswer struct {
	Success  bool   `json:"success"`
	Username string `json:"username"` // of the user who asks
	Error    string `json:"error"`
	Message  any    `json:"message"` // the message itself, or a text that says what is wrong
	Room     struct {
		ID string `json:"_id"`
	} `json:"room"`
}

// Send implements Channel. A message that is there already counts as sent, whoever
// looks first.
func (c *RocketChat) Send(ctx context.Context, m bot.Message, t Text, _ bool) error {
	id := messageID(m.ID)
	there, err := c.there(ctx, id)
	if there || err != nil {
		return err
	}
	room, err := c.roomID(ctx)
	if err != nil {
		return err
	}
	message := rocketMessage{ID: id, Room: room, Text: chatEscape(t.Title), Attachments: attachments(t)}
	if message.Thread, err = c.thread(ctx, t.Reply); err != nil {
		return err
	}
	message.Show = message.Thread != ""
	status, answer, err := c.call(ctx, http.MethodPost, "chat.sendMessage", map[string]any{"message": message})
	if err != nil || status == http.StatusOK && answer.Success {
		return err
	}
	// A second message with the same id is refused, in words that differ from version
	// to version: look whether it is there.
	if there, err := c.there(ctx, id); there || err != nil {
		return err
	}
	return refused("chat.sendMessage", status, answer)
}

// thread returns the thread of replies to one of our messages; "" where that was never
// told here.
func (c *RocketChat) thread(ctx context.Context, reply string) (string, error) {
	if reply == "" {
		return "", nil
	}
	id := messageID(reply)
	there, err := c.there(ctx, id)
	if !there || err != nil {
		return "", err
	}
	return id, nil
}

// Reach implements Reacher: the user is known, and sees the room.
func (c *RocketChat) Reach(ctx context.Context) (string, error) {
	status, answer, err := c.call(ctx, http.MethodGet, "me", nil)
	switch {
	case err != nil:
		return "", err
	case status != http.StatusOK || !answer.Success:
		return "", refused("me", status, answer)
	}
	if _, err := c.roomID(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("Rocket.Chat knows the user as %s, and shows it room %s", answer.Username, c.Room), nil
}

// there reports whether the message with this id is in the chat.
func (c *RocketChat) there(ctx context.Context, id string) (bool, error) {
	status, answer, err := c.call(ctx, http.MethodGet, "chat.getMessage?msgId="+url.QueryEscape(id), nil)
	switch {
	case err != nil:
		return false, err
	case status == http.StatusOK && answer.Success:
		return true, nil
	case status == http.StatusBadRequest:
		return false, nil // its way to say "no such message"
	}
	return false, refused("chat.getMessage", status, answer)
}

// roomID returns the id of the room, which it asks for once.
func (c *RocketChat) roomID(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room != "" {
		return c.room, nil
	}
	status, answer, err := c.call(ctx, http.MethodGet, "rooms.info?roomName="+url.QueryEscape(c.Room), nil)
	switch {
	case err != nil:
		return "", err
	case status != http.StatusOK || answer.Room.ID == "":
		return "", fmt.Errorf("room %q: %w (does it exist, and is the user a member?)", c.Room, refused("rooms.info", status, answer))
	}
	c.room = answer.Room.ID
	return c.room, nil
}

// call sends one request to the REST API.
func (c *RocketChat) call(ctx context.Context, method, path string, body any) (int, rocketAnswer, error) {
	name, _, _ := strings.Cut(path, "?")
	header := http.Header{"X-User-Id": {c.User.Reveal()}, "X-Auth-Token": {c.Token.Reveal()}}
	status, data, err := exchange(ctx, c.HTTP, method, strings.TrimSuffix(c.URL, "/")+"/api/v1/"+path, header, body)
	if err != nil {
		return 0, rocketAnswer{}, fmt.Errorf("rocket.chat: %s: %w", name, err)
	}
	var answer rocketAnswer
	_ = json.Unmarshal(data, &answer) // what is no JSON is no success; the status says the rest
	return status, answer, nil
}

// refused says how Rocket.Chat refused a call.
func refused(call string, status int, a rocketAnswer) error {
	said := a.Error
	if text, ok := a.Message.(string); ok && said == "" {
		said = text
	}
	if said == "" {
		said = "no reason given"
	}
	return fmt.Errorf("rocket.chat: %s: %d: %s", call, status, clip(said, 200))
}

// messageID returns the id that a message has in Rocket.Chat: 24 letters and digits,
// always the same for the same id of ours.
func messageID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:24]
}
