package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// commentConfig has two tracks in two repositories, and one that shares the lane of the
// first.
const commentConfig = `gitlab: {url: 'https://gitlab.example.com', token: env:GITLAB_TOKEN}
packages:
  mda: {version: '\d{4}\.\d+\.\d+', tags: {project: data/mda}}
  offers: {}
environments:
  int:
    repository: env/mda
    services:
      - {name: mds, file: int/mds.yaml, key: data.version, package: mda}
      - {name: shop, file: int/shop.yaml, key: data.version, package: offers}
  prd: {repository: env/prd, services: [{name: mds, file: prd/mds.yaml, key: data.version, package: mda}]}
tracks:
  integration: {on: [tag], packages: [mda], stages: [{environment: int}]}
  nightly: {lane: integration, stages: [{environment: int}]}
  release:
    from: integration
    packages: [mda]
    stages:
      - environment: int
      - {environment: prd, gates: [{name: go-live, approval: {}}]}
    lane: integration
commands: {levels: {help: guest, thaw: nobody}}
`

// The run of the merge request env/mda!7; !8 is its way back, !9 a person's, !10 opened
// by somebody who has given the branch a name of the bot's.
const runID = "01935f7e-9c1b-7cc3-98c4-dc0c0c07398f"

// people are the levels in env/mda and env/prd of those who write comments.
var people = map[int64][2]int{
	1: {40, 40}, // ana
	2: {30, 20}, // ben
	3: {0, 0},   // eva
	4: {-40, 0}, // max is blocked
	5: {40, 40}, // a program
	6: {40, 40}, // somebody has chosen a name that stands for others
	7: {40, 0},  // tim
}

var names = map[int64]string{1: "ana", 2: "ben", 3: "eva", 4: "max", 5: "project_7_bot", 6: "Callback", 7: "tim", 9: "lockstep-bot"}

// A forum is a Forum for tests.
type forum struct {
	notes  map[int64]gitops.Note // of every merge request
	on     map[int64]int64       // the merge request of a note
	mrs    map[int64]gitops.MergeRequest
	broken string   // the call that fails
	calls  []string // in order, without Username

	mu sync.Mutex // held by every call, and by a test while calls are under way
}

var errForum = errors.New("GitLab answers 502")

// now changes what the forum is while calls are under way.
func (f *forum) now(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// call notes a call, and fails it.
func (f *forum) call(name string, args ...any) error {
	f.calls = append(f.calls, strings.TrimSuffix(fmt.Sprintln(append([]any{name}, args...)...), "\n"))
	if f.broken == name {
		return errForum
	}
	return nil
}

func (f *forum) Username(context.Context) (string, error) { return names[9], nil }

func (f *forum) Member(_ context.Context, project string, user int64) (int, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("member", project, names[user]); err != nil {
		return 0, false, err
	}
	level := people[user][slices.Index([]string{"env/mda", "env/prd"}, project)]
	if level == 0 {
		return 0, false, gitops.ErrNotFound
	}
	return max(level, -level), level > 0, nil
}

func (f *forum) Program(_ context.Context, user int64) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return user == 5, f.call("program", names[user])
}

func (f *forum) MergeRequest(_ context.Context, project string, iid int64) (gitops.MergeRequest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("merge request", project, iid); err != nil {
		return gitops.MergeRequest{}, err
	}
	mr, ok := f.mrs[iid]
	if !ok {
		return mr, gitops.ErrNotFound
	}
	return mr, nil
}

func (f *forum) ReadNote(_ context.Context, project string, iid, note int64) (gitops.Note, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("note", project, iid, note); err != nil {
		return gitops.Note{}, err
	}
	if f.on[note] != iid {
		return gitops.Note{}, gitops.ErrNotFound
	}
	return f.notes[note], nil
}

func (f *forum) Commented(_ context.Context, project string, since time.Time, limit int) ([]gitops.Comment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("comments", project, since.Format("15:04")); err != nil {
		return nil, err
	}
	var found []gitops.Comment
	for id, n := range f.notes {
		if f.mrs[f.on[id]].Project == project && !n.Created.Before(since) {
			found = append(found, gitops.Comment{IID: f.on[id], Note: n})
		}
	}
	slices.SortFunc(found, func(a, b gitops.Comment) int { return int(a.Note.ID - b.Note.ID) })
	return found[max(len(found)-limit, 0):], nil
}

// write writes a note on a merge request.
func (f *forum) write(iid, user int64, body string, at time.Time) gitops.Note {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := int64(100 + len(f.notes))
	f.notes[id] = gitops.Note{ID: id, Body: body, Author: names[user], AuthorID: user, Own: user == 9, Created: at, Updated: at}
	f.on[id] = iid
	return f.notes[id]
}

// A ledger is a Ledger for tests, and does batches.
type ledger struct {
	runs    map[string]*bot.Run
	batches map[string]bot.Batch
	done    []string // the sources of batches in the order in which they were done first
	broken  error
}

func (l *ledger) Run(_ context.Context, id string) (*bot.Run, error) {
	if l.broken != nil {
		return nil, l.broken
	}
	if r := l.runs[id]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("run %q: %w", id, bot.ErrNotFound)
}

func (l *ledger) Commands(_ context.Context, source string) ([]bot.CommandRecord, error) {
	var all []bot.CommandRecord
	for i, c := range l.batches[source].Commands {
		all = append(all, bot.CommandRecord{Source: source, Seq: i + 1, Command: c})
	}
	return all, nil
}

func (l *ledger) Do(_ context.Context, b bot.Batch) ([]bot.Answer, error) {
	if l.broken != nil {
		return nil, l.broken
	}
	if _, known := l.batches[b.Source]; !known {
		l.batches[b.Source] = b
		l.done = append(l.done, b.Source)
	}
	return make([]bot.Answer, len(b.Commands)), nil
}

// talk returns Comments in a small world, and what is around them.
func talk(t *testing.T) (*Comments, *forum, *ledger) {
	t.Helper()
	delivery := func(repo string, iid int64, branch string) bot.Delivery {
		return bot.Delivery{Change: gitops.Change{Repo: repo, Branch: "lockstep/" + runID + "-" + branch}, IID: iid, Head: commit}
	}
	r := &bot.Run{
		ID: runID, Track: "integration", Lane: "integration", Package: "mda", Version: "2026.11.3", State: bot.Done,
		Stages: []bot.Stage{{
			Plan:     bot.StagePlan{Environment: "int", Repo: "env/mda", Gates: []bot.GatePlan{{Name: "go-live"}}},
			Delivery: delivery("env/mda", 7, "int"),
		}},
		Backs: []bot.Delivery{delivery("env/mda", 8, "back")},
	}
	f := &forum{notes: map[int64]gitops.Note{}, on: map[int64]int64{}, mrs: map[int64]gitops.MergeRequest{}}
	for iid, source := range map[int64]string{
		7: "lockstep/" + runID + "-int", 8: "lockstep/" + runID + "-back", 9: "feature", 10: "lockstep/" + runID + "-int",
	} {
		f.mrs[iid] = gitops.MergeRequest{
			Project: "env/mda", IID: iid, Source: source, SHA: commit,
			Link: fmt.Sprintf("https://gitlab.example.com/env/mda/-/merge_requests/%d", iid),
		}
	}
	l := &ledger{runs: map[string]*bot.Run{runID: r}, batches: map[string]bot.Batch{}}
	return &Comments{
		Config: catalog(t, commentConfig), Forum: f, Ledger: l, Do: l.Do,
		Why: func(_ context.Context, q Query) (string, error) {
			if q.Service == "nobody" {
				return "", fmt.Errorf("%w: there is no service nobody", bot.ErrNotFound)
			}
			return fmt.Sprintf("why %s in %s, run %t", q.Service, q.Environment, q.Run != nil), nil
		},
		Queue:      func(_ context.Context, lane string) (string, error) { return "queue of " + lane, nil },
		Enterprise: func(context.Context) (bool, error) { return false, nil },
		Now:        func() time.Time { return clock }, Log: slog.New(slog.DiscardHandler),
	}, f, l
}

// taken returns what a comment makes of its first merge request, each command in a line.
func taken(t *testing.T, c *Comments, l *ledger, iid int64, n gitops.Note) string {
	t.Helper()
	if err := c.take(t.Context(), "env/mda", iid, n); err != nil {
		t.Fatal(err)
	}
	b, ok := l.batches[fmt.Sprintf("note env/mda!%d#%d", iid, n.ID)]
	if !ok {
		return ""
	}
	var all []string
	for _, command := range b.Commands {
		all = append(all, told(command))
	}
	return strings.Join(all, "\n")
}

// told returns what a command says, or the answer that is known.
func told(c bot.Command) string {
	if c.Known != nil {
		refused := ""
		if c.Known.Refused {
			refused = "refused: "
		}
		return fmt.Sprintf("%s: %s%s", c.Verb, refused, c.Known.Sentence)
	}
	words := []string{string(c.Verb)}
	if q := c.Request; q != nil {
		words = append(words, q.Track, q.Package, string(q.Version))
	}
	if c.Run != "" {
		words = append(words, "run")
	}
	for _, word := range []string{c.Environment, c.Gate, c.Lane, c.Reason} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}
