package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lockstep/bot"
	"lockstep/gitops"
)

// These tests ask a real S3 server with two accounts, which .ci/s3 starts: TEST_S3 is what
// it prints. The process acts as the account live, which owns the bucket that is copied
// into and reads the other one by its policy.

// A versity is a depot of two buckets of the test's own on that server.
type versity struct {
	*depot
	address *url.URL
	owners  map[string]*s3.Client // by purpose of the bucket
	t       *testing.T
}

// newVersity makes the buckets, without a policy.
func newVersity(t *testing.T) *versity {
	t.Helper()
	address, err := url.Parse(os.Getenv("TEST_S3"))
	if err != nil {
		t.Fatal(err)
	}
	if address.Host == "" {
		t.Skip("TEST_S3 is not set: .ci/integration sets it")
	}
	v := &versity{t: t, address: address, owners: map[string]*s3.Client{}}
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(t.Name()+time.Now().String())))[:16]
	bucket := func(purpose, prefix string) bot.Bucket {
		b := bot.Bucket{Purpose: purpose, Name: purpose + "-" + name, Prefix: prefix, Region: "us-east-1", Endpoint: "http://" + address.Host}
		v.owners[purpose] = s3.New(s3.Options{Region: b.Region, BaseEndpoint: &b.Endpoint, UsePathStyle: true, Credentials: v.as(purpose)})
		if _, err := v.owners[purpose].CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b.Name}); err != nil {
			t.Fatal(err)
		}
		return b
	}
	v.depot = &depot{
		preview: bucket("preview", "mda/2026.11.0/"), live: bucket("live", "data/2026.11.0/"),
		packages: func() *Packages { return &Packages{Credentials: v.as("live")} },
		put:      v.write, objects: v.read, corrupt: v.damage,
	}
	return v
}

// as returns the keys of an account.
func (v *versity) as(account string) aws.CredentialsProvider {
	key, secret, _ := strings.Cut(v.address.Query().Get(account), ":")
	return credentials.NewStaticCredentialsProvider(key, secret, "")
}

// allow lets the account live read the bucket preview. On this server a bucket with a policy
// is no longer its owner's by itself.
func (v *versity) allow() {
	v.t.Helper()
	policy := strings.ReplaceAll(`{"Statement": [
		{"Effect": "Allow", "Principal": {"AWS": ["preview"]}, "Action": ["s3:*"], "Resource": ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"]},
		{"Effect": "Allow", "Principal": {"AWS": ["live"]}, "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::BUCKET/*"]},
		{"Effect": "Allow", "Principal": {"AWS": ["live"]}, "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::BUCKET"]}
	]}`, "BUCKET", v.preview.Name)
	if _, err := v.owners["preview"].PutBucketPolicy(v.t.Context(), &s3.PutBucketPolicyInput{Bucket: &v.preview.Name, Policy: &policy}); err != nil {
		v.t.Fatal(err)
	}
}

// write puts an object. A large one has a SHA-256 and no CRC-64: that of the whole object
// would be taken for that of each copied part by this server.
func (v *versity) write(in bot.Bucket, key string, text []byte) {
	v.t.Helper()
	o := &s3.PutObjectInput{Bucket: &in.Name, Key: aws.String(in.Prefix + key), Body: bytes.NewReader(text)}
	if len(text) > 1<<20 {
		o.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	}
	if _, err := v.owners[in.Purpose].PutObject(v.t.Context(), o); err != nil {
		v.t.Fatal(err)
	}
}

// read returns every object below the prefix of a bucket.
func (v *versity) read(in bot.Bucket) map[string]string {
	v.t.Helper()
	sums, client := map[string]string{}, v.owners[in.Purpose]
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &in.Name, Prefix: &in.Prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.t.Context())
		if err != nil {
			v.t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := client.GetObject(v.t.Context(), &s3.GetObjectInput{Bucket: &in.Name, Key: o.Key})
			if err != nil {
				v.t.Fatal(err)
			}
			sum := sha256.New()
			if _, err := io.Copy(sum, out.Body); err != nil {
				v.t.Fatal(err)
			}
			_ = out.Body.Close()
			sums[strings.TrimPrefix(*o.Key, in.Prefix)] = hex.EncodeToString(sum.Sum(nil))
		}
	}
	return sums
}

// damage turns over a bit of an object where the server keeps it.
func (v *versity) damage(key string) {
	v.t.Helper()
	path := filepath.Join(v.address.Fragment, v.preview.Name, v.preview.Prefix, key)
	text, err := os.ReadFile(path)
	if err != nil {
		v.t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	file, err := os.OpenFile(path, os.O_WRONLY, 0) // as it is: the server knows the object by its inode too
	if err == nil {
		_, err = file.Write(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

func TestOnVersity(t *testing.T) {
	t.Parallel()
	for _, test := range onAnyS3 {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVersity(t)
			v.allow()
			test.test(t, v.depot)
		})
	}
}

func TestVersityChecks(t *testing.T) {
	t.Parallel()
	for _, test := range spoiled {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVersity(t)
			v.allow()
			set := v.publish(some)
			finish(t, checking(v.packages, set))
			test.spoil(v.depot)
			set.Bucket = v.preview
			p, err := follow(t, checking(v.packages, set))
			refuses(t, v.depot, p, err, test.in)
		})
	}
}

// What a policy does not allow is a sentence with the cure, and nothing is copied. When the
// policy is given, the copy goes on.
func TestVersityPolicies(t *testing.T) {
	t.Parallel()
	v := newVersity(t)
	set := v.publish(some)
	refused := func(name string, do step, want string) {
		t.Helper()
		p, err := follow(t, do)
		if err == nil || errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), want) || p.Problem != "" {
			t.Errorf("%s: got %+v, %v\nwant %s", name, p, err, want)
		}
		for _, account := range []string{"preview", "live"} {
			if _, secret, _ := strings.Cut(v.address.Query().Get(account), ":"); err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a secret: %v", name, err)
			}
		}
	}
	const read = "(grant that identity s3:GetObject and s3:ListBucket there, and where the bucket belongs to another account in its policy too)"
	refused("check", checking(v.packages, set), "s3://"+v.preview.Name+"/mda/2026.11.0/manifest.json: AccessDenied: ")
	refused("copy", copying(v.packages, set, v.live), read)
	asPreview := func() *Packages { return &Packages{Credentials: v.as("preview")} }
	refused("copy as the account preview", copying(asPreview, set, v.live), "s3://"+v.live.Name)
	v.differs(t, v.live, map[string]string{})

	v.allow()
	finish(t, checking(v.packages, set))
	finish(t, copying(v.packages, set, v.live))
	v.differs(t, v.live, wanted(some))
	objects, _, manifest, err := v.packages().Contents(t.Context(), set)
	if about, ok := manifest.(map[string]any); err != nil || objects != int64(len(some)) || !ok || about["package"] != "mda" {
		t.Errorf("got %d objects, %v, %v", objects, manifest, err)
	}
}

// A wire stands between Packages and the server, and breaks.
type wire struct {
	*httptest.Server
	before func(r *http.Request) // is called before each request; may be nil

	mu     sync.Mutex
	copies map[string]int // that the server was asked for, by path and query
	breaks int            // at so many copies: its answer is lost, and nothing comes through any more
	broken bool
}

// wired puts a wire between and returns it.
func (v *versity) wired() *wire {
	w := &wire{copies: map[string]int{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: v.address.Host})
			r.Out.Host = r.In.Host // is signed
		},
		ModifyResponse: func(r *http.Response) error {
			if w.down() {
				return errors.New("the wire is broken")
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if w.down() {
			panic(http.ErrAbortHandler)
		}
		if w.before != nil {
			w.before(in)
		}
		if in.Header.Get("X-Amz-Copy-Source") != "" {
			w.count(in)
		}
		proxy.ServeHTTP(out, in)
	}))
	v.t.Cleanup(w.Close)
	v.preview.Endpoint, v.live.Endpoint = w.URL, w.URL
	return w
}

// count notes a copy, at which the wire may break.
func (w *wire) count(r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.copies[r.URL.Path+" "+r.URL.Query().Get("partNumber")]++
	if w.breaks--; w.breaks == 0 {
		w.broken = true
	}
}

func (w *wire) down() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// mend lets everything through again.
func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
}

// threeParts returns the content of an object that is copied in three parts.
func threeParts() string { return strings.Repeat("0123456789abcdef", 12<<20/16) }

// parted returns Packages that copy that in parts, and do no more in a call than they must.
func (v *versity) parted() *Packages {
	return &Packages{Credentials: v.as("live"), Work: time.Nanosecond, Concurrency: 1, Whole: 6 << 20, Part: 5 << 20}
}

// An interrupted copy goes on in another process where it was: nothing is copied again, not
// even that of which the answer was lost.
func TestVersityInterrupted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files  map[string]string
		breaks int
		copies int // of everything, each once
	}{
		"many objects":   {many(40), 17, 41},
		"a large object": {map[string]string{"large.bin": threeParts(), "small.csv": "1;2\n"}, 2, 5}, // 3 parts
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVersity(t)
			v.allow()
			w := v.wired()
			w.breaks = test.breaks
			set := v.publish(test.files)
			at, err := untilBroken(t, copying(v.parted, set, v.live))
			if !w.down() || !strings.Contains(err.Error(), "no answer") {
				t.Fatalf("got %+v, %v, want a broken copy", at, err)
			}
			if got := v.objects(v.live); got["manifest.json"] != "" || maps.Equal(got, wanted(test.files)) {
				t.Errorf("half a copy looks like a whole one:\n%s", shown(got))
			}
			w.mend()
			finish(t, func(ctx context.Context, p bot.Progress) (bot.Progress, error) {
				if p.Began.IsZero() {
					p = at // what was stored
				}
				return v.parted().Copy(ctx, set, v.live, p)
			})
			v.differs(t, v.live, wanted(test.files))
			if len(w.copies) != test.copies {
				t.Errorf("%d copies, want %d: %v", len(w.copies), test.copies, w.copies)
			}
			for path, n := range w.copies {
				if n != 1 {
					t.Errorf("%s was copied %d times", path, n)
				}
			}
		})
	}
}

// untilBroken calls a step until it ends in an error, and returns what was stored before.
func untilBroken(t *testing.T, do step) (at bot.Progress, err error) {
	t.Helper()
	for range 1000 {
		next, err := do(t.Context(), at)
		if err != nil {
			return at, err
		}
		if next.Done || next.Problem != "" {
			t.Fatalf("it has ended: %+v", next)
		}
		at = next
	}
	t.Fatal("no end after 1000 calls")
	return at, nil
}

// Where somebody writes between our look and the end of our copy, what they wrote stays.
// This server knows the condition only where parts are put together.
func TestVersityLosesRace(t *testing.T) {
	t.Parallel()
	v := newVersity(t)
	v.allow()
	set := v.publish(map[string]string{"large.bin": threeParts()})
	w := v.wired()
	w.before = func(r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			v.write(v.live, "large.bin", []byte("theirs"))
		}
	}
	p, err := follow(t, copying(v.parted, set, v.live))
	refuses(t, v.depot, p, err, "large.bin is a different object")
	v.differs(t, v.live, map[string]string{"large.bin": hexSHA256("theirs")})
}
