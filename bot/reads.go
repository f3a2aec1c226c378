package bot

import "slices"

// reads returns the files of a stage's services, and the patterns of those that have
// to be found: what has to be read of a commit to know both. It is nil where a helmfile
// leads to them, and nobody knows where to before the whole tree is there.
func (t *TrackStage) reads() []string {
	if len(t.Helmfiles) > 0 {
		return nil
	}
	files := t.Plan.reads()
	for _, glob := range t.Globs {
		files = append(files, glob.Pattern)
	}
	return files
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
