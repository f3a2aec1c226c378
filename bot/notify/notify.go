// Package notify tells people what happens: it takes from the outbox what the engine
// stored there together with each event, renders it from the run and its events, and
// sends it: chat messages to channels; in GitLab one status note and one label on each
// merge request of a run, and commit statuses; and the answer to the commands of a
// comment. What cannot be sent is tried again, with growing waits, for as long as it
// takes.
//
// Messages are exactly once where a channel takes our own message id (Rocket.Chat), or
// where what was sent can be looked for by it (Slack and Mattermost with a token); a
// channel without either is at least once after a cut, and then the message says
// "(repeat)". What is written to GitLab is looked for first.
//
// It never decides anything about a run, and what it fails to send never delays one.
package notify

import (
	"context"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// An Outbox holds what people are still to be told.
type Outbox interface {
	// Due returns entries whose time has come, oldest first: at most limit of each
	// channel, and of each kind that has a queue of its own. An entry is not due while
	// an older one of the same run and channel has not been sent, so that a Finish never
	// overtakes its Start.
	Due(ctx context.Context, now time.Time, limit int) ([]bot.Entry, error)
	// Sending notes that an attempt begins. From then on until Sent the entry is Begun:
	// each later attempt may be a repeat.
	Sending(ctx context.Context, id string, now time.Time) error
	// Sent notes that people were told up to event seq. An entry that a newer event
	// has made due again stays due.
	Sent(ctx context.Context, id string, seq int, now time.Time) error
	// Later notes a failed attempt and when to try again.
	Later(ctx context.Context, id string, next time.Time, reason string) error
}

// Runs reads what messages are made from.
type Runs interface {
	Run(ctx context.Context, id string) (*bot.Run, error)
	// Events returns the events of a run, in order.
	Events(ctx context.Context, run string) ([]bot.Event, error)
	// Place says where a run waits in its lane; "" for one that does not.
	Place(ctx context.Context, id string) (string, error)
}

// A Channel is one way to reach people.
type Channel interface {
	// Send tells people t. Its m.ID is the same on each attempt, so that a channel that
	// can looks for it first. repeat says that an earlier attempt may have arrived.
	Send(ctx context.Context, m bot.Message, t Text, repeat bool) error
}

// A Reacher is a Channel that can be asked whether it can be reached, which tells nobody
// anything. Hooks cannot: whatever they are sent is a message.
type Reacher interface {
	// Reach says what was found.
	Reach(ctx context.Context) (string, error)
}

// lookBack is how much older than its run a message may seem, because clocks differ.
const lookBack = 10 * time.Minute

// Notes writes on merge requests.
type Notes interface {
	// Note makes the one note with marker on a merge request say body (Markdown).
	Note(ctx context.Context, project string, iid int64, marker, body string) error
	// React gives a note of a merge request an emoji; one that is there already is nil.
	// gitops.ErrNotFound when the note is gone.
	React(ctx context.Context, project string, iid, note int64, emoji string) error
}

// Labels changes the labels of merge requests.
type Labels interface {
	// Label adds and removes labels; it writes nothing where that changes nothing.
	Label(ctx context.Context, project string, iid int64, add, remove []string) error
}

// Statuses shows something beside commits.
type Statuses interface {
	// SetStatus makes the status of that name say so; one that does already stays.
	SetStatus(ctx context.Context, s gitops.CommitStatus) error
}
