package bot

import "fmt"

// A MessageKind is what a message to people is about.
type MessageKind string

// The kinds of messages.
const (
	MessageStart  MessageKind = "start"  // once, when a run starts
	MessageFinish MessageKind = "finish" // once, when a run has settled
	MessageCall   MessageKind = "call"   // each time a run stalls or asks a person for something
	MessageNote   MessageKind = "note"   // the status note on a merge request; edited as the run goes on
	MessageReply  MessageKind = "reply"  // the answer to the commands of a comment
	MessageLabel  MessageKind = "label"  // the label on its merge requests that mirrors the run
	MessageStatus MessageKind = "status" // the commit statuses that mirror the run
)

// Mirrors reports that a message of this kind shows how a run stands now: it is due again
// with each event, and says all that the ones before would have said.
func (k MessageKind) Mirrors() bool {
	return k == MessageNote || k == MessageLabel || k == MessageStatus
}

// A Message is one entry of the outbox: something that people are still to be told.
// ID is its identity outside as well, so that telling it twice can be recognised.
type Message struct {
	ID      string      `json:"id"`      // <run>/<kind>/<channel>, and the event's number for a call; the batch's source for a reply
	Run     string      `json:"run"`     // "" for a reply
	Kind    MessageKind `json:"kind"`    //
	Channel string      `json:"channel"` // name of a channel of the configuration, "<project>!<iid>" for a note, "<project>!<iid>#<note>" for a reply, "gitlab!<kind>" for labels and statuses
	Seq     int         `json:"seq"`     // the event that made it due; what mirrors a run is due again with each event
}

// Messages returns what an event of run r makes due on the channels. r is the run
// after the event. The same event gives the same messages.
func Messages(r *Run, e Event, channels []string) []Message {
	var due []Message
	tell := func(kind MessageKind, suffix string) {
		for _, channel := range channels {
			id := fmt.Sprintf("%s/%s/%s%s", r.ID, kind, channel, suffix)
			due = append(due, Message{ID: id, Run: r.ID, Kind: kind, Channel: channel, Seq: e.Seq})
		}
	}
	switch {
	case e.State == Started && e.Direction == Forward:
		tell(MessageStart, "")
	case e.State == Stalled && r.Yielded == nil || e.Asks: // who gives way was heard of before
		tell(MessageCall, fmt.Sprintf("/%d", e.Seq))
	case e.State.Settled() && e.State != Superseded:
		tell(MessageFinish, "")
	}
	return append(append(due, notes(r, e)...), marks(r, e)...)
}

// marks returns the labels and the commit statuses that an event makes due: one message
// each for all of the run.
func marks(r *Run, e Event) []Message {
	var due []Message
	mark := func(kind MessageKind) {
		channel := "gitlab!" + string(kind)
		due = append(due, Message{ID: fmt.Sprintf("%s/%s/%s", r.ID, kind, channel), Run: r.ID, Kind: kind, Channel: channel, Seq: e.Seq})
	}
	if len(notes(r, e)) > 0 {
		mark(MessageLabel)
	}
	if len(r.CommitStatuses()) > 0 {
		mark(MessageStatus)
	}
	return due
}

// notes returns the status notes that an event makes due: one for each merge request
// of the run.
func notes(r *Run, e Event) []Message {
	var due []Message
	for _, d := range r.Proposals() {
		channel := fmt.Sprintf("%s!%d", d.Change.Repo, d.IID)
		due = append(due, Message{
			ID: fmt.Sprintf("%s/%s/%s", r.ID, MessageNote, channel), Run: r.ID,
			Kind: MessageNote, Channel: channel, Seq: e.Seq,
		})
	}
	return due
}

// An Entry is a message of the outbox with what was tried so far.
type Entry struct {
	Message
	Attempts int  `json:"attempts"` // how often sending it has failed; lets the waits grow
	Begun    bool `json:"begun"`    // sending was begun and its end is not known: it may have arrived
}
