package data

import (
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

// spoiled are versions that cannot be used, on any S3.
var spoiled = []struct {
	name    string
	spoil   func(d *depot)
	in      string // in the problem
	onTheGo bool   // a copy finds it too
}{
	{"nothing", func(d *depot) { d.preview.Prefix = "mda/2026.11.9/" }, "there is nothing below s3://PREVIEW/mda/2026.11.9/: publish the version, or check its name", true},
	{"no manifest", func(d *depot) {
		d.preview.Prefix = "mda/2026.11.8/"
		d.put(d.preview, "", nil)
		d.put(d.preview, "prices.csv", []byte("1"))
	}, "s3://PREVIEW/mda/2026.11.8/manifest.json is not there, though other objects are", true},
	{"missing", func(d *depot) { d.put(d.preview, "manifest.json", manifestOf(with(some, "zones/eu.csv", "1"))) }, "s3://PREVIEW/mda/2026.11.0/zones/eu.csv", true},
	{"truncated", func(d *depot) { d.put(d.preview, "prices.csv", []byte("1;2")) }, "s3://PREVIEW/mda/2026.11.0/prices.csv has 3 bytes, and the manifest says 600: it was cut off", true},
	{"corrupted", func(d *depot) { d.corrupt("offers/de.csv") }, "s3://PREVIEW/mda/2026.11.0/offers/de.csv has the SHA-256 ", false},
	{"replaced", func(d *depot) { d.put(d.preview, "offers/de.csv", []byte("1;Haus\n2;Boot\n")) }, "and the manifest says " + hexSHA256(some["offers/de.csv"]) + ": it is damaged or was replaced", false},
	{"too much", func(d *depot) { d.put(d.preview, "offers/old.csv", []byte("1")) }, "s3://PREVIEW/mda/2026.11.0/offers/old.csv is not in the manifest: name it there, or remove it", false},
}

func TestCheckOfSpoiled(t *testing.T) {
	t.Parallel()
	for _, test := range spoiled {
		for pace, packages := range map[string]func() *Packages{"": func() *Packages { return &Packages{} }, " hasty": hasty} {
			t.Run(test.name+pace, func(t *testing.T) {
				t.Parallel()
				d := newDepot(t)
				set := d.publish(some)
				test.spoil(d.depot)
				set.Bucket = d.preview
				p, err := follow(t, checking(packages, set))
				refuses(t, d.depot, p, err, test.in)
			})
		}
	}
}

// refuses holds how a pass ended against the problem that it should have.
func refuses(t *testing.T, d *depot, p bot.Progress, err error, want string) {
	t.Helper()
	want = strings.NewReplacer("PREVIEW", d.preview.Name, "LIVE", d.live.Name).Replace(want)
	if err != nil || p.Done || !strings.Contains(p.Problem, want) {
		t.Errorf("got %+v, %v\nwant the problem %q", p, err, want)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for pace, packages := range map[string]func() *Packages{"at once": func() *Packages { return &Packages{} }, "hasty": hasty} {
		t.Run(pace, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t)
			set := d.publish(some)
			for _, folder := range []string{"", "offers/"} { // as consoles make them
				d.put(d.preview, folder, nil)
			}
			p := finish(t, checking(packages, set))
			if p.Objects != 5 || p.TotalObjects != 5 || p.Bytes != p.TotalBytes || p.Bytes == 0 || p.Began.IsZero() {
				t.Errorf("got %+v, want 5 of 5 objects", p)
			}
			if got := d.aws.Journal.Calls(); len(got) != 0 {
				t.Errorf("a check has written: %v", got)
			}
		})
	}
}

// A pass that has ended stays as it is.
func TestEnded(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	for _, end := range []bot.Progress{{Done: true, Objects: 5, Began: time.Unix(1, 0)}, {Problem: "bad", Objects: 2, Began: time.Unix(1, 0)}} {
		for _, do := range []step{checking(d.packages, set), copying(d.packages, set, d.live)} {
			if got, err := do(t.Context(), end); got != end || err != nil {
				t.Errorf("got %+v, %v, want %+v", got, err, end)
			}
		}
	}
	if got := d.aws.Traffic().Requests; got != 0 {
		t.Errorf("%d requests, want none", got)
	}
}
