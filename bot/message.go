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
)

// A Message is one entry of the outbox: something that people are still to be told.
// ID is its identity outside as well, so that telling it twice can be recognised.
type Message struct {
	ID      string      `json:"id"`      // <run>/<kind>/<channel>, and the event's number for a call; the batch's source for a reply
	Run     string      `json:"run"`     // "" for a reply
	Kind    MessageKind `json:"kind"`    //
	Channel string      `json:"channel"` // name of a channel of the configuration, "<project>!<iid>" for a note, "<project>!<iid>#<note>" for a reply
	Seq     int         `json:"seq"`     // the event that made it due; a note is due again with each event
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
	case e.State == Stalled || e.Asks:
		tell(MessageCall, fmt.Sprintf("/%d", e.Seq))
	case e.State.Settled() && e.State != Superseded:
		tell(MessageFinish, "")
	}
	return append(due, notes(r, e)...)
}

// notes returns the status notes that an event makes due: one for each merge request
// of the run.
func notes(r *Run, e Event) []Message {
	var due []Message
	note := func(d Delivery) {
		if d.IID == 0 {
			return
		}
		channel := fmt.Sprintf("%s!%d", d.Change.Repo, d.IID)
		due = append(due, Message{
			ID: fmt.Sprintf("%s/%s/%s", r.ID, MessageNote, channel), Run: r.ID,
			Kind: MessageNote, Channel: channel, Seq: e.Seq,
		})
	}
	if r.Undoes == "" { // the merge requests of the run that it undoes have their note
		for _, s := range r.Stages {
			note(s.Delivery)
		}
	}
	for _, d := range r.Backs {
		note(d)
	}
	return due
}

// An Entry is a message of the outbox with what was tried so far.
type Entry struct {
	Message
	Attempts int  `json:"attempts"` // how often sending it has failed; lets the waits grow
	Begun    bool `json:"begun"`    // sending was begun and its end is not known: it may have arrived
}
