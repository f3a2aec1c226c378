package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// How comments are taken.
const (
	maxHints   = 100              // comments that wait to be looked at
	maxLate    = 100              // comments of which nobody could tell anything yet
	lookLimit  = 2 * time.Minute  // for one comment
	lateEvery  = 30 * time.Second // between two looks at the late ones
	staleAfter = time.Hour        // an older comment is not obeyed any more
)

// A Forum is where people write comments: the merge requests of a GitLab.
type Forum interface {
	// Username returns the name by which people call the bot.
	Username(ctx context.Context) (string, error)
	// Member returns the level of a user in a project, also one that is inherited, and
	// whether the account is active; gitops.ErrNotFound for who is no member.
	Member(ctx context.Context, project string, user int64) (level int, active bool, err error)
	// Program reports whether the account of a user is that of a program.
	Program(ctx context.Context, user int64) (bool, error)
	// MergeRequest reads one merge request; gitops.ErrNotFound without one.
	MergeRequest(ctx context.Context, project string, iid int64) (gitops.MergeRequest, error)
	// ReadNote reads one note; gitops.ErrNotFound without one.
	ReadNote(ctx context.Context, project string, iid, note int64) (gitops.Note, error)
	// Commented returns the comments on all merge requests that came since, the oldest
	// first: the newest limit of them.
	Commented(ctx context.Context, project string, since time.Time, limit int) ([]gitops.Comment, error)
}

// A Ledger knows runs, and which commands were taken.
type Ledger interface {
	// Run returns a run; bot.ErrNotFound without one.
	Run(ctx context.Context, id string) (*bot.Run, error)
	// Commands returns the commands of a batch with their answers; none of an unknown one.
	Commands(ctx context.Context, source string) ([]bot.CommandRecord, error)
}

// A Query is what somebody wants to know about what runs where.
type Query struct {
	Project     string   // the environment repository in which it is asked
	Run         *bot.Run // whose merge request it is asked on; nil on another one
	Service     string   // "": the question is about Run
	Environment string   // of Service; "" where it was not named
}

// Comments take comments on the merge requests of environment repositories for commands.
// A hook says no more than that there may be one: the comment, its author and the merge
// request are read from GitLab before anything is done. What cannot be told is looked at
// again for an hour.
//
// Only a comment that nobody has touched since it was written is obeyed: it may be another
// person who has edited it.
type Comments struct {
	Config *bot.Config
	Forum  Forum
	Ledger Ledger

	// Do does what a comment asks for; the same batch again does nothing.
	Do func(ctx context.Context, b bot.Batch) ([]bot.Answer, error)
	// Why and Queue answer a question in a sentence. A lane that is "" is all of them; an
	// error that wraps bot.ErrNotFound or bot.ErrRefused is an answer too.
	Why   func(ctx context.Context, q Query) (string, error)
	Queue func(ctx context.Context, lane string) (string, error)
	// Enterprise reports that GitLab is of the edition that keeps some commands for itself.
	Enterprise func(ctx context.Context) (bool, error)
	Now        func() time.Time
	Log        *slog.Logger

	once  sync.Once
	queue chan hint
}

// A hint says that there may be a new comment.
type hint struct {
	project   string // an environment repository
	iid, note int64
	came      time.Time
}

// hints returns the queue of comments to look at.
func (c *Comments) hints() chan hint {
	c.once.Do(func() { c.queue = make(chan hint, maxHints) })
	return c.queue
}

// Run looks at the comments that hooks speak of until ctx ends, and returns nil then.
func (c *Comments) Run(ctx context.Context) error {
	tick := time.NewTicker(lateEvery)
	defer tick.Stop()
	warned := c.warn(ctx)
	var late []hint
	for {
		select {
		case <-ctx.Done():
			return nil
		case h := <-c.hints():
			late = c.look(ctx, h, late)
		case <-tick.C:
			warned = warned || c.warn(ctx)
			again := late
			late = nil
			for _, h := range again {
				late = c.look(ctx, h, late)
			}
		}
	}
}

// look looks at one comment, and returns late with it where nobody could tell.
func (c *Comments) look(ctx context.Context, h hint, late []hint) []hint {
	within, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	err := c.read(within, h)
	log := c.Log.With("project", h.project, "merge_request", h.iid, "note", h.note)
	switch {
	case err == nil || ctx.Err() != nil:
		return late
	case c.Now().Sub(h.came) > staleAfter || len(late) == maxLate:
		log.Error("a comment could not be looked at, and is given up", "error", err)
		return late
	}
	log.Warn("look at a comment; will look again", "error", err)
	return append(late, h)
}

// read reads a comment and takes it. One that is not there says nothing.
func (c *Comments) read(ctx context.Context, h hint) error {
	n, err := c.Forum.ReadNote(ctx, h.project, h.iid, h.note)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.take(ctx, h.project, h.iid, n)
}

// A noteEvent is what is read of the hook of a comment.
type noteEvent struct {
	Project struct {
		Path string `json:"path_with_namespace"`
	} `json:"project"`
	Note struct {
		ID      int64  `json:"id"`
		Body    string `json:"note"`
		On      string `json:"noteable_type"`
		Action  string `json:"action"` // since GitLab 16.11
		System  bool   `json:"system"`
		Created string `json:"created_at"`
		Updated string `json:"updated_at"`
	} `json:"object_attributes"`
	MergeRequest struct {
		IID int64 `json:"iid"`
	} `json:"merge_request"`
}

// mayCommand matches a text in which a line may be a command.
var mayCommand = regexp.MustCompile(`(?m)^ {0,3}[/@]`)

// ServeHook answers the hook of a comment, which has proved itself already.
func (c *Comments) ServeHook(w http.ResponseWriter, body []byte) {
	var e noteEvent
	if err := json.Unmarshal(body, &e); err != nil {
		refuse(w, http.StatusBadRequest, "the body is not the JSON of a GitLab webhook for comments")
		return
	}
	h, sentence := c.hinted(e)
	if sentence != "" {
		reply(w, http.StatusOK, said{Sentence: sentence})
		return
	}
	select {
	case c.hints() <- h:
		reply(w, http.StatusAccepted, said{Sentence: "the comment will be read"})
	default:
		c.Log.Warn("too many comments at once: one waits for polling", "project", h.project, "merge_request", h.iid, "note", h.note)
		reply(w, http.StatusOK, said{Sentence: "too many comments at once: polling will find it"})
	}
}

// hinted returns which comment is to be looked at, or the sentence that says why none is.
func (c *Comments) hinted(e noteEvent) (h hint, sentence string) {
	project, ours := c.project(e.Project.Path)
	switch {
	case e.Note.On != "MergeRequest" || e.MergeRequest.IID < 1 || e.Note.ID < 1:
		return hint{}, "a comment on something else than a merge request: ignored"
	case !ours:
		return hint{}, "the project is no environment repository of the configuration: ignored"
	case e.Note.System:
		return hint{}, "GitLab's own note: ignored"
	case e.Note.Action != "" && e.Note.Action != "create", e.Note.Action == "" && e.Note.Updated != e.Note.Created:
		return hint{}, "an edited comment: ignored"
	case len(e.Note.Body) > maxComment || !mayCommand.MatchString(strings.ReplaceAll(e.Note.Body, "\r", "\n")):
		return hint{}, "no command: ignored"
	}
	return hint{project, e.MergeRequest.IID, e.Note.ID, c.Now()}, ""
}

// project returns the environment repository with that path, as the configuration writes
// it. GitLab takes paths in capitals for the same.
func (c *Comments) project(path string) (project string, ok bool) {
	for _, repo := range c.Config.EnvironmentRepositories() {
		if strings.EqualFold(repo, path) {
			return repo, true
		}
	}
	return "", false
}

// warn says once which commands GitLab keeps for itself, and reports whether that is
// settled.
func (c *Comments) warn(ctx context.Context) (settled bool) {
	enterprise, err := c.Enterprise(ctx)
	if err != nil {
		return false
	}
	name, err := c.Forum.Username(ctx)
	if err != nil {
		return false
	}
	if enterprise {
		c.Log.Warn(fmt.Sprintf("this edition of GitLab takes /%s for a command of its own and does not pass it on: write /lockstep %[1]s or @%[2]s %[1]s", bot.VerbPromote, name))
	}
	return true
}
