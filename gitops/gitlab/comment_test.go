package gitlab

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lockstep/fixtures"
	"lockstep/gitops"
)

// commented writes a comment as eva, who has to be there.
func commented(t *testing.T, g *fixtures.GitLab, mr gitops.MergeRequest, body string) int64 {
	t.Helper()
	id, err := g.Comment(env, int(mr.IID), "eva", body)
	if err != nil {
		t.Fatal(err)
	}
	return int64(id)
}

func TestReadNote(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	mr := opened(t, g, c)
	g.AddPerson("eva", 30, env)
	id := commented(t, g, mr, "/rollback wrong data")
	n, err := c.ReadNote(t.Context(), env, mr.IID, id)
	if err != nil || n.ID != id || n.Body != "/rollback wrong data" || n.Author != "eva" || n.AuthorID != int64(g.UserID("eva")) {
		t.Errorf("got %+v, %v", n, err)
	}
	if n.Own || n.System || n.Edited() || n.Created.IsZero() {
		t.Errorf("got %+v, want a note of a person that nobody has touched", n)
	}
	if err := c.Note(t.Context(), env, mr.IID, "lockstep:r1", "Waits."); err != nil {
		t.Fatal(err)
	}
	notes := g.Notes(env, int(mr.IID))
	if n, err := c.ReadNote(t.Context(), env, mr.IID, int64(notes[len(notes)-1].ID)); err != nil || !n.Own {
		t.Errorf("got %+v, %v, want the bot's own", n, err)
	}
	if _, err := c.ReadNote(t.Context(), env, mr.IID, 999); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("got %v, want %v", err, gitops.ErrNotFound)
	}
}

func TestCommented(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	mr := opened(t, g, c)
	change(t, g, "topic", "2026.11.4")
	theirs, err := c.Open(t.Context(), proposal("topic"))
	if err != nil {
		t.Fatal(err)
	}
	g.AddPerson("eva", 30, env)
	began := time.Now().Add(-time.Minute)
	for i := range 45 {
		on := mr.IID
		if i%2 > 0 {
			on = theirs.IID
		}
		if _, err := g.Comment(env, int(on), "eva", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		since time.Time
		limit int
		first string // the oldest; the newest is always 44
	}{
		{began, 100, "0"},
		{began, 20, "25"},
		{began.Add(-100 * time.Hour), 40, "5"},
		{began.Add(time.Hour), 100, ""},
	} {
		found, err := c.Commented(t.Context(), env, test.since, test.limit)
		if err != nil || (len(found) == 0) != (test.first == "") {
			t.Errorf("since %s, at most %d: got %d comments, %v", test.since, test.limit, len(found), err)
			continue
		}
		for i, n := range found {
			number, _ := strconv.Atoi(test.first)
			if want := fmt.Sprint(number + i); n.Note.Body != want || n.Note.Author != "eva" || n.Note.Own || n.IID != []int64{mr.IID, theirs.IID}[(number+i)%2] {
				t.Errorf("comment %d since %s: got %+v, want %s", i, test.since, n, want)
			}
		}
		if n := len(found); n > 0 && found[n-1].Note.Body != "44" || n > test.limit {
			t.Errorf("since %s, at most %d: got %d comments", test.since, test.limit, n)
		}
	}
	if _, err := c.Commented(t.Context(), "no/where", began, 10); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("got %v, want %v", err, gitops.ErrNotFound)
	}
}

func TestReact(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	mr := opened(t, g, c)
	g.AddPerson("eva", 30, env)
	id := commented(t, g, mr, "/queue")
	if err := g.Award(env, int(mr.IID), int(id), "eva", "eyes"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		want int
	}{{"eyes", 1}, {"eyes", 1}, {"rocket", 2}, {"rocket", 2}} {
		if err := c.React(t.Context(), env, mr.IID, id, step.name); err != nil || calls(g, "award emoji") != step.want {
			t.Errorf("%s: got %v after %d writes, want %d", step.name, err, calls(g, "award emoji"), step.want)
		}
	}
	if err := c.React(t.Context(), env, mr.IID, 999, "eyes"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("got %v, want %v", err, gitops.ErrNotFound)
	}
}

func TestReactLost(t *testing.T) {
	t.Parallel()
	for _, test := range twice {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, c := world(t, fixtures.Options{})
			mr := opened(t, g, c)
			g.AddPerson("eva", 30, env)
			id := commented(t, g, mr, "/queue")
			breakOnce(g, "award emoji", test.fault, test.after)
			lost(t, g, "award emoji", c.React(t.Context(), env, mr.IID, id, "eyes"))
			want := 2
			if test.after {
				want = 1
			}
			if err := c.React(t.Context(), env, mr.IID, id, "eyes"); err != nil || calls(g, "award emoji") != want {
				t.Errorf("again: got %v after %d writes, want %d", err, calls(g, "award emoji"), want)
			}
		})
	}
}

func TestMember(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	g.AddPerson("eva", 30, env)
	g.AddPerson("ben", 0)
	g.AddPerson("ina", 20, env)
	g.AddPerson("max", 40, env)
	for _, err := range []error{g.GroupMember("env", "ina", 40), g.Block("max", true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		level  int
		active bool
		err    error
	}{
		{"eva", 30, true, nil},
		{"ina", 40, true, nil}, // by the group
		{"max", 40, false, nil},
		{"ben", 0, false, gitops.ErrNotFound},
	}
	for _, test := range tests {
		level, active, err := c.Member(t.Context(), env, int64(g.UserID(test.name)))
		if level != test.level || active != test.active || !errors.Is(err, test.err) {
			t.Errorf("%s: got %d, %t, %v; want %d, %t, %v", test.name, level, active, err, test.level, test.active, test.err)
		}
	}
}

// An account that waits for an administrator is a member already, and may nothing.
func TestMemberAwaiting(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer string
		active bool
	}{
		{`{"access_level":30,"state":"active"}`, true},
		{`{"access_level":30,"state":"active","membership_state":"active"}`, true},
		{`{"access_level":30,"state":"active","membership_state":"awaiting"}`, false},
		{`{"access_level":30,"state":"deactivated","membership_state":"active"}`, false},
		{`{"access_level":30}`, false},
	}
	for _, test := range tests {
		c := serve(t, routes(map[string]string{"projects/env%2Fmda/members/all/7": test.answer}))
		if level, active, err := c.Member(t.Context(), env, 7); level != 30 || active != test.active || err != nil {
			t.Errorf("%s: got %d, %t, %v; want %t", test.answer, level, active, err, test.active)
		}
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	g, c := world(t, fixtures.Options{})
	g.AddPerson("eva", 30, env)
	g.AddBot("project_7_bot", 30, env)
	for id, want := range map[int]bool{g.UserID("eva"): false, g.UserID("project_7_bot"): true, 999: false} {
		if got, err := c.Program(t.Context(), int64(id)); got != want || err != nil {
			t.Errorf("user %d: got %t, %v; want %t", id, got, err, want)
		}
	}
	c = serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) })
	if _, err := c.Program(t.Context(), 7); err == nil {
		t.Error("got nothing wrong, want that nobody could tell")
	}
}

// What is asked for is as small as GitLab can make it, and what is no comment on a merge
// request is left out.
func TestCommentedAsksForLittle(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 22, 0, 30, 0, 0, time.FixedZone("CET", 3600))
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v4/user" {
			fmt.Fprint(w, `{"id":7,"username":"lockstep"}`)
			return
		}
		query := r.URL.Query()
		if query.Get("action") != "commented" || query.Get("after") != "2026-11-19" || query.Get("sort") != "desc" || query.Get("per_page") != "20" || query.Has("target_type") {
			t.Errorf("got query %q", r.URL.RawQuery)
		}
		w.Header().Set("X-Next-Page", "2") // which is older than what is wanted
		fmt.Fprint(w, `[
			{"created_at":"2026-11-22T02:10:00.123Z","note":{"id":3,"body":"/queue","noteable_type":"MergeRequest","noteable_iid":9,"author":{"id":7},
				"created_at":"2026-11-22T02:10:00.100Z","updated_at":"2026-11-22T02:10:00.100Z"}},
			{"created_at":"2026-11-22T02:00:00.123Z","note":{"id":2,"body":"/queue","noteable_type":"Issue","noteable_iid":9}},
			{"created_at":"2026-11-22T02:00:00.123Z","note":null},
			{"created_at":"2026-11-21T23:29:59.999Z","note":{"id":1,"body":"/queue","noteable_type":"MergeRequest","noteable_iid":9}}]`)
	})
	found, err := c.Commented(t.Context(), env, since, 100)
	if err != nil || len(found) != 1 || found[0].IID != 9 || found[0].Note.ID != 3 || !found[0].Note.Own || found[0].Note.Edited() {
		t.Errorf("got %+v, %v", found, err)
	}
	if name, err := c.Username(t.Context()); name != "lockstep" || err != nil {
		t.Errorf("got %q, %v", name, err)
	}
}

// Whoever may comment can write a thousand notes of a million characters: no more is kept
// of each than anybody looks at, and few are read at once.
func TestNotesThatAreHuge(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("é", 1_000_000)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v4/user" {
			fmt.Fprint(w, `{"id":7,"username":"lockstep"}`)
			return
		}
		if n := r.URL.Query().Get("per_page"); n != "20" {
			t.Errorf("asked for %s notes at once", n)
		}
		fmt.Fprint(w, "[")
		for i, body := range []string{`"` + huge + `"`, "null", `"/hold \u00e9"`} {
			fmt.Fprintf(w, `%s{"created_at":"2026-11-22T02:00:00Z","note":{"id":%d,"body":%s,"noteable_type":"MergeRequest","noteable_iid":1}}`, []string{"", ",", ","}[i], 9-i, body)
		}
		fmt.Fprint(w, "]")
	})
	notes, err := c.Commented(t.Context(), env, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), 100)
	if err != nil || len(notes) != 3 || notes[0].Note.Body != "/hold é" || notes[1].Note.Body != "" {
		t.Fatalf("got %d notes, %v", len(notes), err)
	}
	if got := notes[2].Note.Body; len(got) < 64<<10 || len(got) > 128<<10 || !utf8.ValidString(got) {
		t.Errorf("%d bytes are kept", len(got))
	}
}
