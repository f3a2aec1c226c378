package data

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lockstep/bot"
	"lockstep/fixtures"
	"lockstep/gitops"
)

// large has two objects that are copied in parts where 500 bytes are as much as fits
// into one request: each of 6 parts, and the last of offers.csv is short.
var large = map[string]string{"small.csv": "1", "prices.csv": strings.Repeat("1;2;3\n", 100), "offers.csv": strings.Repeat("12345", 108)}

// inParts returns Packages that copy in small parts.
func inParts() *Packages { return &Packages{Whole: 500, Part: 100} }

// newLarge returns a depot that copies 500 bytes at most, with large published.
func newLarge(t testing.TB) (simulated, bot.DataSet) {
	t.Helper()
	d := newDepot(t)
	d.aws.CopyLimit(500)
	d.aws.PartMinimum(1)
	return d, d.publish(large)
}

// written counts the writes of each kind.
func (d simulated) written() string {
	count := map[string]int{}
	for _, c := range d.aws.Journal.Calls() {
		count[c.Name]++
	}
	return fmt.Sprint(count)
}

func TestParts(t *testing.T) {
	t.Parallel()
	for name, packages := range map[string]func() *Packages{
		"at once": inParts,
		"hasty":   func() *Packages { p := inParts(); p.Work, p.Concurrency = time.Nanosecond, 1; return p },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, set := newLarge(t)
			p := finish(t, copying(packages, set, d.live))
			d.differs(t, d.live, wanted(large))
			if p.Objects != 3 || p.Bytes != 1141 {
				t.Errorf("got %+v, want 3 objects of 1141 bytes", p)
			}
			if got, want := d.written(), "map[complete upload:2 copy object:2 copy part:12 create upload:2]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestPartsBrokenTwice(t *testing.T) {
	t.Parallel()
	const writes = 18
	for _, effect := range []string{"lost", "done"} {
		for n := 1; n <= writes; n++ {
			t.Run(fmt.Sprint(effect, n), func(t *testing.T) {
				t.Parallel()
				d, set := newLarge(t)
				once := func(c fixtures.Call) fixtures.Fault {
					if c.N == n {
						return fixtures.Cut
					}
					return fixtures.Pass
				}
				if effect == "lost" {
					d.aws.Journal.Break(once, nil)
				} else {
					d.aws.Journal.Break(nil, once)
				}
				goOn(t, d, set)
				lost := 0
				if effect == "lost" {
					lost = 1
				}
				if got := len(d.aws.Journal.Calls()); got != writes+lost {
					t.Errorf("%d writes, want %d: %s", got, writes+lost, d.written())
				}
				if got := d.aws.Uploads(d.live.Name); len(got) != 0 {
					t.Errorf("uploads are left: %v", got)
				}
			})
		}
	}
}

// goOn copies in parts, with new Packages after each call, until the end.
func goOn(t *testing.T, d simulated, set bot.DataSet) {
	t.Helper()
	var p bot.Progress
	for calls := 0; !p.Done; calls++ {
		packages := inParts()
		packages.Concurrency = 1
		next, err := packages.Copy(t.Context(), set, d.live, p)
		if errors.Is(err, gitops.ErrRefused) || next.Problem != "" || calls > 10 {
			t.Fatalf("got %+v, %v, want an error that decides nothing", next, err)
		}
		p = next
	}
	d.differs(t, d.live, wanted(large))
}

func TestPartsTwoAtOnce(t *testing.T) {
	t.Parallel()
	d, set := newLarge(t)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			var p bot.Progress
			for calls := 0; !p.Done && calls < 20; calls++ {
				next, err := inParts().Copy(t.Context(), set, d.live, p)
				if errors.Is(err, gitops.ErrRefused) || next.Problem != "" {
					t.Errorf("got %+v, %v, want an error that decides nothing", next, err)
				}
				p = next
			}
			if !p.Done {
				t.Errorf("no end: %+v", p)
			}
		})
	}
	both.Wait()
	d.differs(t, d.live, wanted(large))
}

// client returns a client of the account that the live bucket belongs to, or of the
// other one.
func (d simulated) client() *s3.Client {
	return s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(d.aws.URL()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", secretKey, ""),
	})
}

// putHashed publishes an object with its SHA-256, so that S3 keeps no CRC-64 of it.
func (d simulated) putHashed(t *testing.T, key, text string) {
	t.Helper()
	_, err := d.client().PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &d.preview.Name, Key: aws.String(d.preview.Prefix + key), Body: strings.NewReader(text), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		ContentType: aws.String("text/csv"), Metadata: map[string]string{"owner": "data-team"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Where source and copy have no checksum in common, the copy is read.
func TestPartsAreRead(t *testing.T) {
	t.Parallel()
	d, set := newLarge(t)
	d.putHashed(t, "prices.csv", large["prices.csv"])
	before := d.aws.Traffic().Operations["GetObject"]
	finish(t, copying(inParts, set, d.live))
	d.differs(t, d.live, wanted(large))
	if got := d.aws.Traffic().Operations["GetObject"] - before; got != 3 {
		t.Errorf("%d objects were read, want the manifest twice and the copy of prices.csv", got)
	}
}

func TestPartsKeepDescription(t *testing.T) {
	t.Parallel()
	d, set := newLarge(t)
	d.putHashed(t, "prices.csv", large["prices.csv"])
	finish(t, copying(inParts, set, d.live))
	d.aws.Allow(d.live.Name, fixtures.DefaultAccount, "s3:GetObject")
	out, err := d.client().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &d.live.Name, Key: aws.String(d.live.Prefix + "prices.csv")})
	if err != nil || aws.ToString(out.ContentType) != "text/csv" || out.Metadata["owner"] != "data-team" {
		t.Errorf("got %+v, %v, want the description of the source", out, err)
	}
}

// S3 itself refuses parts that do not give the source.
func TestPartsOfCorrupted(t *testing.T) {
	t.Parallel()
	d, set := newLarge(t)
	d.corrupt("prices.csv")
	_, err := follow(t, copying(inParts, set, d.live))
	if !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "do not give the object that they were copied from: abort that upload") {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, there := d.objects(d.live)["prices.csv"]; there {
		t.Error("the object is at the destination")
	}
}

// An upload of somebody else is left alone.
func TestPartsOfOthers(t *testing.T) {
	t.Parallel()
	d, set := newLarge(t)
	d.aws.Allow(d.live.Name, fixtures.DefaultAccount, "s3:PutObject")
	in := &s3.CreateMultipartUploadInput{Bucket: &d.live.Name, Key: aws.String(d.live.Prefix + "prices.csv"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme}
	out, err := d.client().CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.client().UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: out.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("theirs"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	if err != nil {
		t.Fatal(err)
	}
	finish(t, copying(inParts, set, d.live))
	d.differs(t, d.live, wanted(large))
	if got := d.aws.Uploads(d.live.Name); len(got) != 1 {
		t.Errorf("got uploads %v, want theirs", got)
	}
}

func TestPartSizes(t *testing.T) {
	t.Parallel()
	p := &Packages{}
	for size, want := range map[int64]int64{6 << 30: 512 << 20, 5 << 40: 549755814} {
		if got := p.part(size); got != want {
			t.Errorf("parts of %d bytes: got %d, want %d", size, got, want)
		}
	}
}
