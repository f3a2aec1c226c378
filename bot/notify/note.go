package notify

import (
	"fmt"
	"strings"
	"time"

	"lockstep/bot"
)

// How much of the log a note shows, and how it writes time.
const (
	lastEvents = 10
	noteTime   = "2006-01-02 15:04:05 MST"
)

// icons show how a cell stands.
var icons = map[bot.Mark]string{
	bot.MarkOpen: "⚪", bot.MarkRunning: "🔵", bot.MarkPassed: "✅", bot.MarkFailed: "❌",
	bot.MarkWarned: "⚠️", bot.MarkSkipped: "➖", bot.MarkUnsure: "❓",
}

// note returns the status note of a run's merge requests, in GitLab's Markdown: where
// the run stands and where it waits, every cell of its board, why it failed and what
// happened last. No line begins with a slash, which GitLab would take for a command.
func note(r *bot.Run, place string, events []bot.Event, url string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s: %s\n\n**Now:** %s\n", headIcon(r), escape(subject(r)), escape(stands(r)), escape(r.Reason))
	noteWaits(&b, r, place)
	if r.UndoneBy != "" {
		fmt.Fprintf(&b, "\n**Undone:** run `%s` has put it back\n", r.UndoneBy)
	}
	noteCauses(&b, r)
	noteBoard(&b, r)
	noteEvents(&b, events, len(r.Stages) > 1)
	fmt.Fprintf(&b, "\n%s\n", strings.Join(noteFoot(r, url), " · "))
	return b.String()
}

// stands says how a run ended or where it stands.
func stands(r *bot.Run) string {
	switch {
	case r.Yielded != nil:
		return "waits for its lane"
	case r.Held != nil && r.State != bot.Stalled:
		return "held"
	case r.State == bot.Done && r.UndoneBy != "":
		return r.Result() + ", undone"
	}
	return r.Result()
}

// noteWaits writes who holds the run and its place in the queue.
func noteWaits(b *strings.Builder, r *bot.Run, place string) {
	if h := r.Held; h != nil {
		why := ""
		if h.Reason != "" {
			why = " (" + escape(h.Reason) + ")"
		}
		fmt.Fprintf(b, "\n**Held:** by %s since %s%s\n", escape(h.By), h.At.UTC().Format(noteTime), why)
	}
	if place != "" {
		fmt.Fprintf(b, "\n**Place:** %s\n", escape(place))
	}
}

// headIcon shows how a run stands.
func headIcon(r *bot.Run) string {
	if r.Held != nil || r.Yielded != nil {
		return "⏸️"
	}
	switch r.State {
	case bot.Done:
		if r.UndoneBy != "" {
			return icons[bot.MarkSkipped]
		}
		if len(r.Warnings) > 0 {
			return icons[bot.MarkWarned]
		}
		return icons[bot.MarkPassed]
	case bot.RolledBack:
		if r.Undoes != "" {
			return icons[bot.MarkPassed]
		}
		return icons[bot.MarkFailed]
	case bot.Failed, bot.RollbackFailed, bot.Refused:
		return icons[bot.MarkFailed]
	case bot.Stalled:
		return icons[bot.MarkUnsure]
	case bot.Cancelled, bot.Superseded:
		return icons[bot.MarkSkipped]
	}
	if r.Direction == bot.Back {
		return "↩️"
	}
	return icons[bot.MarkRunning]
}

// noteCauses writes why the run failed, what was allowed to, and what a person may do.
func noteCauses(b *strings.Builder, r *bot.Run) {
	cause := func(title string, c *bot.Cause) {
		if c != nil {
			fmt.Fprintf(b, "\n**%s:** %s%s\n", title, escape(c.Sentence), look(c.Link))
		}
	}
	cause("Cause", r.Cause)
	cause("The rollback failed", r.BackCause)
	for _, w := range r.Warnings {
		fmt.Fprintf(b, "\n**Warning:** %s\n", escape(w))
	}
	switch commands := strings.Join(comments(r), "` or `"); {
	case commands == "":
	case r.Held != nil && r.State != bot.Stalled:
		fmt.Fprintf(b, "\n**It goes on when somebody says so.** `%s`\n", commands)
	case r.State == bot.RollbackFailed:
		fmt.Fprintf(b, "\n**Lane %s is frozen** until a person has put things right: `%s`\n", escape(r.Lane), commands)
	default:
		fmt.Fprintf(b, "\n**A person is needed.** `%s`\n", commands)
	}
}

// comments returns what people may write below the note where the run needs them.
func comments(r *bot.Run) []string {
	var all []string
	for _, o := range r.Offers() {
		all = append(all, o.Comment())
	}
	return all
}

// noteBoard writes the cells of the board as a table.
func noteBoard(b *strings.Builder, r *bot.Run) {
	b.WriteString("\n| | Step | What | Result | |\n|---|---|---|---|---|\n")
	for _, column := range r.Board() {
		for _, c := range rows(column) {
			result := versions(c.Cell)
			if result == "" {
				result = string(outcomeOf(r, column, c.Cell))
			}
			name := shortened(c.names)
			if column.Name == bot.ColumnRollback {
				name = c.Environment + " " + name
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s%s |\n",
				icons[c.Mark], escape(column.Name), escape(name), escape(result), escape(c.Reason), look(c.Link))
		}
	}
}

// A row is one cell of a column, or neighbours that stand alike and have nothing to tell.
type row struct {
	bot.Cell
	names []string
}

// rows returns the rows of a column.
func rows(column bot.Column) []row {
	var all []row
	for _, c := range column.Cells {
		if n := len(all) - 1; n >= 0 && alike(all[n].Cell, c) {
			all[n].names = append(all[n].names, c.Name)
			continue
		}
		all = append(all, row{c, []string{c.Name}})
	}
	return all
}

// alike reports that two cells differ by nothing but their names, and that nothing has
// happened in them.
func alike(a, b bot.Cell) bool {
	a.Name = b.Name
	return a == b && (a.Mark == bot.MarkOpen || a.Mark == bot.MarkSkipped)
}

// outcomeOf returns the outcome of the gate that a cell shows; "" for other cells.
func outcomeOf(r *bot.Run, column bot.Column, c bot.Cell) bot.GateOutcome {
	kind, _, _ := strings.Cut(column.Name, "-")
	if kind != bot.ColumnGates && kind != bot.ColumnChecks {
		return bot.GateOpen
	}
	for _, s := range r.Stages {
		for _, g := range s.Gates {
			if s.Plan.Environment == c.Environment && g.Name == c.Name {
				return g.Outcome
			}
		}
	}
	return bot.GateOpen
}

// versions says how a value moves: "2026.11.2 → 2026.11.3".
func versions(c bot.Cell) string {
	if c.From != "" && c.To != "" {
		return fmt.Sprintf("%s → %s", c.From, c.To)
	}
	return string(c.To)
}

// noteEvents writes the last events with their times, and with their environments where
// there are several.
func noteEvents(b *strings.Builder, events []bot.Event, several bool) {
	title := "What happened"
	if len(events) > lastEvents {
		title = fmt.Sprintf("What happened (the last %d of %d)", lastEvents, len(events))
		events = events[len(events)-lastEvents:]
	}
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n| When | State | |\n|---|---|---|\n", title)
	for _, e := range events {
		state := string(e.State)
		if e.Direction == bot.Back {
			state += " (back)"
		}
		if several && e.Environment != "" && !e.State.Settled() {
			state += " in " + e.Environment
		}
		fmt.Fprintf(b, "| %s | %s | %s%s |\n", e.At.UTC().Format(noteTime), escape(state), escape(e.Reason), look(e.Link))
	}
	b.WriteString("\n</details>\n")
}

// noteFoot returns the last line: where to look further, and how old this is.
func noteFoot(r *bot.Run, url string) []string {
	var parts []string
	if webLink(url) {
		parts = append(parts, fmt.Sprintf("[The run](%s)", url))
	}
	parts = append(parts, "run `"+r.ID+"`", "lane "+escape(r.Lane), "asked for by "+escape(r.Asked()))
	if r.Undoes != "" {
		parts = append(parts, "puts back run `"+r.Undoes+"`")
	}
	if r.Force != "" {
		parts = append(parts, "forced: "+escape(r.Force))
	}
	if !r.Begun.IsZero() && !r.Ended.IsZero() {
		parts = append(parts, "took "+r.Ended.Sub(r.Begun).Round(time.Second).String())
	}
	return append(parts, "commands: `/lockstep help`")
}

// look returns a link to url, or nothing where there is none.
func look(url string) string {
	if !webLink(url) {
		return ""
	}
	return fmt.Sprintf(" [↗](%s)", url)
}

// escaper takes the meaning from what GitLab would read as markup, HTML, a reference
// or a mention. A mention is kept apart as well, because older versions of GitLab look
// for it after they have removed the backslash.
var escaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`,
	"~", `\~`, "#", `\#`, "$", `\$`, "&", `\&`, "!", `\!`, "^", `\^`, "%", `\%`, "@", `\@`+joiner,
)

// escape returns plain text as one line that GitLab's Markdown shows unchanged.
func escape(s string) string { return escaper.Replace(clip(s, maxLine)) }
