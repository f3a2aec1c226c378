package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/gitops"
)

// A world is what a fake GitLab shows: the landed commit c0 and what came after it,
// oldest first. It is written as commits separated by "|":
//
//	c0 push:running deploy-int-mds=success deploy-int-fbv=failed:script_failure
//
// A name "!mds" says that the commit no longer holds the value of mds. The word
// source:status begins a pipeline, whose number is 10 × its commit + its place; a
// word name=status[:reason] is a job of it, with "?" after the name when it may
// fail, and with a number and "/" before it when it is a job of another pipeline.
type world struct {
	commits   []gitops.Commit
	changed   map[string][]string // services by commit
	pipelines map[string][]gitops.Pipeline
	jobs      map[int64][]gitops.Job
	questions int   // put to it so far
	err       error // its answer to the question number fails
	fails     int
}

func build(t *testing.T, script string) *world {
	t.Helper()
	w := &world{changed: map[string][]string{}, pipelines: map[string][]gitops.Pipeline{}, jobs: map[int64][]gitops.Job{}}
	for n, text := range strings.Split(script, "|") {
		words := strings.Fields(text)
		id := words[0]
		w.commits = append(w.commits, gitops.Commit{ID: id, Author: "eva"})
		for _, word := range words[1:] {
			name, value, isJob := strings.Cut(word, "=")
			source, status, isPipeline := strings.Cut(word, ":")
			switch service, changed := strings.CutPrefix(word, "!"); {
			case changed:
				w.changed[id] = append(w.changed[id], service)
			case isJob:
				w.addJob(w.last(id), name, value)
			case isPipeline:
				w.pipelines[id] = append(w.pipelines[id], gitops.Pipeline{
					ID: int64(10*n + len(w.pipelines[id])), SHA: id, Ref: "main", Source: source, Status: gitops.Status(status),
				})
			default:
				t.Fatalf("word %q is none", word)
			}
		}
	}
	return w
}

// last returns the number of the pipeline of commit that was added last.
func (w *world) last(commit string) int64 {
	all := w.pipelines[commit]
	return all[len(all)-1].ID
}

func (w *world) addJob(pipeline int64, name, value string) {
	j := gitops.Job{Pipeline: pipeline, Link: "https://git/" + name}
	if at, rest, ok := strings.Cut(name, "/"); ok {
		_, _ = fmt.Sscan(at, &j.Pipeline)
		name = rest
	}
	j.Name, j.AllowFailure = strings.CutSuffix(name, "?")
	status, reason, _ := strings.Cut(value, ":")
	j.Status, j.FailureReason = gitops.Status(status), reason
	w.jobs[pipeline] = append(w.jobs[pipeline], j)
}

// ask counts a question and returns the error that is due.
func (w *world) ask() error {
	w.questions++
	if w.questions == w.fails {
		return w.err
	}
	return nil
}

func (w *world) Pipelines(_ context.Context, _ string, q gitops.PipelineQuery) ([]gitops.Pipeline, error) {
	return w.pipelines[q.SHA], w.ask()
}

func (w *world) Jobs(_ context.Context, _ string, pipeline int64) ([]gitops.Job, error) {
	return w.jobs[pipeline], w.ask()
}

func (w *world) Newer(_ context.Context, _, _, _ string) ([]gitops.Commit, error) {
	newer := slices.Clone(w.commits[1:])
	slices.Reverse(newer)
	return newer, w.ask()
}

func (w *world) holds(_ context.Context, _, commit string, target gitops.Target) (bool, error) {
	return !slices.Contains(w.changed[commit], target.Service), w.ask()
}

// deployment asks for services of commit c0 in int.
func deployment(services ...string) gitops.Deployment {
	d := gitops.Deployment{Repo: "env/mda", Branch: "main", Commit: "c0", Environment: "int"}
	for _, service := range services {
		d.Services = append(d.Services, gitops.Target{Service: service, Version: "2026.11.3"})
	}
	return d
}

// words returns what is known in one line: "mds: running (job … succeeded)".
func words(seen gitops.Seen) string {
	var parts []string
	for _, s := range seen {
		known := string(s.Known)
		if s.Known == gitops.Unsure {
			known = "unsure"
		}
		parts = append(parts, fmt.Sprintf("%s: %s, %s", s.Service, known, s.Reason))
	}
	return strings.Join(parts, "; ")
}

func TestGitLabAtCommit(t *testing.T) {
	t.Parallel()
	tests := []struct{ world, want string }{
		// What a job's own status tells.
		{"c0 push:success deploy-int-mds=success", "mds: running, job deploy-int-mds succeeded"},
		{"c0 push:created deploy-int-mds=created", "mds: not yet, job deploy-int-mds is created"},
		{"c0 push:pending deploy-int-mds=pending", "mds: not yet, job deploy-int-mds is pending"},
		{"c0 push:running deploy-int-mds=running", "mds: not yet, job deploy-int-mds is running"},
		{"c0 push:running deploy-int-mds=preparing", "mds: not yet, job deploy-int-mds is preparing"},
		{"c0 push:running deploy-int-mds=waiting_for_resource", "mds: not yet, job deploy-int-mds is waiting_for_resource"},
		{"c0 push:running deploy-int-mds=waiting_for_callback", "mds: not yet, job deploy-int-mds is waiting_for_callback"},
		{"c0 push:running deploy-int-mds=scheduled", "mds: not yet, job deploy-int-mds is scheduled"},
		{"c0 push:running deploy-int-mds=canceling", "mds: not yet, job deploy-int-mds is canceling"},
		{"c0 push:canceled deploy-int-mds=canceled", "mds: unsure, job deploy-int-mds was canceled"},
		{"c0 push:success deploy-int-mds=skipped", "mds: unsure, job deploy-int-mds was skipped"},
		{"c0 push:manual deploy-int-mds=manual", "mds: unsure, job deploy-int-mds waits for a person to start it"},
		{"c0 push:running deploy-int-mds=dreaming", `mds: unsure, job deploy-int-mds has the status "dreaming", which is not known here`},

		// Which failures are verdicts.
		{"c0 push:failed deploy-int-mds=failed:script_failure", "mds: broken, job deploy-int-mds failed (script_failure)"},
		{"c0 push:success deploy-int-mds?=failed:script_failure", "mds: broken, job deploy-int-mds failed (script_failure)"},
		{"c0 push:failed deploy-int-mds=failed:job_execution_timeout", "mds: broken, job deploy-int-mds failed (job_execution_timeout)"},
		{"c0 push:failed deploy-int-mds=failed:runner_system_failure", "mds: unsure, job deploy-int-mds failed (runner_system_failure), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed:stuck_or_timeout_failure", "mds: unsure, job deploy-int-mds failed (stuck_or_timeout_failure), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed:runner_unsupported", "mds: unsure, job deploy-int-mds failed (runner_unsupported), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed:stale_schedule", "mds: unsure, job deploy-int-mds failed (stale_schedule), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed:scheduler_failure", "mds: unsure, job deploy-int-mds failed (scheduler_failure), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed:data_integrity_failure", "mds: unsure, job deploy-int-mds failed (data_integrity_failure), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed:archived_failure", "mds: unsure, job deploy-int-mds failed (archived_failure), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed:api_failure", "mds: unsure, job deploy-int-mds failed (api_failure), which says nothing about the data"},
		{"c0 push:failed deploy-int-mds=failed", "mds: unsure, job deploy-int-mds failed (unknown_failure), which says nothing about the data"},

		// What other jobs tell of it.
		{"c0 push:failed deploy-int-mds=failed:script_failure deploy-int-fbv=skipped", "mds: broken, job deploy-int-mds failed (script_failure); fbv: unsure, job deploy-int-fbv was skipped because job deploy-int-mds failed"},
		{"c0 push:failed build=failed:script_failure deploy-int-mds=skipped", "mds: unsure, job deploy-int-mds was skipped because job build failed"},
		{"c0 push:success lint?=failed:script_failure deploy-int-mds=skipped", "mds: unsure, job deploy-int-mds was skipped"},
		{"c0 push:running 5/build=failed:script_failure deploy-int-mds=skipped", "mds: unsure, job deploy-int-mds was skipped"},
		{"c0 push:manual approve=manual deploy-int-mds=created", "mds: unsure, job deploy-int-mds waits for job approve, which a person has to start"},
		{"c0 push:running approve=manual build=running deploy-int-mds=created", "mds: not yet, job deploy-int-mds is created"},
		{"c0 push:running clean?=manual deploy-int-mds=created", "mds: not yet, job deploy-int-mds is created"},
		{"c0 push:running 5/approve=manual 5/deploy-int-mds=created", "mds: unsure, job deploy-int-mds waits for job approve, which a person has to start"},
		{"c0 push:running 5/deploy-int-mds=success 6/deploy-int-mds=running", "mds: not yet, job deploy-int-mds is running"},
		{"c0 push:failed 5/deploy-int-mds=canceled 6/deploy-int-mds=failed:script_failure", "mds: broken, job deploy-int-mds failed (script_failure)"},

		// Which pipeline, and which job.
		{"c0", "mds: unsure, no pipeline for commit c0 on main yet"},
		{"c0 merge_request_event:success deploy-int-mds=success", "mds: unsure, no pipeline for commit c0 on main yet"},
		{"c0 parent_pipeline:success deploy-int-mds=success", "mds: unsure, no pipeline for commit c0 on main yet"},
		{"c0 external:success deploy-int-mds=success", "mds: unsure, no pipeline for commit c0 on main yet"},
		{"c0 web:success deploy-int-mds=success", "mds: running, job deploy-int-mds succeeded"},
		{"c0 push:running deploy-int-mds=running web:success deploy-int-mds=success", "mds: not yet, job deploy-int-mds is running"},
		{"c0 push:canceled deploy-int-mds=canceled push:success deploy-int-mds=success", "mds: running, job deploy-int-mds succeeded"},
		{"c0 push:running trigger=running", "mds: not yet, pipeline 0 is running and has no job deploy-int-mds yet"},
		{"c0 push:manual trigger=manual", "mds: unsure, pipeline 0 (manual) has no job deploy-int-mds; the closest it has: trigger"},
		{"c0 push:failed", "mds: unsure, pipeline 0 (failed) has no jobs"},
		{"c0 push:success test=success deploy_int_mds=success deploy-int-kv=success lint=success", "mds: unsure, pipeline 0 (success) has no job deploy-int-mds; the closest it has: deploy_int_mds, deploy-int-kv, lint"},
	}
	for _, test := range tests {
		w := build(t, test.world)
		services := []string{"mds"}
		if strings.Contains(test.want, "fbv: ") {
			services = append(services, "fbv")
		}
		seen, err := GitLab{Source: w, Holds: w.holds}.Services(t.Context(), deployment(services...))
		if got := words(seen); err != nil || got != test.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", test.world, got, err, test.want)
		}
	}
}

func TestGitLabOvertaken(t *testing.T) {
	t.Parallel()
	tests := []struct{ world, want string }{
		{"c0 push:canceled deploy-int-mds=canceled | c1 push:success deploy-int-mds=success", "mds: running, job deploy-int-mds succeeded (newer commit c1)"},
		{"c0 | c1 push:success deploy-int-mds=success", "mds: running, job deploy-int-mds succeeded (newer commit c1)"},
		{"c0 push:running deploy-int-mds=running | c1 push:failed deploy-int-mds=failed:script_failure", "mds: broken, job deploy-int-mds failed (script_failure) (newer commit c1)"},
		{"c0 push:canceled deploy-int-mds=canceled | c1 push:running deploy-int-mds=pending", "mds: not yet, job deploy-int-mds is pending (newer commit c1)"},
		{"c0 push:running deploy-int-mds=running | c1 push:running deploy-int-mds=pending", "mds: not yet, job deploy-int-mds is running"},
		{"c0 push:canceled deploy-int-mds=canceled | c1", "mds: unsure, job deploy-int-mds was canceled"},
		{"c0 push:canceled deploy-int-mds=canceled | c1 push:success deploy-int-mds=success | c2 push:failed deploy-int-mds=failed:script_failure", "mds: broken, job deploy-int-mds failed (script_failure) (newer commit c2)"},
		{"c0 push:canceled deploy-int-mds=canceled | c1 push:success deploy-int-mds=success | c2 push:running deploy-int-mds=running", "mds: running, job deploy-int-mds succeeded (newer commit c1)"},
		{"c0 push:canceled deploy-int-mds=canceled | c1 !mds push:success deploy-int-mds=success", "mds: unsure, commit c1 by eva changed the version of mds before it was deployed"},
		{"c0 push:running deploy-int-mds=running | c1 | c2 !mds | c3 !mds", "mds: unsure, commit c2 by eva changed the version of mds before it was deployed"},
		{"c0 push:canceled deploy-int-mds=canceled | c1 !mds push:success deploy-int-mds=success | c2", "mds: unsure, job deploy-int-mds was canceled"},
		{"c0 push:canceled deploy-int-mds=canceled deploy-int-fbv=canceled | c1 !fbv push:success deploy-int-mds=success deploy-int-fbv=success", "mds: running, job deploy-int-mds succeeded (newer commit c1); fbv: unsure, commit c1 by eva changed the version of fbv before it was deployed"},
		{"c0 push:failed deploy-int-mds=failed:script_failure | c1 push:success deploy-int-mds=success", "mds: broken, job deploy-int-mds failed (script_failure)"},
		{"c0 push:success deploy-int-mds=success | c1 !mds", "mds: running, job deploy-int-mds succeeded"},
	}
	for _, test := range tests {
		w := build(t, test.world)
		services := []string{"mds"}
		if strings.Contains(test.want, "fbv: ") {
			services = append(services, "fbv")
		}
		seen, err := GitLab{Source: w, Holds: w.holds}.Services(t.Context(), deployment(services...))
		if got := words(seen); err != nil || got != test.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", test.world, got, err, test.want)
		}
	}
}

// TestGitLabQuestions holds how much is asked: GitLab counts requests.
func TestGitLabQuestions(t *testing.T) {
	t.Parallel()
	long := "c0 push:canceled deploy-int-mds=canceled"
	for n := range 30 {
		long += fmt.Sprintf(" | n%d push:canceled deploy-int-mds=canceled", n)
	}
	tests := []struct {
		world string
		want  int
	}{
		{"c0 push:success deploy-int-mds=success | c1", 2},
		{"c0 push:failed deploy-int-mds=failed:script_failure | c1", 2},
		{"c0 push:running deploy-int-mds=running", 3},
		{"c0 push:running deploy-int-mds=running | c1 !mds", 5},
		{"c0 | c1 push:success deploy-int-mds=success", 1 + 1 + 3},
		{long, 3 + 3*maxNewer},
		{long + " !mds", 3 + 1 + maxNewer},
	}
	for _, test := range tests {
		w := build(t, test.world)
		if _, err := (GitLab{Source: w, Holds: w.holds}).Services(t.Context(), deployment("mds")); err != nil {
			t.Errorf("%.80s: %v", test.world, err)
		}
		if w.questions != test.want {
			t.Errorf("%.80s: got %d questions, want %d", test.world, w.questions, test.want)
		}
	}

	// The pipeline of a newer commit is asked once, however many services need it.
	w := build(t, "c0 | c1 push:success deploy-int-mds=success deploy-int-fbv=success")
	if _, err := (GitLab{Source: w, Holds: w.holds}).Services(t.Context(), deployment("mds", "fbv")); err != nil || w.questions != 6 {
		t.Errorf("two services: got %d questions (%v), want 6", w.questions, err)
	}
}

// TestGitLabTruncated: the first commit without our value may be older than those
// that were looked at.
func TestGitLabTruncated(t *testing.T) {
	t.Parallel()
	script := "c0"
	for n := range maxNewer + 1 {
		script += fmt.Sprintf(" | n%d !mds", n)
	}
	w := build(t, script)
	seen, err := GitLab{Source: w, Holds: w.holds}.Services(t.Context(), deployment("mds"))
	want := "mds: unsure, commit n1 by eva, or one before it, changed the version of mds before it was deployed"
	if got := words(seen); err != nil || got != want {
		t.Errorf("got %s (%v)\nwant %s", got, err, want)
	}
}

// TestGitLabError fails every question in turn: an error is never a status.
func TestGitLabError(t *testing.T) {
	t.Parallel()
	down := errors.New("GitLab is down")
	for n := 1; n <= 6; n++ {
		w := build(t, "c0 push:canceled deploy-int-mds=canceled | c1 push:running deploy-int-mds=running")
		w.fails, w.err = n, down
		seen, err := GitLab{Source: w, Holds: w.holds}.Services(t.Context(), deployment("mds"))
		if !errors.Is(err, down) || seen != nil {
			t.Errorf("question %d: got %v, %v; want nil, %v", n, seen, err, down)
		}
	}
	w := build(t, "c0 push:running deploy-int-mds=running | c1 !mds")
	w.fails, w.err = 5, down
	if _, err := (GitLab{Source: w, Holds: w.holds}).Services(t.Context(), deployment("mds")); !errors.Is(err, down) {
		t.Errorf("who changed it: got %v, want %v", err, down)
	}
}

func TestGitLabJob(t *testing.T) {
	t.Parallel()
	w := build(t, "c0 push:success roll-int=success")
	watch := GitLab{Source: w, Job: func(environment, service string) string {
		return JobName("roll-{environment}", environment, service)
	}}
	seen, err := watch.Services(t.Context(), deployment("mds", "fbv"))
	want := "mds: running, job roll-int succeeded; fbv: running, job roll-int succeeded"
	if got := words(seen); err != nil || got != want {
		t.Errorf("one job for all: got %s (%v), want %s", got, err, want)
	}
	if got := seen.Link(gitops.Running); got != "https://git/roll-int" {
		t.Errorf("link: got %q", got)
	}
	if _, err := (GitLab{Source: build(t, "c0 | c1 !mds")}).Services(t.Context(), deployment("mds")); err != nil {
		t.Errorf("without Holds: got %v", err)
	}
	if got := JobName(DefaultJob, "int", "mds"); got != "deploy-int-mds" {
		t.Errorf("default name: got %q", got)
	}
}
