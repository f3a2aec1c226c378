package data

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"lockstep/gitops"
)

// An upload is an object that is put together at the destination from copied parts. S3
// keeps it, so that whoever goes on with it after a crash finds what is there.
type upload struct {
	object
	source found
	id     string
	part   int64 // size of each part but the last

	mu   sync.Mutex
	have map[int32]types.CompletedPart // by number, from 1
	size int64                         // bytes of those
}

// copyParts copies an object that is too large for one request.
func (s *pass) copyParts(ctx context.Context, o object, source found) (found, error) {
	u := &upload{object: o, source: source, part: s.part(o.size)}
	err := s.findUpload(ctx, u)
	if err == nil && u.id == "" {
		err = s.beginUpload(ctx, u)
	}
	if err == nil {
		err = s.fill(ctx, u)
	}
	if err != nil {
		return found{}, err
	}
	return s.complete(ctx, u)
}

// findUpload finds the upload that an earlier call began, with its parts: one for the
// same key, with the checksum and the parts that we give it. Without one u has no id.
// Two that work at once find the same.
func (s *pass) findUpload(ctx context.Context, u *upload) error {
	key := s.to.Prefix + u.key
	in := &s3.ListMultipartUploadsInput{Bucket: &s.to.Name, Prefix: &key}
	for {
		out, err := asked(ctx, s.to, s.to.uploads, in, 0)
		if err != nil {
			return s.to.fail("list uploads of", u.key, grantParts, err)
		}
		for _, one := range out.Uploads {
			if aws.ToString(one.Key) != key || !ours(one, u.source) {
				continue
			}
			fits, err := s.findParts(ctx, u, aws.ToString(one.UploadId))
			if fits || err != nil {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
}

// ours reports that an upload may be one of ours, for the source as it is now.
func ours(one types.MultipartUpload, source found) bool {
	return one.ChecksumAlgorithm == types.ChecksumAlgorithmCrc64nvme && !aws.ToTime(one.Initiated).Before(source.modified)
}

// findParts takes up an upload with the parts that it has, if they are of the sizes
// that ours have.
func (s *pass) findParts(ctx context.Context, u *upload, id string) (fits bool, err error) {
	have, size := map[int32]types.CompletedPart{}, int64(0)
	in := &s3.ListPartsInput{Bucket: &s.to.Name, Key: aws.String(s.to.Prefix + u.key), UploadId: &id}
	for {
		out, err := asked(ctx, s.to, s.to.parts, in, 0)
		switch {
		case code(err) == "NoSuchUpload": // it has ended since it was listed
			return false, nil
		case err != nil:
			return false, s.to.fail("list parts of", u.key, grantParts, err)
		}
		for _, part := range out.Parts {
			n := aws.ToInt32(part.PartNumber)
			first, end := u.bounds(n)
			if aws.ToInt64(part.Size) != end-first {
				return false, nil
			}
			have[n] = types.CompletedPart{PartNumber: &n, ETag: part.ETag, ChecksumCRC64NVME: part.ChecksumCRC64NVME}
			size += end - first
		}
		if !aws.ToBool(out.IsTruncated) {
			u.id, u.have, u.size = id, have, size
			return true, nil
		}
		in.PartNumberMarker = out.NextPartNumberMarker
	}
}

// bounds returns where a part begins and ends.
func (u *upload) bounds(n int32) (first, end int64) {
	first = int64(n-1) * u.part
	return first, min(first+u.part, u.object.size)
}

// parts returns how many parts the object has.
func (u *upload) parts() int32 { return int32((u.object.size + u.part - 1) / u.part) }

// beginUpload begins an upload of an object that is described as its source is.
func (s *pass) beginUpload(ctx context.Context, u *upload) error {
	h := u.source.head
	out, err := asked(ctx, s.to, s.to.begin, &s3.CreateMultipartUploadInput{
		Bucket: &s.to.Name, Key: aws.String(s.to.Prefix + u.key),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject,
		ContentType: h.ContentType, ContentEncoding: h.ContentEncoding, ContentLanguage: h.ContentLanguage,
		ContentDisposition: h.ContentDisposition, CacheControl: h.CacheControl, Metadata: h.Metadata,
	}, 0, single)
	// From here a crash is harmless: the next call finds the upload.
	switch {
	case err != nil:
		return s.to.fail("begin upload of", u.key, grantParts, err)
	case aws.ToString(out.UploadId) == "":
		return fmt.Errorf("begin upload of %s: the answer has no id", s.to.place(u.key))
	}
	u.id, u.have = *out.UploadId, map[int32]types.CompletedPart{}
	return nil
}

// fill copies the parts that are not there yet. When the time is over the error is
// unfinished.
func (s *pass) fill(ctx context.Context, u *upload) error {
	var group errgroup.Group
	group.SetLimit(s.concurrency())
	for i, n := range u.absent() {
		if i > 0 && s.over() { // one part at least, so that every call comes further
			break
		}
		group.Go(func() error { return s.copyPart(ctx, u, n) })
	}
	err := group.Wait()
	if err == nil && u.size < u.object.size {
		return unfinished(u.size)
	}
	return err
}

// absent returns the numbers of the parts that are not there.
func (u *upload) absent() (numbers []int32) {
	for n := int32(1); n <= u.parts(); n++ {
		if _, there := u.have[n]; !there {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// copyPart copies one part.
func (s *pass) copyPart(ctx context.Context, u *upload, n int32) error {
	first, end := u.bounds(n)
	out, err := asked(ctx, s.to, s.to.part, &s3.UploadPartCopyInput{
		Bucket: &s.to.Name, Key: aws.String(s.to.Prefix + u.key), UploadId: &u.id, PartNumber: &n,
		CopySource: s.from.sourceOf(u.key), CopySourceIfMatch: &u.source.etag,
		CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", first, end-1)),
	}, end-first, single)
	switch {
	case err != nil:
		return s.refusedCopy(u.object, err)
	case out.CopyPartResult == nil:
		return fmt.Errorf("copy part %d of %s: the answer has no ETag", n, s.to.place(u.key))
	}
	u.mu.Lock()
	u.have[n] = types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag, ChecksumCRC64NVME: out.CopyPartResult.ChecksumCRC64NVME}
	u.size += end - first
	u.mu.Unlock()
	s.mu.Lock()
	s.moved = true
	s.mu.Unlock()
	return nil
}

// complete puts the parts together, provided that there is no such object yet and that
// they give the CRC-64 of the source, where that is known.
func (s *pass) complete(ctx context.Context, u *upload) (found, error) {
	var parts []types.CompletedPart
	for n := int32(1); n <= u.parts(); n++ {
		parts = append(parts, u.have[n])
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &s.to.Name, Key: aws.String(s.to.Prefix + u.key), UploadId: &u.id, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, MpuObjectSize: &u.object.size,
		ChecksumType: types.ChecksumTypeFullObject,
	}
	if u.source.sums.crc64 != "" {
		in.ChecksumCRC64NVME = &u.source.sums.crc64
	}
	_, err := asked(ctx, s.to, s.to.calls.complete, in, u.object.size, single)
	switch {
	case code(err) == "BadDigest":
		return found{}, fmt.Errorf("%w: the parts of upload %s of %s do not give the object that they were copied from: abort that upload", gitops.ErrRefused, u.id, s.to.place(u.key))
	case err != nil:
		return s.settled(ctx, u.object, err)
	}
	// From here a crash is harmless: the next look finds the copy.
	return s.to.look(ctx, u.key)
}

// grantParts is the right that copying in parts takes.
const grantParts = "grant that identity s3:ListBucketMultipartUploads on the bucket, s3:ListMultipartUploadParts and s3:PutObject there"
