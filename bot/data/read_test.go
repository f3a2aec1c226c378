package data

import (
	"testing"
	"time"

	"lockstep/bot"
)

// A large object is read over several calls, each by another process, from where the
// one before it stopped.
func TestReadingGoesOn(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	big := make([]byte, 5*chunk+7)
	for i := range big {
		big[i] = byte(i * i >> 3)
	}
	set := d.publish(map[string]string{"big": string(big), "small": "1"})
	var p bot.Progress
	var seen []int64
	for !p.Done {
		packages := &Packages{Work: time.Nanosecond, Concurrency: 1}
		next, err := packages.Check(t.Context(), set, p)
		if err != nil || next.Problem != "" {
			t.Fatalf("got %+v, %v", next, err)
		}
		if next.Bytes != p.Bytes {
			seen = append(seen, next.Bytes)
		}
		p = next
	}
	if len(seen) < 6 || seen[0] != chunk || seen[1] != 2*chunk {
		t.Errorf("came to %v bytes, want steps of %d", seen, chunk)
	}
	if got := d.aws.Traffic().Operations["GetObject"]; got > 6+2+9 {
		t.Errorf("%d reads, want 6 of the large object", got)
	}
}
