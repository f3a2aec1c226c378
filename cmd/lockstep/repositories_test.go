package main

import (
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// liveProject holds the values of prd where that has a repository of its own.
const liveProject = "env/live"

// divides gives prd a repository of its own, and returns its first commit's files.
func (s *scene) divides() map[string]string {
	s.Helper()
	p := fixtures.Project{Path: liveProject, Files: map[string]string{}, MergeRequestJobs: []string{"lint"}}
	for _, service := range services {
		file := valuesFile("prd", service)
		p.Files[file] = valuesOf("prd", service)
		p.Deploys = append(p.Deploys, fixtures.Deploy{Job: "deploy-prd-" + service, Service: "live/" + service, File: file, Key: "data.version"})
	}
	if err := s.GitLab.Create(p); err != nil {
		s.Fatal(err)
	}
	s.GitLab.Hook(liveProject, "http://"+s.Address+"/webhooks/gitlab", hookSecret, "merge_request", "pipeline")
	s.rewrite("  prd:\n    repository: env/mda\n", "  prd:\n    repository: "+liveProject+"\n")
	return p.Files
}

// live holds what the repository of prd names, and what it has deployed, against a
// version; and its files against what they were at first.
func (s *scene) live(version string, first map[string]string) {
	s.Helper()
	for _, service := range services {
		file := valuesFile("prd", service)
		got, err := s.GitLab.File(liveProject, "main", file)
		if want := strings.ReplaceAll(first[file], firstVersion, version); err != nil || got != want {
			s.Errorf("%s of %s: %s (%v)", file, liveProject, different(got, want), err)
		}
		if got := s.GitLab.Deployed("live/" + service); got != version {
			s.Errorf("%s of prd runs %s, want %s", service, got, version)
		}
	}
}

// lands returns the projects whose merge requests landed, in order.
func (s *scene) lands() (projects []string) {
	for _, c := range s.Journal.Calls() {
		if c.Name == "merge" {
			projects = append(projects, strings.Split(strings.TrimPrefix(c.Path, "/api/v4/projects/"), "/merge_requests")[0])
		}
	}
	return projects
}

// What several repositories hold is put back by one commit each, the last first: when the
// deployment to the last environment fails, and when somebody wants a finished run undone.
func TestRepositories(t *testing.T) {
	t.Parallel()
	s := openScene(t, worldOptions{})
	first := s.divides()
	s.begin()
	before := s.was.Head
	failed := fixtures.Rule{Project: liveProject, Job: "deploy-prd-kv", Value: released.Version, Status: "failed", Times: 1}
	s.script(released, failed)
	if err := s.ask(t.Context(), s.api, released); err != nil {
		t.Fatal(err)
	}
	run := s.reaches(released.Version, bot.RolledBack).Run
	s.quiet()
	lands := strings.Join(s.lands(), " ")
	if want := strings.Join([]string{envProject, envProject, liveProject, liveProject, envProject}, " "); lands != want {
		t.Errorf("merge requests landed in %s, want %s", lands, want)
	}
	s.live(firstVersion, first)
	s.stands(firstVersion, "int", "abn", "lup")
	s.holds(firstVersion, "abn", "prd")
	if commits := s.commits(before); len(commits) != 3 {
		t.Errorf("%s has %d commits more, want two forward and one back", envProject, len(commits))
	}
	if run.Cause == nil || !strings.Contains(run.Cause.Sentence, "deployment to prd failed: kv: ") {
		t.Errorf("the run failed because of %+v, want the deployment of kv", run.Cause)
	}
	s.script(released)
	s.types(typed{line: "promote release " + released.Version + " --force mended", says: []string{"is queued"}})
	done := s.reaches(released.Version, bot.Done).Run
	s.quiet()
	s.live(released.Version, first)
	s.stands(released.Version, "abn", "lup")
	s.holds(released.Version, "abn", "prd")
	s.types(typed{line: "rollback " + done.ID + " --by olga", says: []string{"is queued"}})
	s.reaches(released.Version, bot.RolledBack)
	s.quiet()
	lands = strings.TrimPrefix(strings.Join(s.lands(), " "), lands+" ")
	if want := strings.Join([]string{envProject, envProject, liveProject, liveProject, envProject}, " "); lands != want {
		t.Errorf("then merge requests landed in %s, want %s", lands, want)
	}
	s.live(firstVersion, first)
	s.stands(firstVersion, "int", "abn", "lup")
	s.holds(firstVersion, "abn", "prd")
}
