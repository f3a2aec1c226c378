package notify

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// newChat starts a chat with the room "data-releases" and returns it with a channel
// that writes to it by the REST API.
func newChat(t *testing.T) (*fixtures.Chat, *RocketChat) {
	t.Helper()
	chat := fixtures.NewChat(nil)
	t.Cleanup(func() { chat.Close() })
	chat.Room("data-releases")
	return chat, &RocketChat{URL: chat.URL() + "/", Room: "data-releases", User: bot.NewSecret(chat.User()), Token: bot.NewSecret(chat.Token())}
}

// text returns what a message of the rolled back example says.
func text(m bot.Message) Text {
	r := rolledBack()
	return newText(m, r, history(r, 9), runURL)
}

func TestRocketChatKeepsOneThreadPerRun(t *testing.T) {
	t.Parallel()
	chat, channel := newChat(t)
	for _, kind := range []bot.MessageKind{bot.MessageStart, bot.MessageCall, bot.MessageFinish} {
		m := message(kind, "chat", 9)
		if err := channel.Send(t.Context(), m, text(m), false); err != nil {
			t.Fatal(err)
		}
	}
	got := chat.Messages()
	if len(got) != 3 {
		t.Fatalf("%d messages, want 3", len(got))
	}
	if got[0].Thread != "" || got[0].Room != "data-releases" {
		t.Errorf("the first message is in room %q, thread %q; want data-releases and none", got[0].Room, got[0].Thread)
	}
	for _, reply := range got[1:] {
		if reply.Thread != got[0].ID {
			t.Errorf("%q is in thread %q, want %q", reply.Text, reply.Thread, got[0].ID)
		}
	}
	last := got[2].Attachments[0]
	if last.Color != colours[Bad] || last.TitleLink != runURL || len(last.Fields) != 5 {
		t.Errorf("attachment has colour %q, link %q, %d fields", last.Color, last.TitleLink, len(last.Fields))
	}
}

func TestRocketChatSendsOnce(t *testing.T) {
	t.Parallel()
	faults := map[string]struct{ before, after fixtures.Fault }{
		"cut before the effect": {before: fixtures.Cut},
		"cut after the effect":  {after: fixtures.Cut},
		"502 before the effect": {before: fixtures.BadGateway},
		"502 after the effect":  {after: fixtures.BadGateway},
		"too many":              {before: fixtures.TooMany},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chat, channel := newChat(t)
			always := func(f fixtures.Fault) func(fixtures.Call) fixtures.Fault {
				return func(fixtures.Call) fixtures.Fault { return f }
			}
			chat.Journal.Break(always(fault.before), always(fault.after))
			m := message(bot.MessageStart, "chat", 2)
			first := channel.Send(t.Context(), m, text(m), false)
			chat.Journal.Break(nil, nil)
			if kept := len(chat.Messages()); first == nil && kept == 0 {
				t.Fatal("counts as sent, but nothing arrived")
			}
			if err := channel.Send(t.Context(), m, text(m), true); err != nil {
				t.Fatal(err)
			}
			if got := chat.Messages(); len(got) != 1 || strings.Contains(got[0].Text, "repeat") {
				t.Errorf("got %d messages, want one that is no repeat", len(got))
			}
		})
	}
}

func TestDuplicateAnswerCountsAsSent(t *testing.T) {
	t.Parallel()
	looks := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/api/v1/") {
		case "chat.getMessage": // another process sends it between our look and our act
			if looks++; looks == 1 {
				http.Error(w, `{"success":false}`, http.StatusBadRequest)
				return
			}
			_, _ = w.Write([]byte(`{"success":true,"message":{"_id":"x"}}`))
		case "rooms.info":
			_, _ = w.Write([]byte(`{"success":true,"room":{"_id":"r"}}`))
		default:
			http.Error(w, `{"success":false,"error":"Cannot read properties of undefined"}`, http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	channel := &RocketChat{URL: server.URL, Room: "r"}
	m := message(bot.MessageStart, "chat", 2)
	if err := channel.Send(t.Context(), m, text(m), false); err != nil {
		t.Error(err)
	}
	if looks != 2 {
		t.Errorf("looked %d times, want 2", looks)
	}
}

func TestHookMarksARepeat(t *testing.T) {
	t.Parallel()
	chat, _ := newChat(t)
	channel := &RocketChatHook{URL: bot.NewSecret(chat.HookURL())}
	m := message(bot.MessageFinish, "chat", 9)
	chat.Journal.Break(nil, func(fixtures.Call) fixtures.Fault { return fixtures.Cut })
	if err := channel.Send(t.Context(), m, text(m), false); err == nil {
		t.Fatal("the answer was cut, but there is no error")
	}
	chat.Journal.Break(nil, nil)
	if err := channel.Send(t.Context(), m, text(m), true); err != nil {
		t.Fatal(err)
	}
	got := chat.Messages()
	if len(got) != 2 {
		t.Fatalf("%d messages, want 2", len(got))
	}
	if want := "(repeat) " + got[0].Text; got[1].Text != want {
		t.Errorf("got %q, want %q", got[1].Text, want)
	}
}

func TestErrorsOfChannelsHoldNoSecret(t *testing.T) {
	t.Parallel()
	chat, good := newChat(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	const secret = "s3cr3t"
	m := message(bot.MessageStart, "chat", 2)
	tests := map[string]struct {
		channel Channel
		want    string
	}{
		"hook that is gone":      {&RocketChatHook{URL: bot.NewSecret(gone.URL + "/hooks/1/" + secret)}, "rocket.chat hook: "},
		"hook that is no URL":    {&RocketChatHook{URL: bot.NewSecret("http://[" + secret)}, "rocket.chat hook: "},
		"hook with a bad scheme": {&RocketChatHook{URL: bot.NewSecret("ftp://" + secret)}, "rocket.chat hook: "},
		"hook with a bad token":  {&RocketChatHook{URL: bot.NewSecret(chat.URL() + "/hooks/1/" + secret)}, "rocket.chat: hook: 404: Invalid integration id or token provided."},
		"bad token":              {&RocketChat{URL: chat.URL(), Room: "data-releases", User: bot.NewSecret(chat.User()), Token: bot.NewSecret(secret)}, "rocket.chat: chat.getMessage: 401: You must be logged in to do this."},
		"server that is gone":    {&RocketChat{URL: gone.URL, Room: "r", Token: bot.NewSecret(secret)}, "rocket.chat: chat.getMessage: "},
		"unknown room":           {&RocketChat{URL: chat.URL(), Room: "nowhere", User: good.User, Token: good.Token}, `room "nowhere": rocket.chat: rooms.info: 400: `},
	}
	for name, test := range tests {
		err := test.channel.Send(t.Context(), m, text(m), false)
		switch {
		case err == nil:
			t.Errorf("%s: no error", name)
		case strings.Contains(err.Error(), secret):
			t.Errorf("%s: the error holds the secret: %v", name, err)
		case !strings.HasPrefix(err.Error(), test.want):
			t.Errorf("%s: got %q, want it to begin with %q", name, err, test.want)
		}
	}
}

func TestMessageID(t *testing.T) {
	t.Parallel()
	a, b := messageID("run/start/chat"), messageID("run/finish/chat")
	if a == b || len(a) != 24 || a != messageID("run/start/chat") || strings.Trim(a, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("ids are %q and %q", a, b)
	}
}
