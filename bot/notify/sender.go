package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"lockstep/bot"
)

// The paces of a Sender.
const (
	sendLimit   = time.Minute     // the longest that one attempt may take
	firstRetry  = time.Second     // the wait after the first failed attempt
	longestWait = 5 * time.Minute // waits double up to this
	batch       = 200             // entries that are taken from the outbox at once
)

// A Sender takes messages from the outbox and sends them. Each channel is served in
// order and by itself, and so are all notes, all replies, all labels and all statuses, so
// that a broken one delays no other.
type Sender struct {
	Outbox   Outbox
	Runs     Runs
	Commands Commands
	Channels map[string]Channel     // by the name that the configuration gives them
	Notes    Notes                  //
	Labels   Labels                 // nil: merge requests have no label that mirrors their run
	Statuses Statuses               // nil: commits have no status
	URL      func(id string) string // where people see a run; nil: nowhere

	// Hears reports that a message on a run is told on a channel at all; nil: everything.
	Hears func(channel string, kind bot.MessageKind, r *bot.Run) bool

	Every time.Duration    // how often the outbox is looked at without a Wake; 1 s when 0
	Now   func() time.Time // time.Now when nil
	Log   *slog.Logger     // slog.Default() when nil

	once sync.Once
	bell chan struct{} // holds one ring
}

// Wake makes the sender look at the outbox now. It never blocks.
func (s *Sender) Wake() {
	s.setDefaults()
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// Run sends what is due until ctx ends, then waits for what is under way and returns
// nil. It may run once.
func (s *Sender) Run(ctx context.Context) error {
	s.setDefaults()
	var sending sync.WaitGroup
	defer sending.Wait()
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	busy := map[string]bool{} // the queues that are being served
	done := make(chan string)
	s.Wake()
	for {
		select {
		case <-ctx.Done():
			return nil
		case queue := <-done:
			delete(busy, queue) // what is due there by now waits for the next look
			continue
		case <-s.bell:
		case <-tick.C:
		}
		for queue, entries := range s.due(ctx) {
			if busy[queue] {
				continue
			}
			busy[queue] = true
			sending.Go(func() {
				s.serve(ctx, entries)
				select {
				case done <- queue:
				case <-ctx.Done():
				}
			})
		}
	}
}

// setDefaults fills in what was left out.
func (s *Sender) setDefaults() {
	s.once.Do(func() {
		s.bell = make(chan struct{}, 1)
		if s.Every == 0 {
			s.Every = time.Second
		}
		if s.Now == nil {
			s.Now = time.Now
		}
		if s.Log == nil {
			s.Log = slog.Default()
		}
		if s.URL == nil {
			s.URL = func(string) string { return "" }
		}
		if s.Hears == nil {
			s.Hears = func(string, bot.MessageKind, *bot.Run) bool { return true }
		}
	})
}

// due returns what is due, by the queue that serves it: a channel, or all of a kind.
func (s *Sender) due(ctx context.Context) map[string][]bot.Entry {
	entries, err := s.Outbox.Due(ctx, s.Now(), batch)
	if err != nil && ctx.Err() == nil {
		s.Log.Error("cannot read the outbox", "error", err)
	}
	queues := map[string][]bot.Entry{}
	for _, e := range entries {
		queue := "channel " + e.Channel
		if e.Kind.Mirrors() || e.Kind == bot.MessageReply {
			queue = string(e.Kind)
		}
		queues[queue] = append(queues[queue], e)
	}
	return queues
}

// serve sends the entries of one queue, one after the other.
func (s *Sender) serve(ctx context.Context, entries []bot.Entry) {
	for _, e := range entries {
		if ctx.Err() != nil {
			return
		}
		if err := s.deliver(ctx, e); err != nil && ctx.Err() == nil {
			s.Log.Error("cannot note what became of a message", "message", e.ID, "error", err)
		}
	}
}

// deliver sends one entry and notes what became of it. When ctx ends meanwhile nothing
// is noted: the entry stays begun, and the next start tries again.
func (s *Sender) deliver(ctx context.Context, e bot.Entry) error {
	if err := s.Outbox.Sending(ctx, e.ID, s.Now()); err != nil {
		return err
	}
	// From here a crash repeats the message, and the repeat knows that it is one.
	seq, err := s.send(ctx, e)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		next := s.Now().Add(retryAfter(e.Attempts))
		s.Log.Warn("cannot tell people yet", "message", e.ID, "again", next, "error", err)
		return s.Outbox.Later(ctx, e.ID, next, err.Error())
	}
	return s.Outbox.Sent(ctx, e.ID, seq, s.Now())
}

// send renders an entry from what it is about as it is now and sends it. It returns the
// number of the newest event that people now know of.
func (s *Sender) send(ctx context.Context, e bot.Entry) (seq int, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	if e.Kind == bot.MessageReply {
		return e.Seq, s.reply(ctx, e)
	}
	run, err := s.Runs.Run(ctx, e.Run)
	if err != nil {
		return 0, err
	}
	switch {
	case e.Kind == bot.MessageLabel && s.Labels != nil:
		return run.Events, s.label(ctx, run)
	case e.Kind == bot.MessageStatus && s.Statuses != nil:
		return run.Events, s.status(ctx, run)
	case e.Kind == bot.MessageLabel || e.Kind == bot.MessageStatus:
		return run.Events, nil
	case e.Kind != bot.MessageNote && !s.Hears(e.Channel, e.Kind, run):
		return e.Seq, nil
	}
	events, err := s.Runs.Events(ctx, e.Run)
	if err != nil {
		return 0, err
	}
	events = events[:min(run.Events, len(events))] // what came after the run was read belongs to the next note
	if e.Kind == bot.MessageNote {
		return run.Events, s.note(ctx, e, run, events)
	}
	channel, ok := s.Channels[e.Channel]
	if !ok {
		return 0, fmt.Errorf("channel %q is not configured any more", e.Channel)
	}
	return e.Seq, channel.Send(ctx, e.Message, newText(e.Message, run, events, s.URL(run.ID)), e.Begun)
}

// note writes the status note of a run on one of its merge requests.
func (s *Sender) note(ctx context.Context, e bot.Entry, run *bot.Run, events []bot.Event) error {
	project, iid, err := parsePlace(e.Channel)
	if err != nil {
		return err
	}
	place, err := s.Runs.Place(ctx, run.ID)
	if err != nil {
		return err
	}
	return s.Notes.Note(ctx, project, iid, "lockstep:run:"+run.ID, note(run, place, events, s.URL(run.ID)))
}

// parsePlace reads the "<project>!<iid>" of a note.
func parsePlace(s string) (project string, iid int64, err error) {
	at := strings.LastIndexByte(s, '!')
	if at < 0 {
		return "", 0, fmt.Errorf("note %q names no merge request", s)
	}
	if iid, err = strconv.ParseInt(s[at+1:], 10, 64); err != nil {
		return "", 0, fmt.Errorf("note %q names no merge request", s)
	}
	return s[:at], iid, nil
}

// retryAfter returns the wait after a failed attempt that others preceded.
func retryAfter(attempts int) time.Duration {
	wait := firstRetry
	for range attempts {
		if wait *= 2; wait >= longestWait {
			return longestWait
		}
	}
	return wait
}
