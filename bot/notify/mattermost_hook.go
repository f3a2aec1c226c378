package notify

import (
	"context"
	"net/http"

	"lockstep/bot"
)

// A MattermostHook is an incoming hook of Mattermost: it needs no user, but it knows
// neither our ids nor threads. A message whose answer was lost is sent again and says
// "(repeat)".
type MattermostHook struct {
	URL  bot.Secret   // the whole address of the hook; who knows it can write
	HTTP *http.Client // nil: a client of its own that waits 15 s for an answer
}

// A mattermostHooked is a message as a hook takes it.
type mattermostHooked struct {
	Text        string                 `json:"text"`
	Attachments []mattermostAttachment `json:"attachments"`
}

// Send implements Channel.
func (c *MattermostHook) Send(ctx context.Context, _ bot.Message, t Text, repeat bool) error {
	body := mattermostHooked{chatEscape(t.marked(repeat).Title), mattermostAttachments(t)}
	return postHook(ctx, c.HTTP, "mattermost hook", c.URL, body, http.StatusOK)
}
