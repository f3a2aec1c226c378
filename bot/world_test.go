package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/gitops"
)

const (
	oldVersion = gitops.Version("1.0.0")
	newVersion = gitops.Version("1.1.0")
)

// A world is everything outside a run, in memory and scripted: each question that the
// step function asks takes the next word of the script.
type world struct {
	t       *testing.T
	now     time.Time
	script  []string
	stuck   bool                 // the first word of the script holds until the state changes
	branch  map[string]string    // branch, as ref writes it → commit
	commits map[string]*snapshot // id → tree
	mrs     []*gitops.MergeRequest
	pipes   []gitops.Pipeline
	newer   []gitops.Pipeline // of a person's later commit
	params  map[string]string
	begun   []string // gates that were started
	acts    []string // what changed the outside, in order
	stages  []TrackStage
	data    *DataSet
	scope   Scope
	streak  int // how many earlier runs in a row went on without each gate
	made    int // how many gates were made
	past    Past
	forgets bool // nobody knows the past

	turns sync.Mutex
	taken int // how many of those gates had their turn
}

// A snapshot is one commit of the world; it is a Tree.
type snapshot struct {
	id, message, parent string
	files               map[string]string
}

func (s *snapshot) Commit() string { return s.id }

func (s *snapshot) Match(pattern string) ([]string, error) {
	return gitops.Match(slices.Sorted(maps.Keys(s.files)), pattern), nil
}

func (s *snapshot) File(path string) ([]byte, error) {
	if text, ok := s.files[path]; ok {
		return []byte(text), nil
	}
	return nil, gitops.ErrNotFound
}

// newWorld returns a world with one environment of two services and one gate.
func newWorld(t *testing.T, script string) *world {
	files := map[string]string{}
	for _, service := range []string{"kv", "mds"} {
		files["int/"+service+"/values.yaml"] = fmt.Sprintf("data:\n  version: %s\n", oldVersion)
	}
	w := &world{
		t: t, now: time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC), script: strings.Fields(script),
		branch: map[string]string{"main": "c0"}, commits: map[string]*snapshot{"c0": {id: "c0", files: files}},
		params: map[string]string{"/mda/int/data-version": "0.9.0"},
	}
	w.stages = []TrackStage{{
		Plan: StagePlan{
			Environment: "int", Repo: "env/mda", Branch: "main", Checked: true, Watch: WatchPlan{Job: "deploy-{environment}-{service}"},
			Gates:     []GatePlan{{Name: "int-test", TimeLimit: time.Hour, Pipeline: &PipelineGate{Project: "qa/int-test", Ref: "main"}}},
			Record:    &Parameter{Name: "/mda/int/data-version"},
			SyncLimit: time.Hour, MergeLimit: time.Hour,
		},
		Globs: []Glob{{Pattern: "int/*/values.yaml", Key: "data.version"}},
	}}
	return w
}

// newWorldOfTwo returns a world with a second environment of the same services and a
// gate of its own, in the same repository or in another.
func newWorldOfTwo(t *testing.T, repo, script string) *world {
	w := newWorld(t, script)
	files := map[string]string{}
	for _, service := range []string{"kv", "mds"} {
		files["abn/"+service+"/values.yaml"] = fmt.Sprintf("data:\n  version: %s\n", oldVersion)
	}
	if repo == "env/mda" {
		maps.Copy(w.commits["c0"].files, files)
	} else {
		w.branch[ref(repo, "main")], w.commits["a0"] = "a0", &snapshot{id: "a0", files: files}
	}
	second := w.stages[0]
	second.Plan.Environment, second.Plan.Repo, second.Plan.Record = "abn", repo, &Parameter{Name: "/mda/abn/data-version"}
	second.Globs = []Glob{{Pattern: "abn/*/values.yaml", Key: "data.version"}}
	w.stages = append(w.stages, second)
	return w
}

// ref names a branch of a repository; those of env/mda have short names.
func ref(repo, branch string) string {
	if repo == "env/mda" {
		return branch
	}
	return repo + ":" + branch
}

// take returns the next word of the script if it is one of those that fit here, else
// the first of them. A word that ends in * stays until the run changes its state.
func (w *world) take(fit ...string) string {
	if len(w.script) == 0 {
		return fit[0]
	}
	word := strings.TrimSuffix(w.script[0], "*")
	if word != "-" && !slices.Contains(fit, word) {
		return fit[0]
	}
	if w.stuck = word != w.script[0]; !w.stuck {
		w.script = w.script[1:]
	}
	return word
}

var errUnknown = errors.New("no answer")

// bot returns the step function in this world.
func (w *world) bot() *Bot {
	return &Bot{
		Config: w, Repos: w, Forge: w, Pipelines: w, Watch: w, Gates: w, Parameters: w, Rules: w, Data: w, History: w,
		Limits: Limits{Unknown: time.Hour, First: time.Second, Longest: 30 * time.Second, Person: 5 * time.Minute},
		Now:    func() time.Time { return w.now },
	}
}

// play takes a run from Queued until it has settled, or until nothing but a person can
// move it and the script has no more words. It returns the states that it came through.
func (w *world) play(r *Run) string {
	w.t.Helper()
	b, trace := w.bot(), []string{string(r.State)}
	for range 3000 {
		w.person(r)
		before := r.State
		o, err := b.Step(w.t.Context(), r)
		r.Word = nil
		applied := r.Apply(o, err, w.now, b.Limits)
		w.now = w.now.Add(applied.After)
		if r.State != before {
			trace = append(trace, strings.ReplaceAll(string(r.State), " ", "-"))
			w.unstick()
		}
		if r.Settled() || r.State == Stalled && len(w.script) == 0 {
			if len(w.script) > 0 {
				w.t.Errorf("the script still says %q", w.script)
			}
			return strings.Join(trace, " ")
		}
	}
	w.t.Fatalf("the run does not end: %s: %s", strings.Join(trace, " "), r.Reason)
	return ""
}

// unstick drops a word that held for the state that was left.
func (w *world) unstick() {
	if w.stuck {
		w.script, w.stuck = w.script[1:], false
	}
}

// person does what the script says people do in the run's state: "merged:cancel".
func (w *world) person(r *Run) {
	for len(w.script) > 0 {
		state, act, ok := strings.Cut(w.script[0], ":")
		if !ok || state != strings.ReplaceAll(string(r.State), " ", "-") {
			return
		}
		w.script = w.script[1:]
		switch act {
		case "nobody": // does nothing: the next word holds from this state on
		case "later": // 40 minutes pass
			w.now = w.now.Add(40 * time.Minute)
		case "already":
			w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: 1.1.0\n", "int/mds/values.yaml": "data:\n  version: 1.1.0\n"})
		case "edit-kv":
			w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: by-hand-" + fmt.Sprint(len(w.commits)) + "\n"})
		case "renew-abn":
			w.commit(ref(w.stages[1].Plan.Repo, "main"), "a person", map[string]string{"abn/kv/values.yaml": "data:\n  version: 1.1.0\n"})
		case "edit-abn-kv":
			w.commit(ref(w.stages[1].Plan.Repo, "main"), "a person", map[string]string{"abn/kv/values.yaml": "data:\n  version: by-hand-" + fmt.Sprint(len(w.commits)) + "\n"})
		case "set-abn":
			w.params["/mda/abn/deployed"] = "by-hand"
		case "drop-deployed":
			delete(w.params, "/mda/abn/deployed")
		case "edit-mds":
			w.commit("main", "a person", map[string]string{"int/mds/values.yaml": "data:\n  version: by-hand\n"})
		case "edit-beside":
			w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "replicas: 3\n" + w.tree("main").files["int/kv/values.yaml"]})
		case "remove-kv":
			w.commit("main", "a person", map[string]string{"int/kv/values.yaml": ""})
		case "break-kv":
			w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data: *nowhere\n"})
		case "mend-kv":
			w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: 1.0.0\n"})
		case "foreign-branch":
			w.commit(ref(r.Delivery().Change.Repo, r.Delivery().Change.Branch), "not ours", nil)
		case "foreign-push":
			w.mrs[len(w.mrs)-1].SHA = w.commit(r.Delivery().Change.Branch, "not ours", nil)
		case "lock":
			w.mrs[len(w.mrs)-1].State = gitops.Locked
		case "retarget":
			w.mrs[len(w.mrs)-1].Target = "elsewhere"
		case "drop-branch":
			delete(w.branch, r.Delivery().Change.Branch)
		case "mend-new-kv", "new-kv":
			w.commit("main", "a person", map[string]string{"int/kv/values.yaml": "data:\n  version: 1.1.0\n"})
		case "merge":
			w.land(w.mrs[len(w.mrs)-1])
		case "merge-other-kv": // merges it, and resolves a conflict at kv in another way
			mr := w.mrs[len(w.mrs)-1]
			w.land(mr)
			mr.Landed = w.commit("main", "resolved", map[string]string{"int/kv/values.yaml": "data:\n  version: by-hand\n"})
		case "newer-deploys":
			head := w.commit("main", "a person", map[string]string{"README.md": "theirs"})
			w.newer = []gitops.Pipeline{{ID: 2, SHA: head, Ref: "main", Status: gitops.StatusRunning}}
		case "still-deploys":
			w.pipes = append(w.pipes, gitops.Pipeline{ID: 1, SHA: r.Delivery().Landed, Ref: "main", Status: gitops.StatusRunning})
		case "waits-for-person":
			w.pipes = append(w.pipes, gitops.Pipeline{ID: 1, SHA: r.Delivery().Landed, Ref: "main", Status: gitops.StatusManual})
		case "hold", "resume", "cancel":
			r.Word = &Word{Verb: Verb(act), By: "ada"}
			return
		default:
			w.t.Fatalf("the script has an unknown act %q", act)
		}
	}
}

func (w *world) tree(branch string) *snapshot { return w.commits[w.branch[branch]] }

// commit puts files on a branch; an empty text removes the file.
func (w *world) commit(branch, message string, files map[string]string) string {
	from := w.tree(branch)
	if from == nil {
		from = w.tree("main")
	}
	next := &snapshot{id: fmt.Sprintf("c%d", len(w.commits)), message: message, parent: from.id, files: maps.Clone(from.files)}
	for path, text := range files {
		next.files[path] = text
		if text == "" {
			delete(next.files, path)
		}
	}
	w.commits[next.id], w.branch[branch] = next, next.id
	return next.id
}

// land merges a merge request: the values that it changes go onto the target.
func (w *world) land(mr *gitops.MergeRequest) {
	head := w.commits[mr.SHA]
	base := w.commits[strings.Fields(head.message)[0]]
	files := map[string]string{}
	for path, text := range head.files {
		if base.files[path] != text {
			files[path] = text
		}
	}
	mr.State, mr.Landed = gitops.Merged, w.commit(ref(mr.Project, mr.Target), "merge", files)
	delete(w.branch, ref(mr.Project, mr.Source))
}

func (w *world) Track(string, string, gitops.Version) (TrackPlan, error) {
	if w.take("known", "no-track") == "no-track" {
		return TrackPlan{}, errors.New("config: there is no track of that name")
	}
	return TrackPlan{Data: w.data, Scope: w.scope, Stages: slices.Clone(w.stages)}, nil
}

func (w *world) Head(_ context.Context, repo, branch string) (string, error) {
	if id, ok := w.branch[ref(repo, branch)]; ok {
		return id, nil
	}
	return "", gitops.ErrNotFound
}

func (w *world) At(_ context.Context, _, commit string, files ...string) (Tree, error) {
	if w.take("readable") == "-" {
		return nil, errUnknown
	}
	return part{w.commits[commit], files}, nil
}

// A part is of a snapshot what was asked for.
type part struct {
	*snapshot
	asked []string
}

func (p part) Match(pattern string) ([]string, error) {
	all, err := p.snapshot.Match(pattern)
	return slices.DeleteFunc(all, func(path string) bool { return !p.covers(path) }), err
}

func (p part) File(path string) ([]byte, error) {
	if !p.covers(path) {
		return nil, fmt.Errorf("%s was not asked for", path)
	}
	return p.snapshot.File(path)
}

// covers reports that a path was asked for.
func (p part) covers(path string) bool {
	return slices.ContainsFunc(p.asked, func(pattern string) bool { return len(gitops.Match([]string{path}, pattern)) > 0 })
}

func (w *world) Tip(_ context.Context, repo, branch string) (gitops.Commit, error) {
	if id, ok := w.branch[ref(repo, branch)]; ok {
		return gitops.Commit{ID: id, Message: w.commits[id].message}, nil
	}
	return gitops.Commit{}, gitops.ErrNotFound
}

// message is what our commits say: the base, so that land can tell what they change,
// and the trailer.
func message(base Tree, c gitops.Change) string {
	return fmt.Sprintf("%s %s\n\n%s", base.Commit(), c.Title, c.Body)
}

func (w *world) Commit(_ context.Context, base Tree, c gitops.Change, files map[string][]byte) (string, error) {
	next := &snapshot{message: message(base, c), parent: base.Commit(), files: maps.Clone(w.commits[base.Commit()].files)}
	for path, data := range files {
		next.files[path] = string(data)
	}
	next.id = fmt.Sprintf("ours-%s-%d-%s", base.Commit(), len(files), c.Branch[strings.LastIndex(c.Branch, "-")+1:])
	w.commits[next.id] = next
	return next.id, nil
}

func (w *world) Push(ctx context.Context, base Tree, c gitops.Change, files map[string][]byte, tip string) (string, error) {
	at := ref(c.Repo, c.Branch)
	if w.branch[at] != tip {
		return "", gitops.ErrConflict
	}
	switch w.take("takes", "race", "refuses", "lost-push") {
	case "race":
		return "", fmt.Errorf("push: %w", gitops.ErrConflict)
	case "refuses":
		return "", fmt.Errorf("push: %w: protected branch", gitops.ErrRefused)
	case "-":
		return "", errUnknown
	case "lost-push":
		w.branch[at], _ = w.Commit(ctx, base, c, files)
		w.acts = append(w.acts, "push")
		return "", errUnknown
	}
	id, err := w.Commit(ctx, base, c, files)
	w.branch[at] = id
	w.acts = append(w.acts, "push")
	for _, mr := range w.mrs {
		if mr.Project == c.Repo && mr.Source == c.Branch && mr.State == gitops.Opened {
			mr.SHA = id
		}
	}
	return id, err
}

func (w *world) Delete(_ context.Context, repo, branch, _ string) error {
	delete(w.branch, ref(repo, branch))
	w.acts = append(w.acts, "delete branch")
	return nil
}
