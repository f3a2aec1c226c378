package gitlab

import (
	"context"
	"strings"

	api "github.com/xanzy/go-gitlab"
)

// maxNotes is how many notes of a merge request are searched for the bot's own.
const maxNotes = 1000

// Note makes the bot's one note with marker on a merge request say body (Markdown):
// it writes the note, edits it when it says something else, and leaves it alone
// otherwise. The marker is an HTML comment that people do not see; it must not hold
// "--". Lines that begin with a slash get a space before it, or GitLab would take
// them for commands.
func (c *Client) Note(ctx context.Context, project string, iid int64, marker, body string) error {
	text := "<!-- " + marker + " -->\n" + escape(body)
	note, err := c.ownNote(ctx, project, int(iid), "<!-- "+marker+" -->")
	switch {
	case err != nil:
	case note == nil:
		_, _, err = c.client.Notes.CreateMergeRequestNote(project, int(iid), &api.CreateMergeRequestNoteOptions{Body: &text}, in(ctx))
		err = c.why(err)
	case stored(note.Body) != stored(text):
		_, _, err = c.client.Notes.UpdateMergeRequestNote(project, int(iid), note.ID, &api.UpdateMergeRequestNoteOptions{Body: &text}, in(ctx))
		err = c.why(err)
	}
	return wrap(err, "note %q on merge request !%d of %q", marker, iid, project)
}

// ownNote returns the oldest note of the bot that begins with opening, or nil.
// Anybody can write the marker; only the bot can write it as the bot.
func (c *Client) ownNote(ctx context.Context, project string, iid int, opening string) (*api.Note, error) {
	me, err := c.User(ctx)
	if err != nil {
		return nil, err
	}
	notes, err := all(maxNotes, func(page api.ListOptions) ([]*api.Note, *api.Response, error) {
		return c.client.Notes.ListMergeRequestNotes(project, iid, &api.ListMergeRequestNotesOptions{
			ListOptions: page, OrderBy: api.Ptr("created_at"), Sort: api.Ptr("asc"),
		}, in(ctx))
	})
	if err != nil {
		return nil, c.why(err)
	}
	for _, note := range notes {
		if int64(note.Author.ID) == me.ID && !note.System && strings.HasPrefix(note.Body, opening) {
			return note, nil
		}
	}
	return nil, nil
}

// escape puts a space before each slash that begins a line. It is seen neither in
// text nor in code.
func escape(body string) string {
	lines := strings.Split(stored(body), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "/") {
			lines[i] = " " + line
		}
	}
	return strings.Join(lines, "\n")
}

// stored returns body as GitLab keeps it: line feeds only, no space at the end.
func stored(body string) string {
	return strings.TrimRight(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body), " \t\n")
}
