package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
	"lockstep/fixtures"
)

// The parties of a depot.
const (
	liveAccount = "222222222222"
	liveRole    = "arn:aws:iam::222222222222:role/lockstep"
	externalID  = "lockstep-1"
)

// A depot is a bucket in which versions are published and one of another account into
// which they are copied, of any S3: the functions reach both past Packages.
type depot struct {
	preview, live bot.Bucket       // narrowed to a version
	packages      func() *Packages // new, as after a crash
	put           func(in bot.Bucket, key string, data []byte)
	objects       func(in bot.Bucket) map[string]string // SHA-256 of the content, by key below the prefix
	corrupt       func(key string)                      // changes a byte in preview, of which S3 notices nothing
}

// A simulated depot is one of fixtures.
type simulated struct {
	*depot
	aws *fixtures.AWS
}

// newDepot starts an S3 of the test's own.
func newDepot(t testing.TB) simulated {
	t.Helper()
	aws := fixtures.NewAWS(nil)
	t.Cleanup(aws.Close)
	aws.Bucket(fixtures.DefaultAccount, "mda-preview")
	aws.Bucket(liveAccount, "mda-live")
	aws.RequireExternalID(liveRole, externalID)
	aws.Allow("mda-preview", liveAccount, "s3:GetObject", "s3:ListBucket")
	d := &depot{
		preview:  bot.Bucket{Purpose: "preview", Name: "mda-preview", Prefix: "mda/2026.11.0/", Region: "eu-central-1", Endpoint: aws.URL()},
		live:     bot.Bucket{Purpose: "live", Name: "mda-live", Prefix: "data/2026.11.0/", Region: "eu-west-1", RoleARN: liveRole, ExternalID: externalID, Endpoint: aws.URL()},
		packages: func() *Packages { return &Packages{} },
		put: func(in bot.Bucket, key string, data []byte) {
			aws.PutObject(in.Name, in.Prefix+key, data)
		},
		objects: func(in bot.Bucket) map[string]string {
			found := map[string]string{}
			for _, o := range aws.Objects(in.Name) {
				found[strings.TrimPrefix(o.Key, in.Prefix)] = o.SHA256
			}
			return found
		},
	}
	d.corrupt = func(key string) { aws.Corrupt(d.preview.Name, d.preview.Prefix+key) }
	return simulated{d, aws}
}

// named is an object as a manifest names it.
type named struct {
	Key    string `json:"key"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// manifestOf returns the manifest of files.
func manifestOf(files map[string]string) []byte {
	objects := []named{}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		objects = append(objects, named{key, len(files[key]), hexSHA256(files[key])})
	}
	text, err := json.Marshal(map[string]any{"package": "mda", "version": "2026.11.0", "rows": 12, "objects": objects})
	if err != nil {
		panic(err)
	}
	return text
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// some are the files of most tests.
var some = map[string]string{
	"metadata.json":         `{"rows":12}`,
	"empty":                 "",
	"offers/de.csv":         "1;Haus\n2;Auto\n",
	"offers/fr é+ 100%.csv": "1;maison\n",
	"prices.csv":            strings.Repeat("1;2;3\n", 100),
}

// publish puts files into preview, and their manifest.
func (d *depot) publish(files map[string]string) bot.DataSet {
	for key, text := range files {
		d.put(d.preview, key, []byte(text))
	}
	d.put(d.preview, "manifest.json", manifestOf(files))
	return bot.DataSet{Bucket: d.preview, Manifest: "manifest.json"}
}

// with returns files with one more.
func with(files map[string]string, key, text string) map[string]string {
	more := maps.Clone(files)
	more[key] = text
	return more
}

// wanted is what live has to hold when files were copied.
func wanted(files map[string]string) map[string]string {
	all := map[string]string{"manifest.json": hexSHA256(string(manifestOf(files)))}
	for key, text := range files {
		all[key] = hexSHA256(text)
	}
	return all
}

// A pass of a test goes on from a progress.
type step func(context.Context, bot.Progress) (bot.Progress, error)

func checking(p func() *Packages, set bot.DataSet) step {
	return func(ctx context.Context, at bot.Progress) (bot.Progress, error) { return p().Check(ctx, set, at) }
}

func copying(p func() *Packages, set bot.DataSet, to bot.Bucket) step {
	return func(ctx context.Context, at bot.Progress) (bot.Progress, error) { return p().Copy(ctx, set, to, at) }
}

// follow calls a step until it is done, has a problem or could not tell, as the engine
// does, and returns how it ended.
func follow(t testing.TB, do step) (bot.Progress, error) {
	t.Helper()
	var p bot.Progress
	for range 10_000 {
		next, err := do(t.Context(), p)
		if err != nil || next.Done || next.Problem != "" {
			return next, err
		}
		if next.Objects < p.Objects {
			t.Errorf("went back from %d to %d objects", p.Objects, next.Objects)
		}
		p = next
	}
	t.Fatalf("no end after 10,000 calls: %+v", p)
	return p, nil
}

// finish is follow for what has to end well.
func finish(t testing.TB, do step) bot.Progress {
	t.Helper()
	p, err := follow(t, do)
	if err != nil || !p.Done {
		t.Fatalf("got %+v, %v, want the end", p, err)
	}
	return p
}

// hasty returns Packages that do no more in a call than they must.
func hasty() *Packages { return &Packages{Work: time.Nanosecond, Concurrency: 2} }

// differs compares what a bucket holds with what it has to hold.
func (d *depot) differs(t testing.TB, in bot.Bucket, want map[string]string) {
	t.Helper()
	if got := d.objects(in); !maps.Equal(got, want) {
		t.Errorf("%s holds\n%s\nwant\n%s", in.Purpose, shown(got), shown(want))
	}
}

// shown returns objects as a test prints them.
func shown(objects map[string]string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		lines = append(lines, fmt.Sprintf("  %s %.8s", key, objects[key]))
	}
	return strings.Join(lines, "\n")
}
