package data

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"lockstep/bot"
)

// inMemory is a pass over a manifest that a test has in memory.
func inMemory() *pass {
	bucket := bot.Bucket{Name: "mda-preview", Prefix: "mda/2026.11.0/"}
	return &pass{from: &side{Bucket: bucket}, set: bot.DataSet{Bucket: bucket, Manifest: "manifest.json"}}
}

// namedIn returns the objects that a text names, with the error that it ends with.
func namedIn(s *pass, r io.Reader, from int64) (objects []object, err error) {
	for o, wrong := range s.named(r, from) {
		if wrong != nil {
			return objects, wrong
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func TestBadManifests(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0a", 32)
	tests := []struct{ text, want string }{
		{``, "it ends before its JSON does: publish it whole"},
		{`{"objects":[{"key":"a","size":1,"sha256":"` + sum + `"}`, "it ends before its JSON does"},
		{`key,size`, "it is no JSON at byte 0: invalid character 'k'"},
		{`[]`, `[ stands where { has to: write {"objects":[{"key":`},
		{`{"objects":{}}`, `{ stands where [ has to`},
		{`{"objects":[]}x`, "something follows the end of its JSON"},
		{`{"objects":[],"objects":[]}`, `it has the field "objects" twice`},
		{`{"version":2026.11,"objects":[]}`, "its version is a number: write it in quotes"},
		{`{"version":"2026.11.1","objects":[]}`, `it is of version "2026.11.1": publish each version with its own`},
		{`{"objects":["a"]}`, "object 1 is a string: write {"},
		{`{"objects":[null]}`, "object 1: it has no key: name the object by its key below mda/2026.11.0/"},
		{`{"objects":[{"size":1,"sha256":"` + sum + `"}]}`, "object 1: it has no key"},
		{`{"objects":[{"key":7}]}`, "object 1: its key is a number"},
		{`{"objects":[{"key":"a","sha256":"` + sum + `"}]}`, `object 1: "a" has no size: write its number of bytes as size`},
		{`{"objects":[{"key":"a","size":-1,"sha256":"` + sum + `"}]}`, `object 1: "a" has no size`},
		{`{"objects":[{"key":"a","size":"12","sha256":"` + sum + `"}]}`, "object 1: its size is a string"},
		{`{"objects":[{"key":"a","size":1.5,"sha256":"` + sum + `"}]}`, "object 1: its size is a number 1.5"},
		{`{"objects":[{"key":"a","size":1}]}`, `object 1: "a" has no sha256: write the SHA-256 of its content, in hexadecimal digits`},
		{`{"objects":[{"key":"a","size":1,"md5":"0cc175b9c0f1b6a831c399e269772661"}]}`, `object 1: "a" has no sha256`},
		{`{"objects":[{"key":"a","size":1,"sha256":"0a0b"}]}`, `object 1: the sha256 of "a" is "0a0b", and a SHA-256 has 64 hexadecimal digits`},
		{`{"objects":[{"key":"a","size":1,"sha256":"` + strings.Repeat("xy", 32) + `"}]}`, `object 1: the sha256 of "a" is "xyxy`},
		{`{"objects":[{"key":"a","size":1,"sha256":"` + sum + `"},{"key":"b"}]}`, `object 2: "b" has no size`},
	}
	for _, test := range tests {
		_, err := namedIn(inMemory(), strings.NewReader(test.text), 0)
		var no problem
		want := "s3://mda-preview/mda/2026.11.0/manifest.json is no manifest of the version: " + test.want
		if !errors.As(err, &no) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60s\ngot  %v\nwant %s", test.text, err, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	outside := "does not stay below the prefix of the version: write parts that single slashes separate"
	tests := []struct{ key, want string }{
		{"a", ""},
		{"offers/de 1+2%.csv", ""},
		{"offers/ümläut.csv", ""},
		{"..a/b..", ""},
		{"", outside},
		{".", outside},
		{"../2026.10.0/a", outside},
		{"a/../../b", outside},
		{"/a", outside},
		{"a//b", outside},
		{"a/", outside},
		{"./a", outside},
		{"manifest.json", "is the manifest's own: leave it out"},
		{"mda/2026.11.0/a", "begins with the prefix of the version: write it without mda/2026.11.0/"},
		{"a\nb", "has characters that cannot be shown"},
		{"a\x00b", "has characters that cannot be shown"},
		{"a\ufffdb", "has characters that cannot be shown"},
		{strings.Repeat("a", 1010), ""},
		{strings.Repeat("a", 1011), "has more than the 1024 bytes that S3 allows"},
	}
	for _, test := range tests {
		got := inMemory().checkKey(test.key)
		if (got == "") != (test.want == "") || !strings.HasPrefix(got, test.want) {
			t.Errorf("%.40q: got %q, want %q", test.key, got, test.want)
		}
	}
}

// What nobody asks for may be in a manifest, in any order.
func TestManifestIsReadInPieces(t *testing.T) {
	t.Parallel()
	text := "{ \"rows\": [1, {\"a\": []}],\n \"objects\": [\n"
	for i := range 20 {
		if i > 0 {
			text += " , "
		}
		text += fmt.Sprintf(`{"content_type":"text/csv", "sha256":"%s","size":%d,"key":"part/%d"}`+"\n", strings.ToUpper(hexSHA256("x")), i, i)
	}
	text += ` ], "version": "2026.11.0", "package": "mda" , "more": {"objects": [{}]} }` + "\n"
	all, err := namedIn(inMemory(), strings.NewReader(text), 0)
	if err != nil || len(all) != 20 {
		t.Fatalf("got %d objects, %v, want 20", len(all), err)
	}
	for i, o := range all {
		at, _ := strconv.ParseInt(o.at, 10, 64)
		rest, err := namedIn(inMemory(), iotest.OneByteReader(strings.NewReader(text[at:])), at)
		if err != nil || len(rest) != 19-i {
			t.Errorf("behind object %d: got %d objects, %v, want %d", i, len(rest), err, 19-i)
		}
		for n := range rest {
			if rest[n] != all[i+1+n] {
				t.Errorf("behind object %d: got %+v, want %+v", i, rest[n], all[i+1+n])
			}
		}
	}
}

// A connection that breaks says nothing about the manifest.
func TestManifestIsCutOff(t *testing.T) {
	t.Parallel()
	text := string(manifestOf(some))
	for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("reset")} {
		r := io.MultiReader(strings.NewReader(text[:len(text)/2]), iotest.ErrReader(broken))
		_, err := namedIn(inMemory(), r, 0)
		var no problem
		if err == nil || errors.As(err, &no) {
			t.Errorf("got %v, want an error that is no problem", err)
		}
	}
}

func TestManifestsThatCheckRefuses(t *testing.T) {
	t.Parallel()
	entry := `{"key":"a","size":1,"sha256":"` + hexSHA256("1") + `"}`
	for text, want := range map[string]string{
		`{"objects":[]}`:                             "it names no objects",
		`{"version":"2026.11.0"}`:                    "it names no objects",
		`{"objects":[` + entry + `,` + entry + `]}`:  `it names "a" twice: name each object once`,
		`{"objects":[{"key":"../a","size":1}]}`:      `object 1: the key "../a" does not stay below the prefix`,
		`{"objects":[` + entry + `],"version":"v9"}`: `it is of version "v9"`,
	} {
		d := newDepot(t)
		set := d.publish(map[string]string{"a": "1"})
		d.put(d.preview, "manifest.json", []byte(text))
		for _, do := range []step{checking(d.packages, set), copying(d.packages, set, d.live)} {
			p, err := follow(t, do)
			refuses(t, d.depot, p, err, "manifest.json is no manifest of the version: "+want)
		}
		if got := d.aws.Journal.Calls(); len(got) != 0 {
			t.Errorf("%s: something was written: %v", text, got)
		}
	}
}
