package main

import (
	"cmp"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"lockstep/fixtures"
)

// A before is what the outside showed before a run, to compare with.
type before struct {
	Version   string // what every service named
	Head      string // commit of the environment repository
	Tree      map[string]string
	Merges    int
	Gates     int
	Messages  int
	Parameter int64
}

// observe notes what the outside shows now.
func (w *world) observe() (b before, err error) {
	if b.Head, err = w.head(); err != nil {
		return b, err
	}
	if b.Tree, err = w.tree(b.Head); err != nil {
		return b, err
	}
	b.Version = versionIn(b.Tree[valuesFile(services[0])])
	b.Merges, b.Gates, b.Messages = w.merges(), len(w.GitLab.Pipelines(gateProject)), len(w.Chat.Messages())
	_, b.Parameter, _ = w.AWS.Parameter(fixtures.DefaultAccount, parameter)
	return b, nil
}

// verify holds a run that has ended against its expected ending, by what the outside
// recorded. It returns how the Finish message calls the end, and what is wrong.
func (w *world) verify(s scenario, was before) (end string, wrong []string) {
	end, wrong = w.verifyMessages(s, was)
	wrong = append(wrong, w.verifyRepository(s, was)...)
	want := map[string]string{"new": s.Version, "old": was.Version}
	for _, service := range services {
		value := s.Want.Value
		if other := s.Want.Deployed[service]; other != "" {
			value = other
		}
		if got, version := w.GitLab.Deployed("int/"+service), cmp.Or(want[value], value); got != version {
			wrong = append(wrong, fmt.Sprintf("%s runs %s, want %s", service, got, version))
		}
	}
	value, version, _ := w.AWS.Parameter(fixtures.DefaultAccount, parameter)
	if value != want[s.Want.Parameter] {
		wrong = append(wrong, fmt.Sprintf("parameter %s is %s, want %s", parameter, value, want[s.Want.Parameter]))
	}
	writes := int64(0)
	if s.Want.Parameter == "new" {
		writes = 1
	}
	if got := version - was.Parameter; got != writes {
		wrong = append(wrong, fmt.Sprintf("parameter %s was written %d times, want %d", parameter, got, writes))
	}
	if got := len(w.GitLab.Pipelines(gateProject)) - was.Gates; got != s.Want.Gates {
		wrong = append(wrong, fmt.Sprintf("%d gate pipelines, want %d", got, s.Want.Gates))
	}
	return end, wrong
}

// verifyMessages reads what people were told: one Start, and in its thread as many
// calls as expected and one Finish.
func (w *world) verifyMessages(s scenario, was before) (end string, wrong []string) {
	var starts, calls, finishes []fixtures.Message
	for _, m := range w.Chat.Messages()[was.Messages:] {
		switch {
		case !strings.Contains(said(m), s.Version):
		case m.Thread == "":
			starts = append(starts, m)
		case isCall(m):
			calls = append(calls, m)
		default:
			finishes = append(finishes, m)
		}
	}
	if len(starts) != 1 || len(finishes) != 1 {
		return "not said", []string{fmt.Sprintf("%d Start and %d Finish messages, want one each", len(starts), len(finishes))}
	}
	if len(calls) != s.Want.Calls {
		wrong = append(wrong, fmt.Sprintf("people were called %d times, want %d", len(calls), s.Want.Calls))
	}
	text := said(finishes[0])
	end = endIn(text)
	if finishes[0].Thread != starts[0].ID {
		wrong = append(wrong, "the Finish message is not in the thread of its Start")
	}
	if end != s.Want.End {
		wrong = append(wrong, fmt.Sprintf("the Finish message says %q, want %q", end, s.Want.End))
	}
	for _, part := range slices.Concat(s.Want.Cause, s.Want.Links) {
		if !strings.Contains(text, part) {
			wrong = append(wrong, fmt.Sprintf("the Finish message does not name %q", part))
		}
	}
	return end, wrong
}

// verifyRepository holds the environment repository against its state before the run:
// nothing but the version lines may differ, and no branch or merge request is left.
func (w *world) verifyRepository(s scenario, was before) (wrong []string) {
	head, err := w.head()
	if err != nil {
		return []string{err.Error()}
	}
	tree, err := w.tree(head)
	if err != nil {
		return []string{err.Error()}
	}
	want := was.Tree
	if s.Want.Value == "new" {
		want = map[string]string{}
		for file, text := range was.Tree {
			want[file] = strings.ReplaceAll(text, was.Version, s.Version)
		}
	}
	files := maps.Clone(want)
	maps.Copy(files, tree)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if tree[file] != want[file] {
			wrong = append(wrong, fmt.Sprintf("%s of %s: %s", file, envProject, different(tree[file], want[file])))
		}
	}
	if got := w.merges() - was.Merges; got != s.Want.Merges {
		wrong = append(wrong, fmt.Sprintf("%d merge requests landed, want %d", got, s.Want.Merges))
	}
	for _, mr := range w.GitLab.MergeRequests(envProject) {
		if mr.State == "opened" {
			wrong = append(wrong, fmt.Sprintf("merge request !%d is still open", mr.IID))
		}
	}
	branches, err := w.git("for-each-ref", "--format=%(refname:short)", "refs/heads/lockstep")
	if err != nil || branches != "" {
		wrong = append(wrong, fmt.Sprintf("branches are left behind: %q (%v)", branches, err))
	}
	return wrong
}

// merges counts the merge requests that have landed.
func (w *world) merges() int {
	n := 0
	for _, mr := range w.GitLab.MergeRequests(envProject) {
		if mr.State == "merged" {
			n++
		}
	}
	return n
}

// said returns the whole text of a message, attachments included.
func said(m fixtures.Message) string {
	parts := []string{m.Text}
	for _, a := range m.Attachments {
		parts = append(parts, a.Title, a.Text, string(a.Raw))
	}
	return strings.Join(parts, "\n")
}

// isCall reports that a message calls people to a run that stalled.
func isCall(m fixtures.Message) bool { return strings.Contains(said(m), ": a person is needed — ") }

// endIn returns the end that the first line of a Finish message names: the words
// between "→ <track>: " and " — " or the end of the line.
func endIn(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	_, end, _ := strings.Cut(line, "→ integration: ")
	end, _, _ = strings.Cut(end, " — ")
	return strings.Trim(end, "* ")
}

// head returns the newest commit of the environment repository.
func (w *world) head() (string, error) { return w.git("rev-parse", "refs/heads/main") }

// tree returns all files of the environment repository at a commit.
func (w *world) tree(commit string) (map[string]string, error) {
	list, err := w.git("ls-tree", "-r", "--name-only", commit)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for file := range strings.Lines(list) {
		file = strings.TrimSpace(file)
		if files[file], err = w.git("show", commit+":"+file); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// git asks the environment repository itself.
func (w *world) git(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", w.GitLab.Dir(envProject)}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// versionIn returns the version that a values file of the demo names.
func versionIn(values string) string {
	_, rest, _ := strings.Cut(values, "version: ")
	return strings.Trim(strings.Fields(rest)[0], `"'`)
}

// finished reports that people were told how the run of a version ended.
func (w *world) finished(version string) bool {
	return slices.ContainsFunc(w.Chat.Messages(), func(m fixtures.Message) bool { return isFinish(m, version) })
}

// isFinish reports that a message tells how the run of a version ended.
func isFinish(m fixtures.Message, version string) bool {
	return m.Thread != "" && !isCall(m) && strings.Contains(said(m), version)
}

// different says in which line a text first differs from what is wanted.
func different(got, want string) string {
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			return fmt.Sprintf("line %d is %q, want %q", i+1, line, strings.Join(lines[min(i, len(lines)):min(i+1, len(lines))], ""))
		}
	}
	return fmt.Sprintf("%d bytes are missing at its end", len(want)-len(got))
}
