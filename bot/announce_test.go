package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnnounced(t *testing.T) {
	t.Parallel()
	text := smallConfig + "  nightly:\n    lane: integration\n    stages: [{environment: int}]\n"
	tests := []struct{ name, text, tag, want string }{
		{"starts", text, "v2026.1", "integration 2026.1 tag"},
		{"other form", text, "2026.1", `the tags of package "mda" have the form v{version}`},
		{"bad version", text, "v1", `version "1" is not valid for package "mda": it must match \d{4}\.\d+`},
		{"two tracks", text + "    on: [tag]\n", "v2026.1", "integration 2026.1 tag, nightly 2026.1 tag"},
		{"no track", strings.Replace(text, "on: [tag]", "on: []", 1), "v2026.1", `no track starts on tags of package "mda"`},
	}
	for _, tt := range tests {
		c := parsed(t, tt.text)
		s := c.Sources()[0]
		var requests []Request
		v, err := s.Tagged(tt.tag)
		if err == nil {
			requests, err = c.Announced(s, v)
		}
		var all []string
		for _, r := range requests {
			all = append(all, r.Track+" "+string(r.Version)+" "+string(r.Origin))
		}
		got := strings.Join(all, ", ")
		if err != nil {
			got += err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	text := strings.Replace(smallConfig, tagsOfSmall, tagsOfSmall+`    data: {bucket: preview}
    releases: {project: data/mda, poll: 2m}
    pipelines: {project: data/mda, protected: false}
    pushes: {project: data/other, file: VERSION}
    hook: {secret: env:HOOK}
    listing: {poll: 3m}
  offers:
    pipelines: {project: data/mda, branch: main, file: v.yaml, key: a.b}
`, 1)
	text = strings.Replace(text, "environments:\n", "buckets: {preview: {name: mda-preview}}\nenvironments:\n", 1)
	text = strings.Replace(text, "    on: [tag]\n", "    packages: [mda]\n    on: [tag, release, pipeline, push, hook, listing]\n", 1)
	text = strings.Replace(text, "key: data.version}", "key: data.version, package: mda}", 1)
	var got []string
	for _, s := range parsed(t, text).Sources() {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %q %t %s %s %s %s %q", s.Package, s.Origin, s.Project, s.Name, s.Protected, s.Branch, s.File, s.Key, s.Poll, s.Tracks)))
		if s.Origin == OriginListing {
			if at := s.Set("2026.1").Bucket; at.Name != "mda-preview" || at.Prefix != "mda/2026.1/" || s.Data.Bucket.Prefix != "mda/{version}/" {
				t.Errorf("the data of a version: got %+v", at)
			}
		}
	}
	want := []string{
		`mda tag data/mda "v{version}" true    1m0s ["integration"]`,
		`mda release data/mda "{version}" true    2m0s ["integration"]`,
		`mda pipeline data/mda "{version}" false    1m0s ["integration"]`,
		`mda push data/other "" false main VERSION  1m0s ["integration"]`,
		`mda hook  "" false    0s ["integration"]`,
		`mda listing  "" false    3m0s ["integration"]`,
		`offers pipeline data/mda "" false main v.yaml a.b 1m0s []`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	tests := []struct{ key, content, want string }{
		{"", "2026.1\n", "2026.1"},
		{"a.b", "a:\n  b: 2026.1 # the newest\n", "2026.1"},
		{"a.c", "a:\n  b: 2026.1\n", "VERSION:2:3"},
	}
	for _, test := range tests {
		s := Source{File: "VERSION", Key: test.key}
		got, err := s.Held([]byte(test.content))
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%q of %q: got %q, want %q", test.key, test.content, got, test.want)
		}
	}
}

func TestAskedByAnnouncements(t *testing.T) {
	t.Parallel()
	tests := []struct {
		origin Origin
		by     string
		want   string
	}{
		{OriginTag, "ana", "a tag, pushed by ana"},
		{OriginTag, "", "a tag"},
		{OriginRelease, "ana", "a release, made by ana"},
		{OriginPipeline, "ana", "a pipeline, started by ana"},
		{OriginPipeline, "", "a pipeline"},
		{OriginPush, "ana", "a push by ana"},
		{OriginHook, "catalog", "a signed call for catalog"},
		{OriginHook, "", "a signed call"},
		{OriginListing, "", "its data in the bucket"},
	}
	for _, test := range tests {
		r := Run{Origin: test.origin, By: test.by, Created: time.Unix(0, 0)}
		if got := r.Asked(); got != test.want {
			t.Errorf("%s of %q: got %q, want %q", test.origin, test.by, got, test.want)
		}
	}
}
