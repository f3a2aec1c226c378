package gitlab

import (
	"errors"
	"testing"

	"lockstep/fixtures"
	"lockstep/gitops"
)

func TestProject(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	p, err := c.Project(t.Context(), env)
	if err != nil || p.ID == 0 || p.Path != env || p.DefaultBranch != "main" || p.HTTPURL != g.URL()+"/"+env+".git" || p.MergeMethod == "" || p.SquashOption == "" {
		t.Errorf("got %+v, %v", p, err)
	}
	if _, err := c.Project(t.Context(), "env/nothing"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("unknown: got %v", err)
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	for version, edition := range map[string]string{"15": "EE", "19": "CE"} {
		_, c := world(t, fixtures.Options{Version: version, Edition: edition})
		m, err := c.Metadata(t.Context())
		if err != nil || m.Version == "" || m.Enterprise != (edition == "EE") {
			t.Errorf("%s %s: got %+v, %v", version, edition, m, err)
		}
		me, err := c.User(t.Context())
		if err != nil || me.ID == 0 || me.Username == "" {
			t.Errorf("got %+v, %v", me, err)
		}
	}
}

// TestNewer: of a merge only the merge commit was ever the head of the branch.
func TestNewer(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	first := change(t, g, "main", "2026.11.3")
	change(t, g, branch, "2026.11.4")
	mr, err := c.Open(t.Context(), proposal(branch))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.MergeByPerson(env, int(mr.IID)); err != nil {
		t.Fatal(err)
	}
	landed := until(t, c, mr, merged).Landed
	last := change(t, g, "main", "2026.11.5")
	newer, err := c.Newer(t.Context(), env, "main", first)
	if err != nil || len(newer) != 2 || newer[0].ID != last || newer[1].ID != landed {
		t.Fatalf("got %+v, %v; want %s, %s", newer, err, last, landed)
	}
	if n := newer[0]; n.Author == "" || n.When.IsZero() || len(n.Parents) != 1 || n.Parents[0] != landed {
		t.Errorf("got %+v", n)
	}
	if none, err := c.Newer(t.Context(), env, "main", last); err != nil || len(none) != 0 {
		t.Errorf("after the last: got %+v, %v", none, err)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	commits := map[string]string{}
	for _, name := range []string{"2026.11.1", "2026.11.2", "2026.11.3"} {
		sha, err := g.Tag(gate, name)
		if err != nil {
			t.Fatal(err)
		}
		commits[name] = sha
	}
	tags, err := c.Tags(t.Context(), gate, 2)
	if err != nil || len(tags) != 2 {
		t.Fatalf("got %+v, %v", tags, err)
	}
	for _, tag := range tags {
		if tag.Commit != commits[tag.Name] || tag.Created.IsZero() {
			t.Errorf("got %+v, want commit %s", tag, commits[tag.Name])
		}
	}
}
