package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

const replySource = "note env/mda!12#345"

// said are the commands of one comment with their answers.
type said []bot.CommandRecord

func (s said) Commands(_ context.Context, source string) ([]bot.CommandRecord, error) {
	if source != replySource {
		return nil, nil
	}
	return s, nil
}

// told returns a command with its answer.
func told(verb bot.Verb, a bot.Answer) bot.CommandRecord {
	return bot.CommandRecord{Source: replySource, Command: bot.Command{Verb: verb}, Answer: a}
}

func pageOf(id string) string { return "https://lockstep.example.com/runs/" + id }

func TestAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("run 0193f2a0-0000-7000-8000-000000000002 waits\n", 60)
	tests := map[string][]bot.CommandRecord{
		"two": {
			told(bot.VerbPromote, bot.Answer{Run: exampleID, New: true, Sentence: "run " + exampleID + " is queued: next in lane integration"}),
			told(bot.VerbCancel, bot.Answer{Refused: true, Sentence: "ana is Reporter in env/mda, and cancel needs Developer there"}),
		},
		"help":  {told(bot.VerbHelp, bot.Answer{Sentence: bot.Help("/lockstep ")})},
		"why":   {told(bot.VerbWhy, bot.Answer{Sentence: "kv of int runs 2026.11.3\n\n- brought by run " + exampleID + "\n/close\n`lockstep run " + exampleID + "` says more"})},
		"queue": {told(bot.VerbQueue, bot.Answer{Sentence: long})},
		"joins": {told(bot.VerbRollback, bot.Answer{Run: exampleID, Sentence: "joins what is under way"})},
		"hostile": {
			told("/close\n/merge", bot.Answer{Refused: true, Sentence: "/close\n/merge @all\n@channel **bold** <script>alert(1)</script> [x](javascript:1) !3 #4 ~bug `/approve @ops` `open"}),
			told("", bot.Answer{Refused: true, Sentence: "unknown verb `a``/close`: | <!-- \u202e --> \x00 &1 %1 $2 ^x"}),
			told(bot.VerbPromote, bot.Answer{Refused: true, Sentence: "/promote\r/close\r\n    /label ~x\n```\n/merge\n```"}),
		},
	}
	for name, records := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := answer(records, pageOf)
			golden(t, "reply-"+name+".md", got)
			for line := range strings.Lines(got) {
				if strings.HasPrefix(strings.TrimLeft(line, " \t>*"), "/") {
					t.Errorf("a line begins with a slash: %q", line)
				}
			}
		})
	}
}

func TestAnswerIsBounded(t *testing.T) {
	t.Parallel()
	var records []bot.CommandRecord
	for range 500 {
		records = append(records, told(bot.VerbWhy, bot.Answer{Refused: true, Sentence: strings.Repeat("x", 5000)}))
	}
	got := answer(records, pageOf)
	if len(got) > maxReply+2*maxLine || !strings.Contains(got, "- … and ") {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-100:])
	}
}

// replying returns a sender of the answer to one comment, and what it writes to.
func replying(notes Notes) (*Sender, *outbox) {
	box := &outbox{}
	box.add(bot.Message{ID: replySource, Kind: bot.MessageReply, Channel: "env/mda!12#345", Seq: 1})
	records := said{told(bot.VerbResume, bot.Answer{Run: exampleID, Sentence: "run " + exampleID + " was told to resume"})}
	return &Sender{Outbox: box, Commands: records, Notes: notes, URL: pageOf}, box
}

func TestReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := &noted{bodies: map[string]string{}}
		s, box := replying(notes)
		start(t, s)
		synctest.Wait()
		want := fmt.Sprintf("- **resume**: run [%s](%s) was told to resume\n", exampleID, pageOf(exampleID))
		if got := notes.bodies["env/mda!12 lockstep:reply:345"]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if want := []string{"env/mda!12#345 eyes"}; !slices.Equal(notes.emojis, want) || len(box.left()) != 0 {
			t.Errorf("got %q, left %q; want %q and nothing", notes.emojis, box.left(), want)
		}
	})
}

// A fragile is a place for notes where writes fail, before or after their effect.
type fragile struct {
	noted
	fail  map[string]int // so many calls fail, by "react" or "note"
	after bool           // after their effect
	gone  bool           // the comment was deleted
}

func (f *fragile) lose(call string, act func() error) error {
	if f.fail[call] == 0 {
		return act()
	}
	f.fail[call]--
	if f.after {
		_ = act()
	}
	return errors.New("connection reset")
}

func (f *fragile) React(ctx context.Context, project string, iid, note int64, emoji string) error {
	if f.gone {
		return fmt.Errorf("react: %w", gitops.ErrNotFound)
	}
	return f.lose("react", func() error {
		if !slices.Contains(f.emojis, fmt.Sprintf("%s!%d#%d %s", project, iid, note, emoji)) {
			return f.noted.React(ctx, project, iid, note, emoji)
		}
		return nil
	})
}

func (f *fragile) Note(ctx context.Context, project string, iid int64, marker, body string) error {
	return f.lose("note", func() error { return f.noted.Note(ctx, project, iid, marker, body) })
}

func TestReplyLost(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"react", "note"} {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				notes := &fragile{noted: noted{bodies: map[string]string{}}, fail: map[string]int{call: 3}, after: after}
				s, box := replying(notes)
				start(t, s)
				time.Sleep(time.Minute)
				synctest.Wait()
				if len(notes.bodies) != 1 || len(notes.emojis) != 1 || len(box.left()) != 0 {
					t.Errorf("%s lost (after its effect: %t): notes %q, emojis %q, left %q", call, after, notes.bodies, notes.emojis, box.left())
				}
				if w := box.find(replySource); len(w.why) != 3 || w.why[0] != "connection reset" {
					t.Errorf("%s lost: the outbox says %q", call, w.why)
				}
			})
		}
	}
}

func TestReplyToDeletedComment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := &fragile{noted: noted{bodies: map[string]string{}}, gone: true}
		s, box := replying(notes)
		start(t, s)
		synctest.Wait()
		if len(notes.bodies) != 0 || len(box.left()) != 0 {
			t.Errorf("notes %q, left %q; want neither", notes.bodies, box.left())
		}
	})
}

// A reply that cannot be sent delays neither the status note nor a channel.
func TestBrokenReplyDelaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chat, notes := &room{}, &noted{bodies: map[string]string{}}
		s, box := replying(notes)
		box.add(message(bot.MessageStart, "chat", 2), message(bot.MessageNote, "env/mda!12", 2))
		s.Channels = map[string]Channel{"chat": chat}
		s.Commands = hanging{}
		start(t, s)
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if left := box.left(); len(left) != 1 || left[0] != replySource || len(chat.heard) != 1 {
			t.Errorf("left %q, the chat heard %q; want the reply alone", left, chat.heard)
		}
	})
}

// hanging never says what became of commands.
type hanging struct{}

func (hanging) Commands(ctx context.Context, _ string) ([]bot.CommandRecord, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestBrokenRepliesSayWhy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ id, channel, want string }{
		{replySource, "env/mda!12", `reply "env/mda!12" names no comment`},
		{replySource, "env/mda#345", `note "env/mda" names no merge request`},
		{replySource, "env/mda!12#x", `reply "env/mda!12#x" names no comment`},
		{"note unknown", "env/mda!12#345", `nothing is kept of the commands of "note unknown"`},
	} {
		s, _ := replying(&noted{bodies: map[string]string{}})
		s.setDefaults()
		_, err := s.send(t.Context(), bot.Entry{Message: bot.Message{ID: test.id, Kind: bot.MessageReply, Channel: test.channel}})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.channel, err, test.want)
		}
	}
}
