package bot

import (
	"math"
	"slices"
	"time"
)

// Figures are what a store counts, for metrics. However many runs there were, they are
// few.
type Figures struct {
	Lanes     []LaneFigures    // those that a run ever waited in, by name
	Frozen    bool             // the red button: everything is frozen
	Condemned map[string]int   // by track: how many versions are condemned now
	Ends      []EndFigures     // all runs that have ended, ever
	Outbox    []BacklogFigures // what people are still to be told
}

// LaneFigures are those of a lane now.
type LaneFigures struct {
	Lane    string
	Frozen  bool             // by itself, whatever is said to everything
	Runs    map[Standing]int // that have not ended
	Waiting time.Time        // since when the run waits that has waited longest; zero: none does
	Stalled time.Time        // since when its holder is stalled; zero: it is not
}

// A Standing says how a run stands that has not ended.
type Standing string

// The standings of runs.
const (
	Active  Standing = "active"  // it holds its lane and goes on by itself
	Waiting Standing = "waiting" // for its lane
	Halted  Standing = "stalled" // it holds its lane, and a person is needed
	OnHold  Standing = "held"    // a person holds it, with or without its lane
)

// Standings lists every standing.
var Standings = []Standing{Active, Waiting, Halted, OnHold}

// EndFigures count the runs of a track that ended with one result and took about as long
// as each other.
type EndFigures struct {
	Track  string
	Result string        // one of Results
	Span   time.Duration // one of Spans, Endless for those that took longer than all of them; 0 for those that never began
	Runs   int64
	Took   time.Duration // all of them together
}

// BacklogFigures are those of the messages that wait in one queue.
type BacklogFigures struct {
	Queue   string    // the kind of messages that have a queue of their own, else ChannelQueue
	Channel string    // of the configuration, in ChannelQueue
	Waiting int64     // messages
	Since   time.Time // since when the one waits that has waited longest
	Tries   int64     // that have failed, of those that wait
}

// ChannelQueue is the queue of what is told on channels; each channel is one of its own.
const ChannelQueue = "channel"

// Queues lists the queues beside those of channels.
var Queues = []string{string(MessageNote), string(MessageLabel), string(MessageStatus), string(MessageReply)}

// Results lists every result of a run in one word, as ResultWord returns it.
var Results = append(slices.Clone(results), string(Superseded))

// Spans are the times by which runs are counted: each with the shortest span that it did
// not exceed. Counts under a span that is no longer listed stay right.
var Spans = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour, 72 * time.Hour,
}

// Endless is the span of runs that took longer than all of Spans.
const Endless time.Duration = math.MaxInt64

// Span returns how long a run took from when it had its lane to its end, and the span by
// which it is counted; both are 0 for one that left its queue only to end.
func (r *Run) Span() (span, took time.Duration) {
	if took = r.Ended.Sub(r.Begun); r.Begun.IsZero() || took <= 0 {
		return 0, 0
	}
	for _, span := range Spans {
		if took <= span {
			return span, took
		}
	}
	return Endless, took
}
