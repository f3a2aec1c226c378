package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// Each kind takes what was there as known, and finds what came since, also while nobody
// looked.
func TestEachKindIsPolled(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"tag": by(bot.OriginTag), "release": by(bot.OriginRelease), "pipeline": by(bot.OriginPipeline),
		"push": by(bot.OriginPush), "pipeline of a branch": announcedBy(branchPipelines, bot.OriginPipeline),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, g := openStore(t), &gitlab{}
			g.has("2026.1.1")
			p := poll(t, text, g, s)
			look(t, p)
			mustHave(t, s)
			g.has("2026.1.2")
			look(t, p)
			look(t, p)
			mustHave(t, s, "2026.1.2")
			g.has("2026.1.3")
			look(t, poll(t, text, g, s))
			mustHave(t, s, "2026.1.2", "2026.1.3")
		})
	}
}

func TestLookOfWhatHasNotChangedIsOneRequest(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"tags 100": by(bot.OriginTag), "releases 100": by(bot.OriginRelease), "succeeded  100": by(bot.OriginPipeline),
		"head": by(bot.OriginPush), "succeeded main 10": announcedBy(branchPipelines, bot.OriginPipeline),
	} {
		g := &gitlab{}
		g.has("2026.1.1")
		p := poll(t, text, g, openStore(t))
		look(t, p)
		g.calls = nil
		look(t, p)
		if !slices.Equal(g.calls, []string{name}) {
			t.Errorf("asked for %q, want %q", g.calls, name)
		}
	}
}

// Whoever may make any tag may call it as the branch, and have its pipeline succeed: that is
// none of the branch.
func TestPipelineOfATagThatIsCalledAsTheBranch(t *testing.T) {
	t.Parallel()
	s, g := openStore(t), &gitlab{}
	g.has("2026.1.1")
	p := poll(t, announcedBy(branchPipelines, bot.OriginPipeline), g, s)
	look(t, p)
	g.has("2026.1.2")
	g.has("2026.6.6")
	g.ofTag = 3
	look(t, p)
	look(t, p)
	mustHave(t, s, "2026.1.2")
	g.calls, g.fault = nil, errAway
	if err := p.look(t.Context()); err == nil {
		t.Error("nobody could tell, and nothing is wrong")
	}
}

// A version that is announced in every way at once is one run.
func TestWhatEveryKindAnnouncesIsOneRun(t *testing.T) {
	t.Parallel()
	kinds := []bot.Origin{bot.OriginTag, bot.OriginRelease, bot.OriginPipeline, bot.OriginPush, bot.OriginListing}
	s, g, data := openStore(t), &gitlab{}, &shelf{lacks: map[string]string{}}
	g.has("2026.1.1")
	c := catalog(t, by(kinds...))
	polls := Polls(c.Sources(), Poll{
		Forge: g, Shelf: data, Catalog: c, Store: s, Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet,
	})
	for range 3 {
		for _, p := range polls {
			look(t, p)
		}
		g.has("2026.1.2")
		data.lacks["2026.1.2"] = ""
	}
	if len(polls) != len(kinds) {
		t.Errorf("got %d polls, want %d", len(polls), len(kinds))
	}
	mustHave(t, s, "2026.1.2")
}

// One poll asks for all packages of a project, as often as the most eager wants.
func TestPollsShareAProject(t *testing.T) {
	t.Parallel()
	sources := []bot.Source{
		{Origin: bot.OriginTag, Project: "a", Poll: time.Hour, Tracks: []string{"x"}},
		{Origin: bot.OriginTag, Project: "a", Poll: time.Minute, Tracks: []string{"x"}},
		{Origin: bot.OriginTag, Project: "b", Poll: time.Minute, Tracks: []string{"x"}},
		{Origin: bot.OriginRelease, Project: "a", Poll: time.Minute, Tracks: []string{"x"}},
		{Origin: bot.OriginPush, Project: "a", Poll: time.Minute}, // starts nothing
		{Origin: bot.OriginHook, Tracks: []string{"x"}},
		{Origin: bot.OriginListing, Poll: time.Minute, Tracks: []string{"x"}, Data: &bot.DataSet{}},
		{Origin: bot.OriginListing, Poll: time.Minute, Tracks: []string{"x"}, Data: &bot.DataSet{}},
	}
	var got []string
	for _, p := range Polls(sources, Poll{}) {
		got = append(got, fmt.Sprintf("%s %s %s %d", p.origin(), p.Sources[0].Project, p.Every, len(p.Sources)))
	}
	want := []string{"tag a 1m0s 2", "tag b 1m0s 1", "release a 1m0s 1", "listing  1m0s 1", "listing  1m0s 1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A tag that is not protected is refused for good: when people protect it later, the
// versions of last week do not start.
func TestPollRefusesWhatIsNotProtected(t *testing.T) {
	t.Parallel()
	for _, kind := range []bot.Origin{bot.OriginTag, bot.OriginRelease, bot.OriginPipeline} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s, g := openStore(t), &gitlab{}
			p := poll(t, by(kind), g, s)
			look(t, p)
			g.has("2026.1.1")
			g.tags[0].Protected = false
			look(t, p)
			g.tags[0].Protected = true
			look(t, p)
			look(t, poll(t, by(kind), g, s))
			mustHave(t, s)
			g.has("2026.1.2")
			look(t, p)
			mustHave(t, s, "2026.1.2")
		})
	}
}

// Nobody could tell whether the tag is protected: the next look asks again.
func TestPollAsksAgainWhatNobodyCouldTell(t *testing.T) {
	t.Parallel()
	s, g := openStore(t), &gitlab{}
	p := poll(t, by(bot.OriginRelease), asleep{g}, s)
	look(t, p)
	g.has("2026.1.1")
	if err := p.look(t.Context()); !errors.Is(err, errAway) {
		t.Fatalf("got %v", err)
	}
	mustHave(t, s)
	p.Forge = g
	look(t, p)
	mustHave(t, s, "2026.1.1")
}

// asleep is a Forge that cannot read one tag.
type asleep struct{ *gitlab }

func (asleep) Tag(context.Context, string, string) (gitops.Tag, error) { return gitops.Tag{}, errAway }

func TestPollPassesOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		change     func(g *gitlab)
	}{
		{"a release whose time has not come", by(bot.OriginRelease), func(g *gitlab) { g.releases[0].Upcoming = true }},
		{"a release without a tag", by(bot.OriginRelease), func(g *gitlab) { g.releases[0].Commit = "" }},
		{"a release whose tag is gone", by(bot.OriginRelease), func(g *gitlab) { g.tags = nil }},
		{"a release of another commit", by(bot.OriginRelease), func(g *gitlab) { g.tags[0].Commit = commitOf("x") }},
		{"a pipeline of another commit", by(bot.OriginPipeline), func(g *gitlab) { g.pipelines[0].SHA = commitOf("x") }},
		{"a child pipeline", by(bot.OriginPipeline), func(g *gitlab) { g.pipelines[0].Source = gitops.SourceChild }},
		{"our own status", by(bot.OriginPipeline), func(g *gitlab) { g.pipelines[0].Source = "external" }},
		{"a pipeline of a merge request", announcedBy(branchPipelines, bot.OriginPipeline), func(g *gitlab) { g.pipelines[0].Source = gitops.SourceMergeReq }},
		{"a file that is gone", by(bot.OriginPush), func(g *gitlab) { g.files = nil }},
		{"a file without the key", by(bot.OriginPush), func(g *gitlab) { g.files[g.head+" mda.yaml"] = "a: 1\n" }},
		{"a file that is no version", announcedBy(branchPipelines, bot.OriginPipeline), func(g *gitlab) { g.files[g.head+" VERSION"] = "1\n2\n" }},
		{"a tag of another form", by(bot.OriginTag), func(g *gitlab) { g.tags[0].Name = "latest" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, g := openStore(t), &gitlab{}
			p := poll(t, test.text, g, s)
			look(t, p)
			g.has("2026.1.1")
			test.change(g)
			look(t, p)
			mustHave(t, s)
		})
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), &shelf{lacks: map[string]string{"2026.1.1": "", "2026.1.2": "half of it", "README": ""}}
	c := catalog(t, by(bot.OriginListing))
	restarted := func() *Poll {
		return Polls(c.Sources(), Poll{Shelf: data, Catalog: c, Store: s, Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet})[0]
	}
	p := restarted()
	look(t, p)
	if len(data.looked) != 0 {
		t.Errorf("the first look asked for %q", data.looked)
	}
	data.lacks["2026.1.2"] = "" // it was there before
	data.lacks["2026.1.10"], data.lacks["2026.1.9"], data.lacks["2026.1.11"] = "", "", "its manifest"
	look(t, p)
	mustHave(t, s, "2026.1.9", "2026.1.10")
	look(t, p)
	data.lacks["2026.1.11"] = ""
	look(t, p)
	mustHave(t, s, "2026.1.9", "2026.1.10", "2026.1.11")
	if got, want := strings.Join(data.looked, " "), "2026.1.9 2026.1.10 2026.1.11 2026.1.11 2026.1.11"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	data.looked = nil
	look(t, p)
	look(t, restarted())
	if len(data.looked) != 0 {
		t.Errorf("asked again for %q", data.looked)
	}
}

// Data that never becomes complete costs a bounded number of requests, and does not keep
// newer versions from being seen.
func TestListingLooksAtTheNewestFirst(t *testing.T) {
	t.Parallel()
	s, data := openStore(t), &shelf{lacks: map[string]string{}}
	c := catalog(t, by(bot.OriginListing))
	p := Polls(c.Sources(), Poll{Shelf: data, Catalog: c, Store: s, Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet})[0]
	look(t, p)
	for n := range 3 * maxChecks {
		data.lacks[fmt.Sprintf("2026.1.%d", n)] = "everything"
	}
	look(t, p)
	data.lacks["2026.2.0"] = ""
	look(t, p)
	if len(data.looked) != 2*maxChecks {
		t.Errorf("two looks asked for %d versions, want %d", len(data.looked), 2*maxChecks)
	}
	mustHave(t, s, "2026.2.0")
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	order := []string{"", "1", "1.2", "1.9", "1.10", "1.10-a", "1.10-b", "02", "10", "100000000000000000000000", "a1", "a2", "b"}
	for i := range order {
		for j := range order {
			if got, want := compareVersions(order[i], order[j]) < 0, i < j; got != want {
				t.Errorf("%q before %q: got %t, want %t", order[i], order[j], got, want)
			}
		}
	}
}
