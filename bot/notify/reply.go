package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"lockstep/bot"
	"lockstep/gitops"
)

// seen is the emoji by which people see at once that a comment was read.
const seen = "eyes"

// How long a reply may be: lines of one answer, and characters of all of it.
const (
	maxReplyLines = 40
	maxReply      = 60_000
	maxVerb       = 40 // characters of what was taken for a verb
)

// A Commands knows what became of the commands of a batch.
type Commands interface {
	// Commands returns the commands of a batch with their answers, in order; none of an
	// unknown one.
	Commands(ctx context.Context, source string) ([]bot.CommandRecord, error)
}

// reply answers the commands of a comment: an emoji at once, then one note. Where the
// comment is gone there is nothing to answer.
func (s *Sender) reply(ctx context.Context, e bot.Entry) error {
	place, number, found := strings.Cut(e.Channel, "#")
	id, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil {
		return fmt.Errorf("reply %q names no comment", e.Channel)
	}
	project, iid, err := parsePlace(place)
	if err != nil {
		return err
	}
	records, err := s.Commands.Commands(ctx, e.ID)
	if err != nil {
		return err
	}
	err = s.Notes.React(ctx, project, iid, id, seen)
	switch {
	case errors.Is(err, gitops.ErrNotFound):
		s.Log.Info("a comment is gone before it was answered", "comment", e.Channel)
		return nil
	case err != nil:
		return err
	case len(records) == 0:
		return fmt.Errorf("nothing is kept of the commands of %q", e.ID)
	}
	return s.Notes.Note(ctx, project, iid, "lockstep:reply:"+number, answer(records, s.URL))
}

// answer returns the note that answers commands, in GitLab's Markdown: one bullet for
// each, in order. No line begins with a slash, and nobody is mentioned.
func answer(records []bot.CommandRecord, url func(string) string) string {
	var b strings.Builder
	for i, r := range records {
		if b.Len() > maxReply {
			fmt.Fprintf(&b, "- … and %d more\n", len(records)-i)
			break
		}
		b.WriteString(bullet(r, url))
	}
	return b.String()
}

// bullet answers one command.
func bullet(r bot.CommandRecord, url func(string) string) string {
	title := fmt.Sprintf("- **%s**", escaper.Replace(clip(cmp.Or(string(r.Verb), "?"), maxVerb)))
	switch {
	case r.Answer.Refused && r.Verb == bot.VerbHelp: // something that is no command
		title = "- not understood"
	case r.Answer.Refused:
		title += " refused"
	case r.Verb == bot.VerbHelp:
		return title + ":\n\n" + bot.Help("/lockstep ") + "\n"
	}
	lines := strings.Split(strings.TrimSpace(r.Answer.Sentence), "\n")
	if more := len(lines) - maxReplyLines; more > 0 {
		lines = append(lines[:maxReplyLines], fmt.Sprintf("… and %d more lines", more))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", title, prose(lines[0], url))
	for _, line := range lines[1:] {
		if line = prose(strings.TrimLeft(line, " -*•"), url); line != "" {
			fmt.Fprintf(&b, "  - %s\n", line)
		}
	}
	if run := r.Answer.Run; run != "" && !strings.Contains(r.Answer.Sentence, run) {
		fmt.Fprintf(&b, "  - run %s\n", prose(run, url))
	}
	return b.String()
}

// runID is the form of the ids of runs.
var runID = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b`)

// prose returns a sentence as one line of Markdown that shows it unchanged, but for what
// stands between backquotes, which is shown as code, and for runs, which are links.
func prose(sentence string, url func(string) string) string {
	parts := strings.Split(clip(sentence, maxLine), "`")
	if len(parts)%2 == 0 { // the last one is not closed
		n := len(parts)
		parts = append(parts[:n-2], parts[n-2]+"`"+parts[n-1])
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 1 {
			if part != "" {
				fmt.Fprintf(&b, "`%s`", part)
			}
			continue
		}
		b.WriteString(runID.ReplaceAllStringFunc(escaper.Replace(part), func(id string) string { return runLink(id, url) }))
	}
	return b.String()
}

// runLink returns a run as a link to its page.
func runLink(id string, url func(string) string) string {
	if page := url(id); webLink(page) {
		return fmt.Sprintf("[%s](%s)", id, page)
	}
	return id
}
