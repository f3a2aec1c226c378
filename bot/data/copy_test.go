package data

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
	"lockstep/gitops"
)

// onAnyS3 are the tests of copies that hold on every S3.
var onAnyS3 = []struct {
	name string
	test func(t *testing.T, d *depot)
}{
	{"across accounts", copiesAcrossAccounts},
	{"call by call", copiesCallByCall},
	{"twice", copiesTwice},
	{"two at once", copiesTwoAtOnce},
	{"over a different object", neverOverwrites},
	{"over a different manifest", neverOverwritesManifest},
	{"by a listing", copiesByListing},
	{"spoiled", refusesSpoiled},
}

func TestOnSimulatedS3(t *testing.T) {
	t.Parallel()
	for _, test := range onAnyS3 {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.test(t, newDepot(t).depot)
		})
	}
}

func copiesAcrossAccounts(t *testing.T, d *depot) {
	set := d.publish(some)
	d.put(d.preview, "offers/", nil)
	p := finish(t, copying(d.packages, set, d.live))
	d.differs(t, d.live, wanted(some))
	if p.Objects != 5 || p.TotalObjects != 5 || p.Bytes != p.TotalBytes || p.Began.IsZero() {
		t.Errorf("got %+v, want 5 of 5 objects", p)
	}
}

// Every call is made by another process, as it were, that goes on from the cursor.
func copiesCallByCall(t *testing.T, d *depot) {
	set := d.publish(some)
	calls := 0
	short := func() *Packages {
		calls++
		p := d.packages()
		p.Work, p.Concurrency = time.Nanosecond, 1
		return p
	}
	finish(t, copying(short, set, d.live))
	d.differs(t, d.live, wanted(some))
	if calls < len(some) {
		t.Errorf("%d calls have done it all, want at least %d", calls, len(some))
	}
}

func copiesTwice(t *testing.T, d *depot) {
	set := d.publish(some)
	for range 2 {
		finish(t, copying(d.packages, set, d.live))
		d.differs(t, d.live, wanted(some))
	}
}

func copiesTwoAtOnce(t *testing.T, d *depot) {
	set := d.publish(many(60))
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if p, err := follow(t, copying(d.packages, set, d.live)); err != nil || !p.Done {
				t.Errorf("got %+v, %v, want the end", p, err)
			}
		})
	}
	both.Wait()
	d.differs(t, d.live, wanted(many(60)))
}

func neverOverwrites(t *testing.T, d *depot) {
	for _, theirs := range []string{"theirs", strings.ToUpper(some["offers/de.csv"])} { // of another size, and of the same
		set := d.publish(some)
		d.put(d.live, "offers/de.csv", []byte(theirs))
		p, err := follow(t, copying(d.packages, set, d.live))
		refuses(t, d, p, err, "s3://LIVE/data/2026.11.0/offers/de.csv is a different object: ")
		if got := d.objects(d.live); got["offers/de.csv"] != hexSHA256(theirs) || got["manifest.json"] != "" {
			t.Errorf("live holds\n%s", shown(got))
		}
	}
}

func neverOverwritesManifest(t *testing.T, d *depot) {
	set := d.publish(some)
	d.put(d.live, "manifest.json", []byte("{}"))
	p, err := follow(t, copying(d.packages, set, d.live))
	refuses(t, d, p, err, "s3://LIVE/data/2026.11.0/manifest.json is a different object: ")
	d.differs(t, d.live, map[string]string{"manifest.json": hexSHA256("{}")})
}

func refusesSpoiled(t *testing.T, d *depot) {
	for _, test := range spoiled {
		if !test.onTheGo {
			continue
		}
		set := d.publish(some)
		test.spoil(d)
		set.Bucket = d.preview
		d.live.Prefix = "data/" + test.name + "/"
		p, err := follow(t, copying(d.packages, set, d.live))
		refuses(t, d, p, err, test.in)
		if d.objects(d.live)["manifest.json"] != "" {
			t.Errorf("%s: the manifest was copied", test.name)
		}
		d.preview.Prefix = "mda/2026.11.0/"
	}
}

// many returns n small files.
func many(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files["part/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("0", i/26)] = strings.Repeat("row\n", i)
	}
	return files
}

func TestCopyOfMore(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	d.put(d.preview, "offers/old.csv", []byte("1"))
	finish(t, copying(d.packages, set, d.live))
	d.differs(t, d.live, wanted(some)) // what the manifest does not name stays where it is
}

// The manifest comes last: who finds it finds a whole version.
func TestManifestComesLast(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	d.aws.Journal.Break(func(c fixtures.Call) fixtures.Fault {
		there := d.objects(d.live)
		if strings.HasSuffix(c.Path, "manifest.json") && len(there) != len(some) {
			t.Errorf("the manifest came when live held\n%s", shown(there))
		}
		return fixtures.Pass
	}, nil)
	finish(t, copying(d.packages, set, d.live))
}

// A corrupted source whose SHA-256 nobody knows is found when it was copied, and the
// version is not made complete.
func TestCopyOfCorrupted(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	d.corrupt("prices.csv")
	p, err := follow(t, copying(d.packages, set, d.live))
	refuses(t, d.depot, p, err, "s3://LIVE/data/2026.11.0/prices.csv is a different object: its SHA-256 is ")
	if d.objects(d.live)["manifest.json"] != "" {
		t.Error("the manifest was copied")
	}
}

func TestCopyBrokenTwice(t *testing.T) {
	t.Parallel()
	faults := []fixtures.Fault{fixtures.Cut, fixtures.Hold, fixtures.BadGateway, fixtures.TooMany, fixtures.Refuse}
	writes := len(some) + 1
	for _, fault := range faults {
		for _, effect := range []string{"lost", "done"} {
			for n := 1; n <= writes; n++ {
				if fault != fixtures.Cut && n != 2 && n != writes { // an object and the manifest are enough
					continue
				}
				t.Run(string(fault)+" "+effect, func(t *testing.T) {
					t.Parallel()
					breaksCopy(t, fault, effect == "lost", n)
				})
			}
		}
	}
}

// breaksCopy breaks the nth write of a copy and repeats it until it has an end.
func breaksCopy(t *testing.T, fault fixtures.Fault, lost bool, n int) {
	d := newDepot(t)
	set := d.publish(some)
	once := func(c fixtures.Call) fixtures.Fault {
		if c.N == n {
			return fault
		}
		return fixtures.Pass
	}
	if lost {
		d.aws.Journal.Break(once, nil)
	} else {
		d.aws.Journal.Break(nil, once)
	}
	var p bot.Progress
	for calls := 0; !p.Done; calls++ {
		if calls > 20 {
			t.Fatalf("no end: %+v", p)
		}
		packages := &Packages{Timeout: 300 * time.Millisecond, Concurrency: 1}
		next, err := packages.Copy(t.Context(), set, d.live, p)
		if errors.Is(err, gitops.ErrRefused) || next.Problem != "" {
			t.Fatalf("got %+v, %v, want an error that decides nothing", next, err)
		}
		p = next
	}
	d.differs(t, d.live, wanted(some))
	effects := map[string]int{}
	for _, c := range d.aws.Journal.Calls() {
		if !lost || c.N != n {
			effects[c.Path]++
		}
	}
	for path, n := range effects {
		if n != 1 {
			t.Errorf("%s was written %d times", path, n)
		}
	}
}

func TestCopyIsBounded(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(many(200))
	d.aws.Latency(2 * time.Millisecond)
	packages := func() *Packages { return &Packages{Concurrency: 7} }
	finish(t, copying(packages, set, d.live))
	d.differs(t, d.live, wanted(many(200)))
	if got := d.aws.Traffic().Most; got > 8 || got < 2 { // the manifest is read besides
		t.Errorf("%d requests at once, want about 7", got)
	}
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	d.aws.ThrottleS3(1)
	finish(t, checking(d.packages, set))
	d.aws.Journal.Break(func(c fixtures.Call) fixtures.Fault {
		if c.N == 2 {
			d.aws.ThrottleS3(1)
		}
		return fixtures.Pass
	}, nil)
	finish(t, copying(func() *Packages { return &Packages{Concurrency: 1} }, set, d.live))
	d.differs(t, d.live, wanted(some))
}

// Where a server ignores the condition of a copy, the look before it still protects;
// where somebody is quicker than that, the condition does.
func TestCopyLosesRace(t *testing.T) {
	t.Parallel()
	for theirs, want := range map[string]string{some["prices.csv"]: "", "theirs": "prices.csv is a different object"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t)
			set := d.publish(some)
			d.aws.Journal.Break(func(c fixtures.Call) fixtures.Fault {
				if strings.HasSuffix(c.Path, "prices.csv") {
					d.put(d.live, "prices.csv", []byte(theirs)) // between our look and our write
				}
				return fixtures.Pass
			}, nil)
			p, err := follow(t, copying(d.packages, set, d.live))
			if want != "" {
				refuses(t, d.depot, p, err, want)
			}
			if got := d.objects(d.live)["prices.csv"]; got != hexSHA256(theirs) {
				t.Errorf("live holds %s, want what somebody else wrote", got)
			}
		})
	}
}

func TestManifestReplaced(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	var p bot.Progress
	var err error
	for range 3 {
		if p, err = hasty().Check(t.Context(), set, p); err != nil {
			t.Fatal(err)
		}
	}
	more := with(some, "zones.csv", "1")
	d.publish(more)
	end := finish(t, func(ctx context.Context, at bot.Progress) (bot.Progress, error) {
		if at.Began.IsZero() {
			at = p
		}
		return hasty().Check(ctx, set, at)
	})
	if end.Objects != int64(len(more)) || end.TotalObjects != int64(len(more)) {
		t.Errorf("got %+v, want the %d objects of the new manifest", end, len(more))
	}
}
