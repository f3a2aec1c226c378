package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"lockstep/bot"
)

// A Tone is how a message is meant; channels show it as a colour.
type Tone string

// The tones. News is the zero value.
const (
	News Tone = ""
	Good Tone = "good"
	Warn Tone = "warn" // it worked, but
	Bad  Tone = "bad"
	Call Tone = "call" // a person is needed
)

// A Text is one message to people, in plain words: nothing in it is markup. Each
// channel escapes it and lays it out in its own way.
type Text struct {
	Title    string   // one line that says it all
	Tone     Tone     //
	Reply    string   // id of the message that it replies to; "" for the first of a run
	Lines    []string // what else happened, one sentence each
	Commands []string // what a person may type next
	Fields   []Field  // facts, for a table
	Link     string   // the page of the run; "" without one
	Links    []Link   // where to look: merge requests, the pipeline that failed
}

// A Field is one fact.
type Field struct{ Name, Value string }

// A Link is an address with its name.
type Link struct{ Name, URL string }

// How long the parts of a text may be, in characters; Rocket.Chat refuses messages of
// more than 5,000.
const (
	maxTitle = 500
	maxLine  = 700
)

// newText returns what message m says about a run and its events. url is the page of
// the run. The same run and events give the same text.
func newText(m bot.Message, r *bot.Run, events []bot.Event, url string) Text {
	t := Text{Link: url}
	if m.Kind != bot.MessageStart && started(events) {
		t.Reply = startID(m)
	}
	switch m.Kind {
	case bot.MessageStart:
		t.start(r)
	case bot.MessageCall:
		t.call(r, events, m.Seq)
	case bot.MessageFinish:
		t.finish(r)
	default:
		panic("notify: no text for message kind " + m.Kind)
	}
	t.trim()
	return t
}

// started reports that the run's Start was or will be told.
func started(events []bot.Event) bool {
	for _, e := range events {
		if e.State == bot.Started && e.Direction == bot.Forward {
			return true
		}
	}
	return false
}

// startID returns the id of the Start message of the run and channel of m.
func startID(m bot.Message) string {
	return fmt.Sprintf("%s/%s/%s", m.Run, bot.MessageStart, m.Channel)
}

// start says that a run has started.
func (t *Text) start(r *bot.Run) {
	t.Title = fmt.Sprintf("%s (%s): started by %s", subject(r), strings.Join(environments(r), " → "), r.Asked())
	t.Fields = facts(r)
	t.Links = links(r)
}

// call says that a run needs a person, and what they can say to it.
func (t *Text) call(r *bot.Run, events []bot.Event, seq int) {
	reason := r.Reason
	for _, e := range events {
		if e.Seq == seq {
			reason = e.Reason
		}
	}
	t.Tone = Call
	t.Title = fmt.Sprintf("%s: a person is needed — %s", subject(r), reason)
	t.Lines = []string{fmt.Sprintf("It keeps lane %s until somebody says how to go on.", r.Lane)}
	t.Commands = r.Commands()
	t.Fields = facts(r)
	t.Links = links(r)
}

// finish says how a run ended.
func (t *Text) finish(r *bot.Run) {
	t.Title = subject(r) + ": " + r.Result()
	switch r.State {
	case bot.Done:
		t.Tone = Good
		if len(r.Warnings) > 0 {
			t.Tone = Warn
			t.Title += " — " + strings.Join(r.Warnings, "; ")
		}
		t.Lines = append(t.Lines, r.Reason)
	case bot.RolledBack:
		t.Tone = Bad
	case bot.RollbackFailed:
		t.Tone = Bad
	}
	if r.Cause != nil {
		t.Title += " — " + r.Cause.Sentence
	}
	if r.BackCause != nil {
		t.Title += "; then the rollback failed: " + r.BackCause.Sentence
	}
	t.Lines = append(t.Lines, wayBack(r)...)
	if r.State == bot.RollbackFailed {
		t.Lines = append(t.Lines, fmt.Sprintf("Lane %s is frozen: nothing else starts there until a person has put things right and thaws it.", r.Lane))
		t.Commands = r.Commands()
	}
	t.Fields = append(facts(r), outcome(r)...)
	t.Links = links(r)
}

// subject names a run: "mda 2026.11.3 → integration".
func subject(r *bot.Run) string { return fmt.Sprintf("%s %s → %s", r.Package, r.Version, r.Track) }

// environments names the environments of a run, in order.
func environments(r *bot.Run) []string {
	var names []string
	for _, s := range r.Stages {
		names = append(names, s.Plan.Environment)
	}
	return names
}

// facts returns what a run is about.
func facts(r *bot.Run) []Field {
	fields := []Field{{"Track", r.Track}, {"Version", string(r.Version)}}
	var services []string
	for _, s := range r.Stages {
		var names []string
		for _, service := range s.Plan.Services {
			names = append(names, service.Name)
		}
		services = append(services, fmt.Sprintf("%s: %s", s.Plan.Environment, strings.Join(names, ", ")))
	}
	if len(services) > 0 {
		fields = append(fields, Field{"Environments", strings.Join(services, "; ")})
	}
	return fields
}

// outcome returns the facts of a run's end.
func outcome(r *bot.Run) []Field {
	var fields []Field
	if r.Cause != nil {
		fields = append(fields, Field{"Cause", r.Cause.Sentence})
	}
	if r.BackCause != nil {
		fields = append(fields, Field{"Cause of the failed rollback", r.BackCause.Sentence})
	}
	if !r.Begun.IsZero() && !r.Ended.IsZero() {
		fields = append(fields, Field{"Duration", r.Ended.Sub(r.Begun).Round(time.Second).String()})
	}
	return fields
}

// wayBack says what became of each service on the way back, one sentence for each
// kind of end: "Put back: int fbv, kv (2026.11.2)".
func wayBack(r *bot.Run) []string {
	if r.Direction != bot.Back {
		return nil
	}
	ends := []struct {
		title string
		is    func(bot.Cell) bool
		why   func(bot.Cell) string
	}{
		{"Put back", func(c bot.Cell) bool { return c.Mark == bot.MarkPassed }, func(c bot.Cell) string { return string(c.To) }},
		{"Not put back", func(c bot.Cell) bool { return c.To != "" && c.Mark != bot.MarkPassed }, func(c bot.Cell) string { return c.Reason }},
		{"Left alone", func(c bot.Cell) bool { return c.Mark == bot.MarkWarned }, func(c bot.Cell) string { return strings.TrimPrefix(c.Reason, "left alone: ") }},
		{"Nothing to do", func(c bot.Cell) bool { return c.Mark == bot.MarkSkipped }, func(bot.Cell) string { return "" }},
	}
	var lines []string
	for _, end := range ends {
		if list := group(r.Rollback(), end.is, end.why); list != "" {
			lines = append(lines, end.title+": "+list+".")
		}
	}
	return lines
}

// group lists the cells that are picked, neighbours with the same environment and
// reason together: "int fbv, kv (2026.11.2); abn mds (somebody set it since)".
func group(cells []bot.Cell, is func(bot.Cell) bool, why func(bot.Cell) string) string {
	var b strings.Builder
	environment, reason := "", ""
	closing := func() {
		if reason != "" {
			fmt.Fprintf(&b, " (%s)", reason)
		}
	}
	for _, c := range cells {
		switch {
		case !is(c):
			continue
		case b.Len() > 0 && c.Environment == environment && why(c) == reason:
			b.WriteString(", " + c.Name)
			continue
		case b.Len() > 0:
			closing()
			b.WriteString("; ")
		}
		environment, reason = c.Environment, why(c)
		b.WriteString(environment + " " + c.Name)
	}
	closing()
	return b.String()
}

// links returns where to look: what failed, the merge requests, the request.
func links(r *bot.Run) []Link {
	var all []Link
	add := func(name, url string) {
		if url != "" {
			all = append(all, Link{name, url})
		}
	}
	if r.Cause != nil {
		name := "What failed"
		if r.Cause.Gate != "" {
			name = "Gate " + r.Cause.Gate
		}
		add(name, r.Cause.Link)
	}
	if r.BackCause != nil {
		add("What failed in the rollback", r.BackCause.Link)
	}
	for _, s := range r.Stages {
		add(fmt.Sprintf("%s: %s!%d", s.Plan.Environment, s.Delivery.Change.Repo, s.Delivery.IID), s.Delivery.Link)
	}
	for _, d := range r.Backs {
		add(fmt.Sprintf("Rollback: %s!%d", d.Change.Repo, d.IID), d.Link)
	}
	add("Request", r.Link)
	return all
}

// trim makes every part one line of bounded length.
func (t *Text) trim() {
	t.Title = clip(t.Title, maxTitle)
	for i := range t.Lines {
		t.Lines[i] = clip(t.Lines[i], maxLine)
	}
	for i := range t.Fields {
		t.Fields[i].Value = clip(t.Fields[i].Value, maxLine)
	}
}

// clip returns s as one line of at most limit characters, without characters that
// control a terminal or turn the direction of writing.
func clip(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)
	}), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
