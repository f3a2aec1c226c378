package data

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// sums are the checksums of a whole object, in base64 as S3 writes them; "" where
// there is none.
type sums struct{ sha256, crc64 string }

// full returns those of S3's checksums that are of the whole object. The checksum of
// the checksums of its parts says nothing here: it depends on how the object was cut.
func full(kind types.ChecksumType, sha, crc *string) sums {
	if kind == types.ChecksumTypeComposite || strings.Contains(aws.ToString(sha), "-") {
		return sums{}
	}
	return sums{sha256: aws.ToString(sha), crc64: aws.ToString(crc)}
}

// written returns a SHA-256 as manifests write it.
func written(base string) string {
	raw, err := base64.StdEncoding.DecodeString(base)
	if err != nil {
		return base
	}
	return hex.EncodeToString(raw)
}

// A reading is how far an object was read to hash it. It is stored with the cursor, so
// that no object is too large to be read in calls of a few seconds.
type reading struct {
	Place  string `json:"place"`
	ETag   string `json:"etag"`
	Offset int64  `json:"offset"`
	State  []byte `json:"state"` // of the hash
}

// chunk is how much is read at once, and cheap is how large an object may be that is
// rather read again than remembered when it was read to its end.
const (
	chunk = 256 << 10
	cheap = 1 << 20
)

// sha256Of returns the SHA-256 of an object by reading it, from where an earlier call
// has come. When the time is over the error is unfinished.
func (s *pass) sha256Of(ctx context.Context, of *side, key string, f found) (string, error) {
	at, h := s.resume(of.place(key), f.etag)
	if at.Offset < f.size {
		body, err := of.open(ctx, key, at.Offset, f.etag, time.Until(s.ends))
		if err != nil {
			return "", err
		}
		defer body.Close()
		if err := s.readInto(h, &at, body, f.size); err != nil {
			return "", fmt.Errorf("read %s: %w", of.place(key), err)
		}
	}
	if at.Offset < f.size {
		return "", unfinished(at.Offset)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// readInto hashes body until its end, or until the time is over. What was read stays
// read, also when the connection breaks.
func (s *pass) readInto(h hash.Hash, at *reading, body io.Reader, size int64) error {
	begun := at.Offset
	var err error
	for err == nil && at.Offset < size && (at.Offset == begun || !s.over()) {
		var n int64
		n, err = io.CopyN(h, body, min(chunk, size-at.Offset))
		at.Offset += n
	}
	if at.Offset > begun && (at.Offset < size || size > cheap) {
		s.keep(*at, h)
	}
	return cut(err)
}

// cut returns why a body ended early.
func cut(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the answer was cut off")
	}
	return explain(err)
}

// resume returns how far an object was read, and the hash of that much. A reading that
// does not fit begins again.
func (s *pass) resume(place, etag string) (reading, hash.Hash) {
	h := sha256.New()
	s.mu.Lock()
	at := s.reads[place]
	s.mu.Unlock()
	if at.ETag == etag && h.(encoding.BinaryUnmarshaler).UnmarshalBinary(at.State) == nil {
		return at, h
	}
	return reading{Place: place, ETag: etag}, sha256.New()
}

// keep notes how far an object was read.
func (s *pass) keep(at reading, h hash.Hash) {
	var err error
	if at.State, err = h.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
		panic("data: a SHA-256 does not tell its state: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = true
	s.reads[at.Place] = at
}
