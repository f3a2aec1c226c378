package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// What is read of the notes of a merge request: whoever may comment can write many that
// have a million characters.
const (
	maxNotes  = 1000     // that are searched for the bot's own
	notesOnce = 20       // at once
	maxBody   = 96 << 10 // bytes of each that are kept; nobody looks at so long a one
)

// A noteBody is the text of a note, as far as it is kept.
type noteBody string

// UnmarshalJSON keeps the beginning of a long text, and nothing of the rest.
func (b *noteBody) UnmarshalJSON(text []byte) error {
	var all string
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	if len(all) > maxBody {
		all = strings.ToValidUTF8(strings.Clone(all[:maxBody]), "")
	}
	*b = noteBody(all)
	return nil
}

// notesPage is page with fewer notes.
func notesPage(page api.ListOptions) api.ListOptions {
	page.PerPage = min(page.PerPage, notesOnce)
	return page
}

// A note is a comment on a merge request.
type note struct {
	ID        int64     `json:"id"`
	Body      noteBody  `json:"body"`
	Author    User      `json:"author"`
	System    bool      `json:"system"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// of translates a note; me is the bot.
func (n note) of(me User) gitops.Note {
	return gitops.Note{
		ID: n.ID, Body: string(n.Body), Author: n.Author.Username, AuthorID: n.Author.ID, Own: n.Author.ID == me.ID,
		System: n.System, Created: n.CreatedAt, Updated: n.UpdatedAt,
	}
}

// notesPath returns where the API has the notes of a merge request.
func notesPath(project string, iid int64) string { return mergeRequestPath(project, iid) + "/notes" }

// notePath returns where the API has one of them.
func notePath(project string, iid, id int64) string {
	return fmt.Sprintf("%s/%d", notesPath(project, iid), id)
}

// ReadNote reads one note of a merge request. It wraps gitops.ErrNotFound.
func (c *Client) ReadNote(ctx context.Context, project string, iid, id int64) (gitops.Note, error) {
	me, err := c.User(ctx)
	if err != nil {
		return gitops.Note{}, err
	}
	n, err := read[note](ctx, c, notePath(project, iid, id), nil)
	return n.of(me), wrap(err, "read note %d on merge request !%d of %q", id, iid, project)
}

// A commentEvent is what a project shows of a comment that somebody has made.
type commentEvent struct {
	CreatedAt time.Time `json:"created_at"`
	Note      struct {
		note
		On  string `json:"noteable_type"`
		IID int64  `json:"noteable_iid"`
	} `json:"note"`
}

// Commented returns the comments on the merge requests of project, whoever has opened
// them, that GitLab has known since a time, the oldest first, at most limit: the newest of
// them. Days are all that GitLab selects events by, so the newest page is read first, and
// no more than it takes. It asks for the action: by the type of target GitLab leaves out
// comments on lines, and the answers to them (app/finders/events_finder.rb).
func (c *Client) Commented(ctx context.Context, project string, since time.Time, limit int) ([]gitops.Comment, error) {
	comments, err := c.commented(ctx, project, since, limit)
	return comments, wrap(err, "list the comments in %q", project)
}

// commented is Commented with errors that do not say what of.
func (c *Client) commented(ctx context.Context, project string, since time.Time, limit int) ([]gitops.Comment, error) {
	me, err := c.User(ctx)
	if err != nil {
		return nil, err
	}
	before := api.ISOTime(since.UTC().AddDate(0, 0, -2)) // its day does not count, and GitLab's may begin elsewhere
	o := api.ListProjectVisibleEventsOptions{
		ListOptions: notesPage(api.ListOptions{PerPage: limit, Page: 1}),
		Action:      api.Ptr(api.CommentedEventType), After: &before, Sort: api.Ptr("desc"),
	}
	var comments []gitops.Comment
	for left := limit; left > 0 && o.Page > 0; left -= o.PerPage {
		var page []commentEvent
		response, err := c.do(ctx, http.MethodGet, projectPath(project)+"/events", &o, &page)
		if err != nil {
			return nil, err
		}
		o.Page = response.NextPage // a page may lack what the bot may not see
		for _, e := range page {
			if e.CreatedAt.Before(since) {
				o.Page = 0
				break
			}
			if e.Note.On == "MergeRequest" && e.Note.IID > 0 {
				comments = append(comments, gitops.Comment{IID: e.Note.IID, Note: e.Note.of(me)})
			}
		}
	}
	slices.Reverse(comments)
	return comments, nil
}

// Note makes the bot's one note with marker on a merge request say body (Markdown):
// it writes the note, edits it when it says something else, and leaves it alone
// otherwise. The marker is put into an HTML comment that people do not see; it must
// not hold "--". Lines that begin with a slash get a space before it, or GitLab would
// take them for commands.
func (c *Client) Note(ctx context.Context, project string, iid int64, marker, body string) error {
	opening := "<!-- " + marker + " -->"
	text := opening + "\n" + escape(body)
	notes := notesPath(project, iid)
	old, err := c.ownNote(ctx, notes, opening)
	switch {
	case err != nil:
	case old == nil:
		_, err = c.do(ctx, http.MethodPost, notes, &api.CreateMergeRequestNoteOptions{Body: &text}, nil)
	case stored(string(old.Body)) != text:
		_, err = c.do(ctx, http.MethodPut, fmt.Sprintf("%s/%d", notes, old.ID), &api.UpdateMergeRequestNoteOptions{Body: &text}, nil)
	}
	return wrap(err, "write note %q on merge request !%d of %q", marker, iid, project)
}

// ownNote returns the oldest of the notes below path that begins with opening and is
// the bot's, or nil. Anybody can write the marker; only the bot writes as the bot.
func (c *Client) ownNote(ctx context.Context, path, opening string) (*note, error) {
	me, err := c.User(ctx)
	if err != nil {
		return nil, err
	}
	notes, err := list[note](ctx, c, maxNotes, path, func(page api.ListOptions) any {
		return &api.ListMergeRequestNotesOptions{ListOptions: notesPage(page), OrderBy: api.Ptr("created_at"), Sort: api.Ptr("asc")}
	})
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		if n.Author.ID == me.ID && !n.System && strings.HasPrefix(string(n.Body), opening) {
			return &n, nil
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
