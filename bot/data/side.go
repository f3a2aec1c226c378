package data

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lockstep/bot"
	"lockstep/gitops"
)

// calls are what is used of an S3 client, which is in no field for the reason that
// operations give.
type calls struct {
	head     call[s3.HeadObjectInput, s3.HeadObjectOutput]
	get      call[s3.GetObjectInput, s3.GetObjectOutput]
	list     call[s3.ListObjectsV2Input, s3.ListObjectsV2Output]
	copy     call[s3.CopyObjectInput, s3.CopyObjectOutput]
	uploads  call[s3.ListMultipartUploadsInput, s3.ListMultipartUploadsOutput]
	begin    call[s3.CreateMultipartUploadInput, s3.CreateMultipartUploadOutput]
	parts    call[s3.ListPartsInput, s3.ListPartsOutput]
	part     call[s3.UploadPartCopyInput, s3.UploadPartCopyOutput]
	complete call[s3.CompleteMultipartUploadInput, s3.CompleteMultipartUploadOutput]
}

// A call is one operation of S3.
type call[In, Out any] func(context.Context, *In, ...func(*s3.Options)) (*Out, error)

// A side is a bucket that a pass reads from or copies into, with the calls to it.
type side struct {
	bot.Bucket
	calls
	slots   chan struct{}
	timeout time.Duration
}

// side returns the side of a bucket. One set of calls is kept for each access, so that
// a role is assumed once in its hour.
func (p *Packages) side(ctx context.Context, at bot.Bucket) (*side, error) {
	via := access{region: at.Region, endpoint: at.Endpoint, role: at.RoleARN, externalID: at.ExternalID}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls, p.slots = map[access]calls{}, make(chan struct{}, p.concurrency())
	}
	s := &side{Bucket: at, slots: p.slots, timeout: p.timeout()}
	var ok bool
	if s.calls, ok = p.calls[via]; ok {
		return s, nil
	}
	cfg, err := via.config(ctx, p.Credentials, config.WithHTTPClient(connections(p.concurrency())))
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", s.place(""), err)
	}
	s.calls = callsOf(cfg)
	p.calls[via] = s.calls
	return s, nil
}

// connections returns an HTTP client that keeps as many connections open as there are
// requests at once.
func connections(n int) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = n
		t.MaxIdleConns = max(t.MaxIdleConns, n)
	})
}

// callsOf returns the calls of a client.
func callsOf(cfg aws.Config) calls {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = cfg.BaseEndpoint != nil // names of buckets are no hosts there
		// What is read is hashed here.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return calls{
		head: client.HeadObject, get: client.GetObject, list: client.ListObjectsV2, copy: client.CopyObject,
		uploads: client.ListMultipartUploads, begin: client.CreateMultipartUpload, parts: client.ListParts,
		part: client.UploadPartCopy, complete: client.CompleteMultipartUpload,
	}
}

// asked makes one request for size bytes that S3 copies in it, as soon as there is a
// slot for it.
func asked[In, Out any](ctx context.Context, s *side, op call[In, Out], in *In, size int64, options ...func(*s3.Options)) (*Out, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout+time.Duration(size/copiesWith)*time.Second)
	defer cancel()
	if err := s.slot(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.slots }()
	return op(ctx, in, options...)
}

// slot waits for a slot and takes it.
func (s *side) slot(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// single sends a write once. A repeat is ours, after a look.
func single(o *s3.Options) { o.RetryMaxAttempts = 1 }

// place returns an object of the side, or with "" its prefix, as people write it.
func (s *side) place(key string) string { return "s3://" + s.Name + "/" + s.Prefix + key }

// who returns whom a side acts as, for the end of what it did.
func (s *side) who() string {
	if s.RoleARN == "" {
		return ""
	}
	return " as " + s.RoleARN
}

// fail returns why something could not be done with an object; grant says which rights
// it takes.
func (s *side) fail(verb, key, grant string, err error) error {
	return fmt.Errorf("%s %s%s: %w", verb, s.place(key), s.who(), explainS3(err, grant))
}

// The rights that reading takes, as a cure.
const (
	grantRead = "grant that identity s3:GetObject and s3:ListBucket there, and where the bucket belongs to another account in its policy too"
	grantList = "grant that identity s3:ListBucket on the bucket, and where it belongs to another account in its policy too"
)

// A found is an object as S3 describes it.
type found struct {
	size     int64
	etag     string
	modified time.Time
	sums     sums
	head     *s3.HeadObjectOutput // what else is known; nil right after a copy
}

// look returns the object under a key below the prefix; gitops.ErrNotFound without one.
func (s *side) look(ctx context.Context, key string) (found, error) {
	out, err := asked(ctx, s, s.head, &s3.HeadObjectInput{
		Bucket: &s.Name, Key: aws.String(s.Prefix + key), ChecksumMode: types.ChecksumModeEnabled,
	}, 0)
	switch {
	case status(err) == http.StatusNotFound:
		return found{}, gitops.ErrNotFound
	case err != nil:
		return found{}, s.fail("look at", key, grantRead, err)
	case out.ContentLength == nil || aws.ToString(out.ETag) == "":
		return found{}, fmt.Errorf("look at %s: the answer has no size or no ETag", s.place(key))
	}
	return found{
		size: *out.ContentLength, etag: *out.ETag, modified: aws.ToTime(out.LastModified), head: out,
		sums: full(out.ChecksumType, out.ChecksumSHA256, out.ChecksumCRC64NVME),
	}, nil
}

// A content is what is read of an object. Close it.
type content struct {
	io.ReadCloser
	etag  string
	close context.CancelFunc
}

func (c content) Close() error {
	c.close()
	return c.ReadCloser.Close()
}

// open reads an object from a byte on, for within at most. With an ETag the object
// must still be the one that had it, else the error wraps gitops.ErrConflict. Where
// there is none it wraps gitops.ErrNotFound.
func (s *side) open(ctx context.Context, key string, from int64, etag string, within time.Duration) (content, error) {
	in := &s3.GetObjectInput{Bucket: &s.Name, Key: aws.String(s.Prefix + key)}
	if from > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	if etag != "" {
		in.IfMatch = &etag
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout+within)
	err := s.slot(ctx)
	var out *s3.GetObjectOutput
	if err == nil {
		out, err = s.get(ctx, in)
		<-s.slots
	}
	switch {
	case err == nil:
		return content{out.Body, aws.ToString(out.ETag), cancel}, nil
	case status(err) == http.StatusPreconditionFailed:
		err = fmt.Errorf("read %s: it was replaced meanwhile: %w", s.place(key), gitops.ErrConflict)
	case code(err) == "NoSuchKey":
		err = fmt.Errorf("read %s: %w", s.place(key), gitops.ErrNotFound)
	default:
		err = s.fail("read", key, grantRead, err)
	}
	cancel()
	return content{}, err
}

// sourceOf returns an object as the source of a copy, written for a header.
func (s *side) sourceOf(key string) *string {
	path := url.URL{Path: s.Name + "/" + s.Prefix + key}
	return aws.String(strings.ReplaceAll(path.EscapedPath(), "+", "%2B"))
}
