package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/fixtures"
)

// asks asks for a run by the API under an Idempotency-Key; none when it is empty.
func (s *scene) asks(version, key string) (status int, answer bot.Answer) {
	s.Helper()
	body, err := json.Marshal(map[string]string{"package": "mda", "track": "integration", "version": version, "by": "olga"})
	if err != nil {
		s.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.api.url+"/api/v1/runs", bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+apiToken)
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.Fatal(err)
	}
	return response.StatusCode, answer
}

// The same version by tag and by the API is one run, and so is the same key twice.
func TestSameRequest(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.script(works)
	s.stick("checking")
	s.tag(works.Version)
	run := s.reaches(works.Version, bot.Proposed).Run
	for _, key := range []string{"", "nightly", "nightly"} {
		if status, answer := s.asks(works.Version, key); status != http.StatusOK || answer.Run != run.ID || answer.New {
			t.Errorf("asked again with key %q: %d %+v, want it to join run %s", key, status, answer, run.ID)
		}
	}
	s.stick("")
	s.ends(works)
	if status, answer := s.asks(works.Version, "nightly"); status != http.StatusOK || answer.Run != run.ID {
		t.Errorf("asked again after the end with the same key: %d %+v, want the same run", status, answer)
	}
	if runs := s.runs(); len(runs) != 1 {
		t.Errorf("%d runs, want one", len(runs))
	}
}

// Another version and back again is three runs; what stands everywhere is none.
func TestBackAndForth(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := works
	other.Version = nextVersion
	for _, given := range []scenario{works, other, works} {
		s.observe()
		s.script(given)
		if status, answer := s.asks(given.Version, ""); status != http.StatusCreated {
			t.Fatalf("asked for %s: %d %+v, want a new run", given.Version, status, answer)
		}
		s.ends(given)
	}
	s.observe()
	s.asks(works.Version, "")
	if run := s.reaches(works.Version, bot.Refused).Run; !strings.Contains(run.Reason, "already there") {
		t.Errorf("asked for what stands everywhere: %s, want it to be already there", run.Reason)
	}
	if head, err := s.head(); err != nil || head != s.was.Head {
		t.Errorf("the repository stands at %s, want %s (%v)", head, s.was.Head, err)
	}
}

// A tag that moved, one that is no version, and those of a project that announces
// nothing change nothing; the next good tag is taken as if they had not been.
func TestTagsThatStartNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	const stranger = "data/other"
	if err := s.GitLab.Create(fixtures.Project{Path: stranger, Files: map[string]string{"README.md": "# Others\n"}}); err != nil {
		t.Fatal(err)
	}
	s.GitLab.Hook(stranger, "http://"+s.Address+"/webhooks/gitlab", hookSecret, "tag_push")
	s.play(works)
	s.observe()
	if _, err := s.GitLab.Commit(dataProject, "main", "New data under an old name", map[string]string{"README.md": "# Other data\n"}); err != nil {
		t.Fatal(err)
	}
	if err := s.GitLab.UnprotectTags(dataProject, "*"); err != nil { // one that is protected cannot move
		t.Fatal(err)
	}
	for _, tag := range []struct{ project, name, says string }{
		{dataProject, works.Version, "must not move, so make a new one"},
		{dataProject, "v1", "it must match"},
		{stranger, "2026.11.9", "is no data project of the configuration"},
	} {
		if _, err := s.GitLab.Tag(tag.project, tag.name); err != nil {
			t.Fatal(err)
		}
		s.await(tag.says, func() bool { return strings.Contains(s.logged(), tag.says) })
	}
	s.quiet()
	if now, err := s.world.observe(); err != nil || !reflect.DeepEqual(now, s.was) || len(s.runs()) != 1 {
		t.Errorf("the outside shows %+v with %d runs, want %+v with one (%v)", now, len(s.runs()), s.was, err)
	}
	if err := s.world.protectTags(); err != nil {
		t.Fatal(err)
	}
	next := works
	next.Version = nextVersion
	s.play(next)
}

// Versions that arrive while a run is active wait in order, or only the newest waits.
func TestQueue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		supersede string
		places    map[string]string // of the versions that wait
		end       []string          // the versions that run, in order
	}{
		"all": {
			"none",
			map[string]string{"2026.11.5": "next in lane", "2026.11.6": "2nd in lane"},
			[]string{works.Version, "2026.11.5", "2026.11.6"},
		},
		"the newest": {"waiting", map[string]string{"2026.11.6": "next in lane"}, []string{works.Version, "2026.11.6"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(c *bot.Config) { c.Tracks["integration"].Supersede = test.supersede })
			s.stick("checking")
			s.tag(works.Version)
			s.reaches(works.Version, bot.Proposed)
			for _, version := range []string{"2026.11.5", "2026.11.6"} {
				s.tag(version)
				s.reaches(version, bot.Queued)
			}
			for version, place := range test.places {
				if got := s.report(version).Place; !strings.HasPrefix(got, place) {
					t.Errorf("%s waits as %q, want %s", version, got, place)
				}
			}
			s.stick("")
			s.await("the last Finish message", func() bool { return s.finished(scenario{Track: works.Track, Version: "2026.11.6"}) })
			s.quiet()
			var started []string
			for _, m := range s.Chat.Messages() {
				if m.Thread == "" {
					started = append(started, strings.Fields(said(m))[1])
				}
			}
			if !slices.Equal(started, test.end) || s.merges() != len(test.end) {
				t.Errorf("started %q with %d merges, want %q", started, s.merges(), test.end)
			}
			if len(test.places) == 1 {
				s.reaches("2026.11.5", bot.Superseded)
			}
			for _, service := range services {
				if got := s.GitLab.Deployed("int/" + service); got != "2026.11.6" {
					t.Errorf("%s runs %s, want 2026.11.6", service, got)
				}
			}
		})
	}
}

// A run that is cancelled while it waits changes nothing, and the others go on.
func TestCancelWaiting(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.script(works)
	s.stick("checking")
	s.tag(works.Version)
	s.reaches(works.Version, bot.Proposed)
	s.tag(nextVersion)
	waiting := s.reaches(nextVersion, bot.Queued).Run
	s.says("runs", waiting.ID, "cancel")
	if run := s.reaches(nextVersion, bot.Cancelled).Run; !strings.Contains(run.Reason, "cancelled by olga") {
		t.Errorf("it ends with %q, want it to name who cancelled it", run.Reason)
	}
	s.stick("")
	s.ends(works)
}
