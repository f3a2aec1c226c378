package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
)

// The key of signed calls, and the version that each kind announces. Each has a project of
// its own, so that no other kind sees it.
const callKey = "the key of signed calls, long enough"

var announced = map[bot.Origin]string{
	bot.OriginRelease: "2026.11.1", bot.OriginPipeline: "2026.11.2", bot.OriginPush: "2026.11.3", bot.OriginHook: "2026.11.4", bot.OriginListing: "2026.11.10",
}

// announcingScene opens one in which everything announces versions; poll is how often it is
// looked for.
func announcingScene(t *testing.T, poll string) *scene {
	t.Helper()
	s := openScene(t, worldOptions{})
	s.GitLab.AddPerson("eva", 40)
	for _, kind := range []string{"release", "pipeline", "push"} {
		p := fixtures.Project{Path: "data/" + kind, Files: map[string]string{"VERSION": "2026.11.0\n"}}
		if kind == "pipeline" {
			p.PushJobs = []string{"build"}
		}
		if err := s.GitLab.Create(p); err != nil {
			t.Fatal(err)
		}
		for _, user := range []string{"eva", "data-team"} {
			if err := s.GitLab.Member(p.Path, user, 40); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.GitLab.ProtectTags(p.Path, "v*", 40); err != nil {
			t.Fatal(err)
		}
	}
	key := filepath.Join(s.Dir, "secrets", "calls")
	if err := os.WriteFile(key, []byte(callKey), fileMode); err != nil {
		t.Fatal(err)
	}
	s.rewrite("    tags: {project: data/mda, poll: 1s}\n", `    tags: {project: data/mda, poll: 100ms}
    releases: {project: data/release, name: 'v{version}', poll: `+poll+`}
    pipelines: {project: data/pipeline, name: 'v{version}', poll: `+poll+`}
    pushes: {project: data/push, file: VERSION, poll: `+poll+`}
    hook: {secret: `+strconv.Quote("file:"+key)+`}
    listing: {poll: 100ms}
`, "    on: [tag]\n", "    on: [tag, release, pipeline, push, hook, listing]\n")
	return s
}

// announce lets each kind announce its version.
func (s *scene) announce() {
	s.Helper()
	tags := map[string]string{"data/release": announced[bot.OriginRelease], "data/pipeline": announced[bot.OriginPipeline]}
	for project, version := range tags {
		if _, err := s.GitLab.Tag(project, "v"+version); err != nil {
			s.Fatal(err)
		}
	}
	if err := s.GitLab.Release("data/release", "v"+announced[bot.OriginRelease], "eva"); err != nil {
		s.Fatal(err)
	}
	if _, err := s.GitLab.Commit("data/push", "main", "New data", map[string]string{"VERSION": announced[bot.OriginPush] + "\n"}); err != nil {
		s.Fatal(err)
	}
	if err := s.publish(announced[bot.OriginListing]); err != nil {
		s.Fatal(err)
	}
}

// calls announces a version by a signed call, and returns the answer.
func (s *scene) calls(version, key string) (status int, answer string) {
	s.Helper()
	body, stamp := fmt.Sprintf(`{"version":%q,"by":"catalog"}`, version), fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.cfg.Server.URL+"/hooks/mda", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("X-Lockstep-Timestamp", stamp)
	r.Header.Set("X-Lockstep-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		s.Fatal(err)
	}
	return w.StatusCode, string(text)
}

// looked waits until everything was looked at for the first time.
func (s *scene) looked() {
	s.Helper()
	s.await("the first look at everything", func() bool {
		return strings.Count(s.logged(), "what was there before starts nothing") == 5
	})
}

// starts waits until each kind has started a run of its version, and holds that there are
// no others.
func (s *scene) starts() {
	s.Helper()
	for kind, version := range announced {
		s.await(fmt.Sprintf("a %s to start %s", kind, version), func() bool { return s.report(version).Run != nil })
		if r := s.report(version).Run; r.Origin != kind {
			s.Errorf("%s was asked for by %s, want a %s", version, r.Asked(), kind)
		}
	}
	if runs := s.runs(); len(runs) != len(announced) {
		s.Errorf("got %d runs, want %d", len(runs), len(announced))
	}
}

func TestEveryKindOfAnnouncementByPolling(t *testing.T) {
	t.Parallel()
	s := announcingScene(t, "100ms")
	s.begin()
	s.looked()
	s.announce()
	if status, answer := s.calls(announced[bot.OriginHook], callKey); status != http.StatusAccepted {
		t.Errorf("a signed call: got %d %s", status, answer)
	}
	s.starts()
}

func TestEveryKindOfAnnouncementByHook(t *testing.T) {
	t.Parallel()
	s := announcingScene(t, "1h")
	for _, kind := range []string{"release", "pipeline", "push"} {
		s.GitLab.Hook("data/"+kind, "http://"+s.Address+"/webhooks/gitlab", hookSecret, kind)
	}
	s.begin()
	s.looked()
	s.announce()
	if status, answer := s.calls(announced[bot.OriginHook], callKey+"?"); status != http.StatusUnauthorized || strings.Contains(answer, callKey) {
		t.Errorf("a call with another key: got %d %s", status, answer)
	}
	s.calls(announced[bot.OriginHook], callKey)
	s.starts()
	if _, err := s.GitLab.Tag(dataProject, announced[bot.OriginPush]); err != nil { // what a push has announced
		t.Fatal(err)
	}
	status, answer := s.calls(announced[bot.OriginPush], callKey)
	if status != http.StatusAccepted || strings.Contains(answer, `"new":true`) || !strings.Contains(answer, s.report(announced[bot.OriginPush]).Run.ID) {
		t.Errorf("a call for what a push has announced: got %d %s", status, answer)
	}
	s.quiet()
	if runs := s.runs(); len(runs) != len(announced) {
		t.Errorf("got %d runs once two kinds have announced one version, want %d", len(runs), len(announced))
	}
}

// A key that could be guessed is refused at the start.
func TestShortKeyOfSignedCalls(t *testing.T) {
	t.Parallel()
	s := announcingScene(t, "1h")
	if err := os.WriteFile(filepath.Join(s.Dir, "secrets", "calls"), []byte("short"), fileMode); err != nil {
		t.Fatal(err)
	}
	_, err := callKeys(t.Context(), s.cfg)
	if want := "packages.mda.hook.secret: the key has 5 characters: make one with 24 at least"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
