package gitops

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// The files that applyCases change.
const (
	applyMds  = "data:\n  version: 1.0.0 # mds\nmore: {version: 1.0.0}\n"
	applyBoth = "mds: 1.0.0\nfbv: 1.0.0\n"
)

// bump returns a bump of env/mda.
func bump(service, file, key string, from, to Version) Bump {
	return Bump{Place: Place{Repo: "env/mda", File: file, Key: key}, Service: service, From: from, To: to}
}

// applyCases are changes of the files of applyMds and applyBoth, and what becomes of them.
var applyCases = []struct {
	name  string
	bumps []Bump
	want  map[string]string
	err   string
	is    error
}{
	{
		name:  "nothing",
		bumps: []Bump{bump("mds", "gone.yaml", "x", "1.0.0", "1.0.0"), bump("mds", "mds.yaml", "data.version", "0.9.0", "1.0.0")},
		want:  map[string]string{},
	},
	{
		name:  "two files, two places in one",
		bumps: []Bump{bump("mds", "both.yaml", "mds", "1.0.0", "1.1.0"), bump("x", "mds.yaml", "data.version", "1.0.0", "1.10"), bump("fbv", "both.yaml", "fbv", "", "1.1.0")},
		want:  map[string]string{"both.yaml": "mds: 1.1.0\nfbv: 1.1.0\n", "mds.yaml": strings.Replace(applyMds, "1.0.0", `"1.10"`, 1)},
	},
	{
		name:  "one place shared by two services",
		bumps: []Bump{bump("mds", "mds.yaml", "data.version", "1.0.0", "1.1.0"), bump("kv", "mds.yaml", `"data"."version"`, "1.0.0", "1.1.0")},
		want:  map[string]string{"mds.yaml": strings.Replace(applyMds, "1.0.0", "1.1.0", 1)},
	},
	{
		name:  "contradiction",
		bumps: []Bump{bump("mds", "mds.yaml", "data.version", "1.0.0", "1.1.0"), bump("kv", "mds.yaml", `"data".version`, "1.0.0", "1.2.0")},
		err:   `service "mds": wants "1.1.0" at env/mda/mds.yaml#data.version, where another service of the same change wants "1.2.0"`,
	},
	{
		name:  "contradiction with what stands",
		bumps: []Bump{bump("mds", "mds.yaml", "data.version", "1.0.0", "1.1.0"), bump("kv", "mds.yaml", "data.version", "1.1.0", "1.0.0")},
		err:   `service "mds": wants "1.1.0" at env/mda/mds.yaml#data.version, where another service of the same change wants "1.0.0"`,
	},
	{
		name:  "changed meanwhile",
		bumps: []Bump{bump("mds", "both.yaml", "mds", "1.0.0", "1.1.0"), bump("fbv", "both.yaml", "fbv", "0.9.0", "1.1.0")},
		err:   `service "fbv": both.yaml:2:6: "1.0.0" stands at fbv, not "0.9.0": read the file again and decide again`,
		is:    ErrConflict,
	},
	{
		name:  "no such key",
		bumps: []Bump{bump("kv", "both.yaml", "kv", "1.0.0", "1.1.0")},
		err:   `service "kv": both.yaml:1:1: the map has no key "kv": mend the key, or add what is missing with the version that is deployed now`,
		is:    ErrNotFound,
	},
	{
		name:  "no such file",
		bumps: []Bump{bump("kv", "gone.yaml", "kv", "1.0.0", "1.1.0")},
		err:   `read "gone.yaml": not found`,
		is:    ErrNotFound,
	},
}

func TestApply(t *testing.T) {
	t.Parallel()
	read := func(file string) ([]byte, error) {
		switch file {
		case "mds.yaml":
			return []byte(applyMds), nil
		case "both.yaml":
			return []byte(applyBoth), nil
		}
		return nil, ErrNotFound
	}
	for _, tt := range applyCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Change{Bumps: tt.bumps}.Apply(read)
			if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
				t.Fatalf("error\n got %v\nwant %s", err, tt.err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v is not %v", err, tt.is)
			}
			if !maps.EqualFunc(got, tt.want, func(a []byte, b string) bool { return string(a) == b }) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// inverseCases are what people make of a file after a run has brought version 1.10 to
// data.version, and what becomes of the way back.
var inverseCases = []struct {
	name      string
	old, with string // what people replaced, and by what
	token     string // what stands for the version then
	back      string // what is put back in its place
	err       string // or a part of the refusal
	is        error
}{
	{"nothing", "", "", `"1.10"`, `"1.9"`, "", nil},
	{"the comment", "# of the data team", "# 1.10 is fine", `"1.10"`, `"1.9"`, "", nil},
	{"no comment", " # of the data team", "", `"1.10"`, `"1.9"`, "", nil},
	{"single quotes", `"1.10"`, "'1.10'", "'1.10'", "'1.9'", "", nil},
	{"no quotes", `"1.10"`, "1.10", "1.10", `"1.9"`, "", nil},
	{"an anchor", `"1.10"`, `&v "1.10"`, `"1.10"`, `"1.9"`, "", nil},
	{"indented", "  version", "        version", `"1.10"`, `"1.9"`, "", nil},
	{"lines between", "data:\n", "data:\n\n  # why\n  bucket: x\n", `"1.10"`, `"1.9"`, "", nil},
	{"moved", "# mds\n", "# mds\nother: {version: \"1.10\"}\n", `"1.10"`, `"1.9"`, "", nil},
	{"flow style", "data:\n  version: \"1.10\" #", "data: {version: \"1.10\"} #", `"1.10"`, `"1.9"`, "", nil},
	{"line ends", "data:\n", "data:\r\n", `"1.10"`, `"1.9"`, "", nil},
	{"a quoted key", "  version", `  "version"`, `"1.10"`, `"1.9"`, "", nil},
	{"put back by hand", `"1.10"`, "1.9", "", "", "", nil},
	{"another version", `"1.10"`, `"1.11"`, "", "", `"1.11" stands at data.version, not "1.10"`, ErrConflict},
	{"the key renamed", "  version", "  dataVersion", "", "", `the map has no key "version"`, ErrNotFound},
	{"the map renamed", "data:", "dataset:", "", "", `the map has no key "data"`, ErrNotFound},
	{"deleted", "data:\n  version: \"1.10\" # of the data team\n", "", "", "", `the map has no key "data"`, ErrNotFound},
	{"an alias", `"1.10"`, "*v", "", "", "unknown anchor", nil},
	{"a second value", "more:", "data: {version: \"1.10\"}\nmore:", "", "", "stands twice in one map", nil},
	{"a map", `version: "1.10"`, `version: {mda: "1.10"}`, "", "", "the value is a map", nil},
	{"a second document", "more:", "---\ndata: {version: \"1.10\"}\nmore:", "", "", "stands in two documents", nil},
}

// TestApplyInverse puts a version back into a file that people have changed since: all
// of theirs stays, and what is no longer the run's is refused.
func TestApplyInverse(t *testing.T) {
	t.Parallel()
	const wrote = "# mds\ndata:\n  version: \"1.10\" # of the data team\nmore: {version: 1.9}\n"
	change := Change{Bumps: []Bump{bump("mds", "mds.yaml", "data.version", "1.9", "1.10")}}
	for _, tt := range inverseCases {
		theirs := strings.Replace(wrote, tt.old, tt.with, 1)
		got, err := Change{Bumps: change.Inverse()}.Apply(func(string) ([]byte, error) { return []byte(theirs), nil })
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || tt.is != nil && !errors.Is(err, tt.is) || len(got) > 0 {
				t.Errorf("%s: got %q, %v, want %s (%v)", tt.name, got, err, tt.err, tt.is)
			}
			continue
		}
		want := map[string]string{}
		if i := strings.LastIndex(theirs, tt.token); tt.back != "" {
			want["mds.yaml"] = theirs[:i] + tt.back + theirs[i+len(tt.token):]
		}
		if err != nil || !maps.EqualFunc(got, want, func(a []byte, b string) bool { return string(a) == b }) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, want)
		}
	}
}
