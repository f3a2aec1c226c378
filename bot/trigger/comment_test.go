package trigger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// noteHook returns the body of the hook of a comment on env/mda!7.
func noteHook(note int64, body, more string) string {
	return fmt.Sprintf(`{"object_kind":"note","project":{"path_with_namespace":"env/mda"},"merge_request":{"iid":7},`+
		`"object_attributes":{"id":%d,"note":%q,"noteable_type":"MergeRequest","system":false,`+
		`"created_at":"2026-11-22 02:30:00 UTC","updated_at":"2026-11-22 02:30:00 UTC"%s}}`, note, body, more)
}

// hooked answers a hook and returns the status and the answer.
func hooked(c *Comments, body string) (int, string) {
	w := httptest.NewRecorder()
	c.ServeHook(w, []byte(body))
	return w.Code, w.Body.String()
}

func TestCommentHook(t *testing.T) {
	t.Parallel()
	create := `,"action":"create"`
	tests := []struct {
		name   string
		body   string
		status int
		want   string
	}{
		{"a command", noteHook(100, "/hold", create), 202, "will be read"},
		{"before GitLab 16.11", noteHook(100, "/hold", ""), 202, "will be read"},
		{"with old line ends", noteHook(100, "so\r/hold", create), 202, "will be read"},
		{"a mention", noteHook(100, "@lockstep hold", create), 202, "will be read"},
		{"another spelling of the path", strings.Replace(noteHook(100, "/hold", create), "env/mda", "Env/MDA", 1), 202, "will be read"},
		{"edited", noteHook(100, "/hold", `,"action":"update"`), 200, "an edited comment"},
		{"edited, before GitLab 16.11", strings.Replace(noteHook(100, "/hold", ""), "02:30:00", "02:29:00", 1), 200, "an edited comment"},
		{"no command", noteHook(100, "it is `/hold`", create), 200, "no command"},
		{"too long", noteHook(100, "/hold "+strings.Repeat("x", maxComment), create), 200, "no command"},
		{"GitLab's own", strings.Replace(noteHook(100, "/hold", create), `"system":false`, `"system":true`, 1), 200, "GitLab's own note"},
		{"another project", strings.Replace(noteHook(100, "/hold", create), "env/mda", "env/other", 1), 200, "no environment repository"},
		{"on an issue", strings.Replace(noteHook(100, "/hold", create), `"MergeRequest"`, `"Issue"`, 1), 200, "something else than a merge request"},
		{"on nothing", strings.Replace(noteHook(100, "/hold", create), `"iid":7`, `"iid":0`, 1), 200, "something else than a merge request"},
		{"of another form", `{"object_kind":"note","object_attributes":[]}`, 400, "not the JSON"},
	}
	for _, test := range tests {
		c, f, _ := talk(t)
		status, answer := hooked(c, test.body)
		if status != test.status || !strings.Contains(answer, test.want) {
			t.Errorf("%s: got %d %s, want %d with %q", test.name, status, answer, test.status, test.want)
		}
		if len(f.calls) > 0 || len(c.hints()) != map[bool]int{true: 1}[status == 202] {
			t.Errorf("%s: asked %q, %d hints", test.name, f.calls, len(c.hints()))
		}
	}
}

// TestCommentHooksOfOthers reads hooks that others have collected, where they are present:
// they are about projects that are none of ours.
func TestCommentHooksOfOthers(t *testing.T) {
	t.Parallel()
	dir := cmp.Or(os.Getenv("LOCKSTEP_CONTRACT"), filepath.Join("..", "..", "..", "shared", "gitlab-contract"))
	files, err := filepath.Glob(filepath.Join(dir, "webhooks", "*", "note_*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no collected payloads here: set LOCKSTEP_CONTRACT to their folder")
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, _, _ := talk(t)
		want := "something else than a merge request"
		if strings.Contains(file, "merge_request") {
			want = "no environment repository"
		}
		if status, answer := hooked(c, string(body)); status != 200 || !strings.Contains(answer, want) {
			t.Errorf("%s: got %d %s, want %q", file, status, answer, want)
		}
	}
}

// A hook leads to its comment, also through the handler of all hooks.
func TestHookOfAComment(t *testing.T) {
	t.Parallel()
	c, _, _ := talk(t)
	g := hook(t, broken{})
	g.Comments = c
	if w := post(g, noteHook(100, "/hold", "")); w.Code != 202 || len(c.hints()) != 1 {
		t.Errorf("got %d %s, %d hints", w.Code, w.Body, len(c.hints()))
	}
	for range maxHints {
		hooked(c, noteHook(100, "/hold", ""))
	}
	if status, answer := hooked(c, noteHook(101, "/hold", "")); status != 200 || !strings.Contains(answer, "polling will find it") {
		t.Errorf("too many: got %d %s", status, answer)
	}
}

// FuzzCommentHook: no body of a hook does more than to let one comment be read.
func FuzzCommentHook(f *testing.F) {
	f.Add(noteHook(100, "/hold", `,"action":"create"`))
	f.Add(noteHook(100, "/hold", `,"action":"update"`))
	f.Add(`{"object_attributes":{"id":1e30},"merge_request":null}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, body string) {
		c, _, l := talk(t)
		status, _ := hooked(c, body)
		if status != 200 && status != 202 && status != 400 || len(l.done) > 0 {
			t.Errorf("got %d, done %q", status, l.done)
		}
		if n := len(c.hints()); n != map[bool]int{true: 1}[status == 202] {
			t.Fatalf("got %d hints with %d", n, status)
		}
		if status == 202 {
			if h := <-c.hints(); h.project != "env/mda" && h.project != "env/prd" || h.iid < 1 || h.note < 1 {
				t.Errorf("got %+v", h)
			}
		}
	})
}

// clocked lets the clock of c go on from that of the tests.
func clocked(c *Comments) {
	began := time.Now()
	c.Now = func() time.Time { return clock.Add(time.Since(began)) }
}

// The truth is what GitLab says: a hook cannot put words into anybody's mouth. What cannot
// be read is read later.
func TestCommentsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, f, l := talk(t)
		clocked(c)
		var log bytes.Buffer
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()

		f.write(7, 3, "thanks", clock)
		hooked(c, noteHook(100, "/hold", "")) // says something else than GitLab
		hooked(c, noteHook(555, "/hold", "")) // is not there
		synctest.Wait()
		if len(l.done) != 0 {
			t.Errorf("done %q, want nothing", l.done)
		}
		f.write(7, 1, "/hold", clock)
		f.now(func() { f.broken = "note" })
		hooked(c, noteHook(101, "/hold", ""))
		pass(20 * time.Minute)
		if len(l.done) != 0 || !strings.Contains(log.String(), "look at a comment; will look again") {
			t.Errorf("done %q, log %s", l.done, &log)
		}
		f.now(func() { f.broken = "" })
		pass(lateEvery)
		if strings.Join(l.done, " ") != "note env/mda!7#101" {
			t.Errorf("done %q", l.done)
		}
		f.now(func() { f.broken = "note" })
		hooked(c, noteHook(101, "/hold", ""))
		pass(2 * time.Hour)
		if !strings.Contains(log.String(), "is given up") {
			t.Errorf("log %s", &log)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// The edition is asked until it is known, and people are warned once.
func TestCommentsWarn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := talk(t)
		clocked(c)
		var log bytes.Buffer
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		asked := 0
		c.Enterprise = func(context.Context) (bool, error) {
			if asked++; asked < 3 {
				return false, errors.New("GitLab answers 502")
			}
			return true, nil
		}
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Hour)
			stop()
		}()
		if err := c.Run(ctx); err != nil {
			t.Errorf("got %v", err)
		}
		want := "takes /promote for a command of its own and does not pass it on: write /lockstep promote or @lockstep-bot promote"
		if asked != 3 || strings.Count(log.String(), want) != 1 {
			t.Errorf("asked %d times, log %s", asked, &log)
		}
	})
}
