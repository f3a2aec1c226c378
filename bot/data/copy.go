package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lockstep/gitops"
)

// copy takes the next step of a copy.
func (s *pass) copy(ctx context.Context) error {
	switch s.Phase {
	case unknown:
		return s.copyFirst(ctx)
	case surveyed: // and not counted: there is no manifest
		all, err := s.counted(ctx)
		if all {
			s.reach(listed)
		}
		return err
	case listed:
		all, err := s.walk(ctx, s.most(ctx), s.bring)
		if all {
			s.reach(copied)
		}
		return err
	}
	all, err := s.walk(ctx, s.last(ctx), s.bring)
	s.progress.Done = all
	return err
}

// copyFirst learns what is to be copied. Where another manifest is at the destination
// already, that is said before anything is copied.
func (s *pass) copyFirst(ctx context.Context) error {
	if s.set.Manifest == "" {
		s.reach(surveyed)
		return nil
	}
	if err := s.learn(ctx); err != nil {
		return err
	}
	there, err := s.to.look(ctx, s.set.Manifest)
	if err == nil {
		err = s.compare(ctx, s.list(), there, found{})
	}
	if err != nil && !errors.Is(err, gitops.ErrNotFound) {
		return err
	}
	s.reach(listed)
	s.known = nil
	return nil
}

// most yields what is copied first, behind the cursor.
func (s *pass) most(ctx context.Context) iter.Seq2[object, error] {
	if s.set.Manifest == "" {
		return s.others(ctx)
	}
	return s.rest(ctx, s.At)
}

// last yields what is copied when all else is there, behind the cursor: the manifest,
// or the objects that the rule names. Who finds them finds a whole version.
func (s *pass) last(ctx context.Context) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		if s.set.Manifest != "" {
			yield(s.list(), nil)
			return
		}
		keys := s.rule().Keys
		for _, key := range keys[slices.Index(keys, s.At)+1:] {
			f, err := s.needed(ctx, key)
			if !yield(object{key: key, size: f.size, at: key}, err) || err != nil {
				return
			}
		}
	}
}

// list returns the manifest as an object that is copied.
func (s *pass) list() object {
	return object{key: s.set.Manifest, size: s.Text.Size, sha256: s.Text.SHA256, list: true}
}

// bring sees to it that an object is at the destination: it looks, copies what is not
// there, and compares.
func (s *pass) bring(ctx context.Context, o object) error {
	there, err := s.to.look(ctx, o.key)
	switch {
	case err == nil:
		return s.compare(ctx, o, there, found{})
	case !errors.Is(err, gitops.ErrNotFound):
		return err
	}
	source, err := s.source(ctx, o)
	if err != nil {
		return err
	}
	write := s.copyWhole
	if o.size > s.whole() {
		write = s.copyParts
	}
	if there, err = write(ctx, o, source); err != nil {
		return err
	}
	return s.compare(ctx, o, there, source)
}

// copyWhole copies an object in one request, provided that there is none yet and that
// the source is still what was looked at.
func (s *pass) copyWhole(ctx context.Context, o object, source found) (found, error) {
	out, err := asked(ctx, s.to, s.to.calls.copy, &s3.CopyObjectInput{
		Bucket: &s.to.Name, Key: aws.String(s.to.Prefix + o.key),
		CopySource: s.from.sourceOf(o.key), CopySourceIfMatch: &source.etag, IfNoneMatch: aws.String("*"),
		ChecksumAlgorithm: algorithm(o, source),
		TaggingDirective:  types.TaggingDirectiveReplace, // tags are not the version, and would take more rights
	}, o.size, single)
	// From here a crash is harmless: the next look finds the copy.
	if err != nil {
		return s.settled(ctx, o, err)
	}
	if r := out.CopyObjectResult; r != nil {
		if got := full(r.ChecksumType, r.ChecksumSHA256, r.ChecksumCRC64NVME); got != (sums{}) {
			return found{size: o.size, etag: aws.ToString(r.ETag), sums: got}, nil
		}
	}
	return s.to.look(ctx, o.key)
}

// algorithm returns the checksum that S3 is to compute of a copy: one that it can be
// compared by.
func algorithm(o object, source found) types.ChecksumAlgorithm {
	if o.sha256 == "" && source.sums.sha256 == "" && source.sums.crc64 != "" {
		return types.ChecksumAlgorithmCrc64nvme
	}
	return types.ChecksumAlgorithmSha256
}

// settled returns what is at the destination after a write that S3 has not accepted,
// when somebody else's write is the reason; else why S3 has not.
func (s *pass) settled(ctx context.Context, o object, err error) (found, error) {
	switch status(err) {
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusNotFound:
		if there, gone := s.to.look(ctx, o.key); gone == nil {
			return there, nil
		}
	}
	return found{}, s.refusedCopy(o, err)
}

// refusedCopy returns why S3 has not copied something.
func (s *pass) refusedCopy(o object, err error) error {
	grant := fmt.Sprintf("grant that identity s3:GetObject on s3://%s, in the policy of that bucket too where it belongs to another account, and s3:PutObject on s3://%s", s.from.Name, s.to.Name)
	return fmt.Errorf("copy %s to %s%s: %w", s.from.place(o.key), s.to.place(o.key), s.to.who(), explainS3(err, grant))
}

// compare says whether what is at the destination is the object. A source that was not
// looked at is looked at where that is needed.
func (s *pass) compare(ctx context.Context, o object, there, source found) (err error) {
	if there.size != o.size {
		return s.different(o, fmt.Sprintf("it has %d bytes", there.size), s.said(fmt.Sprint(o.size)))
	}
	if o.sha256 != "" && there.sums.sha256 != "" {
		return s.alike(o, there.sums.sha256, o.sha256)
	}
	if source.etag == "" {
		if source, err = s.source(ctx, o); err != nil {
			return err
		}
	}
	want, got := cmp.Or(o.sha256, source.sums.sha256), there.sums.sha256
	if (want == "" || got == "") && there.sums.crc64 != "" && source.sums.crc64 != "" {
		if there.sums.crc64 != source.sums.crc64 {
			return s.different(o, "its CRC-64 is "+there.sums.crc64, "that of its source is "+source.sums.crc64)
		}
		return nil
	}
	if want == "" {
		if want, err = s.sha256Of(ctx, s.from, o.key, source); err != nil {
			return err
		}
	}
	if got == "" {
		if got, err = s.sha256Of(ctx, s.to, o.key, there); err != nil {
			return err
		}
	}
	return s.alike(o, got, want)
}

// alike says whether two SHA-256 are the same.
func (s *pass) alike(o object, got, want string) error {
	if got == want {
		return nil
	}
	says := "that of its source is " + written(want)
	if o.sha256 != "" && !o.list {
		says = s.said(written(want))
	}
	return s.different(o, "its SHA-256 is "+written(got), says)
}

// different returns the problem with what is at the destination.
func (s *pass) different(o object, is, want string) error {
	return problemf("%s is a different object: %s, and %s; a version never changes: publish the data as a new one, or remove what is there", s.to.place(o.key), is, want)
}
