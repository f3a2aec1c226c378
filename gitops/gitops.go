// Package gitops holds what a data version is in an environment repository: the
// value in a file (a Bump), all values that move together (a Change), the exact
// edit of a values file and its inverse, and the neutral words for what GitLab
// shows of it (MergeRequest, Pipeline, Job, Commit). Adapters, watchers and gates
// speak to each other in these types only.
//
// It performs no network calls, reads no clock and touches no disk.
package gitops

import (
	"fmt"
	"regexp"
	"time"
)

// A Version is one release of a data package, such as "2026.11.3". The zero value
// means "not known yet". A version that came through ParseVersion is safe in a git
// ref, in YAML, in a CI variable, in Markdown and in a URL path.
type Version string

// versionPattern is what every version obeys, whatever the package's own pattern says.
var versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)

// ParseVersion returns s as a Version, or a sentence that says why it is none.
func ParseVersion(s string) (Version, error) {
	if !versionPattern.MatchString(s) {
		return "", fmt.Errorf("version %.140q is not valid: 1 to 128 letters, digits and . _ + -, beginning with a letter or digit", s)
	}
	return Version(s), nil
}

// A Place is where a value stands: a key in a file of a repository. Repo is the
// GitLab project path ("env/mda"), File is slash-separated and relative to its
// root, Key is a selector such as "data.version" (see Edit).
type Place struct {
	Repo string `json:"repo"`
	File string `json:"file"`
	Key  string `json:"key"`
}

// String returns the place as people read it: repo/file#key.
func (p Place) String() string { return p.Repo + "/" + p.File + "#" + p.Key }

// A Bump moves one value in one place from one version to another, for one service
// of one environment.
type Bump struct {
	Place
	Environment string  `json:"environment"`
	Service     string  `json:"service"`
	From        Version `json:"from"`
	To          Version `json:"to"`
}

// Inverse returns the bump that puts b back.
func (b Bump) Inverse() Bump {
	b.From, b.To = b.To, b.From
	return b
}

// A Change is all bumps that go into one repository as one commit on one branch,
// and as one merge request from that branch into Target.
type Change struct {
	Repo   string    `json:"repo"`   // GitLab project path
	Target string    `json:"target"` // the branch that is deployed, such as "main"
	Branch string    `json:"branch"` // the branch that carries the commit: lockstep/<run>-<stage>
	Title  string    `json:"title"`  // first line of the commit, title of the merge request
	Body   string    `json:"body"`   // rest of the commit message, ends with the trailer Lockstep-Run
	When   time.Time `json:"when"`   // author and committer time, so that the same change on the same base is the same commit
	Bumps  []Bump    `json:"bumps"`
}

// Inverse returns the bumps that put all of c back, in reverse order.
func (c Change) Inverse() []Bump {
	back := make([]Bump, 0, len(c.Bumps))
	for i := len(c.Bumps) - 1; i >= 0; i-- {
		back = append(back, c.Bumps[i].Inverse())
	}
	return back
}

// Files returns the files that c edits, each once, in the order of the bumps.
func (c Change) Files() []string {
	var files []string
	seen := map[string]bool{}
	for _, b := range c.Bumps {
		if !seen[b.File] {
			seen[b.File] = true
			files = append(files, b.File)
		}
	}
	return files
}

// A Proposal is a change with what people read on its merge request.
type Proposal struct {
	Change
	Description string   // Markdown; ends with the trailer Lockstep-Run
	Labels      []string // set when the merge request is opened
}
