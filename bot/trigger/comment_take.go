package trigger

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"lockstep/bot"
	"lockstep/gitops"
)

// notOurs is in the text of notes that programs write, this one among them.
const notOurs = "<!-- lockstep:"

// A remark is a comment with commands, and where it stands.
type remark struct {
	project     string // an environment repository
	mr          gitops.MergeRequest
	run         *bot.Run // whose merge request it is; nil for another one
	environment string   // of the stage whose merge request it is; "" for another one
	note        gitops.Note
	source      string
}

// take does what a comment asks for, once. An error means that nobody could tell, and
// that nothing was done.
func (c *Comments) take(ctx context.Context, project string, iid int64, n gitops.Note) error {
	if n.Own || n.System || strings.Contains(n.Body, notOurs) {
		return nil
	}
	name, err := c.Forum.Username(ctx)
	if err != nil {
		return err
	}
	spoken, more := ParseComment(n.Body, name)
	if len(spoken) == 0 {
		return nil
	}
	p := remark{project: project, note: n, source: fmt.Sprintf("note %s!%d#%d", project, iid, n.ID)}
	if passed, err := c.passed(ctx, p); passed || err != nil {
		return err
	}
	if p.mr, err = c.Forum.MergeRequest(ctx, project, iid); err != nil {
		return unlessMissing(err)
	}
	if p.run, p.environment, err = c.run(ctx, project, p.mr); err != nil {
		return err
	}
	b, err := c.batch(ctx, p, spoken, more)
	if err != nil {
		return err
	}
	if _, err = c.Do(ctx, b); err != nil {
		return err
	}
	c.Log.Info("took a comment", "source", p.source, "by", n.Author, "commands", len(b.Commands))
	return nil
}

// passed reports that a comment is not to be obeyed: it was, it is too old, or somebody has
// touched it.
func (c *Comments) passed(ctx context.Context, p remark) (bool, error) {
	records, err := c.Ledger.Commands(ctx, p.source)
	if err != nil || len(records) > 0 {
		return true, err
	}
	switch {
	case c.Now().Sub(p.note.Created) > staleAfter:
		c.Log.Warn("a comment with a command is too old to be obeyed", "source", p.source, "by", p.note.Author, "written", p.note.Created)
		return true, nil
	case p.note.Edited():
		c.Log.Warn("a comment with a command was touched before it was read: it is not obeyed", "source", p.source, "by", p.note.Author)
		return true, nil
	}
	return false, nil
}

// batch returns what a comment asks for, with the answers that are known already.
func (c *Comments) batch(ctx context.Context, p remark, spoken []Spoken, more bool) (bot.Batch, error) {
	b := bot.Batch{Source: p.source, Reply: strings.TrimPrefix(p.source, "note ")}
	asker := &asker{forum: c.Forum, user: p.note.AuthorID, name: p.note.Author, standing: map[string]standing{}}
	for i, s := range spoken {
		m := c.mean(p, s)
		m.By, m.ByID, m.At = p.note.Author, p.note.AuthorID, c.Now()
		m.From = fmt.Sprintf("comment %s!%d", p.project, p.mr.IID)
		m.Link = p.link()
		if q := m.Request; q != nil {
			q.Origin, q.By, q.ByID, q.Link, q.Key = bot.OriginComment, m.By, m.ByID, m.Link, fmt.Sprintf("%s.%d", p.source, i+1)
		}
		var err error
		if m.Known, err = c.known(ctx, asker, p, m); err != nil {
			return bot.Batch{}, err
		}
		b.Commands = append(b.Commands, m.Command)
	}
	if more {
		last := b.Commands[len(b.Commands)-1]
		last.Verb, last.Request, last.Run, last.Lane, last.Gate, last.Reason = bot.VerbHelp, nil, "", "", "", ""
		last.Known = &bot.Answer{Refused: true, Sentence: fmt.Sprintf("a comment may hold %d commands: what comes after them was not read", maxCommands)}
		b.Commands = append(b.Commands, last)
	}
	return b, nil
}

// known returns the answer to a command where it is known before anything is done; nil
// where it is to be done.
func (c *Comments) known(ctx context.Context, a *asker, p remark, m meaning) (*bot.Answer, error) {
	repos := m.touches
	if len(repos) == 0 {
		repos = []string{p.project}
	}
	switch no, err := a.refusal(ctx, m.Verb, c.Config.Level(m.Verb), repos); {
	case err != nil:
		return nil, err
	case no != "":
		return &bot.Answer{Refused: true, Sentence: no}, nil
	case m.wrong != "":
		return &bot.Answer{Refused: true, Sentence: m.wrong}, nil
	case m.ask == nil && len(m.touches) == 0:
		return &bot.Answer{Refused: true, Sentence: "this touches no environment repository, so no role says who may: give the command to the API or on the command line"}, nil
	case m.ask == nil:
		return nil, nil
	}
	sentence, err := m.ask(ctx)
	if errors.Is(err, bot.ErrNotFound) || errors.Is(err, bot.ErrRefused) {
		return &bot.Answer{Refused: true, Sentence: plainly(err)}, nil
	}
	return &bot.Answer{Sentence: sentence}, err
}

// plainly returns what an error says to people.
func plainly(err error) string {
	text := err.Error()
	for _, kind := range []error{bot.ErrNotFound, bot.ErrRefused} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return text
}

// link returns where people see the comment.
func (p remark) link() string {
	if !webURL.MatchString(p.mr.Link) {
		return ""
	}
	return fmt.Sprintf("%s#note_%d", p.mr.Link, p.note.ID)
}

// ourBranch matches the source branches of runs, and finds the run's id in them.
var ourBranch = regexp.MustCompile(`^lockstep/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-`)

// run returns the run whose merge request mr is, and the environment of its stage; nil
// for any other merge request. The name of a branch proves nothing, anybody can give it:
// the run has to know the merge request, or the commit for which it is about to open it.
func (c *Comments) run(ctx context.Context, project string, mr gitops.MergeRequest) (r *bot.Run, environment string, err error) {
	found := ourBranch.FindStringSubmatch(mr.Source)
	if found == nil {
		return nil, "", nil
	}
	r, err = c.Ledger.Run(ctx, found[1])
	if errors.Is(err, bot.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	known := func(d bot.Delivery) bool {
		if d.Change.Repo != project || d.IID != 0 {
			return d.Change.Repo == project && d.IID == mr.IID
		}
		return d.Change.Branch == mr.Source && d.Head != "" && d.Head == mr.SHA
	}
	for _, s := range r.Stages {
		if known(s.Delivery) {
			return r, s.Plan.Environment, nil
		}
	}
	if slices.ContainsFunc(r.Backs, known) {
		return r, "", nil
	}
	return nil, "", nil
}

// missing reports that what was asked for is not there.
func missing(err error) bool { return errors.Is(err, gitops.ErrNotFound) }

// unlessMissing returns err, but nil where something is not there: nothing can be said
// about it then.
func unlessMissing(err error) error {
	if missing(err) {
		return nil
	}
	return err
}
