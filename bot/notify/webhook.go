package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lockstep/bot"
)

// A Webhook is a program of somebody that is sent JSON, signed in the manner of
// Standard Webhooks. It is sent a message again, with the same id, until it answers
// with a status from 200 to 299; by the id it can tell a repeat.
type Webhook struct {
	URL  bot.Secret       // the whole address, which may hold a secret
	HTTP *http.Client     // nil: a client of its own that waits 15 s for an answer
	Now  func() time.Time // time.Now when nil

	key []byte
}

// A webhookMessage is what a webhook is sent.
type webhookMessage struct {
	ID       string         `json:"id"`
	Kind     string         `json:"kind"`
	Channel  string         `json:"channel"`
	Reply    string         `json:"reply,omitempty"` // id of the message that began the run
	Title    string         `json:"title"`
	Tone     string         `json:"tone"` // "news", "good", "warn", "bad" or "call"
	Lines    []string       `json:"lines,omitempty"`
	Commands []string       `json:"commands,omitempty"`
	Fields   []webhookField `json:"fields,omitempty"`
	Link     string         `json:"link,omitempty"`
	Links    []webhookLink  `json:"links,omitempty"`
	Run      Summary        `json:"run"`
}

// A webhookField is one fact.
type webhookField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A webhookLink is an address with its name.
type webhookLink struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// minKey is how many bytes the key of a signature has at least.
const minKey = 24

// NewWebhook returns a webhook whose messages are signed with secret: "whsec_" and
// base64, or any other text, which is taken as it is.
func NewWebhook(address, secret bot.Secret) (*Webhook, error) {
	key := []byte(secret.Reveal())
	if encoded, ok := strings.CutPrefix(secret.Reveal(), "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, errors.New("what follows whsec_ is not base64")
		}
	}
	if len(key) < minKey {
		return nil, fmt.Errorf("the key has %d bytes: make one with %d at least, such as by openssl rand -base64 32", len(key), minKey)
	}
	return &Webhook{URL: address, key: key}, nil
}

// Send implements Channel.
func (c *Webhook) Send(ctx context.Context, m bot.Message, t Text, _ bool) error {
	body, err := json.Marshal(newWebhookMessage(m, t))
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	at := strconv.FormatInt(now().Unix(), 10)
	header := http.Header{
		"Webhook-Id": {m.ID}, "Webhook-Timestamp": {at}, "Webhook-Signature": {"v1," + c.sign(m.ID, at, body)},
	}
	status, _, err := exchange(ctx, c.HTTP, http.MethodPost, c.URL.Reveal(), header, json.RawMessage(body))
	switch {
	case err != nil:
		return fmt.Errorf("webhook: %w", err)
	case status < 200 || status > 299:
		return fmt.Errorf("webhook: answered %d %s", status, http.StatusText(status))
	}
	return nil
}

// sign returns the signature of a message in base64.
func (c *Webhook) sign(id, at string, body []byte) string {
	mac := hmac.New(sha256.New, c.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// newWebhookMessage returns t for a program. Its texts are plain, and not escaped.
func newWebhookMessage(m bot.Message, t Text) webhookMessage {
	w := webhookMessage{
		ID: m.ID, Kind: string(m.Kind), Channel: m.Channel, Reply: t.Reply, Title: t.Title, Tone: string(t.Tone),
		Lines: t.Lines, Commands: t.Commands, Link: t.Link, Run: t.Run,
	}
	if t.Tone == News {
		w.Tone = "news"
	}
	for _, f := range t.Fields {
		w.Fields = append(w.Fields, webhookField(f))
	}
	for _, l := range t.Links {
		if webLink(l.URL) {
			w.Links = append(w.Links, webhookLink(l))
		}
	}
	return w
}
