package data

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/gitops"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	at := d.preview
	for _, key := range []string{
		"mda/2026.11.0/a", "mda/2026.11.0/b/c", "mda/2026.11.10/a", "mda/README", "mda/x+y z/a",
		"other/2026.11.1/a", "v/n-1-data/csv/a", "v/n-2-data/a", "v/n-3/a", "v/n--data/a", "v/m-4-data/a",
	} {
		at.Prefix = ""
		d.put(at, key, []byte(key))
	}
	for prefix, want := range map[string][]string{
		"mda/{version}/":          {"2026.11.0", "2026.11.10", "x+y z"},
		"v/n-{version}-data/csv/": {"1", "2"},
		"none/{version}/":         nil,
	} {
		at.Prefix = prefix
		if got, err := d.packages().Versions(t.Context(), at); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", prefix, got, err, want)
		}
	}
}

func TestVersionsOnSeveralPages(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	at := d.preview
	for n := range mostKeys + 5 {
		at.Prefix = fmt.Sprintf("mda/%d/", n)
		d.put(at, "a", nil)
	}
	at.Prefix = "mda/{version}/"
	if got, err := d.packages().Versions(t.Context(), at); err != nil || len(got) != mostKeys+5 {
		t.Errorf("got %d versions, %v", len(got), err)
	}
	at.Name = "mda-nothing"
	if _, err := d.packages().Versions(t.Context(), at); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("a bucket that is not there: got %v", err)
	}
}

func TestPublished(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := bot.DataSet{Bucket: d.preview, Manifest: "manifest.json"}
	rule := bot.DataSet{Bucket: d.preview, Listing: &bot.ListingRule{Keys: []string{"_SUCCESS"}, Objects: 2}}
	tests := []struct {
		name string
		do   func()
		set  bot.DataSet
		want string // in what it lacks; "": it is complete
	}{
		{"nothing", func() {}, set, "there is nothing below"},
		{"nothing by a rule", func() {}, rule, "there is nothing below"},
		{"objects without a manifest", func() { d.put(d.preview, "prices.csv", []byte(some["prices.csv"])) }, set, "is not there, though other objects are"},
		{"too few by a rule", func() {}, rule, "has 1 objects, and 2 are wanted"},
		{"everything", func() { d.publish(some) }, set, ""},
		{"no mark by a rule", func() {}, rule, "_SUCCESS is missing"},
		{"everything by a rule", func() { d.put(d.preview, "_SUCCESS", []byte("1")) }, rule, ""},
		{"an object too many", func() {}, set, "_SUCCESS is not in the manifest"},
	}
	for _, test := range tests {
		test.do()
		lack, err := d.packages().Published(t.Context(), test.set)
		if err != nil || (lack == "") != (test.want == "") || !strings.Contains(lack, test.want) {
			t.Errorf("%s: got %q, %v, want %q", test.name, lack, err, test.want)
		}
	}
	d.aws.Close()
	if lack, err := (&Packages{Timeout: 1}).Published(t.Context(), set); err == nil {
		t.Errorf("nobody answers: got %q, want an error", lack)
	}
}
