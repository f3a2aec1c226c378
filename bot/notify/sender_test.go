package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// An outbox is an Outbox in memory.
type outbox struct {
	mu      sync.Mutex
	entries []*waiting
}

// A waiting is an entry of an outbox.
type waiting struct {
	bot.Entry
	next time.Time
	sent bool
	why  []string // the reasons of its failed attempts
}

// add makes messages due now; one that is there already is due again.
func (o *outbox) add(messages ...bot.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range messages {
		if w := o.find(m.ID); w != nil {
			w.Seq, w.sent, w.next = m.Seq, false, time.Time{}
			continue
		}
		o.entries = append(o.entries, &waiting{Entry: bot.Entry{Message: m}})
	}
}

func (o *outbox) find(id string) *waiting {
	for _, w := range o.entries {
		if w.ID == id {
			return w
		}
	}
	return nil
}

func (o *outbox) Due(_ context.Context, now time.Time, limit int) ([]bot.Entry, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var due []bot.Entry
	blocked := map[string]bool{}
	for _, w := range o.entries {
		queue := w.Run + " " + w.Channel
		if w.sent || blocked[queue] {
			continue
		}
		blocked[queue] = true
		if !w.next.After(now) && len(due) < limit {
			due = append(due, w.Entry)
		}
	}
	return due, nil
}

func (o *outbox) Sending(_ context.Context, id string, _ time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.find(id).Begun = true
	return nil
}

func (o *outbox) Sent(_ context.Context, id string, seq int, _ time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.find(id)
	w.Begun, w.Attempts, w.sent = false, 0, seq >= w.Seq
	return nil
}

func (o *outbox) Later(_ context.Context, id string, next time.Time, reason string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.find(id)
	w.Attempts, w.next, w.why = w.Attempts+1, next, append(w.why, reason)
	return nil
}

// left returns the ids of what has not been sent.
func (o *outbox) left() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ids []string
	for _, w := range o.entries {
		if !w.sent {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// runs are the runs that messages are made from.
type runs map[string]*bot.Run

func (rs runs) Run(_ context.Context, id string) (*bot.Run, error) {
	if r, ok := rs[id]; ok {
		now := *r
		return &now, nil
	}
	return nil, fmt.Errorf("run %q: %w", id, gitops.ErrNotFound)
}

func (rs runs) Events(_ context.Context, id string) ([]bot.Event, error) {
	return history(rs[id], rs[id].Events), nil
}

// Place says of a run that is queued that another one is before it.
func (rs runs) Place(_ context.Context, id string) (string, error) {
	if rs[id].State == bot.Queued {
		return "2nd in lane integration, behind run 7", nil
	}
	return "", nil
}

// A room is a Channel that keeps what it was told.
type room struct {
	mu    sync.Mutex
	fail  int         // so many attempts fail
	hang  bool        // attempts last until their context ends
	heard []string    // "<id>", or "<id> (repeat)"
	at    []time.Time // the time of each attempt
}

func (r *room) Send(ctx context.Context, m bot.Message, _ Text, repeat bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Now())
	switch {
	case r.hang:
		<-ctx.Done()
		return ctx.Err()
	case r.fail > 0:
		r.fail--
		return errors.New("room is closed")
	}
	id := m.ID
	if repeat {
		id += " (repeat)"
	}
	r.heard = append(r.heard, id)
	return nil
}

// noted keeps the last body of each note, and the emojis of comments.
type noted struct {
	mu     sync.Mutex
	bodies map[string]string // by place and marker
	emojis []string          // "<project>!<iid>#<note> <emoji>"
	writes int
	during func() // happens during the first write
}

func (n *noted) React(_ context.Context, project string, iid, note int64, emoji string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.emojis = append(n.emojis, fmt.Sprintf("%s!%d#%d %s", project, iid, note, emoji))
	return nil
}

func (n *noted) Note(_ context.Context, project string, iid int64, marker, body string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bodies[fmt.Sprintf("%s!%d %s", project, iid, marker)] = body
	if n.writes++; n.writes == 1 && n.during != nil {
		n.during()
	}
	return nil
}

// message returns a message of the example run.
func message(kind bot.MessageKind, channel string, seq int) bot.Message {
	return bot.Message{ID: fmt.Sprintf("%s/%s/%s", exampleID, kind, channel), Run: exampleID, Kind: kind, Channel: channel, Seq: seq}
}

// start runs a sender within a synctest bubble until the test ends.
func start(t *testing.T, s *Sender) {
	t.Helper()
	s.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	if s.Runs == nil {
		r := rolledBack()
		history(r, 9)
		s.Runs = runs{exampleID: r}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestSenderTellsStartBeforeFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, chat := &outbox{}, &room{fail: 3}
		box.add(message(bot.MessageStart, "chat", 2), message(bot.MessageFinish, "chat", 9))
		start(t, &Sender{Outbox: box, Channels: map[string]Channel{"chat": chat}})
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{exampleID + "/start/chat (repeat)", exampleID + "/finish/chat"}
		if !slices.Equal(chat.heard, want) {
			t.Errorf("got %q, want %q", chat.heard, want)
		}
	})
}

func TestSenderNeverGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, chat := &outbox{}, &room{fail: 20}
		box.add(message(bot.MessageFinish, "chat", 9))
		start(t, &Sender{Outbox: box, Channels: map[string]Channel{"chat": chat}})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(chat.heard) != 1 {
			t.Fatalf("told %d times, want once", len(chat.heard))
		}
		var waits []time.Duration
		for i := 1; i < len(chat.at); i++ {
			waits = append(waits, chat.at[i].Sub(chat.at[i-1]).Round(time.Second))
		}
		want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
		if !slices.Equal(waits[:4], want) {
			t.Errorf("first waits %v, want %v", waits[:4], want)
		}
		if last := waits[len(waits)-1]; last != 5*time.Minute {
			t.Errorf("longest wait %v, want 5m", last)
		}
	})
}

func TestBrokenChannelDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, broken, chat := &outbox{}, &room{hang: true}, &room{}
		notes := &noted{bodies: map[string]string{}}
		box.add(message(bot.MessageStart, "broken", 2), message(bot.MessageStart, "chat", 2), message(bot.MessageNote, "env/mda!12", 2))
		start(t, &Sender{Outbox: box, Channels: map[string]Channel{"broken": broken, "chat": chat}, Notes: notes})
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if got := len(chat.heard); got != 1 {
			t.Errorf("chat heard %d messages beside a channel that hangs, want 1", got)
		}
		if got := notes.writes; got != 1 {
			t.Errorf("%d notes beside a channel that hangs, want 1", got)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if w := box.find(exampleID + "/start/broken"); w.Attempts == 0 || !strings.Contains(w.why[0], "deadline") {
			t.Errorf("the hanging channel has %d attempts, reasons %q", w.Attempts, w.why)
		}
	})
}

func TestWakeSendsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, chat := &outbox{}, &room{}
		s := &Sender{Outbox: box, Channels: map[string]Channel{"chat": chat}, Every: time.Hour}
		start(t, s)
		synctest.Wait()
		box.add(message(bot.MessageStart, "chat", 2))
		s.Wake()
		synctest.Wait()
		if got := box.left(); len(got) != 0 {
			t.Errorf("still to be told: %q", got)
		}
	})
}

func TestNoteSaysHowTheRunStandsNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, notes := &outbox{}, &noted{bodies: map[string]string{}}
		r := rolledBack()
		history(r, 9)
		box.add(message(bot.MessageNote, "env/mda!12", 4)) // made due by event 4; the run is at 9
		notes.during = func() {                            // event 10 comes while the note is written
			history(r, 10)
			box.add(message(bot.MessageNote, "env/mda!12", 10))
		}
		start(t, &Sender{Outbox: box, Runs: runs{exampleID: r}, Notes: notes})
		synctest.Wait()
		body := notes.bodies["env/mda!12 lockstep:run:"+exampleID]
		if !strings.Contains(body, "failed, rolled back") || !strings.Contains(body, "looked 8 times") {
			t.Errorf("the note does not say how the run stands:\n%s", body)
		}
		if got := box.left(); len(got) != 1 {
			t.Errorf("left %q, want the note, which does not tell event 10 yet", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := box.left(); len(got) != 0 || notes.writes != 2 {
			t.Errorf("after %d writes still to be told: %q; want 2 and none", notes.writes, got)
		}
	})
}

func TestNoteSaysWhereTheRunWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, notes := &outbox{}, &noted{bodies: map[string]string{}}
		r := example()
		r.State, r.Reason = bot.Queued, "queued"
		box.add(message(bot.MessageNote, "env/mda!12", 4))
		start(t, &Sender{Outbox: box, Runs: runs{exampleID: r}, Notes: notes})
		synctest.Wait()
		if body := notes.bodies["env/mda!12 lockstep:run:"+exampleID]; !strings.Contains(body, "**Place:** 2nd in lane integration, behind run 7\n") {
			t.Errorf("the note does not say where the run waits:\n%s", body)
		}
	})
}

func TestWhatCannotBeSentSaysWhy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		message bot.Message
		want    string
	}{
		{message(bot.MessageStart, "gone", 2), `channel "gone" is not configured any more`},
		{message(bot.MessageNote, "env/mda", 2), `note "env/mda" names no merge request`},
		{message(bot.MessageNote, "env/mda!x", 2), `note "env/mda!x" names no merge request`},
		{bot.Message{ID: "x", Run: "unknown", Kind: bot.MessageStart, Channel: "gone"}, `run "unknown": not found`},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			box := &outbox{}
			box.add(test.message)
			start(t, &Sender{Outbox: box})
			synctest.Wait()
			if got := box.find(test.message.ID).why; len(got) != 1 || got[0] != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestShutdownLeavesWhatWasUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box, chat := &outbox{}, &room{hang: true}
		r := rolledBack()
		history(r, 9)
		box.add(message(bot.MessageFinish, "chat", 9))
		s := &Sender{Outbox: box, Runs: runs{exampleID: r}, Channels: map[string]Channel{"chat": chat}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		w := box.find(exampleID + "/finish/chat")
		if w.sent || !w.Begun || w.Attempts != 0 {
			t.Fatalf("after the shutdown: sent %t, begun %t, %d attempts; want begun only", w.sent, w.Begun, w.Attempts)
		}
		chat.hang = false
		start(t, &Sender{Outbox: box, Runs: runs{exampleID: r}, Channels: map[string]Channel{"chat": chat}})
		synctest.Wait()
		if want := []string{exampleID + "/finish/chat (repeat)"}; !slices.Equal(chat.heard, want) {
			t.Errorf("after the restart: got %q, want %q", chat.heard, want)
		}
	})
}
