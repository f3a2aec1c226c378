package bot

import "time"

// A Verb is a word of command.
type Verb string

// The verbs. Why, queue and help change nothing.
const (
	VerbPromote  Verb = "promote"  // ask for a run of a version through a track
	VerbRollback Verb = "rollback" // put a run back: one that has finished by a run of its own
	VerbRetry    Verb = "retry"    // ask for what has failed once more: the run, or its rollback
	VerbCancel   Verb = "cancel"   // end a run and put back what it wrote
	VerbHold     Verb = "hold"     // keep a run from beginning, or from changing anything more
	VerbResume   Verb = "resume"   // go on with a run that is held or stalled
	VerbConfirm  Verb = "confirm"  // say yes to a gate that asks people
	VerbDeny     Verb = "deny"     // say no to a gate that asks people
	VerbFreeze   Verb = "freeze"   // keep runs from beginning, and from their next stage
	VerbThaw     Verb = "thaw"     // let them go on
	VerbWhy      Verb = "why"      // which version stands, and why; what a run waits for
	VerbQueue    Verb = "queue"    // who holds a lane and who waits
	VerbHelp     Verb = "help"     // which commands there are
)

// Verbs are all verbs, in the order in which people are shown them.
var Verbs = []Verb{
	VerbPromote, VerbRollback, VerbRetry, VerbCancel, VerbHold, VerbResume,
	VerbConfirm, VerbDeny, VerbFreeze, VerbThaw, VerbWhy, VerbQueue, VerbHelp,
}

// A Command is what somebody wants done, wherever it comes from: a comment on a merge
// request, a client of the API, a job of GitLab CI.
type Command struct {
	Verb Verb      `json:"verb"`
	By   string    `json:"by"`              // who says it
	ByID int64     `json:"by_id,omitempty"` // of their account in GitLab; 0: not known
	From string    `json:"from"`            // where it was said, for people: "comment ops/env!12", "API token nightly"
	Link string    `json:"link,omitempty"`  // where that can be seen; may be empty
	At   time.Time `json:"at"`

	Request     *Request  `json:"request,omitempty"`     // what a promote asks for
	Run         string    `json:"run,omitempty"`         // of every other verb but freeze and thaw
	Environment string    `json:"environment,omitempty"` // of a gate; may be empty where one stage alone has it
	Gate        string    `json:"gate,omitempty"`        // of confirm and deny
	Lane        string    `json:"lane,omitempty"`        // of freeze and thaw; Everything for all lanes
	Until       time.Time `json:"until,omitzero"`        // when a freeze ends by itself
	Reason      string    `json:"reason,omitempty"`

	// Known is the answer where that is known before anything is done: the command asks
	// for nothing but words, or it is refused already. nil: it is to be done.
	Known *Answer `json:"known,omitempty"`
}

// A Batch is the commands that came together: those of a comment, or the one of a call.
type Batch struct {
	Source   string    `json:"source"` // its identity, such as "note ops/env!12#345": the same one twice is one batch
	Commands []Command `json:"commands"`

	// Reply is where people read the answers: "<project>!<iid>#<note>", the note that is
	// answered. "": whoever has sent the batch is told at once.
	Reply string `json:"reply,omitempty"`
	// Again lets a command that was refused be decided anew when it comes again: its
	// sender was told to ask later.
	Again bool `json:"again,omitempty"`
}

// A CommandRecord is a command with what became of it, as it is kept.
type CommandRecord struct {
	Source string `json:"source"` // of its batch
	Seq    int    `json:"seq"`    // within that, from 1
	Command
	Answer Answer `json:"answer"`
	Before string `json:"before,omitempty"` // how the run or lane stood that it was for: "stalled", "frozen by ana: …"
	After  string `json:"after,omitempty"`  // and how it stood with the command done
}
