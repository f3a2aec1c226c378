package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/gitops"
)

// routes serves fixed JSON by path below /api/v4; all else is 404.
func routes(answers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/")
		body, ok := answers[path]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case body == "403":
			w.WriteHeader(http.StatusForbidden)
		default:
			fmt.Fprint(w, body)
		}
	}
}

func TestLanded(t *testing.T) {
	t.Parallel()
	tests := []struct{ answer, want string }{
		{`{"state":"merged","sha":"h","merge_commit_sha":"m","squash_commit_sha":null}`, "m"},
		{`{"state":"merged","sha":"h","merge_commit_sha":"m","squash_commit_sha":"s"}`, "m"},
		{`{"state":"merged","sha":"h","merge_commit_sha":null,"squash_commit_sha":"s"}`, "s"},
		{`{"state":"merged","sha":"h","merge_commit_sha":null,"squash_commit_sha":null}`, "h"},
		{`{"state":"locked","sha":"h","merge_commit_sha":"m"}`, ""},
		{`{"state":"opened","sha":"h","merge_commit_sha":"m"}`, ""},
		{`{"state":"closed","sha":"h"}`, ""},
	}
	for _, test := range tests {
		c := serve(t, routes(map[string]string{"projects/env%2Fmda/merge_requests/5": test.answer}))
		mr, err := c.MergeRequest(t.Context(), env, 5)
		if err != nil || mr.Landed != test.want {
			t.Errorf("%s: got %q, %v; want %q", test.answer, mr.Landed, err, test.want)
		}
	}
}

func TestDetailedStatus(t *testing.T) {
	t.Parallel()
	tests := []struct{ answer, want string }{
		{`{"detailed_merge_status":"ci_must_pass","merge_status":"can_be_merged"}`, "ci_must_pass"},
		{`{"merge_status":"can_be_merged","blocking_discussions_resolved":true}`, "mergeable"},
		{`{"merge_status":"can_be_merged"}`, "mergeable"},
		{`{"merge_status":"can_be_merged","draft":true}`, "draft_status"},
		{`{"merge_status":"can_be_merged","blocking_discussions_resolved":false}`, "discussions_not_resolved"},
		{`{"merge_status":"unchecked"}`, "unchecked"},
		{`{"merge_status":"cannot_be_merged_recheck"}`, "checking"},
		{`{"merge_status":"cannot_be_merged_rechecking"}`, "checking"},
		{`{"merge_status":"cannot_be_merged"}`, "cannot_be_merged"},
	}
	for _, test := range tests {
		var mr mergeRequest
		if err := json.Unmarshal([]byte(test.answer), &mr); err != nil {
			t.Fatal(err)
		}
		if got := mr.of(env).Status; got != test.want {
			t.Errorf("%s: got %q, want %q", test.answer, got, test.want)
		}
	}
}

// TestFindIgnoresForks: anybody can open a merge request from a branch of that name
// in a fork.
func TestFindIgnoresForks(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"projects/env%2Fmda/merge_requests": `[
			{"iid":9,"state":"opened","source_project_id":66,"target_project_id":7},
			{"iid":8,"state":"closed","source_project_id":7,"target_project_id":7},
			{"iid":7,"state":"locked","source_project_id":7,"target_project_id":7}]`,
		"projects/env%2Fmda/merge_requests/7": `{"iid":7,"state":"merged","merged_by":{"username":"old"},"merge_user":{"username":"bot"},"closed_by":null}`,
	}
	mr, err := serve(t, routes(answers)).Find(t.Context(), env, branch)
	if err != nil || mr.IID != 7 || mr.MergedBy != "bot" {
		t.Errorf("got %+v, %v", mr, err)
	}
	answers["projects/env%2Fmda/merge_requests"] = `[{"iid":9,"state":"opened","source_project_id":66,"target_project_id":7}]`
	if mr, err := serve(t, routes(answers)).Find(t.Context(), env, branch); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("fork only: got %+v, %v", mr, err)
	}
}

// TestJobs follows bridges, lets the last attempt of a job and of a bridge count, and
// stops at what it may not see and at the third level.
func TestJobs(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"projects/env%2Fmda/pipelines/10/jobs": `[
			{"id":3,"name":"deploy-int-mds","stage":"deploy","status":"success","web_url":"https://git/3","coverage":"no number"},
			{"id":2,"name":"deploy-int-mds","stage":"deploy","status":"failed","failure_reason":"script_failure"},
			{"id":1,"name":"build","status":"failed","failure_reason":"script_failure","allow_failure":true}]`,
		"projects/env%2Fmda/pipelines/10/bridges": `[
			{"id":7,"name":"hidden","status":"failed","failure_reason":"unknown_failure","downstream_pipeline":{"id":90,"project_id":9}},
			{"id":6,"name":"child","status":"failed","failure_reason":"unknown_failure","downstream_pipeline":{"id":20,"project_id":7}},
			{"id":5,"name":"child","status":"failed","downstream_pipeline":{"id":19,"project_id":7}},
			{"id":4,"name":"later","status":"created","downstream_pipeline":null}]`,
		"projects/7/pipelines/20/jobs": `[
			{"id":33,"name":"deploy-int-kv","status":"failed","failure_reason":"runner_system_failure"},
			{"id":32,"name":"deploy-int-fbv","status":"failed","failure_reason":"script_failure"},
			{"id":31,"name":"lint","status":"failed","failure_reason":"stuck_or_timeout_failure","allow_failure":true}]`,
		"projects/7/pipelines/20/bridges": `[{"id":34,"name":"deeper","status":"running","downstream_pipeline":{"id":21,"project_id":7}}]`,
		"projects/7/pipelines/21/jobs":    `[]`,
		"projects/7/pipelines/21/bridges": `[{"id":40,"name":"deepest","status":"running","downstream_pipeline":{"id":22,"project_id":7}}]`,
		"projects/7/pipelines/22/jobs":    `[{"id":50,"name":"bottom","status":"running"}]`,
		"projects/7/pipelines/22/bridges": `[{"id":51,"name":"too-deep","status":"running","downstream_pipeline":{"id":23,"project_id":7}}]`,
		"projects/9/pipelines/90/jobs":    `403`,
	}
	c := serve(t, routes(answers))
	jobs, err := c.Jobs(t.Context(), env, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range jobs {
		got = append(got, fmt.Sprintf("%d/%d %s %s %s", j.Pipeline, j.ID, j.Name, j.Status, j.FailureReason))
	}
	want := []string{
		"10/1 build failed script_failure",
		"10/3 deploy-int-mds success ",
		"10/4 later created ",
		"10/6 child failed script_failure",
		"10/7 hidden failed unknown_failure",
		"20/31 lint failed stuck_or_timeout_failure",
		"20/32 deploy-int-fbv failed script_failure",
		"20/33 deploy-int-kv failed runner_system_failure",
		"20/34 deeper running ",
		"21/40 deepest running ",
		"22/50 bottom running ",
		"22/51 too-deep running ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !jobs[0].AllowFailure || jobs[1].Stage != "deploy" || jobs[1].Link != "https://git/3" {
		t.Errorf("got %+v", jobs[:2])
	}
	if _, err := c.Jobs(t.Context(), env, 11); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("no such pipeline: got %v", err)
	}
}

// TestTriggeredOldest: of two with the same value the first counts; what the bot may
// not see, or what is older, does not.
func TestTriggeredOldest(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) string { return since.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339) }
	list := fmt.Sprintf(`[
		{"id":5,"status":"running","created_at":%q},
		{"id":4,"status":"running","created_at":%q},
		{"id":3,"status":"running","created_at":%q},
		{"id":2,"status":"running","created_at":%q},
		{"id":1,"status":"running","created_at":%q}]`, at(9), at(8), at(7), at(-30), at(-90))
	ours := `[{"key":"OTHER","value":"x"},{"key":"LOCKSTEP_GATE","value":"v"}]`
	c := serve(t, routes(map[string]string{
		"projects/test%2Fint/pipelines":             list,
		"projects/test%2Fint/pipelines/5/variables": ours,
		"projects/test%2Fint/pipelines/4/variables": ours,
		"projects/test%2Fint/pipelines/3/variables": `[{"key":"LOCKSTEP_GATE","value":"w"},{"key":"OTHER","value":"v"}]`,
		"projects/test%2Fint/pipelines/2/variables": `403`,
		"projects/test%2Fint/pipelines/1/variables": ours,
	}))
	p, err := c.Triggered(t.Context(), gate, "main", key, "v", since)
	if err != nil || p.ID != 4 {
		t.Errorf("got %d, %v; want 4", p.ID, err)
	}
}

// TestPages: the newest 200 pipelines, in as few pages as GitLab allows.
func TestPages(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		query := r.URL.Query()
		if query.Get("per_page") != "100" || query.Get("order_by") != "id" || query.Get("sort") != "desc" ||
			query.Get("ref") != "main" || query.Has("sha") || query.Get("updated_after") != "2026-11-22T12:00:00Z" {
			t.Errorf("got query %q", r.URL.RawQuery)
		}
		page, _ := strconv.Atoi(query.Get("page"))
		w.Header().Set("X-Next-Page", strconv.Itoa(page+1))
		fmt.Fprint(w, "["+strings.Repeat(fmt.Sprintf(`{"id":%d},`, page), 99)+`{"id":0}]`)
	})
	since := time.Date(2026, 11, 22, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	found, err := c.Pipelines(t.Context(), env, gitops.PipelineQuery{Ref: "main", Since: since})
	if err != nil || len(found) != 200 || found[0].ID != 1 || found[100].ID != 2 || found[0].Project != env {
		t.Errorf("got %d pipelines, %v", len(found), err)
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("got %d requests, want 2", n)
	}
}
