package data

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"lockstep/bot"
	"lockstep/fixtures"
)

// A benchmark measures a process that does nothing else: this test binary is started
// again as the S3 that it asks, and as the process whose memory is measured.
const (
	roleServes = "LOCKSTEP_BENCH_SERVES" // number of objects, milliseconds that each request takes longer
	roleLists  = "LOCKSTEP_BENCH_LISTS"  // address of the S3, how the version is to be checked
)

// benchRole does what this process was started for, if that is not to run tests.
func benchRole() (is bool, err error) {
	if text := os.Getenv(roleServes); text != "" {
		return true, serveBench(text)
	}
	if text := os.Getenv(roleLists); text != "" {
		return true, listBench(text)
	}
	return false, nil
}

// benchObject returns an object of a large version.
func benchObject(n int) (key, text string) {
	return fmt.Sprintf("offers/region-%03d/part-%06d.csv", n%100, n), fmt.Sprintf("%d;%d\n", n, n*n)
}

// serveBench publishes a version and serves it until the input ends.
func serveBench(text string) error {
	var objects, latency int
	if _, err := fmt.Sscan(text, &objects, &latency); err != nil {
		return err
	}
	aws := fixtures.NewAWS(nil)
	defer aws.Close()
	aws.Bucket(fixtures.DefaultAccount, "mda-preview")
	aws.Bucket(liveAccount, "mda-live")
	aws.Allow("mda-preview", liveAccount, "s3:GetObject")
	files := map[string]string{}
	for n := range objects {
		key, text := benchObject(n)
		files[key] = text
		aws.PutObject("mda-preview", "mda/2026.11.0/"+key, []byte(text))
	}
	aws.PutObject("mda-preview", "mda/2026.11.0/manifest.json", manifestOf(files))
	aws.PutObject("mda-preview", "mda/small-2026.11.0/1.csv", []byte("1"))
	aws.PutObject("mda-preview", "mda/small-2026.11.0/manifest.json", manifestOf(map[string]string{"1.csv": "1"}))
	aws.Latency(time.Duration(latency) * time.Millisecond)
	fmt.Println(aws.URL())
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// served starts an S3 with a large version and returns its buckets.
func served(b *testing.B, objects, latency int) (preview, live bot.Bucket) {
	b.Helper()
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", roleServes, objects, latency))
	server.Stderr = os.Stderr
	in, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := server.Wait(); err != nil {
			b.Error(err)
		}
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return benchBuckets(strings.TrimSpace(url))
}

// benchBuckets returns the buckets of the S3 at an address.
func benchBuckets(url string) (preview, live bot.Bucket) {
	preview = bot.Bucket{Purpose: "preview", Name: "mda-preview", Prefix: "mda/2026.11.0/", Region: "eu-central-1", Endpoint: url}
	return preview, bot.Bucket{Purpose: "live", Name: "mda-live", Region: "eu-central-1", RoleARN: liveRole, Endpoint: url}
}

// BenchmarkCopy copies 5,000 small objects where every request takes 20 ms. The peer
// is the loop that one would write with the same SDK, which neither looks before it
// copies nor compares afterwards; it copies 200 of the objects, in the same run, and
// its time is scaled by the number of objects.
func BenchmarkCopy(b *testing.B) {
	const objects, sample = 5_000, 200
	preview, live := served(b, objects, 20)
	set := bot.DataSet{Bucket: preview, Manifest: "manifest.json"}
	var own, peer time.Duration
	n := 0
	for b.Loop() {
		n++
		live.Prefix = fmt.Sprintf("own-%d/", n)
		packages := &Packages{}
		start := time.Now()
		finish(b, copying(func() *Packages { return packages }, set, live))
		own += time.Since(start)

		b.StopTimer()
		live.Prefix = fmt.Sprintf("peer-%d/", n)
		start = time.Now()
		copySequentially(b, preview, live, sample)
		peer += time.Since(start) * objects / sample
		b.StartTimer()
	}
	b.ReportMetric(float64(peer)/float64(own), "x-sequential")
	b.ReportMetric(float64(n*objects)/own.Seconds(), "objects/s")
}

// copySequentially copies the first n objects one after the other.
func copySequentially(b *testing.B, from, to bot.Bucket, n int) {
	b.Helper()
	cfg, err := access{region: to.Region, endpoint: to.Endpoint, role: to.RoleARN}.config(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	for i := range n {
		key, _ := benchObject(i)
		_, err := client.CopyObject(b.Context(), &s3.CopyObjectInput{
			Bucket: &to.Name, Key: aws.String(to.Prefix + key), CopySource: aws.String(from.Name + "/" + from.Prefix + key),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList checks a version of 100,000 objects, by its manifest and by a listing
// rule, each in a new process, and reports by how much its peak of resident memory has
// grown since it has checked a version of one object. Of the objects of the manifest,
// which are all listed, only some thousand are read too.
func BenchmarkList(b *testing.B) {
	preview, _ := served(b, 100_000, 0)
	for _, by := range []string{"manifest", "rule"} {
		b.Run(by, func(b *testing.B) {
			var most float64
			for b.Loop() {
				client := exec.Command(os.Args[0])
				client.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s", roleLists, preview.Endpoint, by))
				client.Stderr = os.Stderr
				out, err := client.Output()
				if err != nil {
					b.Fatal(err)
				}
				grown, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
				if err != nil {
					b.Fatal(err)
				}
				most = max(most, grown)
			}
			b.ReportMetric(most, "MB-grown")
		})
	}
}

// listBench lists a version and prints by how many MB the peak has grown.
func listBench(text string) error {
	url, by, _ := strings.Cut(text, " ")
	preview, _ := benchBuckets(url)
	large := bot.DataSet{Bucket: preview, Manifest: "manifest.json"}
	if by == "rule" {
		large.Manifest, large.Listing = "", &bot.ListingRule{Objects: 1}
	}
	small := large
	small.Bucket.Prefix = "mda/small-2026.11.0/"
	packages := &Packages{}
	if err := checkBench(packages, small); err != nil {
		return err
	}
	before, err := peak()
	if err != nil {
		return err
	}
	if err := checkBench(packages, large); err != nil {
		return err
	}
	after, err := peak()
	fmt.Printf("%.1f\n", after-before)
	return err
}

// checkBench checks a version, but for most of the objects that have to be read.
func checkBench(packages *Packages, set bot.DataSet) error {
	var p bot.Progress
	for !p.Done && (set.Manifest == "" || p.Objects < 5_000) {
		var err error
		if p, err = packages.Check(context.Background(), set, p); err != nil {
			return err
		}
		if p.Problem != "" {
			return errors.New(p.Problem)
		}
	}
	return nil
}

// peak returns the most memory that this process has had resident, in MB.
func peak() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kB * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/self/status")
}
