package trigger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

const (
	noRunHere = "refused: this merge request belongs to no run: write it on one that Lockstep has opened for the run that is meant"
	needs     = "refused: %s needs the role %s in %s, and %s is %s there: please ask somebody who has it"
)

// What commands mean on the merge request of a run (7), on that of its way back (8) and on
// another one (9).
func TestCommentsMean(t *testing.T) {
	t.Parallel()
	tests := []struct {
		iid  int64
		body string
		want string
	}{
		{7, "/promote", "promote release mda 2026.11.3"},
		{8, "/promote", "promote release mda 2026.11.3"},
		{7, "/promote Nightly", "promote nightly mda 2026.11.3"},
		{7, "/promote nightly 2026.11.4", "promote nightly mda 2026.11.4"},
		{7, "/promote nightly offers 12", "promote nightly offers 12"},
		{9, "/promote release 2026.11.4", "promote release mda 2026.11.4"},
		{9, "/promote nightly mda 2026.11.4", "promote nightly mda 2026.11.4"},
		{9, "/promote", "promote: refused: this is no merge request of a run, so nobody knows which version is meant: write /lockstep promote TRACK VERSION"},
		{9, "/promote release", "promote: refused: this is no merge request of a run, so nobody knows which version is meant: write /lockstep promote TRACK VERSION"},
		{9, "/promote nightly 2026.11.4", `promote: refused: track "nightly" takes mda, offers: name the package: write /lockstep promote TRACK PACKAGE VERSION`},
		{9, "/promote relase 2026.11.4", `promote: refused: unknown track "relase": did you mean release? (have integration, nightly, release)`},
		{9, "/promote @all 2026.11.4", "promote: refused: the track has no name that a track can have: write /lockstep promote [TRACK] [VERSION]"},
		{9, "/promote nightly @all 1", "promote: refused: the package has no name that a package can have: write /lockstep promote TRACK PACKAGE VERSION"},
		{9, "/promote release <b>", "promote: refused: that is no version: it has 1 to 128 letters, digits and . _ + -, and begins with a letter or digit"},
		{9, "/promote release 3", `promote: refused: version "3" is not valid for package "mda": it must match \d{4}\.\d+\.\d+`},
		{7, "/promote release mda 2026.11.3 now", "promote: refused: promote takes a track and a version: write /lockstep promote [TRACK] [VERSION]"},

		{7, "/rollback wrong data", "rollback run wrong data"},
		{8, "/rollback", "rollback run"},
		{7, "/retry\n/cancel\n/hold\n/resume \"it is over\"", "retry run\ncancel run\nhold run\nresume run it is over"},
		{9, "/rollback", "rollback: " + noRunHere},
		{9, "/retry", "retry: " + noRunHere},
		{9, "/confirm go-live", "confirm: " + noRunHere},

		{7, "/confirm go-live looks good", "confirm run int go-live looks good"},
		{7, "/deny prd/Go-Live", "deny run prd go-live"},
		{7, "/confirm go-live --environment PRD fine", "confirm run prd go-live fine"},
		{8, "/confirm go-live", "confirm run go-live"},
		{7, "/confirm other", "confirm run other"},
		{7, "/confirm", "confirm: refused: name the gate: write /lockstep confirm GATE [REASON]"},
		{7, "/deny [x](y)", "deny: refused: name the gate: write /lockstep deny GATE [REASON]"},
		{7, "/deny ü/x", "deny: refused: name the gate: write /lockstep deny GATE [REASON]"},

		{7, "/freeze it is late", "freeze integration it is late"},
		{7, "/freeze release it is late", "freeze integration it is late"},
		{9, "/freeze release it is late", "freeze integration it is late"},
		{9, "/freeze it is late", `freeze: refused: unknown lane or track "it": have integration, nightly, release: write /lockstep freeze [TRACK] REASON`},
		{7, "/freeze", "freeze: refused: say why it is frozen: write /lockstep freeze [TRACK] REASON"},
		{9, "/freeze release", "freeze: refused: say why it is frozen: write /lockstep freeze [TRACK] REASON"},
		{9, "/freeze *", "freeze: refused: that is no name of a track: write /lockstep freeze [TRACK] REASON"},
		{9, "/freeze", "freeze: refused: name the track: write /lockstep freeze [TRACK] REASON"},
		{7, "/thaw", "thaw: refused: thaw is switched off in comments: nobody may write it here"},

		{7, "/why", "why: why  in , run true"},
		{7, "/why kv", "why: why kv in int, run true"},
		{9, "/why kv prd", "why: why kv in prd, run false"},
		{9, "/why", "why: refused: this merge request belongs to no run: name the service, /lockstep why SERVICE"},
		{9, "/why nobody", "why: refused: there is no service nobody"},
		{9, "/why did you do that", "why: refused: that is too much: write /lockstep why [SERVICE] [ENVIRONMENT]"},
		{9, "/why @all", "why: refused: that is no name of a service or an environment: write /lockstep why [SERVICE] [ENVIRONMENT]"},
		{7, "/queue", "queue: queue of integration"},
		{9, "/queue", "queue: queue of "},
		{9, "/queue release", "queue: queue of integration"},
		{9, "/queue release please", "queue: refused: that is too much: write /lockstep queue [TRACK]"},
		{9, "/help", "help: " + bot.Help("/lockstep ")},
		{9, "/lockstep promot x", "help: refused: there is no such command; did you mean /lockstep promote [TRACK] [VERSION]?"},
		{9, "/lockstep deploy", "help: refused: there is no such command; /lockstep help shows all"},

		{9, "nice work", ""},
		{9, "```\n/queue\n```", ""},
		{9, "/queue\n\n<!-- lockstep:reply:1 -->", ""},
	}
	for _, test := range tests {
		c, f, l := talk(t)
		if got := taken(t, c, l, test.iid, f.write(test.iid, 1, test.body, clock)); got != test.want {
			t.Errorf("!%d %q: got\n%s\nwant\n%s", test.iid, test.body, got, test.want)
		}
	}
}

// Who may what: the lowest level in the repositories that a command touches counts.
func TestCommentsRights(t *testing.T) {
	t.Parallel()
	tests := []struct {
		user int64
		iid  int64
		body string
		want string
	}{
		{2, 7, "/promote", fmt.Sprintf("promote: "+needs, "promote", "Developer", "env/prd", "ben", "Reporter")},
		{2, 9, "/promote integration 2026.11.4", "promote integration mda 2026.11.4"},
		{2, 7, "/rollback", "rollback run"},
		{2, 7, "/freeze late", fmt.Sprintf("freeze: "+needs, "freeze", "Maintainer", "env/prd", "ben", "Reporter")},
		{2, 7, "/why\n/queue", "why: why  in , run true\nqueue: queue of integration"},
		{3, 7, "/rollback", fmt.Sprintf("rollback: "+needs, "rollback", "Developer", "env/mda", "eva", "no member")},
		{3, 7, "/help", fmt.Sprintf("help: "+needs, "help", "Guest", "env/mda", "eva", "no member")},
		{3, 7, "/lockstep promot", fmt.Sprintf("help: "+needs, "help", "Guest", "env/mda", "eva", "no member")},
		{3, 7, "/promote unknown", fmt.Sprintf("promote: "+needs, "promote", "Developer", "env/mda", "eva", "no member")},
		{4, 7, "/rollback", "rollback: refused: the account max is not active in env/mda, and may not give commands"},
		{4, 7, "/help", "help: refused: the account max is not active in env/mda, and may not give commands"},
		{1, 7, "/thaw", "thaw: refused: thaw is switched off in comments: nobody may write it here"},
		{5, 7, "/rollback", "rollback: refused: project_7_bot is the account of a program: programs give their commands to the API, with a token of their own"},
		{5, 7, "/help", "help: refused: project_7_bot is the account of a program: programs give their commands to the API, with a token of their own"},
		{6, 7, "/confirm go-live", "confirm: refused: the name Callback stands for others in what Lockstep keeps: its holder may give no commands"},
	}
	for _, test := range tests {
		c, f, l := talk(t)
		if got := taken(t, c, l, test.iid, f.write(test.iid, test.user, test.body, clock)); got != test.want {
			t.Errorf("%s on !%d, %q: got\n%s\nwant\n%s", names[test.user], test.iid, test.body, got, test.want)
		}
	}
}

// A run that has not started has no stages yet: those of its track count.
func TestCommentsRightsOfAQueuedRun(t *testing.T) {
	t.Parallel()
	c, _, l := talk(t)
	if got := c.touched(&bot.Run{Track: "release"}); strings.Join(got, " ") != "env/mda env/prd" {
		t.Errorf("got %q", got)
	}
	if got := c.touched(l.runs[runID]); strings.Join(got, " ") != "env/mda" {
		t.Errorf("got %q", got)
	}
}

// A run is asked for once more on the track as it is now, and a lane that has left the
// configuration is still that of the run: nobody gets by that where they are nobody.
func TestCommentsRightsWhenTheConfigurationChanged(t *testing.T) {
	t.Parallel()
	for body, level := range map[string]string{"/retry": "Developer", "/freeze late": "Maintainer"} {
		c, f, l := talk(t)
		verb := strings.Fields(body)[0][1:]
		want := verb + ": " + fmt.Sprintf(needs, verb, level, "env/prd", "tim", "no member")
		r := l.runs[runID]
		if verb == "retry" {
			r.Track = "release" // which led through int alone
		} else {
			r.Lane = "gone"
			r.Stages = append(r.Stages, bot.Stage{Plan: bot.StagePlan{Environment: "prd", Repo: "env/prd"}})
		}
		if got := taken(t, c, l, 7, f.write(7, 7, body, clock)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// Where no repository says who may, nobody may by a comment.
func TestCommentsRightsWithoutARepository(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"/promote release 2026.11.4", "/freeze release late"} {
		c, f, l := talk(t)
		for _, e := range c.Config.Environments {
			e.Repository = ""
		}
		verb := strings.Fields(body)[0][1:]
		want := verb + ": refused: this touches no environment repository, so no role says who may: give the command to the API or on the command line"
		if got := taken(t, c, l, 9, f.write(9, 1, body, clock)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestCommentsBatch(t *testing.T) {
	t.Parallel()
	c, f, l := talk(t)
	n := f.write(7, 1, strings.Repeat("/promote\n", 12), clock)
	taken(t, c, l, 7, n)
	b := l.batches["note env/mda!7#100"]
	if b.Source != "note env/mda!7#100" || b.Reply != "env/mda!7#100" || b.Again || len(b.Commands) != maxCommands+1 {
		t.Fatalf("got %+v", b)
	}
	one, link := b.Commands[1], "https://gitlab.example.com/env/mda/-/merge_requests/7#note_100"
	if one.By != "ana" || one.ByID != 1 || one.From != "comment env/mda!7" || one.Link != link || !one.At.Equal(clock) || one.Known != nil {
		t.Errorf("got %+v", one)
	}
	if q := one.Request; q.Key != "note env/mda!7#100.2" || q.Origin != bot.OriginComment || q.By != "ana" || q.ByID != 1 || q.Link != link || q.From != "integration" || q.Lane != "integration" {
		t.Errorf("got %+v", q)
	}
	if last := b.Commands[maxCommands]; last.Verb != bot.VerbHelp || last.Request != nil || !strings.Contains(last.Known.Sentence, "a comment may hold 10 commands") {
		t.Errorf("got %+v", last)
	}
	members := 0
	for _, call := range f.calls {
		if strings.HasPrefix(call, "member") {
			members++
		}
	}
	if members != 2 {
		t.Errorf("asked %d times what somebody is, want once for each repository: %q", members, f.calls)
	}
}

// No merge request is that of a run because of the name of its branch.
func TestCommentsForgedBranch(t *testing.T) {
	t.Parallel()
	c, f, l := talk(t)
	if got := taken(t, c, l, 10, f.write(10, 1, "/rollback", clock)); got != "rollback: "+noRunHere {
		t.Errorf("got %q", got)
	}
	d := &l.runs[runID].Stages[0].Delivery
	d.IID = 0 // the bot has opened !10 a moment ago, and has not noted it yet
	if got := taken(t, c, l, 10, f.write(10, 1, "/rollback", clock)); got != "rollback run" {
		t.Errorf("about to be opened: got %q", got)
	}
	d.Head = strings.Repeat("0", 40)
	if got := taken(t, c, l, 10, f.write(10, 1, "/rollback", clock)); got != "rollback: "+noRunHere {
		t.Errorf("another commit: got %q", got)
	}
	delete(l.runs, runID)
	if got := taken(t, c, l, 7, f.write(7, 1, "/rollback", clock)); got != "rollback: "+noRunHere {
		t.Errorf("no such run: got %q", got)
	}
}

// What says nothing: the bot's own notes, GitLab's, edited and old ones.
func TestCommentsIgnored(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(n *gitops.Note)
		taken  bool
	}{
		{"a comment", func(*gitops.Note) {}, true},
		{"stored a moment later", func(n *gitops.Note) { n.Updated = n.Created.Add(time.Second) }, true},
		{"the bot's own", func(n *gitops.Note) { n.Own = true }, false},
		{"GitLab's", func(n *gitops.Note) { n.System = true }, false},
		{"edited", func(n *gitops.Note) { n.Updated = n.Created.Add(time.Minute) }, false},
		{"an hour old", func(n *gitops.Note) { n.Created = clock.Add(-time.Hour); n.Updated = n.Created }, true},
		{"older", func(n *gitops.Note) { n.Created = clock.Add(-time.Hour - 1); n.Updated = n.Created }, false},
	}
	for _, test := range tests {
		c, f, l := talk(t)
		n := f.write(7, 1, "/hold", clock)
		test.change(&n)
		if got := taken(t, c, l, 7, n) != ""; got != test.taken {
			t.Errorf("%s: taken %t, want %t", test.name, got, test.taken)
		}
	}
}

// Whoever cannot be asked keeps a comment from being taken; then it is taken once.
func TestCommentsOnce(t *testing.T) {
	t.Parallel()
	c, f, l := talk(t)
	n := f.write(7, 1, "/promote\n/hold", clock)
	for _, call := range []string{"member", "program", "merge request"} {
		f.broken = call
		if err := c.take(t.Context(), "env/mda", 7, n); !errors.Is(err, errForum) || len(l.done) != 0 {
			t.Errorf("%s fails: got %v, done %q", call, err, l.done)
		}
	}
	f.broken, l.broken = "", errBroken
	if err := c.take(t.Context(), "env/mda", 7, n); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	l.broken = nil
	for range 2 {
		if got, want := taken(t, c, l, 7, n), "promote release mda 2026.11.3\nhold run"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		f.calls = nil
	}
	if len(l.done) != 1 || len(f.calls) != 0 {
		t.Errorf("done %q, asked %q", l.done, f.calls)
	}
	delete(f.mrs, 9)
	if got := taken(t, c, l, 9, f.write(9, 1, "/queue", clock)); got != "" {
		t.Errorf("a merge request that is gone: got %q", got)
	}
}
