package data

import (
	"fmt"
	"testing"

	"lockstep/bot"
)

// marked are the files of a version whose publisher puts _SUCCESS last.
var marked = map[string]string{"_SUCCESS": "", "part-0.csv": "1\n2\n", "part-1.csv": "3\n", "sub/part-2.csv": "4\n"}

// lay puts files into preview without a manifest.
func (d *depot) lay(files map[string]string, rule bot.ListingRule) bot.DataSet {
	for key, text := range files {
		d.put(d.preview, key, []byte(text))
	}
	return bot.DataSet{Bucket: d.preview, Listing: &rule}
}

// sumsOf returns what a bucket holds that holds files.
func sumsOf(files map[string]string) map[string]string {
	all := map[string]string{}
	for key, text := range files {
		all[key] = hexSHA256(text)
	}
	return all
}

func copiesByListing(t *testing.T, d *depot) {
	set := d.lay(marked, bot.ListingRule{Keys: []string{"_SUCCESS"}, Objects: 4})
	p := finish(t, copying(d.packages, set, d.live))
	d.differs(t, d.live, sumsOf(marked))
	if p.Objects != 4 || p.TotalObjects != 4 || p.Bytes != 8 || p.TotalBytes != 8 {
		t.Errorf("got %+v, want 4 objects of 8 bytes", p)
	}
}

func TestCheckByListing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rule bot.ListingRule
		want string // problem; "": none
	}{
		{"complete", bot.ListingRule{Keys: []string{"_SUCCESS"}, Objects: 4}, ""},
		{"too few", bot.ListingRule{Objects: 5}, "s3://PREVIEW/mda/2026.11.0/ has 4 objects, and 5 are wanted at least: publish the rest"},
		{"no marker", bot.ListingRule{Keys: []string{"_SUCCESS", "_DONE"}, Objects: 1}, "s3://PREVIEW/mda/2026.11.0/_DONE is missing: publish it"},
	}
	for _, test := range tests {
		for pace, packages := range map[string]func() *Packages{"": func() *Packages { return &Packages{} }, " hasty": hasty} {
			t.Run(test.name+pace, func(t *testing.T) {
				t.Parallel()
				d := newDepot(t)
				set := d.lay(marked, test.rule)
				d.put(d.preview, "sub/", nil)
				p, err := follow(t, checking(packages, set))
				switch {
				case test.want != "":
					refuses(t, d.depot, p, err, test.want)
				case err != nil || !p.Done || p.Objects != 4 || p.TotalObjects != 4 || p.Bytes != 8:
					t.Errorf("got %+v, %v, want 4 objects of 8 bytes", p, err)
				}
			})
		}
	}
}

func TestCopyByListing(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.lay(with(marked, "_DONE", "x"), bot.ListingRule{Keys: []string{"_SUCCESS", "_DONE"}, Objects: 1})
	p := finish(t, copying(hasty, set, d.live))
	d.differs(t, d.live, sumsOf(with(marked, "_DONE", "x")))
	if p.Objects != 5 || p.Bytes != 9 {
		t.Errorf("got %+v, want 5 objects of 9 bytes", p)
	}
	calls := d.aws.Journal.Calls()
	if last := calls[len(calls)-1].Path; len(calls) != 5 || last != "/mda-live/data/2026.11.0/_DONE" {
		t.Errorf("got %v, want 5 writes with the markers at the end", calls)
	}
}

func TestEmptyListing(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.put(d.preview, "", nil)
	set := bot.DataSet{Bucket: d.preview, Listing: &bot.ListingRule{Objects: 1}}
	for name, do := range map[string]step{"check": checking(d.packages, set), "copy": copying(d.packages, set, d.live)} {
		p, err := follow(t, do)
		t.Log(name)
		refuses(t, d.depot, p, err, "there is nothing below s3://PREVIEW/mda/2026.11.0/")
	}
}

// A list of several pages is counted where it takes several calls, and an object too
// many is named all the same.
func TestPages(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	files := map[string]string{}
	for i := range 2300 {
		files[fmt.Sprintf("part/%05d", i)] = "1"
	}
	set := d.publish(files)
	rule := bot.DataSet{Bucket: d.preview, Listing: &bot.ListingRule{Objects: 2301}}
	if p := finish(t, checking(hasty, rule)); p.Objects != 2301 || p.TotalObjects != 2301 {
		t.Errorf("got %+v, want 2,301 objects", p)
	}
	if p := finish(t, checking(d.packages, set)); p.Objects != 2300 {
		t.Errorf("got %+v, want 2,300 objects", p)
	}
	d.put(d.preview, "part/99999", []byte("1"))
	for _, packages := range []func() *Packages{hasty, d.packages} {
		p, err := follow(t, checking(packages, set))
		refuses(t, d.depot, p, err, "s3://PREVIEW/mda/2026.11.0/part/99999 is not in the manifest")
	}
}
