package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"lockstep/bot"
)

// A RocketChatHook is an incoming hook of Rocket.Chat: it needs no user, but it knows
// neither our ids nor threads. A message whose answer was lost is sent again and says
// "(repeat)".
type RocketChatHook struct {
	URL  bot.Secret   // the whole address of the hook; who knows it can write
	HTTP *http.Client // nil: a client of its own that waits 15 s for an answer
}

// Send implements Channel.
func (c *RocketChatHook) Send(ctx context.Context, _ bot.Message, t Text, repeat bool) error {
	body := map[string]any{"text": chatEscape(t.marked(repeat).Title), "attachments": attachments(t)}
	status, data, err := exchange(ctx, c.HTTP, http.MethodPost, c.URL.Reveal(), nil, body)
	if err != nil {
		return fmt.Errorf("rocket.chat hook: %w", err)
	}
	var answer rocketAnswer
	_ = json.Unmarshal(data, &answer) // what is no JSON is no success; the status says the rest
	if status != http.StatusOK || !answer.Success {
		return refused("hook", status, answer)
	}
	return nil
}
