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
