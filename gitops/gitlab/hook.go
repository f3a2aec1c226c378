package gitlab

import (
	"context"
	"net/http"

	api "github.com/xanzy/go-gitlab"
)

// maxHooks is how many hooks of a project are read.
const maxHooks = 500

// A Hook is a webhook of a project.
type Hook struct {
	URL           string `json:"url"`
	Push          bool   `json:"push_events"`
	TagPush       bool   `json:"tag_push_events"`
	MergeRequests bool   `json:"merge_requests_events"`
	Notes         bool   `json:"note_events"`
	Pipelines     bool   `json:"pipeline_events"`
	Releases      bool   `json:"releases_events"`
	AlertStatus   string `json:"alert_status"` // executable, temporarily_disabled, disabled; "" before GitLab 15.2
}

// Disabled reports that GitLab sends nothing to the hook, because too often it was not
// answered well. GitLab tells nobody.
func (h Hook) Disabled() bool { return h.AlertStatus != "" && h.AlertStatus != "executable" }

// Hooks returns the webhooks of a project, but not those of its groups. seen is false
// when GitLab does not show them to the bot: it shows them to maintainers only.
func (c *Client) Hooks(ctx context.Context, project string) (hooks []Hook, seen bool, err error) {
	hooks, err = list[Hook](ctx, c, maxHooks, projectPath(project)+"/hooks", func(page api.ListOptions) any { return &page })
	if hidden(err) || status(err) == http.StatusUnauthorized {
		return nil, false, nil
	}
	return hooks, err == nil, wrap(err, "list hooks of %q", project)
}
