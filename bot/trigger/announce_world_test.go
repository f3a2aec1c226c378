package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"lockstep/bot"
	"lockstep/gitops"
)

// announcers are the texts by which each kind announces versions in the tests.
var announcers = map[bot.Origin]string{
	bot.OriginTag:      "    tags: {project: data/mda, name: 'v{version}'}\n",
	bot.OriginRelease:  "    releases: {project: data/mda, name: 'v{version}'}\n",
	bot.OriginPipeline: "    pipelines: {project: data/mda, name: 'v{version}'}\n",
	bot.OriginPush:     "    pushes: {project: data/mda, file: mda.yaml, key: version}\n",
	bot.OriginHook:     "    hook: {secret: env:HOOK_SECRET}\n",
	bot.OriginListing:  "    data: {bucket: preview}\n    listing: {}\n",
}

// branchPipelines announce versions by a file.
const branchPipelines = "    pipelines: {project: data/mda, branch: main, file: VERSION}\n"

// announcedBy returns config in which these texts announce versions, and these kinds start
// the track.
func announcedBy(texts string, kinds ...bot.Origin) string {
	on := strings.Trim(fmt.Sprintf("%q", kinds), "[]")
	return strings.NewReplacer(
		"    tags: {project: data/mda, name: 'v{version}', protected: false}\n", texts,
		"    on: [tag]\n", "    on: ["+strings.ReplaceAll(on, " ", ", ")+"]\n",
		"environments:\n", "buckets: {preview: {name: mda-preview}}\nenvironments:\n",
	).Replace(config)
}

// by returns config in which kinds announce versions.
func by(kinds ...bot.Origin) string {
	texts := ""
	for _, kind := range kinds {
		texts += announcers[kind]
	}
	return announcedBy(texts, kinds...)
}

// A gitlab is a Forge in memory, as a data project has it: newest first, and all of it on
// the commit of its name.
type gitlab struct {
	mu        sync.Mutex
	tags      []gitops.Tag
	releases  []gitops.Release
	pipelines []gitops.Pipeline // those of tags have no branch
	ofTag     int64             // the one pipeline that ran for a tag called main
	head      string            // of main
	files     map[string]string // by "commit path"
	fault     error
	calls     []string
}

// note notes a call, and returns what goes wrong.
func (g *gitlab) note(format string, args ...any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, fmt.Sprintf(format, args...))
	return g.fault
}

func (g *gitlab) Tags(_ context.Context, _ string, limit int) ([]gitops.Tag, error) {
	return g.tags, g.note("tags %d", limit)
}

func (g *gitlab) Tag(_ context.Context, _, name string) (gitops.Tag, error) {
	err := g.note("tag %s", name)
	i := slices.IndexFunc(g.tags, func(t gitops.Tag) bool { return t.Name == name })
	switch {
	case err != nil:
		return gitops.Tag{}, err
	case i < 0:
		return gitops.Tag{}, fmt.Errorf("tag %q: %w", name, gitops.ErrNotFound)
	}
	return g.tags[i], nil
}

func (g *gitlab) Releases(_ context.Context, _ string, limit int) ([]gitops.Release, error) {
	return g.releases, g.note("releases %d", limit)
}

func (g *gitlab) Succeeded(_ context.Context, _, branch string, limit int) ([]gitops.Pipeline, error) {
	return slices.Clone(g.pipelines), g.note("succeeded %s %d", branch, limit)
}

func (g *gitlab) OfTag(_ context.Context, _ string, id int64) (bool, error) {
	return id == g.ofTag, g.note("of tag %d", id)
}

func (g *gitlab) Head(context.Context, string, string) (string, error) { return g.head, g.note("head") }

func (g *gitlab) File(_ context.Context, _, commit, path string) ([]byte, error) {
	err := g.note("file %s", path)
	text, ok := g.files[commit+" "+path]
	if !ok && err == nil {
		err = fmt.Errorf("read %q at %s: %w", path, gitops.Short(commit), gitops.ErrNotFound)
	}
	return []byte(text), err
}

// has adds a version to all that announces one.
func (g *gitlab) has(version string) {
	tag := "v" + version
	at := commitOf(tag)
	g.tags = slices.Insert(g.tags, 0, gitops.Tag{Name: tag, Commit: at, Protected: true})
	g.releases = slices.Insert(g.releases, 0, gitops.Release{Tag: tag, Commit: at, Author: "ana"})
	g.pipelines = slices.Insert(g.pipelines, 0, gitops.Pipeline{ID: int64(len(g.pipelines) + 1), Ref: tag, SHA: at, Source: "push", Status: gitops.StatusSuccess})
	g.head = at
	if g.files == nil {
		g.files = map[string]string{}
	}
	g.files[at+" VERSION"], g.files[at+" mda.yaml"] = version+"\n", "version: "+version+"\n"
}

// A shelf is a Shelf in memory: what each version lacks.
type shelf struct {
	lacks  map[string]string
	looked []string
	fault  error
}

func (s *shelf) Versions(_ context.Context, in bot.Bucket) ([]string, error) {
	if in.Name != "mda-preview" || in.Prefix != "mda/{version}/" {
		return nil, fmt.Errorf("asked for %+v", in)
	}
	var all []string
	for v := range s.lacks {
		all = append(all, v)
	}
	return all, s.fault
}

func (s *shelf) Published(_ context.Context, set bot.DataSet) (string, error) {
	v := strings.TrimSuffix(strings.TrimPrefix(set.Bucket.Prefix, "mda/"), "/")
	s.looked = append(s.looked, v)
	return s.lacks[v], s.fault
}

var errAway = errors.New("no answer")

// mustHave fails the test unless there are runs of exactly these versions.
func mustHave(t *testing.T, s interface {
	Runs(ctx context.Context, f bot.Filter) ([]bot.Run, error)
}, want ...string,
) {
	t.Helper()
	runs, err := s.Runs(t.Context(), bot.Filter{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range runs {
		got = append(got, string(runs[len(runs)-1-i].Version))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got runs of %q, want %q", got, want)
	}
}
