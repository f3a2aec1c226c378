package bot

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var limits = Limits{Unknown: time.Hour, First: time.Second, Longest: 30 * time.Second, Person: 5 * time.Minute}

func TestApplyMoves(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	r := &Run{ID: "1", State: Queued}
	applied := r.Apply(to(Started, "holds lane %s", "int").linked("https://x"), nil, at, limits)
	want := Event{Run: "1", Seq: 1, At: at, State: Started, Reason: "holds lane int", Link: "https://x"}
	if applied.Event == nil || *applied.Event != want || applied.After != 0 {
		t.Errorf("got %+v after %v, want %+v at once", applied.Event, applied.After, want)
	}
	if !r.Begun.Equal(at) || !r.Entered.Equal(at) || r.Reason != "holds lane int" {
		t.Errorf("run is %+v", r)
	}
	later := at.Add(time.Minute)
	if r.Apply(to(Done, "done"), nil, later, limits); !r.Ended.Equal(later) || !r.Settled() {
		t.Errorf("run has not ended: %+v", r)
	}
}

func TestApplyWaitsLongerWithoutNews(t *testing.T) {
	t.Parallel()
	r, at := &Run{State: Merged}, time.Unix(0, 0)
	var waits []time.Duration
	for range 12 {
		waits = append(waits, r.Apply(wait("job runs"), nil, at, limits).After)
	}
	if waits[0] != time.Second || waits[1] != 1500*time.Millisecond || waits[11] != 30*time.Second {
		t.Errorf("waits grow as %v", waits)
	}
	if r.Events != 1 {
		t.Errorf("%d events say the same", r.Events)
	}
	if after := r.Apply(wait("another job runs"), nil, at, limits).After; after != time.Second {
		t.Errorf("news is followed by a wait of %v", after)
	}
	if after := r.Apply(again("acted"), nil, at, limits).After; after != 0 {
		t.Errorf("an act is followed by a wait of %v", after)
	}
	for range 20 {
		r.Apply(Outcome{Pace: Person, Reason: "person"}, nil, at, limits)
	}
	if after := r.Apply(Outcome{Pace: Person, Reason: "person"}, nil, at, limits).After; after != 5*time.Minute {
		t.Errorf("a person is awaited for %v", after)
	}
}

func TestApplyUnknownClock(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 0)
	r := &Run{State: Merged, Entered: at}
	lost := errors.New("502 Bad Gateway")
	for minute := range 60 {
		if r.Apply(Outcome{}, lost, at.Add(time.Duration(minute)*time.Minute), limits); r.State != Merged {
			t.Fatalf("after %d minutes without an answer the run is %s", minute, r.State)
		}
	}
	// An answer stops the clock.
	r.Apply(wait("job runs"), nil, at.Add(59*time.Minute), limits)
	if r.Apply(Outcome{}, lost, at.Add(60*time.Minute), limits); r.State != Merged {
		t.Fatalf("one error after an answer makes the run %s", r.State)
	}
	applied := r.Apply(Outcome{}, lost, at.Add(121*time.Minute), limits)
	if r.State != Stalled || r.Resume != Merged || applied.Event == nil || !strings.Contains(applied.Event.Reason, "nobody could tell for 1h1m0s, see to it and resume the run: 502 Bad Gateway") {
		t.Errorf("the run is %s (resume %s): %+v", r.State, r.Resume, applied.Event)
	}
	// Errors do not stall a stalled run again, nor lose where it goes on.
	r.Apply(Outcome{}, lost, at.Add(500*time.Minute), limits)
	if r.State != Stalled || r.Resume != Merged {
		t.Errorf("the run is %s, resume %s", r.State, r.Resume)
	}
}

// An outage says the same in other words each time (ports, ids): waits grow all the
// same. An act that has to be repeated is not repeated at once for ever.
func TestApplyNeverRunsHot(t *testing.T) {
	t.Parallel()
	r, at := &Run{State: Merged}, time.Unix(0, 0)
	var after time.Duration
	for port := range 20 {
		after = r.Apply(Outcome{}, fmt.Errorf("read tcp 127.0.0.1:%d: reset", port), at, limits).After
	}
	if after != 30*time.Second {
		t.Errorf("after 20 errors the wait is %v, want 30s", after)
	}
	if after := r.Apply(again("acted"), nil, at, limits).After; after != 0 {
		t.Errorf("an act is followed by a wait of %v, want none", after)
	}
	for range 20 {
		after = r.Apply(again("acted"), nil, at, limits).After
	}
	if after != 30*time.Second {
		t.Errorf("after the same act 20 times the wait is %v, want 30s", after)
	}
}
