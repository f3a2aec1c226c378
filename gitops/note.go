package gitops

import "time"

// A Note is a comment on a merge request.
type Note struct {
	ID       int64
	Body     string // Markdown, as its author wrote it
	Author   string // username
	AuthorID int64
	Own      bool // the bot wrote it
	System   bool // GitLab wrote it, to say what somebody did
	Created  time.Time
	Updated  time.Time
}

// A Comment is a note and the merge request that it is on.
type Comment struct {
	IID  int64
	Note Note
}

// touched is how far the two times of a note that nobody has touched may be apart.
const touched = time.Second

// Edited reports that the note is not known to be as its author first wrote it. GitLab
// does not say whether it was its text that changed or, for example, an emoji on it.
func (n Note) Edited() bool { return n.Updated.Sub(n.Created) > touched }
