package gitlab

import (
	"context"
	"net/http"
	"slices"

	api "github.com/xanzy/go-gitlab"
)

// An emoji is one that somebody has put on a note.
type emoji struct {
	Name string `json:"name"`
	User User   `json:"user"`
}

// React puts an emoji, such as "eyes", on a note of a merge request, unless the bot has
// done so already. It wraps gitops.ErrNotFound for a note that is gone.
func (c *Client) React(ctx context.Context, project string, iid, id int64, name string) error {
	return wrap(c.react(ctx, notePath(project, iid, id)+"/award_emoji", name), "put emoji %q on note %d on merge request !%d of %q", name, id, iid, project)
}

// react is React below path, with errors that do not say what of.
func (c *Client) react(ctx context.Context, path, name string) error {
	me, err := c.User(ctx)
	if err != nil {
		return err
	}
	all, err := list[emoji](ctx, c, maxNotes, path, func(page api.ListOptions) any { return &page })
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(e emoji) bool { return e.Name == name && e.User.ID == me.ID }) {
		return nil
	}
	_, err = c.do(ctx, http.MethodPost, path, &api.CreateAwardEmojiOptions{Name: name}, nil)
	return err
}
