package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// release returns the body of a hook on a release.
func release(action, tag, at string) string {
	return fmt.Sprintf(`{"object_kind":"release","action":%q,"tag":%q,"released_at":%q,"url":"https://gitlab.example.com/data/mda/-/releases/x",`+
		`"commit":{"id":%q},"project":{"path_with_namespace":"data/mda","web_url":"https://gitlab.example.com/data/mda"}}`, action, tag, at, commitOf(tag))
}

// pipelineHook returns the body of a hook on a pipeline of a tag or a branch; changes are
// of its text.
func pipelineHook(ref string, tag bool, changes ...string) string {
	body := fmt.Sprintf(`{"object_kind":"pipeline","object_attributes":{"id":7,"ref":%q,"tag":%t,"sha":%q,"source":"push","status":"success",`+
		`"url":"https://gitlab.example.com/data/mda/-/pipelines/7"},"merge_request":null,"user":{"id":7,"username":"ana"},`+
		`"project":{"path_with_namespace":"data/mda","web_url":"https://gitlab.example.com/data/mda"}}`, ref, tag, commitOf("v2026.1.1"))
	return strings.NewReplacer(changes...).Replace(body)
}

// branchPush returns the body of a hook on a push of a branch.
func branchPush(branch, sha string) string {
	body := tagPush("data/mda", branch, sha)
	return strings.NewReplacer(`"tag_push"`, `"push"`, "refs/tags/", "refs/heads/").Replace(body)
}

func TestHooksAnnounce(t *testing.T) {
	t.Parallel()
	const version = "v2026.1.1"
	sha := commitOf(version)
	onBranch := announcedBy(branchPipelines, bot.OriginPipeline)
	tests := []struct {
		name, text, body string
		want             string // in the answer
		run              string // who it is asked for by; "": there is none
	}{
		{"tag", by(bot.OriginTag), tagPush("data/mda", version, sha), `"new":true`, "a tag, pushed by ana"},
		{"tag that is gone", by(bot.OriginTag), tagPush("data/mda", "v2026.1.9", sha), "the tag is gone", ""},
		{"tag elsewhere by now", by(bot.OriginTag), tagPush("data/mda", version, commit), "points to another commit by now", ""},
		{"release", by(bot.OriginRelease), release("create", version, "2026-11-22 02:00:00 UTC"), `"new":true`, "a release"},
		{"release, no time", by(bot.OriginRelease), release("create", version, "soon"), `"new":true`, "a release"},
		{"release, changed", by(bot.OriginRelease), release("update", version, ""), "was changed or removed", ""},
		{"release, removed", by(bot.OriginRelease), release("delete", version, ""), "was changed or removed", ""},
		{"release to come", by(bot.OriginRelease), release("create", version, "2026-11-23 02:00:00 UTC"), "has not come", ""},
		{"release without a commit", by(bot.OriginRelease), strings.Replace(release("create", version, ""), `{"id":"`+sha+`"}`, "null", 1), "has no commit", ""},
		{"release of no version", by(bot.OriginRelease), release("create", "latest", ""), `tag \"latest\" of data/mda starts nothing: the tags of package \"mda\" have the form v{version}`, ""},
		{"pipeline of a tag", by(bot.OriginPipeline), pipelineHook(version, true), `"new":true`, "a pipeline, started by ana"},
		{"pipeline of a branch, tags count", by(bot.OriginPipeline), pipelineHook("main", false), `the versions of package \"mda\" are announced by tags`, ""},
		{"pipeline of a branch", onBranch, pipelineHook("main", false), `"new":true`, "a pipeline, started by ana"},
		{"pipeline of another branch", onBranch, pipelineHook("feature", false), "are announced on branch main", ""},
		{"pipeline of a tag, a branch counts", onBranch, pipelineHook("main", true), "are announced on branch main", ""},
		{"pipeline that runs", by(bot.OriginPipeline), pipelineHook(version, true, "success", "running"), "has not succeeded", ""},
		{"pipeline that failed", by(bot.OriginPipeline), pipelineHook(version, true, "success", "failed"), "has not succeeded", ""},
		{"pipeline that was cancelled", by(bot.OriginPipeline), pipelineHook(version, true, "success", "canceled"), "has not succeeded", ""},
		{"pipeline of a merge request", onBranch, pipelineHook("main", false, `"merge_request":null`, `"merge_request":{"iid":1}`), "pipelines of merge requests", ""},
		{"pipeline of a merge request by its source", onBranch, pipelineHook("main", false, `"source":"push"`, `"source":"merge_request_event"`), "pipelines of merge requests", ""},
		{"child pipeline", onBranch, pipelineHook("main", false, `"source":"push"`, `"source":"parent_pipeline"`), "of other pipelines", ""},
		{"our own status", onBranch, pipelineHook("main", false, `"source":"push"`, `"source":"external"`), "of other systems", ""},
		{"push", by(bot.OriginPush), branchPush("main", sha), `"new":true`, "a push by ana"},
		{"push to another branch", by(bot.OriginPush), branchPush("feature", sha), "are announced on branch main", ""},
		{"push without the file", by(bot.OriginPush), branchPush("main", commit), "not found", ""},
		{"removed branch", by(bot.OriginPush), branchPush("main", ""), "a branch was removed, which starts nothing", ""},
		{"push of a tag's name", by(bot.OriginPush), strings.Replace(branchPush("main", sha), "refs/heads/", "refs/x/", 1), "names no branch", ""},
		{"push of a number that is none", by(bot.OriginPush), strings.Replace(branchPush("main", sha), `"user_id":7`, `"user_id":"seven"`, 1), `"new":true`, "a push by ana"},
		{"kind that nothing listens to", by(bot.OriginTag), branchPush("main", sha), "woke 0 runs", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, forge := openStore(t), &gitlab{}
			forge.has("2026.1.1")
			g := hook(t, s)
			g.Catalog, g.Forge = catalog(t, test.text), forge
			w := post(g, test.body)
			if w.Code >= 300 || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("got %d %s, want %q", w.Code, w.Body, test.want)
			}
			runs, err := s.Runs(t.Context(), bot.Filter{})
			if err != nil || len(runs) > 1 || (len(runs) == 1) != (test.run != "") {
				t.Fatalf("got %+v, %v", runs, err)
			}
			if len(runs) == 1 && strings.Contains(test.run, "ana") && (runs[0].By != "ana" || runs[0].ByID != 7) != strings.Contains(test.body, "seven") {
				t.Errorf("got a run of %s, account %d", runs[0].By, runs[0].ByID)
			}
			if len(runs) == 1 && (runs[0].Asked() != test.run || !strings.HasPrefix(runs[0].Link, "https://gitlab.example.com/data/mda/-/")) {
				t.Errorf("got a run asked for by %q, see %q; want %q", runs[0].Asked(), runs[0].Link, test.run)
			}
		})
	}
}

// A hook cannot say whether its tag is protected: it is looked up before anything starts.
func TestHookOfATagThatIsNotProtected(t *testing.T) {
	t.Parallel()
	const version = "v2026.1.1"
	for kind, body := range map[bot.Origin]string{
		bot.OriginTag:     tagPush("data/mda", version, commitOf(version)),
		bot.OriginRelease: release("create", version, ""), bot.OriginPipeline: pipelineHook(version, true),
	} {
		s, forge := openStore(t), &gitlab{}
		forge.has("2026.1.1")
		forge.tags[0].Protected = false
		g := hook(t, s)
		g.Catalog, g.Forge = catalog(t, by(kind)), forge
		w := post(g, body)
		if w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), `"refused":true`) || !strings.Contains(w.Body.String(), "is not protected, so it starts nothing") {
			t.Errorf("%s: got %d %s", kind, w.Code, w.Body)
		}
		mustHave(t, s)
		g.Catalog = catalog(t, strings.ReplaceAll(by(kind), "name: 'v{version}'", "name: 'v{version}', protected: false"))
		forge.calls = nil
		fresh := openStore(t)
		g.Store = fresh
		if post(g, body); len(forge.calls) != 0 {
			t.Errorf("%s: asked for %q though any tag counts", kind, forge.calls)
		}
		mustHave(t, fresh, "2026.1.1")
	}
}

// What nobody can tell while GitLab waits for the answer is left to polling, which stores
// the same request.
func TestHookThatCannotLookIsLeftToPolling(t *testing.T) {
	t.Parallel()
	s, forge := openStore(t), &gitlab{}
	g := hook(t, s)
	g.Catalog, g.Forge = catalog(t, by(bot.OriginTag)), forge
	p := poll(t, by(bot.OriginTag), forge, s)
	look(t, p)
	forge.has("2026.1.1")
	forge.fault = errAway
	body := tagPush("data/mda", "v2026.1.1", commitOf("v2026.1.1"))
	w := post(g, body)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "polling will find it") || strings.Contains(w.Body.String(), errAway.Error()) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	mustHave(t, s)
	forge.fault = nil
	look(t, p)
	mustHave(t, s, "2026.1.1")
	if w := post(g, body); w.Code != http.StatusAccepted || strings.Contains(w.Body.String(), `"new":true`) {
		t.Errorf("sent again: got %d %s", w.Code, w.Body)
	}
}

// Hooks of a data project go on waking the runs that work on it.
func TestHookOfADataProjectWakesRunsToo(t *testing.T) {
	t.Parallel()
	run := bot.Run{ID: "r", Stages: []bot.Stage{{Plan: bot.StagePlan{Repo: "data/mda"}}}}
	for _, body := range []string{pipelineHook("main", false, "success", "running"), pipelineHook("v2026.1.1", true)} {
		forge := &gitlab{}
		forge.has("2026.1.1")
		g := hook(t, accepting{lanes{runs: []bot.Run{run}}})
		g.Catalog, g.Forge = catalog(t, by(bot.OriginPipeline)), forge
		woken := 0
		g.Hint = func(context.Context, string, string) error { woken++; return nil }
		if w := post(g, body); w.Code >= 300 || woken != 1 {
			t.Errorf("got %d %s, woke %d runs", w.Code, w.Body, woken)
		}
	}
}

// fuzzHook fuzzes the decoder of one kind of hook: it never panics, what comes out of it is
// well formed, and its answer does not grow with the body.
func fuzzHook(f *testing.F, kind bot.Origin, texts []string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	forge := &gitlab{}
	forge.has("2026.1.1")
	var handlers []*GitLab
	for _, text := range texts {
		c, err := bot.ParseConfig("lockstep.yaml", []byte(text))
		if err != nil {
			f.Fatal(err)
		}
		handlers = append(handlers, &GitLab{
			Catalog: c, Store: accepting{}, Forge: anyTag{forge}, Wake: func() {}, Log: quiet, Now: func() time.Time { return clock },
			Hint: func(context.Context, string, string) error { return nil },
		})
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, g := range handlers {
			w := post(g, string(body))
			if w.Code >= http.StatusInternalServerError || !json.Valid(w.Body.Bytes()) || w.Body.Len() > 8<<10 {
				t.Errorf("%s: %q: got %d and %d bytes: %.500s", kind, body, w.Code, w.Body.Len(), w.Body)
			}
		}
		e, err := parseEvent(body)
		if err != nil {
			return
		}
		a, why, err := announces(e, body, time.Unix(0, 0))
		if why == "" && err == nil && (!commitID.MatchString(a.commit) || !refName.MatchString(a.tag+a.branch) || len(a.by) > 255 || a.link != "" && !webURL.MatchString(a.link)) {
			t.Errorf("%q: got %+v", body, a)
		}
	})
}

// anyTag is a Forge in which each tag is protected and each file holds a version.
type anyTag struct{ *gitlab }

func (anyTag) Tag(_ context.Context, _, name string) (gitops.Tag, error) {
	return gitops.Tag{Name: name, Commit: commitOf("v2026.1.1"), Protected: true}, nil
}

func (anyTag) File(context.Context, string, string, string) ([]byte, error) {
	return []byte("2026.1.1"), nil
}

func FuzzHookTag(f *testing.F) {
	fuzzHook(f, bot.OriginTag, []string{by(bot.OriginTag)},
		tagPush("data/mda", "v2026.1.1", commitOf("v2026.1.1")), tagPush("data/mda", "v2026.1.1", ""), tagPush("data/mda", "v", commit),
		strings.Replace(tagPush("data/mda", "x", commit), "refs/tags/", "refs/heads/", 1))
}

func FuzzHookRelease(f *testing.F) {
	fuzzHook(f, bot.OriginRelease, []string{by(bot.OriginRelease)},
		release("create", "v2026.1.1", "2026-11-22 02:00:00 UTC"), release("update", "v2026.1.1", ""), release("create", "../x", "2999-01-01 00:00:00 UTC"),
		`{"object_kind":"release","action":"create","tag":1,"project":{"path_with_namespace":"data/mda"}}`)
}

func FuzzHookPipeline(f *testing.F) {
	fuzzHook(f, bot.OriginPipeline, []string{by(bot.OriginPipeline), announcedBy(branchPipelines, bot.OriginPipeline)},
		pipelineHook("v2026.1.1", true), pipelineHook("main", false), pipelineHook("main", false, "success", "failed"),
		pipelineHook("main", false, `"merge_request":null`, `"merge_request":{"iid":1}`),
		`{"object_kind":"pipeline","object_attributes":[],"project":{"path_with_namespace":"data/mda"}}`)
}

func FuzzHookPush(f *testing.F) {
	fuzzHook(f, bot.OriginPush, []string{by(bot.OriginPush), by(bot.OriginTag)},
		branchPush("main", commitOf("v2026.1.1")), branchPush("feature", commit), branchPush("main", ""))
}
