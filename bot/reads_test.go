package bot

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A shelf is repositories of one commit each that hand out what is asked for, and no more.
type shelf struct {
	Repos
	at    map[string]*snapshot // by repository
	heads []string             // repositories whose head was looked up, in order
	reads []string             // repositories that were read, in order
}

func (s *shelf) Head(_ context.Context, repo, _ string) (string, error) {
	s.heads = append(s.heads, repo)
	return s.at[repo].id, nil
}

func (s *shelf) At(_ context.Context, repo, commit string, files ...string) (Tree, error) {
	s.reads = append(s.reads, repo)
	if commit != s.at[repo].id || len(files) == 0 {
		return nil, fmt.Errorf("commit %q is asked for %q", commit, files)
	}
	return part{s.at[repo], files}, nil
}

// Parts of random helmfiles. Most paths lead to a file from some of the directories.
var (
	drawnFiles = []string{
		"helmfile.yaml", "helmfile.yaml.gotmpl", "base.yaml", "int.yaml", "mds.yaml", "a[1].yaml", "a1.yaml",
		"apps/helmfile.yaml", "apps/kv.yaml", "apps/kv.yaml.gotmpl", "apps/base.yaml", "apps/int.yaml", "apps/deep/down/helmfile.yaml",
		"helmfile.d/1.yaml", "helmfile.d/2.yaml.gotmpl", "helmfile.d/README.md",
		"environments/int.yaml", "environments/int/mds/values.yaml", "environments/int/kv/values.yaml", "environments/abn/mds/values.yaml",
		"environments/int-eu.yaml", "**/values.yaml", "secrets.yaml",
	}
	drawnBases = []string{"base.yaml", "../base.yaml", "apps/base.yaml", "helmfile.yaml", "missing.yaml", "{{ .Values.base }}.yaml", "environments/int.yaml"}
	drawnNests = []string{
		"apps/*.yaml", "apps", "apps/helmfile.yaml", "helmfile.d", "../helmfile.yaml", "deep/down", "**/**/helmfile.yaml", "apps/*/*/helmfile.yaml",
		"missing", "{path: apps/kv.yaml}", "'{{ .Values.nest }}'", ".",
	}
	drawnValues = []string{
		"environments/{{ .Environment.Name }}/{{`{{ .Release.Name }}`}}/values.yaml", "../environments/{{ .Environment.Name }}/mds/values.yaml",
		"environments/int/kv/values.yaml", "environments/*/mds/values.yaml", "mds.yaml", "int.yaml", "../mds.yaml", "missing.yaml", "a[1].yaml", "a?.yaml", "[", "**/values.yaml",
		"environments/{{ .Values.x }}/values.yaml", "{{ .Values.x }}.yaml", "environments/int{{ .Values.x }}", "{{ .Values.dir }}/{{ .Values.file }}", "../{{ .Values.x }}/values.yaml",
	}
	drawnWords = []string{"data:\n  version: 1.0.0\n", "data:\n  version: 1.0.0\nkv: {enabled: true}\n", "kv: {enabled: false}\n", "x: {{ .Values.x }}\n", "data: *nowhere\n", ""}
)

// drawText returns a helmfile, the values of a service, or something else.
func drawText(t *rapid.T) string {
	if rapid.Bool().Draw(t, "no helmfile") {
		return rapid.SampledFrom(drawnWords).Draw(t, "text")
	}
	var b strings.Builder
	some := func(key string, from []string) {
		if names := rapid.SliceOfN(rapid.SampledFrom(from), 0, 2).Draw(t, key); len(names) > 0 {
			fmt.Fprintf(&b, "%s:\n", key)
			for _, name := range names {
				if !strings.ContainsAny(name[:1], "{'") || strings.HasPrefix(name, "{{") {
					name = "'" + name + "'"
				}
				fmt.Fprintf(&b, "  - %s\n", name)
			}
		}
	}
	some("bases", drawnBases)
	some("helmfiles", drawnNests)
	some("values", drawnValues[5:7])
	if rapid.Bool().Draw(t, "environments") {
		fmt.Fprintf(&b, "environments:\n  %s:\n    values: ['%s']\n", rapid.SampledFrom([]string{"int", "abn", "{{ .Environment.Name }}"}).Draw(t, "environment"), rapid.SampledFrom(drawnValues).Draw(t, "its values"))
	}
	b.WriteString("releases:\n")
	for range rapid.IntRange(0, 3).Draw(t, "releases") {
		fmt.Fprintf(&b, "  - name: %s\n", rapid.SampledFrom([]string{"mds", "kv", "web", "{{ .Values.name }}"}).Draw(t, "release"))
		if rapid.Bool().Draw(t, "conditional") {
			b.WriteString("    condition: kv.enabled\n")
		}
		b.WriteString("    values:\n")
		for range rapid.IntRange(0, 2).Draw(t, "values of it") {
			fmt.Fprintf(&b, "      - '%s'\n", rapid.SampledFrom(drawnValues).Draw(t, "value"))
		}
	}
	return b.String()
}

// drawStage returns a stage that finds services in some way.
func drawStage(t *rapid.T, repo string) TrackStage {
	s := TrackStage{Plan: StagePlan{Environment: rapid.SampledFrom([]string{"int", "abn"}).Draw(t, "stage"), Repo: repo, Branch: "main"}}
	for _, file := range rapid.SliceOfN(rapid.SampledFrom(append(drawnFiles, "gone.yaml")), 0, 2).Draw(t, "listed") {
		s.Plan.Services = append(s.Plan.Services, Service{Name: file, File: file, Key: "data.version"})
	}
	if rapid.Bool().Draw(t, "by glob") {
		pattern := rapid.SampledFrom([]string{"environments/int/*/values.yaml", "apps/*.yaml", "*/int.yaml", "environments/*/*/values.yaml"}).Draw(t, "glob")
		s.Globs = []Glob{{Pattern: pattern, Key: "data.version"}}
	}
	for _, file := range rapid.SliceOfN(rapid.SampledFrom([]string{"helmfile.yaml", "helmfile.d", "apps", "."}), 0, 2).Draw(t, "helmfiles") {
		s.Helmfiles = append(s.Helmfiles, Helmfile{File: file, Environment: s.Plan.Environment, Key: "data.version"})
	}
	return s
}

// Whatever the stages of a track look at: to read that alone tells the same of them as to
// read everything, with one look at each head.
func TestSurveyTellsWhatTheWholeTreeTells(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		repos := &shelf{at: map[string]*snapshot{}}
		for _, repo := range []string{"env/mda", "env/live"} {
			files := map[string]string{}
			for _, path := range rapid.SliceOfDistinct(rapid.SampledFrom(drawnFiles), rapid.ID).Draw(t, "files of "+repo) {
				files[path] = drawText(t)
			}
			repos.at[repo] = &snapshot{id: "head of " + repo, files: files}
		}
		var stages []TrackStage
		for range rapid.IntRange(1, 4).Draw(t, "stages") {
			stages = append(stages, drawStage(t, rapid.SampledFrom([]string{"env/mda", "env/live"}).Draw(t, "repository")))
		}
		s := (&Bot{Repos: repos}).survey(stages)
		for _, stage := range stages {
			tree, err := s.of(t.Context(), stage.Plan)
			if err != nil {
				t.Fatal(err)
			}
			whole := repos.at[stage.Plan.Repo]
			got, err := stage.find(tree)
			want, wantErr := stage.find(whole)
			if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("a part tells %+v, error %v\nthe whole tells %+v, error %v", got, err, want, wantErr)
			}
			for _, service := range want.Services {
				data, err := tree.File(service.File)
				text, wantErr := whole.File(service.File)
				if string(data) != string(text) || !errors.Is(err, wantErr) {
					t.Fatalf("%s: a part has %q, error %v; the whole %q, error %v", service.File, data, err, text, wantErr)
				}
			}
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(repos.heads))); len(distinct) != len(repos.heads) {
			t.Errorf("the heads of %q were looked up", repos.heads)
		}
	})
}

// Stages of one repository cost one read, in the order of the track.
func TestSurveyReadsOnce(t *testing.T) {
	t.Parallel()
	repos := &shelf{at: map[string]*snapshot{"env/mda": {id: "c"}, "env/live": {id: "d"}}}
	var stages []TrackStage
	for i, repo := range []string{"env/mda", "env/live", "env/mda", "env/mda", "env/live"} {
		t := TrackStage{Plan: StagePlan{Repo: repo, Branch: "main"}}
		t.Plan.Services = []Service{{Name: "a", File: fmt.Sprintf("%d/a.yaml", i)}, {Name: "b", File: fmt.Sprintf("%d/b.yaml", i)}}
		t.Globs = []Glob{{Pattern: fmt.Sprintf("%d/*/values.yaml", i)}}
		stages = append(stages, t)
	}
	s := (&Bot{Repos: repos}).survey(stages)
	for _, stage := range stages {
		if _, err := s.of(t.Context(), stage.Plan); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"env/mda", "env/live"}; !slices.Equal(repos.heads, want) || !slices.Equal(repos.reads, want) {
		t.Errorf("heads of %q, trees of %q, want %q", repos.heads, repos.reads, want)
	}
}

// Helmfiles that lead on and on are read up to a limit, and then refused.
func TestSurveyHasAnEnd(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]string{
		maxReads - 2: "",
		maxReads - 1: "helmfiles of env/mda lead from file to file more than 20 times, in the end to values.yaml: nest them less deeply, or find the services by a glob",
	} {
		files := map[string]string{"values.yaml": "data: {version: 1.0.0}\n", "helmfile.yaml": "helmfiles: [h1.yaml]\n"}
		for i := 1; i < depth; i++ {
			files[fmt.Sprintf("h%d.yaml", i)] = fmt.Sprintf("helmfiles: [h%d.yaml]\n", i+1)
		}
		files[fmt.Sprintf("h%d.yaml", depth)] = "releases: [{name: mds, values: [values.yaml]}]\n"
		repos := &shelf{at: map[string]*snapshot{"env/mda": {id: "c", files: files}}}
		stage := TrackStage{Plan: StagePlan{Repo: "env/mda", Branch: "main"}, Helmfiles: []Helmfile{{File: "helmfile.yaml", Environment: "int", Key: "data.version"}}}
		tree, err := (&Bot{Repos: repos}).survey([]TrackStage{stage}).of(t.Context(), stage.Plan)
		if err != nil {
			t.Fatal(err)
		}
		err = stage.discover(tree)
		var no refusal
		if errors.As(err, &no); string(no) != want || (err == nil) != (want == "") {
			t.Errorf("%d helmfiles: %v, want %q", depth, err, want)
		}
	}
}

// A meter counts what is asked of repositories.
type meter struct {
	Repos
	heads, reads int
}

func (m *meter) Head(ctx context.Context, repo, branch string) (string, error) {
	m.heads++
	return m.Repos.Head(ctx, repo, branch)
}

func (m *meter) At(ctx context.Context, repo, commit string, files ...string) (Tree, error) {
	m.reads++
	return m.Repos.At(ctx, repo, commit, files...)
}

// Whatever looks at the stages of a track reads the repository of two of them once.
func TestTrackIsReadOnce(t *testing.T) {
	t.Parallel()
	written := Stage{Delivery: Delivery{Landed: "c0"}}
	written.Plan = StagePlan{Repo: "env/mda", Branch: "main", Services: []Service{{"kv", "int/kv/values.yaml", "data.version"}}}
	undone := &Run{Stages: []Stage{written, written}}
	asks := Request{Track: "integration", Package: "mda", Version: oldVersion}
	for name, look := range map[string]func(b *Bot) error{
		"start":    func(b *Bot) error { _, err := b.Step(t.Context(), newRun()); return err },
		"stands":   func(b *Bot) error { _, err := b.Stands(t.Context(), asks); return err },
		"services": func(b *Bot) error { _, err := b.Services(t.Context(), "integration", "mda"); return err },
		"rehearse": func(b *Bot) error { _, err := b.Rehearse(t.Context(), asks); return err },
		"inspect":  func(b *Bot) error { _, err := b.Inspect(t.Context(), "integration", "mda"); return err },
		"drift":    func(b *Bot) error { _, err := b.Drift(t.Context(), "integration", "mda"); return err },
		"returns":  func(b *Bot) error { _, err := b.Returns(t.Context(), undone); return err },
	} {
		w := newWorldOfTwo(t, "env/mda", "")
		b, m := w.bot(), &meter{Repos: w}
		b.Repos = m
		if err := look(b); err != nil || m.heads != 1 || m.reads != 1 {
			t.Errorf("%s: error %v, %d heads and %d reads, want one of each", name, err, m.heads, m.reads)
		}
	}
}
