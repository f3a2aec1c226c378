package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// A forge keeps labels and statuses.
type forge struct {
	mu       sync.Mutex
	err      error // of each write
	fail     int   // so many writes fail otherwise
	labels   map[string][]string
	statuses []gitops.CommitStatus
}

func (f *forge) broken() error {
	if f.fail > 0 {
		f.fail--
		return errors.New("connection reset")
	}
	return f.err
}

func (f *forge) Label(_ context.Context, project string, iid int64, add, remove []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken(); err != nil {
		return err
	}
	place := fmt.Sprintf("%s!%d", project, iid)
	kept := slices.DeleteFunc(f.labels[place], func(l string) bool { return slices.Contains(remove, l) || slices.Contains(add, l) })
	f.labels[place] = append(kept, add...)
	return nil
}

func (f *forge) SetStatus(_ context.Context, s gitops.CommitStatus) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken(); err != nil {
		return err
	}
	f.statuses = append(f.statuses, s)
	return nil
}

// mirroring runs a sender that shows the run in f.
func mirroring(t *testing.T, r *bot.Run, f *forge) *outbox {
	t.Helper()
	box := &outbox{}
	box.add(message(bot.MessageLabel, "gitlab!label", 9), message(bot.MessageStatus, "gitlab!status", 9))
	history(r, 9)
	start(t, &Sender{Outbox: box, Runs: runs{exampleID: r}, Labels: f, Statuses: f, URL: pageOf})
	return box
}

// announced returns a run that a tag has announced and that was rolled back.
func announced() *bot.Run {
	r := rolledBack()
	r.Tagged = &bot.Tagged{Project: "data/mda", Tag: "2026.11.3", Commit: "aaa"}
	return r
}

func TestLabelsAndStatuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &forge{labels: map[string][]string{"env/mda!12": {"urgent", bot.LabelRunning}}, fail: 5}
		box := mirroring(t, announced(), f)
		time.Sleep(time.Minute)
		synctest.Wait()
		for place, want := range map[string]string{"env/mda!12": "urgent lockstep::rolled-back", "env/mda!13": "lockstep::rolled-back"} {
			if got := strings.Join(f.labels[place], " "); got != want {
				t.Errorf("%s: labels %q, want %q", place, got, want)
			}
		}
		var got []string
		for _, s := range f.statuses[max(len(f.statuses)-2, 0):] {
			got = append(got, fmt.Sprintf("%s %s %s %s", s.Project, s.Name, s.State, s.Link))
		}
		want := []string{"data/mda lockstep/integration failed " + pageOf(exampleID), "env/mda lockstep/int failed " + pageOf(exampleID)}
		if !slices.Equal(got, want) || len(box.left()) != 0 {
			t.Errorf("statuses %q, left %q; want %q and nothing", got, box.left(), want)
		}
	})
}

// What GitLab does not let the bot show is left out; what it cannot be asked is not.
func TestRefusedLabelsAndStatuses(t *testing.T) {
	t.Parallel()
	for err, left := range map[error]int{
		fmt.Errorf("set: %w", gitops.ErrRefused):  0,
		fmt.Errorf("set: %w", gitops.ErrNotFound): 0,
		errors.New("GitLab answers 502"):          2,
	} {
		synctest.Test(t, func(t *testing.T) {
			box := mirroring(t, announced(), &forge{labels: map[string][]string{}, err: err})
			synctest.Wait()
			if got := box.left(); len(got) != left {
				t.Errorf("%v: left %q, want %d", err, got, left)
			}
		})
	}
}

func TestLabelsAndStatusesSwitchedOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := &outbox{}
		box.add(message(bot.MessageLabel, "gitlab!label", 9), message(bot.MessageStatus, "gitlab!status", 9))
		start(t, &Sender{Outbox: box})
		synctest.Wait()
		if got := box.left(); len(got) != 0 {
			t.Errorf("left %q, want nothing", got)
		}
	})
}
