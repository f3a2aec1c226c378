package bot

import (
	"context"
	"time"

	"lockstep/gates"
	"lockstep/gitops"
)

// A Tree is the content of an environment repository at one commit.
type Tree interface {
	// Commit returns the id of the commit.
	Commit() string
	// Match lists the paths of the regular files that pattern matches, sorted, as
	// gitops.Match does. They must have been asked for.
	Match(pattern string) ([]string, error)
	// File returns the content of path; gitops.ErrNotFound when it is not there.
	File(path string) ([]byte, error)
}

// Repos reads and writes environment repositories, by GitLab project path.
type Repos interface {
	// Head returns the commit that branch points to; gitops.ErrNotFound without one.
	Head(ctx context.Context, repo, branch string) (string, error)
	// At returns the tree of a commit, as far as files lead: paths, or patterns as
	// gitops.Match takes them. Without any it is the commit alone.
	At(ctx context.Context, repo, commit string, files ...string) (Tree, error)
	// Tip returns the commit at the end of branch; gitops.ErrNotFound without one.
	Tip(ctx context.Context, repo, branch string) (gitops.Commit, error)
	// Commit returns the id of the commit that would put files and change on base,
	// without sending anything. The same arguments give the same id.
	Commit(ctx context.Context, base Tree, change gitops.Change, files map[string][]byte) (string, error)
	// Push makes that commit and sets change.Branch to it, provided that the branch
	// stands at tip ("": does not exist); else gitops.ErrConflict.
	Push(ctx context.Context, base Tree, change gitops.Change, files map[string][]byte, tip string) (string, error)
	// Delete removes branch provided that it stands at tip; a branch that is gone is nil.
	Delete(ctx context.Context, repo, branch, tip string) error
}

// Rules reads what GitLab demands of a merge or a push.
type Rules interface {
	// Obstacles returns why we could not bring a change onto the branch by ourselves, a
	// clause for each: rules that want approvals, a protected branch on which we may not
	// merge (or, with push, not push) … None: nothing stands in the way.
	Obstacles(ctx context.Context, repo, branch string, push bool) ([]string, error)
	// Contains reports whether branch of repo holds commit in its history.
	Contains(ctx context.Context, repo, branch, commit string) (bool, error)
}

// A Forge opens, reads and merges merge requests.
type Forge interface {
	// Find returns the merge request of a source branch, an open one before a closed
	// one, the newest first; gitops.ErrNotFound without one.
	Find(ctx context.Context, repo, branch string) (gitops.MergeRequest, error)
	// Open opens a merge request, or returns the one that is open for its branch.
	Open(ctx context.Context, p gitops.Proposal) (gitops.MergeRequest, error)
	// MergeRequest reads one merge request.
	MergeRequest(ctx context.Context, repo string, iid int64) (gitops.MergeRequest, error)
	// Merge asks for the merge of exactly mr.SHA. Nil means accepted, not merged;
	// gitops.ErrConflict means "not now, read again"; gitops.ErrRefused "never for us".
	Merge(ctx context.Context, mr gitops.MergeRequest) error
	// Close closes a merge request; one that is closed already is nil.
	Close(ctx context.Context, repo string, iid int64) error
}

// Pipelines reads and cancels the pipelines of an environment repository.
type Pipelines interface {
	Pipelines(ctx context.Context, project string, q gitops.PipelineQuery) ([]gitops.Pipeline, error)
	// Jobs returns the newest job of each name of a pipeline.
	Jobs(ctx context.Context, project string, pipeline int64) ([]gitops.Job, error)
	// Cancel cancels a pipeline; one that has settled is nil.
	Cancel(ctx context.Context, project string, pipeline int64) error
}

// A Watcher says what is known of each service of a deployment, in the order asked.
// An error means that nobody could tell; it is never a verdict.
type Watcher interface {
	Services(ctx context.Context, w WatchPlan, d gitops.Deployment) (gitops.Seen, error)
}

// Gates makes the gate of a plan.
type Gates interface {
	Gate(p GatePlan) (gates.Gate, error)
}

// Parameters reads and writes parameters.
type Parameters interface {
	// Read returns the value and its version number; gitops.ErrNotFound without one.
	Read(ctx context.Context, p Parameter) (value string, version int64, err error)
	// Write sets the value, provided that the parameter still has the version that
	// was read (0: it did not exist); else gitops.ErrConflict. A version with that error
	// says that the value was written all the same, over one that nobody has read.
	Write(ctx context.Context, p Parameter, value string, version int64) (int64, error)
}

// Data looks after data packages in object storage. Both go on from where p has come
// for a few seconds at most, and return how far they came; a repeat goes through what
// is there already. A Progress with a Problem is an answer, an error is none.
type Data interface {
	// Check proves that set is there and complete: every object that has to be there
	// has the size and checksum that it has to have.
	Check(ctx context.Context, set DataSet, p Progress) (Progress, error)
	// Copy copies set into to and verifies every copy. It never overwrites a different
	// object: that is a Problem.
	Copy(ctx context.Context, set DataSet, to Bucket, p Progress) (Progress, error)
}

// A History knows earlier runs.
type History interface {
	// Streak returns how many of the track's last finished runs of a package in a row,
	// the newest first and r not counted, went on although the gate of the environment
	// did not pass.
	Streak(ctx context.Context, r *Run, environment, gate string) (int, error)
	// Unfit says why the version of r may not go through its track now: it has not
	// finished r.From well, or not any more. "" when it may.
	Unfit(ctx context.Context, r *Run) (string, error)
	// Undone returns what other runs of the package have put back since r began, or since
	// the run began that r puts back.
	Undone(ctx context.Context, r *Run) (Past, error)
	// Overtaken says that another run has brought or put back, since the run that r puts
	// back ended, what r would put back. "" when it has not.
	Overtaken(ctx context.Context, r *Run) (string, error)
}

// A Bot is the step function with what it needs from outside.
type Bot struct {
	Config     Resolver
	Repos      Repos
	Forge      Forge
	Pipelines  Pipelines
	Watch      Watcher
	Gates      Gates
	Parameters Parameters
	Rules      Rules
	Data       Data
	History    History
	Frozen     func(ctx context.Context, lane string, now time.Time) (*Freeze, error) // what keeps a lane from its next stage; nil: nothing ever does
	Yields     func(ctx context.Context, lane string) (run string, err error)         // which rollback waits for a lane, "" for none; nil: none ever does
	Limits     Limits
	Now        func() time.Time
	RunURL     func(id string) string // where people see a run; nil: nowhere
}
