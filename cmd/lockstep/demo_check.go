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
	Versions   map[string]string // what every service named, by environment
	Head       string            // commit of the environment repository
	Tree       map[string]string
	Merges     int
	Gates      map[string]int // pipelines of the gate projects, by environment
	Messages   int
	Parameters map[string]int64 // versions of the parameters, by environment
}

// observe notes what the outside shows now.
func (w *world) observe() (b before, err error) {
	if b.Head, err = w.head(); err != nil {
		return b, err
	}
	if b.Tree, err = w.tree(b.Head); err != nil {
		return b, err
	}
	b.Versions, b.Gates, b.Parameters = map[string]string{}, map[string]int{}, map[string]int64{}
	for _, environment := range environments {
		b.Versions[environment] = versionIn(b.Tree[valuesFile(environment, services[0])])
	}
	for environment, project := range gateProjects {
		b.Gates[environment] = len(w.GitLab.Pipelines(project))
	}
	for environment, account := range recorded {
		_, b.Parameters[environment], _ = w.AWS.Parameter(account, parameterOf(environment))
	}
	b.Merges, b.Messages = w.merges(), len(w.Chat.Messages())
	return b, nil
}

// verify holds a run that has ended against its expected ending, by what the outside
// recorded. It returns how the Finish message calls the end, and what is wrong.
func (w *world) verify(s scenario, was before) (end string, wrong []string) {
	end, wrong = w.verifyMessages(s, was)
	wrong = append(wrong, w.verifyRepository(s, was)...)
	for _, environment := range ways[s.Track] {
		want := map[string]string{"new": s.Version, "old": was.Versions[environment]}
		for _, service := range services {
			name, value := environment+"/"+service, s.Want.Value
			if other := s.Want.Deployed[name]; other != "" {
				value = other
			}
			if got, version := w.GitLab.Deployed(name), cmp.Or(want[value], value); got != version {
				wrong = append(wrong, fmt.Sprintf("%s runs %s, want %s", name, got, version))
			}
		}
		wrong = append(wrong, w.verifyParameter(s, was, environment)...)
	}
	for environment, project := range gateProjects {
		if got := len(w.GitLab.Pipelines(project)) - was.Gates[environment]; got != s.Want.Gates[environment] {
			wrong = append(wrong, fmt.Sprintf("%d pipelines of %s, want %d", got, project, s.Want.Gates[environment]))
		}
	}
	return end, append(wrong, w.verifyData(s)...)
}

// names returns the version that an ending names: the run's own for "new", "" for "old",
// which is what stood before.
func (s scenario) names(value string) string {
	switch value {
	case "new":
		return s.Version
	case "old":
		return ""
	}
	return value
}

// verifyParameter holds the last good version of an environment against what it must
// be, written once or not at all.
func (w *world) verifyParameter(s scenario, was before, environment string) (wrong []string) {
	account, kept := recorded[environment]
	if !kept {
		return nil
	}
	name := parameterOf(environment)
	value, version, _ := w.AWS.Parameter(account, name)
	writes := int64(0)
	if want := s.names(s.Want.Recorded); want != "" {
		writes = 1
		if value != want {
			wrong = append(wrong, fmt.Sprintf("parameter %s is %s, want %s", name, value, want))
		}
	}
	if got := version - was.Parameters[environment]; got != writes {
		wrong = append(wrong, fmt.Sprintf("parameter %s was written %d times, want %d", name, got, writes))
	}
	return wrong
}

// verifyData holds the live bucket against what the data team has published: the
// version is there as it is, or nothing of it is.
func (w *world) verifyData(s scenario) (wrong []string) {
	preview, live := w.objects(previewBucket, s.Version), w.objects(liveBucket, s.Version)
	switch {
	case s.Want.Copied && !maps.Equal(preview, live):
		wrong = append(wrong, fmt.Sprintf("the live bucket holds %v of %s, want %v", live, s.Version, preview))
	case s.Track == "release" && !s.Want.Copied && len(live) > 0:
		wrong = append(wrong, fmt.Sprintf("the live bucket holds %v of %s, want nothing", live, s.Version))
	}
	return wrong
}

// objects returns the checksums of a version's objects in a bucket, by key.
func (w *world) objects(bucket, version string) map[string]string {
	found := map[string]string{}
	for _, o := range w.AWS.Objects(bucket) {
		if strings.HasPrefix(o.Key, dataKey(version, "")) {
			found[o.Key] = o.SHA256
		}
	}
	return found
}

// verifyMessages reads what people were told: one Start, and in its thread as many
// calls as expected and one Finish.
func (w *world) verifyMessages(s scenario, was before) (end string, wrong []string) {
	var starts, calls, finishes []fixtures.Message
	for _, m := range w.Chat.Messages()[was.Messages:] {
		switch {
		case !strings.Contains(said(m), s.subject()):
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
	end = endIn(text, s.Track)
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
	want := maps.Clone(was.Tree)
	for file, text := range want {
		for _, environment := range ways[s.Track] {
			if version := s.names(s.Want.Value); version != "" && strings.HasPrefix(file, valuesFolder(environment)) {
				want[file] = strings.ReplaceAll(text, was.Versions[environment], version)
			}
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
func endIn(text, track string) string {
	line, _, _ := strings.Cut(text, "\n")
	_, end, _ := strings.Cut(line, "→ "+track+": ")
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

// finished reports that people were told how the run of a scenario ended.
func (w *world) finished(s scenario) bool {
	return slices.ContainsFunc(w.Chat.Messages(), func(m fixtures.Message) bool { return isFinish(m, s) })
}

// isFinish reports that a message tells how the run of a scenario ended.
func isFinish(m fixtures.Message, s scenario) bool {
	return m.Thread != "" && !isCall(m) && strings.Contains(said(m), s.subject())
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
