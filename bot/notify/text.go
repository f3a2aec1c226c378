package notify

import (
	"fmt"
	"strings"
	"time"

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
	Run      Summary  // for channels that programs read
}

// A Field is one fact.
type Field struct{ Name, Value string }

// A Link is an address with its name.
type Link struct{ Name, URL string }

// newText returns what message m says about a run and its events. url is the page of
// the run. The same run and events give the same text.
func newText(m bot.Message, r *bot.Run, events []bot.Event, url string) Text {
	t := Text{Link: url, Run: summary(r)}
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
	what := "started by " + r.Asked()
	if r.Undoes != "" && r.Cause != nil {
		what = "to be put back — " + r.Cause.Sentence
	}
	t.Title = fmt.Sprintf("%s (%s): %s", subject(r), strings.Join(environments(r), " → "), what)
	t.Lines = forced(r)
	t.Fields = facts(r)
	t.Links = links(r)
}

// call says that a run needs a person, and what they can say to it.
func (t *Text) call(r *bot.Run, events []bot.Event, seq int) {
	e := bot.Event{State: bot.Stalled, Reason: r.Reason}
	for _, event := range events {
		if event.Seq == seq {
			e = event
		}
	}
	t.Tone = Call
	t.Title = fmt.Sprintf("%s: a person is needed — %s", subject(r), e.Reason)
	t.Commands = r.Commands()
	switch handed := e.Asks && e.State == bot.Proposed; {
	case e.State.Settled():
		t.Lines = []string{"Lockstep changes nothing by itself: put the old version back, or bring this one everywhere by forcing it with a reason."}
		t.Commands = nil
	case r.Settled():
		t.Lines = []string{fmt.Sprintf("That was before the run ended: %s.", r.Result())}
		t.Commands = nil
	case handed && r.State == bot.Proposed:
		t.Lines = []string{fmt.Sprintf("The run goes on by itself when it has landed. It keeps lane %s meanwhile.", r.Lane)}
	case handed || len(t.Commands) == 0:
		t.Lines = []string{fmt.Sprintf("Somebody has seen to it: the run is %s now.", r.Result())}
	case e.Asks && e.State != bot.Stalled:
		t.Lines = []string{fmt.Sprintf("It keeps lane %s until somebody answers. Confirm or deny it with:", r.Lane)}
	default:
		t.Lines = []string{fmt.Sprintf("It keeps lane %s until somebody says how to go on.", r.Lane)}
	}
	t.Fields = facts(r)
	t.Links = links(r)
}

// tones are how the ends of a run are meant; the others are News.
var tones = map[bot.State]Tone{bot.Done: Good, bot.RolledBack: Bad, bot.RollbackFailed: Bad}

// finish says how a run ended.
func (t *Text) finish(r *bot.Run) {
	t.Title, t.Tone = subject(r)+": "+r.Result(), tones[r.State]
	switch {
	case r.State == bot.Done:
		if len(r.Warnings) > 0 {
			t.Tone = Warn
			t.Title += " — " + first(r.Warnings)
		}
		t.Lines = append(t.Lines, r.Reason)
	case r.State == bot.RolledBack && r.Undoes != "":
		t.Tone = Good
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
	t.Lines = append(append(append(t.Lines, copied(r)...), forced(r)...), warnings(r)...)
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
	if services := services(r); services != "" {
		fields = append(fields, Field{"Environments", services})
	}
	return fields
}

// services says which services each environment has, once for neighbours that have the
// same: "abn, lup: fbv, kv; prd: kv".
func services(r *bot.Run) string {
	var parts []string
	last := ""
	for _, s := range r.Stages {
		var names []string
		for _, service := range s.Plan.Services {
			names = append(names, service.Name)
		}
		list := strings.Join(names, ", ")
		if n := len(parts) - 1; n >= 0 && list == last {
			environments, _, _ := strings.Cut(parts[n], ": ")
			parts[n] = fmt.Sprintf("%s, %s: %s", environments, s.Plan.Environment, shortened(names))
			continue
		}
		parts, last = append(parts, fmt.Sprintf("%s: %s", s.Plan.Environment, shortened(names))), list
	}
	return strings.Join(parts, "; ")
}

// copied says which data was copied: "Copied preview → live for abn: 3 objects, 2 kB."
func copied(r *bot.Run) []string {
	var lines []string
	for _, column := range r.Board() {
		for _, c := range column.Cells {
			if column.Name == bot.ColumnData+"-"+c.Environment && c.Mark == bot.MarkPassed {
				lines = append(lines, fmt.Sprintf("Copied %s for %s: %s.", c.Name, c.Environment, c.Reason))
			}
		}
	}
	return lines
}

// forced says why a condemned version was deployed all the same.
func forced(r *bot.Run) []string {
	if r.Force == "" {
		return nil
	}
	return []string{"Forced although the version is condemned: " + r.Force}
}

// warnings returns the warnings of a run that its title does not hold.
func warnings(r *bot.Run) []string {
	var lines []string
	if r.State == bot.Done && len(r.Warnings) == 1 {
		return nil
	}
	for _, w := range r.Warnings {
		lines = append(lines, "Warning: "+w)
	}
	return lines
}

// first returns the first of several sentences, and how many others there are.
func first(sentences []string) string {
	switch n := len(sentences) - 1; {
	case n == 0:
		return sentences[0]
	case n == 1:
		return sentences[0] + ", and another warning"
	default:
		return fmt.Sprintf("%s, and %d other warnings", sentences[0], n)
	}
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
