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

	"lockstep/gitops"
)

// polling returns a poll that looks every minute, in the world of talk, and the moment from
// which its clock goes.
func polling(t *testing.T) (*CommentPoll, *forum, *ledger) {
	t.Helper()
	c, f, l := talk(t)
	clocked(c)
	for iid := range f.mrs {
		if iid != 7 {
			delete(f.mrs, iid)
		}
	}
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

// bump lets a merge request be updated now.
func bump(p *CommentPoll, f *forum, iid int64) {
	f.now(func() {
		mr := f.mrs[iid]
		mr.Updated = p.Comments.Now()
		f.mrs[iid] = mr
	})
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
			if !slices.Contains(f.calls, "updated env/prd 01:25") || !slices.Contains(f.calls, "updated env/mda 01:25") {
				t.Errorf("the first look asked %q", f.calls)
			}
			f.write(7, 1, "/resume", p.Comments.Now()) // so soon after an update that it is none
			pass(70 * time.Second)
			if got := strings.Join(l.done, " "); !strings.HasSuffix(got, "#101 note env/mda!7#102") {
				t.Errorf("within a minute of an update: done %q", got)
			}
			pass(5 * time.Minute)
			f.now(func() { f.calls = nil })
			pass(20 * time.Minute)
			if slices.ContainsFunc(f.calls, func(call string) bool { return !strings.HasPrefix(call, "updated") }) {
				t.Errorf("nothing is new, and it asks %q", f.calls)
			}
			f.write(7, 1, "/queue", p.Comments.Now())
			bump(p, f, 7)
			f.now(func() { f.calls = nil })
			pass(70 * time.Second)
			if got := strings.Join(l.done, " "); !strings.HasSuffix(got, "note env/mda!7#103") || !slices.Contains(f.calls, "notes env/mda 7 102") && !slices.Contains(f.calls, "notes env/mda 7 0") {
				t.Errorf("a new one: done %q, asked %q", got, f.calls)
			}
		})
	})
}

// What cannot be looked at is looked at again, from where the last complete look was; one
// merge request does not keep another from it.
func TestCommentPollTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, f, l := polling(t)
		var log bytes.Buffer
		p.Comments.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.mrs[6] = gitops.MergeRequest{Project: "env/mda", IID: 6, Updated: clock}
		f.write(6, 1, "/queue", clock)
		f.write(7, 1, "/hold", clock)
		f.broken = "merge request"
		lasting(t, p, func() {
			pass(10 * time.Minute)
			if len(l.done) != 0 || strings.Count(log.String(), "look for comments; will look again") != 1 {
				t.Errorf("done %q, log %s", l.done, &log)
			}
			for _, iid := range []string{"6", "7"} {
				if !slices.Contains(f.calls, "merge request env/mda "+iid) {
					t.Errorf("!%s was not looked at: %q", iid, f.calls)
				}
			}
			f.now(func() { f.broken = "" })
			pass(70 * time.Second)
			if len(l.done) != 2 || !strings.Contains(log.String(), "comments can be read again") {
				t.Errorf("done %q, log %s", l.done, &log)
			}
			f.now(func() { f.broken = "updated" })
			pass(2 * time.Minute)
			if strings.Count(log.String(), "look for comments; will look again") != 3 {
				t.Errorf("log %s", &log)
			}
		})
	})
}

// A merge request that is gone while it is looked at is no trouble.
func TestCommentPollGone(t *testing.T) {
	t.Parallel()
	p, _, l := polling(t)
	s := &sight{}
	p.Comments.Forum = gone{p.Comments.Forum.(*forum)}
	if err := p.lookAt(t.Context(), gitops.MergeRequest{Project: "env/mda", IID: 7}, s); err != nil || len(l.done) != 0 {
		t.Errorf("got %v, done %q", err, l.done)
	}
}

// gone is a forum whose merge requests have no notes any more.
type gone struct{ *forum }

func (gone) NotesAfter(context.Context, string, int64, int64, int) ([]gitops.Note, error) {
	return nil, gitops.ErrNotFound
}
