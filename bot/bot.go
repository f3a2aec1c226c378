// Package bot holds what Lockstep is about: a Run takes one version of a data
// package through the environments of a track, with every service that shares it,
// and puts everything back when a deployment or a gate fails.
//
// Read in this order: the states below, then step.go (the whole process in one
// switch), then apply.go (how an outcome moves a run, and the two clocks).
//
// The package decides; it stores nothing, sends nothing to people and knows no
// protocol. What it needs from outside are the interfaces in outside.go.
package bot

import (
	"time"

	"lockstep/gitops"
	"lockstep/rollback"
)

// A State says what is known of a run, never what is being done. States are stored
// and never renamed.
type State string

// The states of a run. Forward: Queued, Started, then for each stage Supplied and
// Cleared where it has data to bring and gates before it, Prepared, Proposed, Merged,
// Synced, Gated, then Recorded, Done. Back: Failed, Recalled, then for each repository
// Proposed, Merged, Synced, then RolledBack.
const (
	Queued         State = "queued"          // stored; waits for its lane
	Started        State = "started"         // holds the lane; its plan is fixed
	Supplied       State = "supplied"        // the bucket that the stage reads holds the version, verified
	Cleared        State = "cleared"         // every gate before the stage has its outcome, none forbids going on
	Prepared       State = "prepared"        // the bumps of the stage are known, and the commit that makes them
	Proposed       State = "proposed"        // the merge request is open
	Merged         State = "merged"          // the commit has landed and holds the values
	Synced         State = "synced"          // every service runs the version from the landed commit
	Gated          State = "gated"           // every gate of the stage has its outcome, none forbids going on
	Recorded       State = "recorded"        // the last good version is stored
	Done           State = "done"            // everything worked
	Failed         State = "failed"          // a verdict, or a person's cancel: what was written is to be put back
	Recalled       State = "recalled"        // nothing of the run can land or deploy any more; the way back is planned
	RolledBack     State = "rolled back"     // everything is put back and verified
	RollbackFailed State = "rollback failed" // a verdict said that putting back did not work; the lane is frozen
	Stalled        State = "stalled"         // a person is needed; the run keeps its lane
	Cancelled      State = "cancelled"       // ended by a person; what was written is put back
	Superseded     State = "superseded"      // a newer version took its place in the queue
	Refused        State = "refused"         // it may not go its way; nothing was changed
)

// States lists every state, in the order of the way of a run.
var States = []State{
	Queued, Started, Supplied, Cleared, Prepared, Proposed, Merged, Synced, Gated, Recorded, Done,
	Failed, Recalled, RolledBack, RollbackFailed, Stalled, Cancelled, Superseded, Refused,
}

// Settled reports that a run in state s has ended and never moves again.
func (s State) Settled() bool {
	switch s {
	case Done, RolledBack, RollbackFailed, Cancelled, Superseded, Refused:
		return true
	}
	return false
}

// A Direction is where a run moves the values: Forward to its version, or Back.
type Direction string

// The directions. Forward is the zero value.
const (
	Forward Direction = ""
	Back    Direction = "back"
)

// A Run is one version going through one track. It carries its own plan, so that
// later changes of the configuration touch later runs only.
type Run struct {
	ID      string         `json:"id"`               // UUIDv7; also the id of its workflow
	Key     string         `json:"key"`              // identity of the request that made it
	Track   string         `json:"track"`            //
	Lane    string         `json:"lane"`             // the queue that it waits in
	Package string         `json:"package"`          // the data package
	Version gitops.Version `json:"version"`          //
	Origin  Origin         `json:"origin"`           // what asked for it
	By      string         `json:"by"`               // who asked for it, as far as known
	ByID    int64          `json:"by_id,omitempty"`  // of their account in GitLab; 0: not known
	Link    string         `json:"link"`             // where the request can be seen; may be empty
	Force   string         `json:"force,omitempty"`  // why a condemned version is deployed all the same
	Undoes  string         `json:"undoes,omitempty"` // the finished run that this one puts back
	From    string         `json:"from,omitempty"`   // the track that the version has to have finished well
	Tagged  *Tagged        `json:"tagged,omitempty"` // the tag that announced the version; nil: nothing shows there what becomes of it

	State     State           `json:"state"`
	Direction Direction       `json:"direction,omitempty"`
	Reason    string          `json:"reason"`               // the sentence of the last outcome
	Cause     *Cause          `json:"cause,omitempty"`      // why it failed
	BackCause *Cause          `json:"back_cause,omitempty"` // why putting back failed
	Warnings  []string        `json:"warnings,omitempty"`   // what was allowed to fail, and failed
	Left      []rollback.Left `json:"left,omitempty"`       // what a rollback left alone, and why
	Unwound   []Unwound       `json:"unwound,omitempty"`    // what a rollback puts back further, past what was undone since

	Data    *DataSet   `json:"data,omitempty"`    // from Started on: the version's data; nil: nobody looks after it
	Whole   Progress   `json:"whole"`             // the proof that Data is complete
	Scope   Scope      `json:"scope,omitempty"`   // what a verdict puts back
	Windows *Windows   `json:"windows,omitempty"` // of its track: when it may begin; nil: always
	Stages  []Stage    `json:"stages,omitempty"`  // from Started on
	Stage   int        `json:"stage"`             // index of the current stage while forward
	Backs   []Delivery `json:"backs,omitempty"`   // from Recalled on: one per repository
	At      int        `json:"at"`                // index of the current delivery in Backs while back

	Created time.Time `json:"created"` // when the request was stored
	Begun   time.Time `json:"begun"`   // when it left Queued
	Entered time.Time `json:"entered"` // when it came into State
	Ended   time.Time `json:"ended"`   // when it settled

	Clock  Clock `json:"clock"`            // of the limit of State
	Waits  int   `json:"waits"`            // waits in a row without news; lets them grow
	Resume State `json:"resume,omitempty"` // where a Stalled run goes on when a person says so
	Cancel bool  `json:"cancel,omitempty"` // a person cancelled it: the way back ends in Cancelled

	Held    *Hold  `json:"held,omitempty"`    // a person keeps it from changing anything more; nil: nobody does
	Yielded *Yield `json:"yielded,omitempty"` // it waits for the lane that it gave to a rollback; nil: it does not
	Retries string `json:"retries,omitempty"` // the run whose failed rollback it tries once more

	UndoneBy string `json:"undone_by,omitempty"` // the run that has put it back after it had ended

	Word     *Word `json:"-"`        // what a person said and no saved step has seen yet; kept beside the run
	Events   int   `json:"events"`   // how many events it has
	Revision int64 `json:"revision"` // grows with each save; compare-and-swap
}

// Settled reports that the run has ended.
func (r *Run) Settled() bool { return r.State.Settled() }

// Cancellable reports that a cancel means something: the run goes forward, and has not
// failed. After that it is on its way back, which nobody can cancel.
func (r *Run) Cancellable() bool { return !r.turned() && (r.Undoes == "" || r.State == Queued) }

// Result says in words how a run ended or where it stands, as people read it in
// every message: "success", "success with warnings", "failed, rolled back" …
func (r *Run) Result() string {
	switch {
	case r.State == Done && len(r.Warnings) > 0:
		return "success with warnings"
	case r.State == Done:
		return "success"
	case r.State == RolledBack && r.Undoes == "":
		return "failed, rolled back"
	case r.State == RollbackFailed && r.Undoes == "":
		return "failed, rollback failed"
	}
	return string(r.State)
}

// Delivery returns the delivery that the run works on now: the one of its stage,
// or the one of its way back.
func (r *Run) Delivery() *Delivery {
	if r.Direction == Back {
		return &r.Backs[r.At]
	}
	return &r.Stages[r.Stage].Delivery
}

// A Stage is one environment within a run.
type Stage struct {
	Plan     StagePlan   `json:"plan"`
	Delivery Delivery    `json:"delivery"`
	Supply   Progress    `json:"supply"`           // of the copy into Plan.Bucket
	Gates    []GateState `json:"gates,omitempty"`  // in the order of Plan.Gates
	Recorded bool        `json:"recorded"`         // Plan.Record holds the version
	Before   *string     `json:"before,omitempty"` // what Plan.Record held before the run wrote it, "" for nothing; nil: not written
}

// A Delivery is one change on its way into one repository and onto its services.
type Delivery struct {
	Change  gitops.Change `json:"change"`
	Base    string        `json:"base"`           // the commit of Change.Target that it was prepared on
	Head    string        `json:"head"`           // the commit that makes the change
	IID     int64         `json:"iid"`            // the merge request; 0 before it is open
	Link    string        `json:"link"`           // of the merge request
	Landed  string        `json:"landed"`         // the commit on Change.Target that holds the values
	Seen    []Sync        `json:"seen"`           // per environment, what was last known of its services
	Looked  string        `json:"looked"`         // the newest commit of Change.Target in which From was still found
	Rebuilt int           `json:"rebuilt"`        // how often a person's change of a version made us rebuild it
	Behind  int           `json:"behind"`         // how often newer commits on Change.Target made us rebuild it
	Sets    []gitops.Bump `json:"sets,omitempty"` // the parameters that hold the value too, written after the commit has landed
	Set     bool          `json:"set,omitempty"`  // they were seen to hold it
	Told    bool          `json:"told,omitempty"` // people were asked to merge it
}

// A Sync is what was last seen of the services of one environment.
type Sync struct {
	Environment string      `json:"environment"`
	Services    gitops.Seen `json:"services"`
}

// A GateState is what a run knows of one of its gates.
type GateState struct {
	Name    string      `json:"name"`
	Ticket  string      `json:"ticket,omitempty"` // what Start began outside
	Since   time.Time   `json:"since"`            // when it was started; zero before
	Asked   time.Time   `json:"asked"`            // when it was asked last
	Clock   Clock       `json:"clock"`            // of its time limit
	Misses  int         `json:"misses,omitempty"` // how often in a row it could not tell
	Outcome GateOutcome `json:"outcome"`
	Reason  string      `json:"reason"`
	Link    string      `json:"link,omitempty"`
}

// A GateOutcome is how a gate ended. The four outcomes are kept apart everywhere.
type GateOutcome string

// The outcomes of a gate; the zero value means "not yet".
const (
	GateOpen    GateOutcome = ""
	GatePassed  GateOutcome = "passed"
	GateFailed  GateOutcome = "failed"
	GateAllowed GateOutcome = "failed, allowed" // it failed and was allowed to
	GateNone    GateOutcome = "no result"       // it had nothing to say, or not in time
)

// A Cause says why a run failed, in a sentence that names what failed.
type Cause struct {
	Sentence    string `json:"sentence"`
	Link        string `json:"link,omitempty"`
	Environment string `json:"environment,omitempty"`
	Gate        string `json:"gate,omitempty"`    // the gate whose verdict it was, if one
	Verdict     bool   `json:"verdict,omitempty"` // a gate or sync verdict: it speaks against the version
}

// An Origin is what asked for a run.
type Origin string

// The origins of requests.
const (
	OriginTag      Origin = "tag"      // a tag of a data project, announced by hook or found by polling
	OriginRelease  Origin = "release"  // a release of a data project, likewise
	OriginPipeline Origin = "pipeline" // a successful pipeline of a data project, likewise
	OriginPush     Origin = "push"     // a file of a data project that holds another version, likewise
	OriginHook     Origin = "hook"     // a signed call of a program
	OriginListing  Origin = "listing"  // data that lies in its bucket
	OriginAPI      Origin = "api"      // a client of the API, the command line included
	OriginSchedule Origin = "schedule" // a slot of a schedule; By is its name
	OriginComment  Origin = "comment"  // a comment on a merge request
)

// A Request asks for a run. The same Key twice is one run.
type Request struct {
	Key     string         `json:"key"` // project + tag + commit, or an API client's Idempotency-Key
	Package string         `json:"package"`
	Track   string         `json:"track"`
	Version gitops.Version `json:"version"`
	Origin  Origin         `json:"origin"`
	By      string         `json:"by"`
	ByID    int64          `json:"by_id,omitempty"` // of their account in GitLab; 0: not known
	Link    string         `json:"link"`
	Reason  string         `json:"reason,omitempty"`  // why a person asks
	Subject string         `json:"subject,omitempty"` // what must not move: "tag <project> <tag>"
	Commit  string         `json:"commit,omitempty"`  // where it points; another commit for the same subject is refused

	Unfit string `json:"unfit,omitempty"` // why it is to be refused, where that is known beforehand

	Announced bool `json:"announced"` // a hook brought it: it is new, whatever a first look took it for

	From   string `json:"from,omitempty"`   // the track that the version has to have finished well
	Force  string `json:"force,omitempty"`  // why it is to run although the version is condemned
	Undoes string `json:"undoes,omitempty"` // the finished run that it puts back; Track, Package and Version are that run's
	Retry  bool   `json:"retry,omitempty"`  // with Undoes: a rollback of that run that failed is tried once more

	Lane      string `json:"lane"`      // from the track
	Supersede bool   `json:"supersede"` // from the track: it takes the place of waiting runs

	Windows *Windows `json:"windows,omitempty"` // from the track: when its runs may begin
}

// An Answer says what became of a request.
type Answer struct {
	Run      string `json:"run,omitempty"` // the run that serves it; "" when refused
	New      bool   `json:"new"`           // it made the run
	Refused  bool   `json:"refused,omitempty"`
	Before   bool   `json:"before,omitempty"` // it is older than Lockstep's first look: no run, unless it is announced after all
	Sentence string `json:"sentence"`
}

// A Word is what a person told a run.
type Word struct {
	ID     int64     `json:"id"`
	Verb   Verb      `json:"verb"` // hold, resume or cancel
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// An Event is one stored decision of a run with its sentence. The log of events is
// what people read and what messages are made from.
type Event struct {
	Run         string    `json:"run"`
	Seq         int       `json:"seq"` // from 1
	At          time.Time `json:"at"`
	State       State     `json:"state"`
	Direction   Direction `json:"direction,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Reason      string    `json:"reason"`
	Link        string    `json:"link,omitempty"`
	Asks        bool      `json:"asks,omitempty"` // it asks a person for something, without which the run waits
}

// An Opinion is what somebody answered to a gate that asks people or programs. The
// first one of each speaker counts.
type Opinion struct {
	Gate   string    `json:"gate"`
	By     string    `json:"by"`              // who says it; "callback" for a program that answered a signed address
	ByID   int64     `json:"by_id,omitempty"` // of their account in GitLab; 0: not known
	Yes    bool      `json:"yes"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// A Condemnation is a version that a failed gate or deployment has rolled back on a
// track. It is refused there until it is forced, and lifted when it then ends well.
type Condemnation struct {
	Track   string         `json:"track"`
	Package string         `json:"package"`
	Version gitops.Version `json:"version"`
	Run     string         `json:"run"`    // that condemned it
	Reason  string         `json:"reason"` // its cause
	At      time.Time      `json:"at"`
}

// A LaneState is a lane as people see it.
type LaneState struct {
	Lane    string    `json:"lane"`
	Holder  string    `json:"holder,omitempty"`  // the run that has it
	Waiting []string  `json:"waiting,omitempty"` // runs in order
	Frozen  string    `json:"frozen,omitempty"`  // why it is frozen; "" when it is not
	By      string    `json:"by,omitempty"`      // who froze it
	Since   time.Time `json:"since"`             // since when
	Until   time.Time `json:"until,omitzero"`    // when that ends by itself; zero: when it is thawed
	All     *Freeze   `json:"all,omitempty"`     // the red button: everything is frozen; nil: it is not
}
