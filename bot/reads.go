package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lockstep/gitops"
)

// A survey is the environment repositories of a track as they stand: of each branch one
// commit, the newest when the first of its stages was asked for, so that all of them are
// judged on the same. What the stages of a branch look at is read at once; only where
// files lead to others, as helmfiles do, these are read after them.
type survey struct {
	bot    *Bot
	stages []TrackStage
	read   map[branch]*reading
}

// A branch is one of a repository.
type branch struct{ repo, name string }

// survey returns the survey of the stages of a track. Nothing is read yet.
func (b *Bot) survey(stages []TrackStage) *survey {
	return &survey{bot: b, stages: stages, read: map[branch]*reading{}}
}

// of returns the commit that a stage of the survey is judged on, with all that the stage
// looks at. A branch that does not exist is a refusal.
func (s *survey) of(ctx context.Context, p StagePlan) (Tree, error) {
	at := branch{p.Repo, p.Branch}
	if r := s.read[at]; r != nil {
		return r, nil
	}
	head, err := s.bot.head(ctx, p)
	if err != nil {
		return nil, err
	}
	r := &reading{repo: p.Repo, commit: head, trees: map[string]Tree{}}
	for range maxReads {
		for _, t := range s.stages {
			if t.Plan.Repo == p.Repo && t.Plan.Branch == p.Branch {
				t.look(r)
			}
		}
		if len(r.missing) == 0 {
			break
		}
		if err := r.more(ctx, s.bot.Repos); err != nil {
			return nil, err
		}
	}
	r.ended = true
	s.read[at] = r
	return r, nil
}

// look looks at everything in tree that t will be judged by. What it finds counts once
// nothing is missing, and is found then.
func (t *TrackStage) look(tree Tree) {
	for _, file := range t.Plan.reads() {
		_, _ = tree.File(file)
	}
	_, _ = t.find(tree)
}

// maxReads is how often files may lead to others that have to be read after them.
const maxReads = 20

// A reading is a commit of which more is read as it is looked for. It is a Tree: until
// it has ended, what was not read yet seems not to be there.
type reading struct {
	repo, commit string
	trees        map[string]Tree // that were read, by the paths and patterns that they were read for
	missing      []string        // paths and patterns that were looked for in vain
	ended        bool            // nothing more is read: to look for it is refused
}

// more reads what is missing.
func (r *reading) more(ctx context.Context, repos Repos) error {
	slices.Sort(r.missing)
	r.missing = slices.Compact(r.missing)
	tree, err := repos.At(ctx, r.repo, r.commit, r.missing...)
	if err != nil {
		return err
	}
	for _, pattern := range r.missing {
		r.trees[pattern] = tree
	}
	r.missing = nil
	return nil
}

// Commit returns the id of the commit.
func (r *reading) Commit() string { return r.commit }

// Match lists the files that a pattern matches.
func (r *reading) Match(pattern string) ([]string, error) {
	tree, err := r.tree(pattern)
	if errors.Is(err, gitops.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files, err := tree.Match(pattern)
	for _, file := range files {
		r.trees[gitops.Quote(file)] = tree
	}
	return files, err
}

// File returns the content of path.
func (r *reading) File(path string) ([]byte, error) {
	tree, err := r.tree(gitops.Quote(path))
	if err != nil {
		return nil, err
	}
	return tree.File(path)
}

// tree returns the tree that was read for a pattern.
func (r *reading) tree(pattern string) (Tree, error) {
	tree, read := r.trees[pattern]
	switch {
	case read:
		return tree, nil
	case r.ended:
		return nil, refusal(fmt.Sprintf("helmfiles of %s lead from file to file more than %d times, in the end to %s: nest them less deeply, or find the services by a glob", r.repo, maxReads, pattern))
	}
	r.missing = append(r.missing, pattern)
	return nil, gitops.ErrNotFound
}

// reads returns the files of a stage's services.
func (p StagePlan) reads() []string {
	var files []string
	for _, s := range p.Services {
		if s.File != "" && !slices.Contains(files, s.File) {
			files = append(files, s.File)
		}
	}
	return files
}

// wroteIn returns the files of a repository that the run wrote.
func (r *Run) wroteIn(repo string) []string {
	var files []string
	for _, s := range r.scoped() {
		for _, bump := range s.Delivery.bumps() {
			if bump.Repo == repo && !slices.Contains(files, bump.File) {
				files = append(files, bump.File)
			}
		}
	}
	return files
}
