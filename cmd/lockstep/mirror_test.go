package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// shown returns what GitLab shows of runs: the labels of ours of each merge request, and
// the commit statuses in the order in which they came to be.
func (w *world) shown() (labels, statuses []string) {
	for _, mr := range w.GitLab.MergeRequests(envProject) {
		ours := slices.DeleteFunc(slices.Clone(mr.Labels), func(l string) bool { return !strings.HasPrefix(l, "lockstep::") })
		labels = append(labels, fmt.Sprintf("!%d %s", mr.IID, strings.Join(ours, " ")))
	}
	for _, project := range []string{dataProject, envProject} {
		for _, status := range w.GitLab.Statuses(project) {
			statuses = append(statuses, status.Name+" "+status.State)
		}
	}
	return labels, statuses
}

// mirrored reports that each merge request has one label of ours, and each commit one
// status of each name, and that all of them say that the runs have ended.
func (w *world) mirrored() bool {
	labels, statuses := w.shown()
	over := func(shown, how string) bool { return strings.HasSuffix(shown, how) }
	for _, label := range labels {
		if strings.Count(label, "lockstep::") != 1 || over(label, bot.LabelRunning) || over(label, bot.LabelRollingBack) {
			return false
		}
	}
	names := map[string]bool{}
	for _, status := range statuses {
		name, _, _ := strings.Cut(status, " ")
		if names[name] || over(status, " pending") || over(status, " running") {
			return false
		}
		names[name] = true
	}
	return len(labels) > 0 && len(statuses) > 0
}

// shows waits until GitLab shows that of runs and no more.
func (s *scene) shows(labels, statuses []string) {
	s.Helper()
	gotLabels, gotStatuses := s.shown()
	s.await("GitLab to show how the runs stand", func() bool {
		gotLabels, gotStatuses = s.shown()
		return len(gotStatuses) >= len(statuses) && slices.Equal(gotLabels, labels)
	})
	s.quiet()
	if gotLabels, gotStatuses = s.shown(); !slices.Equal(gotLabels, labels) || !slices.Equal(gotStatuses, statuses) {
		s.Errorf("GitLab shows %q and %q, want %q and %q", gotLabels, gotStatuses, labels, statuses)
	}
}

// GitLab shows how a run ended on its merge requests, on the tag that announced it, and on
// its bump, in both editions; what people have put there stays.
func TestMirror(t *testing.T) {
	t.Parallel()
	for _, edited := range []string{"CE", "EE"} {
		t.Run(edited, func(t *testing.T) {
			t.Parallel()
			s := openScene(t, worldOptions{Edition: edited})
			s.begin()
			s.play(works)
			s.shows([]string{"!1 " + bot.LabelSuccess}, []string{"lockstep/integration success", "lockstep/int success"})
			for _, label := range []string{"lockstep", "data::mda"} {
				if mr := s.GitLab.MergeRequests(envProject)[0]; !slices.Contains(mr.Labels, label) {
					t.Errorf("!1 has lost label %s: %q", label, mr.Labels)
				}
			}
		})
	}
}

func TestMirrorOfRollback(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(fails)
	s.shows([]string{"!1 " + bot.LabelRolledBack, "!2 " + bot.LabelRolledBack}, []string{"lockstep/integration failed", "lockstep/int failed"})
	status := s.GitLab.Statuses(dataProject)[0]
	run := s.report(fails.Version).Run
	if !strings.Contains(status.Description, "failed, rolled back — gate int-test failed") || status.TargetURL != s.cfg.Server.URL+"/runs/"+run.ID || status.Ref != fails.Version {
		t.Errorf("the tag shows %+v", status)
	}
	for _, p := range s.GitLab.Pipelines(envProject) {
		if p.Source == "external" {
			t.Errorf("a status has made pipeline %d of %s in the environment repository", p.ID, p.Ref)
		}
	}
}

// Neither is there where the configuration switches it off.
func TestMirrorSwitchedOff(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(cfg *bot.Config) { cfg.GitLab.Labels, cfg.GitLab.Statuses = false, false })
	s.play(works)
	s.shows([]string{"!1 "}, nil)
}

// An outage of labels and statuses alone delays no run and no note; they come when it is
// over. What GitLab refuses is left out.
func TestMirrorOutage(t *testing.T) {
	t.Parallel()
	for _, refused := range []bool{false, true} {
		t.Run(fmt.Sprintf("refused %t", refused), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			broken := []string{"set commit status", "update merge request"}
			if refused {
				for _, call := range broken {
					s.GitLab.Deny(call)
				}
			} else {
				s.Journal.Break(func(c fixtures.Call) fixtures.Fault {
					if slices.Contains(broken, c.Name) {
						return fixtures.BadGateway
					}
					return fixtures.Pass
				}, nil)
			}
			s.script(works)
			s.tag(works.Version)
			s.reaches(works.Version, bot.Done)
			s.await("the note that says so", func() bool {
				notes := s.GitLab.Notes(envProject, 1)
				return len(notes) == 1 && strings.Contains(notes[0].Body, "success")
			})
			if labels, statuses := s.shown(); labels[0] != "!1 " || len(statuses) > 0 {
				t.Errorf("GitLab shows %q and %q during the outage", labels, statuses)
			}
			if refused {
				return
			}
			s.Journal.Break(nil, nil)
			s.shows([]string{"!1 " + bot.LabelSuccess}, []string{"lockstep/integration success", "lockstep/int success"})
		})
	}
}
