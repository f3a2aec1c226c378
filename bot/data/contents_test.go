package data

import (
	"errors"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/gitops"
)

func TestContents(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	set := d.publish(some)
	objects, bytes, manifest, err := d.packages().Contents(t.Context(), set)
	if objects != 5 || bytes != 634 || err != nil {
		t.Errorf("got %d objects of %d bytes, %v, want 5 of 634", objects, bytes, err)
	}
	text, _ := manifest.(map[string]any)
	if list, _ := text["objects"].([]any); text["rows"] != 12.0 || len(list) != 5 {
		t.Errorf("got manifest %v", manifest)
	}
	set.Manifest, set.Listing = "", &bot.ListingRule{Objects: 1}
	objects, _, manifest, err = d.packages().Contents(t.Context(), set)
	if objects != 6 || manifest != nil || err != nil {
		t.Errorf("listed: got %d objects, manifest %v, %v, want 6", objects, manifest, err)
	}
}

func TestContentsOfNothing(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	for _, set := range []bot.DataSet{{Bucket: d.preview, Manifest: "manifest.json"}, {Bucket: d.preview, Listing: &bot.ListingRule{}}} {
		if _, _, _, err := d.packages().Contents(t.Context(), set); !errors.Is(err, gitops.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
	d.put(d.preview, "manifest.json", []byte("[]"))
	set := bot.DataSet{Bucket: d.preview, Manifest: "manifest.json"}
	if _, _, _, err := d.packages().Contents(t.Context(), set); !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "is no manifest of the version") {
		t.Errorf("got %v, want a refusal of the manifest", err)
	}
	d.aws.Close()
	if _, _, _, err := (&Packages{Timeout: 1}).Contents(t.Context(), set); err == nil || errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("got %v, want an error that says nobody could tell", err)
	}
}
