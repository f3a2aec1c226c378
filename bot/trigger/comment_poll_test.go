package trigger

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
)

// polling returns a poll that looks every minute, in the world of talk, and the moment from
// which its clock goes.
func polling(t *testing.T) (*CommentPoll, *forum, *ledger) {
	t.Helper()
	c, f, l := talk(t)
	clocked(c)
	return &CommentPoll{Comments: c}, f, l
}

// lasting runs p for a while.
func lasting(t *testing.T, p *CommentPoll, during func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	synctest.Wait()
	during()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

// pass lets time pass, and everything happen that is to happen then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestCommentPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, f, l := polling(t)
		f.write(7, 1, "/hold", clock.Add(-2*time.Hour)) // too old
		f.write(7, 1, "/hold", clock.Add(-time.Minute)) // its hook was lost with the last process
		lasting(t, p, func() {
			if got := strings.Join(l.done, " "); got != "note env/mda!7#101" {
				t.Errorf("the first look: done %q", got)
			}
			if !slices.Contains(f.calls, "comments env/prd 01:25") || !slices.Contains(f.calls, "comments env/mda 01:25") {
				t.Errorf("the first look asked %q", f.calls)
			}
			f.write(9, 1, "/lockstep freeze integration the fair", p.Comments.Now()) // on a person's merge request
			pass(70 * time.Second)
			if got := strings.Join(l.done, " "); !strings.HasSuffix(got, "#101 note env/mda!9#102") {
				t.Errorf("on a person's merge request: done %q", got)
			}
			f.now(func() { f.calls = nil })
			pass(20 * time.Minute)
			if n := len(f.calls); n < 36 || n > 42 || slices.ContainsFunc(f.calls, func(call string) bool { return !strings.HasPrefix(call, "comments") }) {
				t.Errorf("nothing is new, and it asks %d times: %q", n, f.calls)
			}
			f.write(7, 1, "/queue", p.Comments.Now())
			pass(70 * time.Second)
			if got := strings.Join(l.done, " "); !strings.HasSuffix(got, "note env/mda!7#103") {
				t.Errorf("a new one: done %q", got)
			}
		})
	})
}

// What cannot be looked at is looked at again, from where the last complete look was; one
// merge request does not keep another from it, and on each the order stays.
func TestCommentPollTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, f, l := polling(t)
		var log bytes.Buffer
		p.Comments.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.write(9, 1, "/queue", clock)
		f.write(7, 1, "/hold", clock)
		f.write(7, 1, "/resume", clock)
		f.broken = "merge request"
		lasting(t, p, func() {
			pass(10 * time.Minute)
			if len(l.done) != 0 || strings.Count(log.String(), "look for comments; will look again") != 1 {
				t.Errorf("done %q, log %s", l.done, &log)
			}
			for _, iid := range []string{"9", "7"} {
				if !slices.Contains(f.calls, "merge request env/mda "+iid) {
					t.Errorf("!%s was not looked at: %q", iid, f.calls)
				}
			}
			f.now(func() { f.broken = "" })
			pass(70 * time.Second)
			want := "note env/mda!9#100 note env/mda!7#101 note env/mda!7#102"
			if got := strings.Join(l.done, " "); got != want || !strings.Contains(log.String(), "comments can be read again") {
				t.Errorf("done %q, want %q; log %s", got, want, &log)
			}
			f.now(func() { f.broken = "comments" })
			pass(2 * time.Minute)
			if strings.Count(log.String(), "look for comments; will look again") != 3 {
				t.Errorf("log %s", &log)
			}
		})
	})
}

// A comment that cannot be looked at keeps those that follow on its merge request waiting.
func TestCommentPollKeepsTheOrder(t *testing.T) {
	t.Parallel()
	p, f, l := polling(t)
	p.reset()
	f.write(7, 1, "/hold", clock)
	f.write(7, 1, "/resume", clock)
	f.write(9, 1, "/queue", clock)
	do := p.Comments.Do
	p.Comments.Do = func(ctx context.Context, b bot.Batch) ([]bot.Answer, error) {
		if strings.HasSuffix(b.Source, "#100") {
			return nil, errForum
		}
		return do(ctx, b)
	}
	if err := p.look(t.Context(), "env/mda"); err == nil || strings.Join(l.done, " ") != "note env/mda!9#102" {
		t.Errorf("got %v, done %q", err, l.done)
	}
	p.Comments.Do = do
	if err := p.look(t.Context(), "env/mda"); err != nil || strings.Join(l.done, " ") != "note env/mda!9#102 note env/mda!7#100 note env/mda!7#101" {
		t.Errorf("got %v, done %q", err, l.done)
	}
}

// That there are more comments than are looked at is said.
func TestCommentPollOfTooMany(t *testing.T) {
	t.Parallel()
	p, f, l := polling(t)
	p.reset()
	var log bytes.Buffer
	p.Comments.Log = slog.New(slog.NewTextHandler(&log, nil))
	for range maxComments + 1 {
		f.write(9, 1, "/queue", clock)
	}
	if err := p.look(t.Context(), "env/mda"); err != nil || len(l.done) != maxComments || !strings.Contains(log.String(), "there are more comments than are looked at") {
		t.Errorf("got %v, done %d, log %s", err, len(l.done), &log)
	}
}
