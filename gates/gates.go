// Package gates holds the checks that decide whether a run may go on: each kind is
// one file and satisfies Gate. What a kind needs from outside it declares as a small
// interface. A gate answers with a verdict and a sentence, or with an error when it
// could not tell; an error is never a verdict.
//
// It keeps no state and reads no clock: time limits and permission to fail belong to
// the run.
package gates

import (
	"context"
	"strings"
	"time"

	"lockstep/gitops"
)

// A Result is what a gate knows.
type Result string

// The results. Pending is the zero value.
const (
	Pending Result = ""
	Passed  Result = "passed"
	Failed  Result = "failed"
	None    Result = "no result" // the source answered, and has nothing to say about it
)

// A Verdict is a gate's answer with its reason for people and where to look.
type Verdict struct {
	Result Result
	Reason string
	Link   string
}

// A Subject is what a gate is asked about: a version in an environment, brought
// there by a run as a commit.
type Subject struct {
	Run         string
	Gate        string // the gate's name, unique within the stage
	Track       string
	Package     string
	Environment string
	Version     gitops.Version
	Commit      string    // the commit that landed in the environment repository; "" before the deployment
	By          string    // who asked for the run, as far as known
	ByID        int64     // of their account in GitLab; 0: not known
	Since       time.Time // when this gate began; zero in Start
	Now         time.Time // the time of the question
}

// Key identifies one gate of one stage of one run, outside as well.
func (s Subject) Key() string { return s.Run + "/" + s.Environment + "/" + s.Gate }

// Expand replaces {version}, {package}, {environment}, {track}, {run} and {commit}
// in text.
func (s Subject) Expand(text string) string {
	return s.expand(text, func(word string) string { return word })
}

// expand replaces the placeholders of text by the subject's words, each written as the
// text demands.
func (s Subject) expand(text string, write func(string) string) string {
	return strings.NewReplacer(
		"{version}", write(string(s.Version)),
		"{package}", write(s.Package),
		"{environment}", write(s.Environment),
		"{track}", write(s.Track),
		"{run}", write(s.Run),
		"{commit}", write(s.Commit),
	).Replace(text)
}

// A Gate is one check.
type Gate interface {
	// Start begins what the gate needs outside and returns a ticket for it. It looks
	// before it begins, by the subject's key, so that a repeat begins nothing again.
	Start(ctx context.Context, s Subject) (ticket string, err error)
	// Ask returns the verdict so far. An error means that it could not tell.
	Ask(ctx context.Context, s Subject, ticket string) (Verdict, error)
}
