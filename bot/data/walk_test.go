package data

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// numbered yields n objects of one byte, and then wrong if that is something.
func numbered(n int, wrong error) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		for i := 1; i <= n; i++ {
			if !yield(object{key: strconv.Itoa(i), size: 1, at: strconv.Itoa(i)}, nil) {
				return
			}
		}
		if wrong != nil {
			yield(object{}, wrong)
		}
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	outage := errors.New("outage")
	tests := []struct {
		name   string
		ends   map[string]error // how objects end; the others end well
		behind error            // where the list breaks off
		at     string           // how far the cursor comes
		all    bool
		err    error
	}{
		{"all well", nil, nil, "40", true, nil},
		{"outage", map[string]error{"7": outage}, nil, "6", false, outage},
		{"problem", map[string]error{"7": problem("bad")}, nil, "6", false, problem("bad")},
		{"problem behind an outage", map[string]error{"7": outage, "9": problem("bad")}, nil, "6", false, problem("bad")},
		{"first of two problems", map[string]error{"9": problem("worse"), "7": problem("bad")}, nil, "6", false, problem("bad")},
		{"unfinished", map[string]error{"7": unfinished(3)}, nil, "6", false, nil},
		{"outage behind unfinished", map[string]error{"7": unfinished(3), "8": outage}, nil, "6", false, nil},
		{"unfinished at the end", map[string]error{"40": unfinished(3)}, nil, "39", false, nil},
		{"outage at the end", map[string]error{"40": outage}, nil, "39", false, outage},
		{"list breaks off", nil, outage, "40", false, outage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &pass{Packages: &Packages{Concurrency: 3}, from: &side{}, ends: time.Now().Add(time.Hour), reads: map[string]reading{}}
			var now, most atomic.Int64
			behind := make(chan struct{}) // closed when object 9 is under way
			all, err := s.walk(t.Context(), numbered(40, test.behind), func(_ context.Context, o object) error {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer now.Add(-1)
				switch {
				case o.key == "9":
					close(behind)
				case o.key == "7" && test.ends["9"] != nil:
					<-behind // else it might end the walk before that
				}
				return test.ends[o.key]
			})
			if s.At != test.at || all != test.all || err != test.err {
				t.Errorf("came to %q, %t, %v, want %q, %t, %v", s.At, all, err, test.at, test.all, test.err)
			}
			if got := fmt.Sprint(s.Gone.Objects); got != test.at {
				t.Errorf("counted %s objects, want %s", got, test.at)
			}
			if most.Load() > 3 || now.Load() != 0 {
				t.Errorf("%d at once and %d left, want 3 and none", most.Load(), now.Load())
			}
		})
	}
}

// When the time is over nothing is begun, but for one object that brings each call
// further.
func TestWalkEnds(t *testing.T) {
	t.Parallel()
	s := &pass{Packages: &Packages{}, from: &side{}, ends: time.Now(), reads: map[string]reading{}}
	all, err := s.walk(t.Context(), numbered(5, nil), func(context.Context, object) error { return nil })
	if all || err != nil || s.At != "1" {
		t.Errorf("got %t, %v at %q, want the first object", all, err, s.At)
	}
}
