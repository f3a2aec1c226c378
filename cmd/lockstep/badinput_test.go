package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A sent is one request to the server, and its answer.
type sent struct {
	to, proof string // path, and the token that is shown
	body      string
	status    int
	says      string // part of the one sentence of the answer
}

// tagHook returns the hook of a tag.
func tagHook(project, ref string) string {
	const commit = "0123456789012345678901234567890123456789"
	return `{"object_kind":"tag_push","ref":"` + ref + `","after":"` + commit + `","checkout_sha":"` + commit +
		`","project":{"path_with_namespace":"` + project + `"}}`
}

// asks returns the body of a request for a run.
func asks(pkg, track, version string) string {
	return `{"package":"` + pkg + `","track":"` + track + `","version":"` + version + `"}`
}

var badInput = []sent{
	{"/webhooks/gitlab", "", tagHook(dataProject, "refs/tags/2026.11.1"), 401, "X-Gitlab-Token is not the secret"},
	{"/webhooks/gitlab", "wrong", tagHook(dataProject, "refs/tags/2026.11.1"), 401, "set it in the hook's settings"},
	{"/webhooks/gitlab", hookSecret, strings.Repeat(" ", 1<<20) + "{}", 200, "larger than 1024 KiB"},
	{"/webhooks/gitlab", hookSecret, `{"object_kind":`, 400, "not the JSON of a GitLab webhook"},
	{"/webhooks/gitlab", hookSecret, `[]`, 400, "not the JSON of a GitLab webhook"},
	{"/webhooks/gitlab", hookSecret, `{}`, 400, "no object_kind"},
	{"/webhooks/gitlab", hookSecret, tagHook("data/other", "refs/tags/2026.11.1"), 200, `"data/other" is no data project of the configuration: ignored`},
	{"/webhooks/gitlab", hookSecret, tagHook(dataProject, "refs/tags/latest"), 200, `tag "latest" of data/mda starts nothing: `},
	{"/webhooks/gitlab", hookSecret, tagHook(dataProject, "refs/tags/2026.11.1; rm -rf x"), 200, "starts nothing: ignored"},
	{"/webhooks/gitlab", hookSecret, tagHook(dataProject, "refs/heads/2026.11.1"), 200, "names no tag"},
	{"/api/v1/runs", "", asks("mda", "integration", "2026.11.1"), 401, "the API token is missing or wrong"},
	{"/api/v1/runs", "wrong", asks("mda", "integration", "2026.11.1"), 401, "the API token is missing or wrong"},
	{"/api/v1/runs", apiToken, strings.Repeat(" ", 64<<10) + asks("mda", "integration", "2026.11.1"), 400, "the body must be JSON"},
	{"/api/v1/runs", apiToken, ``, 400, "the body must be JSON"},
	{"/api/v1/runs", apiToken, `{"version":"2026.11.1","package":"mda","track":"integration","force":true}`, 400, "and nothing else"},
	{"/api/v1/runs", apiToken, asks("mda", "integration", "2026.11.1") + "{}", 400, "more than one JSON value"},
	{"/api/v1/runs", apiToken, asks("offers", "integration", "2026.11.1"), 400, `unknown package "offers": have mda`},
	{"/api/v1/runs", apiToken, asks("mda", "elsewhere", "2026.11.1"), 400, `unknown track "elsewhere": have integration, release`},
	{"/api/v1/runs", apiToken, asks("mda", "integration", "latest"), 400, `version "latest" is not valid for package "mda"`},
	{"/api/v1/runs", apiToken, asks("mda", "integration", "../../etc"), 400, "is not valid"},
	{"/api/v1/runs/nobody/resume", apiToken, `{"force":true}`, 400, "and nothing else"},
	{"/api/v1/runs/nobody/resume", apiToken, `{}`, 404, `there is no run "nobody"`},
	{"/api/v1/runs/nobody/cancel", "wrong", `{}`, 401, "the API token is missing or wrong"},
	{"/api/v1/lanes/integration/thaw", "", `{}`, 401, "the API token is missing or wrong"},
	{"/api/v1/lanes/integration/thaw", apiToken, `{}`, 409, "lane integration is not frozen"},
	{"/api/v1/nothing", apiToken, `{}`, 404, "there is no POST "},
}

// Whatever makes no sense, or comes from somebody who may not, is answered with one
// sentence, makes no run and changes nothing outside.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	calls := len(s.Journal.Calls())
	for _, input := range badInput {
		status, sentence := input.send(t, "http://"+s.Address)
		if status != input.status || !strings.Contains(sentence, input.says) {
			t.Errorf("POST %s as %q with %.80s: got %d %q, want %d and %q", input.to, input.proof, input.body, status, sentence, input.status, input.says)
		}
	}
	s.quiet()
	if runs := s.runs(); len(runs) > 0 {
		t.Errorf("runs came of it: %v", runs)
	}
	if more := s.Journal.Calls()[calls:]; len(more) > 0 {
		t.Errorf("the outside was changed: %v", more)
	}
}

// send sends the request and returns the answer's status and its sentence.
func (i sent) send(t *testing.T, server string) (status int, sentence string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+i.to, strings.NewReader(i.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Gitlab-Token", i.proof)
	request.Header.Set("Authorization", "Bearer "+i.proof)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Error, Sentence string }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Errorf("POST %s answers %s: %v", i.to, body, err)
	}
	return response.StatusCode, answer.Error + answer.Sentence
}
