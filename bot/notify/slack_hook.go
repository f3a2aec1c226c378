package notify

import (
	"context"
	"fmt"
	"net/http"

	"lockstep/bot"
)

// A SlackHook is an incoming hook of Slack: it needs no bot, but it knows neither our
// ids nor threads. A message whose answer was lost is sent again and says "(repeat)".
type SlackHook struct {
	URL  bot.Secret   // the whole address of the hook; who knows it can write
	HTTP *http.Client // nil: a client of its own that waits 15 s for an answer
}

// Send implements Channel.
func (c *SlackHook) Send(ctx context.Context, _ bot.Message, t Text, repeat bool) error {
	return postHook(ctx, c.HTTP, "slack hook", c.URL, newSlackMessage(t.marked(repeat)), http.StatusOK)
}

// postHook sends body to a hook, which answers with one of the statuses when it has
// taken it.
func postHook(ctx context.Context, client *http.Client, name string, address bot.Secret, body any, taken ...int) error {
	status, data, err := exchange(ctx, client, http.MethodPost, address.Reveal(), nil, body)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, fine := range taken {
		if status == fine {
			return nil
		}
	}
	said := clip(string(data), 200)
	if said == "" {
		said = "no reason given"
	}
	return fmt.Errorf("%s: %d: %s", name, status, said)
}
