package gitlab

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep/fixtures"
	"lockstep/gitops"
)

const made = "data/mda"

// makes adds a project in which data is made.
func makes(t *testing.T, g *fixtures.GitLab) {
	t.Helper()
	if err := g.Create(fixtures.Project{Path: made, Files: map[string]string{"VERSION": "2026.11.1\n"}, PushJobs: []string{"build"}}); err != nil {
		t.Fatal(err)
	}
	g.AddPerson("eva", 30, made)
	if err := g.Member(made, "data-team", 30); err != nil {
		t.Fatal(err)
	}
}

func TestTag(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	makes(t, g)
	if err := g.ProtectTags(made, "v*", 30); err != nil {
		t.Fatal(err)
	}
	for name, protected := range map[string]bool{"v1": true, "w/1": false} {
		sha, err := g.Tag(made, name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Tag(t.Context(), made, name)
		if err != nil || got.Name != name || got.Commit != sha || got.Protected != protected || got.Created.IsZero() {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if _, err := c.Tag(t.Context(), made, "v2"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("no such tag: got %v", err)
	}
}

func TestReleases(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	makes(t, g)
	commits := map[string]string{}
	for _, name := range []string{"v1", "v2", "v3"} {
		sha, err := g.Tag(made, name)
		if err != nil {
			t.Fatal(err)
		}
		commits[name] = sha
	}
	now := time.Now()
	for i, name := range []string{"v1", "v2", "v3"} {
		if err := g.ReleaseAt(made, name, "eva", now.Add(time.Duration(i-1)*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.Releases(t.Context(), made, 2)
	if err != nil || len(all) != 2 {
		t.Fatalf("got %+v, %v", all, err)
	}
	for i, want := range []string{"v3", "v2"} {
		if r := all[i]; r.Tag != want || r.Commit != commits[want] || r.Author != "eva" || r.Upcoming != (want == "v3") || !strings.HasPrefix(r.Link, g.URL()) {
			t.Errorf("got %+v, want %s", r, want)
		}
	}
}

func TestSucceeded(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	makes(t, g)
	g.Script(fixtures.Rule{Project: made, Status: "failed", Times: 1})
	for i, name := range []string{"v1", "v2"} { // the pipeline of v1 fails
		if _, err := g.Tag(made, name); err != nil {
			t.Fatal(err)
		}
		settled(t, g, i+1)
	}
	sha, err := g.Commit(made, "main", "new data", map[string]string{"VERSION": "2026.11.2\n"})
	if err != nil {
		t.Fatal(err)
	}
	settled(t, g, 3)
	tags, err := c.Succeeded(t.Context(), made, "", 10)
	if err != nil || len(tags) != 1 || tags[0].Ref != "v2" || tags[0].Status != gitops.StatusSuccess {
		t.Errorf("tags: got %+v, %v", tags, err)
	}
	branch, err := c.Succeeded(t.Context(), made, "main", 1)
	if err != nil || len(branch) != 1 || branch[0].SHA != sha {
		t.Errorf("branch: got %+v, %v", branch, err)
	}
	for id, want := range map[int64]bool{tags[0].ID: true, branch[0].ID: false} {
		if got, err := c.OfTag(t.Context(), made, id); got != want || err != nil {
			t.Errorf("pipeline %d: got %t, %v; want %t", id, got, err, want)
		}
	}
}

// settled waits until so many pipelines of the data project have ended.
func settled(t *testing.T, g *fixtures.GitLab, want int) {
	t.Helper()
	eventually(t, func() bool {
		ended := 0
		for _, p := range g.Pipelines(made) {
			if p.Status == "success" || p.Status == "failed" {
				ended++
			}
		}
		return ended >= want
	})
}

func TestHeadAndFile(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	makes(t, g)
	first, err := c.Head(t.Context(), made, "main")
	if err != nil {
		t.Fatal(err)
	}
	second, err := g.Commit(made, "main", "new data", map[string]string{"VERSION": "2026.11.2\n"})
	if err != nil {
		t.Fatal(err)
	}
	if head, err := c.Head(t.Context(), made, "main"); err != nil || head != second {
		t.Errorf("head: got %q, %v, want %q", head, err, second)
	}
	for commit, want := range map[string]string{first: "2026.11.1\n", second: "2026.11.2\n"} {
		if got, err := c.File(t.Context(), made, commit, "VERSION"); err != nil || string(got) != want {
			t.Errorf("file at %s: got %q, %v, want %q", commit, got, err, want)
		}
	}
	if _, err := c.File(t.Context(), made, first, "data/VERSION"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("no such file: got %v", err)
	}
	if _, err := c.Head(t.Context(), made, "other"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("no such branch: got %v", err)
	}
}

func TestFileThatIsNoVersion(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"size":70000,"content":""}`: "it has 70000 bytes, and may have 65536",
		`{"size":3,"content":"%"}`:    "illegal base64",
		`{"size":1,"content":"` + base64.StdEncoding.EncodeToString([]byte("1")) + `"}`: "",
	} {
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
		_, err := c.File(t.Context(), made, strings.Repeat("a", 40), "VERSION")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", answer, err, want)
		}
	}
}
