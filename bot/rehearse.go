package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep/gitops"
	"lockstep/rollback"
)

// A Rehearsal is what a run of a version through a track would do, and what putting it
// back would do, found out on the newest commits without changing anything.
type Rehearsal struct {
	Track   string         `json:"track"`
	Lane    string         `json:"lane"`
	Package string         `json:"package"`
	Version gitops.Version `json:"version"`
	There   bool           `json:"there"`             // it stands everywhere: there is nothing to do
	Windows string         `json:"windows,omitempty"` // until when the track's windows keep it from beginning; "" when they do not
	Data    string         `json:"data,omitempty"`    // what the check of the data found; "" where nobody looks after it
	Stages  []StagePreview `json:"stages"`
	Back    []FilePreview  `json:"back"`              // the files of the run after it was put back
	Left    []string       `json:"left,omitempty"`    // what putting back would leave alone, and why
	Refused []string       `json:"refused,omitempty"` // why a run would be refused; none: it would start
}

// A StagePreview is what a run would do in one environment.
type StagePreview struct {
	Dependents
	ByPerson   bool          `json:"by_person,omitempty"`  // a person merges
	Files      []FilePreview `json:"files,omitempty"`      // that would change
	Parameters []gitops.Bump `json:"parameters,omitempty"` // that would change
	Gates      []string      `json:"gates,omitempty"`      // in order
	Windows    string        `json:"windows,omitempty"`    // until when it may not be changed; "" when it may
	Obstacles  []string      `json:"obstacles,omitempty"`  // what would hold a rollback up
	Attended   bool          `json:"attended,omitempty"`   // and may
}

// A FilePreview is a file before and after.
type FilePreview struct {
	Repo string   `json:"repository"`
	File string   `json:"file"`
	Diff []string `json:"diff,omitempty"` // the lines that differ, as in a unified diff; none: it is byte for byte as it was
}

// Rehearse plays a run of a version through a track in memory: the edits of each stage
// on the newest commits, then the rollback of all of them, planned by value on what
// stands then. Refused says why a run would be refused, as far as the outside tells; an
// error means that the outside did not answer.
func (b *Bot) Rehearse(ctx context.Context, q Request) (*Rehearsal, error) {
	plan, err := b.Config.Track(q.Track, q.Package, q.Version)
	if err != nil {
		return nil, err
	}
	r := &Rehearsal{Track: q.Track, Lane: q.Lane, Package: q.Package, Version: q.Version, There: true, Back: []FilePreview{}}
	r.Windows, _ = q.Windows.closure("track", q.Track, b.Now())
	play := &stagePlay{version: q.Version, newest: b.survey(plan.Stages), trees: map[string]Tree{}, after: map[string]map[string][]byte{}}
	for _, t := range plan.Stages {
		if err := b.preview(ctx, t, r, play); err != nil {
			return nil, fmt.Errorf("environment %s: %w", t.Plan.Environment, err)
		}
	}
	if no := shared(play.stages); no != "" {
		r.Refused = append(r.Refused, no.Error())
	}
	if err := play.back(r); err != nil {
		return nil, err
	}
	r.There = r.There && len(r.Refused) == 0
	if plan.Data != nil && !r.There {
		if err := b.prove(ctx, *plan.Data, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// preview plays one stage, and notes what it would do.
func (b *Bot) preview(ctx context.Context, t TrackStage, r *Rehearsal, play *stagePlay) error {
	d, err := b.dependents(ctx, t, play.newest)
	if err != nil {
		return err
	}
	p := StagePreview{Dependents: d, ByPerson: t.Plan.ByPerson, Gates: t.Plan.gateLines(), Attended: t.Plan.Attended}
	p.Windows, _ = t.Plan.Windows.closure("environment", t.Plan.Environment, b.Now())
	refuse := func(no string) { r.Refused = append(r.Refused, no) }
	if d.Problem != "" {
		refuse(d.Problem)
	}
	for _, s := range d.Services {
		if s.Problem != "" {
			refuse(s.Problem)
		}
	}
	if t.Plan.Repo != "" && d.Commit != "" {
		var inexact *gitops.EditError
		if p.Files, err = play.forward(d); errors.As(err, &inexact) {
			refuse(err.Error())
		} else if err != nil {
			return err
		}
		if p.Obstacles, err = b.Rules.Obstacles(ctx, t.Plan.Repo, t.Plan.Branch, t.Plan.Pushed); err != nil {
			return err
		}
	}
	if len(p.Obstacles) > 0 && !p.Attended {
		refuse(t.Plan.obstructed(p.Obstacles).Error())
	}
	p.Parameters, err = b.sets(ctx, t.Plan, r.Version)
	var no refusal
	if errors.As(err, &no) {
		refuse(no.Error())
	} else if err != nil {
		return err
	}
	play.wrote = append(play.wrote, p.Parameters...)
	r.There = r.There && len(p.Files) == 0 && len(p.Parameters) == 0
	r.Stages = append(r.Stages, p)
	return nil
}

// prove checks the data as the start of a run does.
func (b *Bot) prove(ctx context.Context, set DataSet, r *Rehearsal) error {
	var p Progress
	for !p.Done && p.Problem == "" {
		var err error
		if p, err = b.Data.Check(ctx, set, p); err != nil {
			return fmt.Errorf("check %s in %s: %w", r.Version, set.Bucket.Purpose, err)
		}
	}
	if p.Problem != "" {
		r.Data = p.Problem
		r.Refused = append(r.Refused, p.Problem)
		return nil
	}
	r.Data = fmt.Sprintf("complete in %s: %s", set.Bucket.Purpose, p.passed())
	return nil
}

// A stagePlay is the state of the environment repositories in a rehearsal.
type stagePlay struct {
	version gitops.Version
	newest  *survey
	trees   map[string]Tree              // by repository: as they stand
	after   map[string]map[string][]byte // by repository: files that were edited, as they are now
	wrote   []gitops.Bump                // in the order written
	stages  []Stage
}

// file returns a file as the play has left it.
func (s *stagePlay) file(repo, name string) ([]byte, error) {
	if data, edited := s.after[repo][name]; edited {
		return data, nil
	}
	return s.trees[repo].File(name)
}

// edit applies bumps of one repository, and returns what they change of each file.
func (s *stagePlay) edit(repo string, bumps []gitops.Bump) ([]FilePreview, error) {
	read := func(name string) ([]byte, error) { return s.file(repo, name) }
	change := gitops.Change{Repo: repo, Bumps: bumps}
	edited, err := change.Apply(read)
	if err != nil {
		return nil, err
	}
	var files []FilePreview
	for _, name := range change.Files() {
		after, changed := edited[name]
		if !changed {
			continue
		}
		before, err := read(name)
		if err != nil {
			return nil, err
		}
		files = append(files, FilePreview{Repo: repo, File: name, Diff: changedLines(before, after)})
	}
	if s.after[repo] == nil {
		s.after[repo] = map[string][]byte{}
	}
	for name, data := range edited {
		s.after[repo][name] = data
	}
	return files, nil
}

// forward plays the edits of a stage.
func (s *stagePlay) forward(d Dependents) ([]FilePreview, error) {
	if s.trees[d.Repo] == nil {
		s.trees[d.Repo] = d.tree
	}
	s.stages = append(s.stages, Stage{Plan: d.plan})
	var bumps []gitops.Bump
	for _, one := range d.Services {
		if one.File != "" && one.Problem == "" && one.Version != s.version {
			bumps = append(bumps, gitops.Bump{Place: d.plan.Place(one.Service), Environment: d.Environment, Service: one.Name, From: one.Version, To: s.version})
		}
	}
	files, err := s.edit(d.Repo, bumps)
	if err == nil {
		s.wrote = append(s.wrote, bumps...)
	}
	return files, err
}

// back plays the rollback of everything that was written, planned by value on what
// stands now, and notes for each file whether it is what it was.
func (s *stagePlay) back(r *Rehearsal) error {
	stand := map[gitops.Place]rollback.Standing{}
	for _, bump := range s.wrote {
		stand[bump.Place] = rollback.Standing{Version: bump.To}
		if !strings.HasPrefix(bump.Repo, parameterRepo) {
			data, err := s.file(bump.Repo, bump.File)
			if err != nil {
				return err
			}
			version, err := gitops.Value(bump.File, data, bump.Key)
			if err != nil {
				return err
			}
			stand[bump.Place] = rollback.Standing{Version: version}
		}
	}
	way := rollback.Plan(s.wrote, stand)
	for _, put := range way.Puts {
		if strings.HasPrefix(put.Repo, parameterRepo) {
			continue
		}
		if _, err := s.edit(put.Repo, put.Bumps); err != nil {
			r.Left = append(r.Left, fmt.Sprintf("everything in %s: %v", put.Repo, err))
		}
	}
	for _, p := range r.Stages {
		for _, one := range p.Services {
			if one.Version == s.version {
				r.Left = append(r.Left, fmt.Sprintf("%s of %s: it names %s already", one.Name, p.Environment, s.version))
			}
		}
	}
	for _, left := range way.Left {
		r.Left = append(r.Left, fmt.Sprintf("%s of %s: %s", left.Bump.Service, left.Bump.Environment, left.Reason))
	}
	return s.compare(r)
}

// compare holds every file that was edited against what it was.
func (s *stagePlay) compare(r *Rehearsal) error {
	for _, repo := range sortedKeys(s.after) {
		for _, name := range sortedKeys(s.after[repo]) {
			was, err := s.trees[repo].File(name)
			if err != nil {
				return err
			}
			f := FilePreview{Repo: repo, File: name}
			if now := s.after[repo][name]; !bytes.Equal(was, now) {
				f.Diff = changedLines(was, now)
			}
			r.Back = append(r.Back, f)
		}
	}
	return nil
}

// changedLines returns the lines that differ, as in a unified diff without context. An
// edit changes bytes within lines, so both have the same number of lines.
func changedLines(before, after []byte) []string {
	old, changed := slices.Collect(bytes.Lines(before)), slices.Collect(bytes.Lines(after))
	var lines []string
	for i := range max(len(old), len(changed)) {
		var a, b []byte
		if i < len(old) {
			a = old[i]
		}
		if i < len(changed) {
			b = changed[i]
		}
		if !bytes.Equal(a, b) {
			lines = append(lines, fmt.Sprintf("@@ -%d +%d @@", i+1, i+1), "-"+chomped(a), "+"+chomped(b))
		}
	}
	return lines
}

// chomped returns a line without its end.
func chomped(line []byte) string { return string(bytes.TrimRight(line, "\r\n")) }

// gateLines says which gates a stage has, in order.
func (p StagePlan) gateLines() []string {
	var lines []string
	for _, g := range p.Gates {
		line := g.Name + " (" + g.kind() + ")"
		if g.Before {
			line += ", before the deployment"
		}
		if g.AllowFailure {
			line += ", may fail"
		}
		lines = append(lines, line)
	}
	return lines
}

// kind names the kind of a gate, with what it asks where that is short.
func (g GatePlan) kind() string {
	switch {
	case g.Pipeline != nil:
		return "pipeline of " + g.Pipeline.Project
	case g.HTTP != nil:
		return "http"
	case g.Prometheus != nil:
		return "prometheus"
	case g.Approval != nil:
		if g.Approval.Count > 1 {
			return fmt.Sprintf("approval by %d people", g.Approval.Count)
		}
		return "approval by a person"
	case g.Callback != nil:
		return "callback"
	case g.Soak != nil:
		return "soak for " + g.Soak.For.String()
	}
	return "data"
}
