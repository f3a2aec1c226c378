package data

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lockstep/gitops"
)

// errReplaced says that the manifest is not the one any more that the pass went by.
var errReplaced = errors.New("the manifest was replaced meanwhile")

// maxKey is how many bytes a key of S3 has at most.
const maxKey = 1024

// survey reads the manifest from its beginning to its end, and learns what has to be
// there. Without one the error wraps gitops.ErrNotFound.
func (s *pass) survey(ctx context.Context) error {
	body, err := s.from.open(ctx, s.set.Manifest, 0, s.Text.ETag, s.work())
	switch {
	case errors.Is(err, gitops.ErrConflict):
		return errReplaced
	case err != nil:
		return err
	}
	defer body.Close()
	through := &hashing{r: body, h: sha256.New()}
	var total tally
	s.known = newNames()
	for o, err := range s.named(through, 0) {
		if err != nil {
			return err
		}
		s.known.add(o)
		total.count(o.size)
	}
	if total.Objects == 0 {
		return s.unreadable("it names no objects")
	}
	s.Text = text{ETag: body.etag, Size: through.n, SHA256: base64.StdEncoding.EncodeToString(through.h.Sum(nil))}
	s.progress.TotalObjects, s.progress.TotalBytes = total.Objects, total.Bytes
	if hash, twice := s.known.complete(); twice {
		return s.twice(ctx, hash)
	}
	return nil
}

// learn surveys, for a pass: where there is no manifest it says so, and whether there is
// anything else.
func (s *pass) learn(ctx context.Context) error {
	err := s.survey(ctx)
	switch {
	case !errors.Is(err, gitops.ErrNotFound):
		return err
	case s.Text.ETag != "":
		return errReplaced
	}
	first, err := s.from.page(ctx, "", few)
	switch {
	case err != nil:
		return err
	case len(first.objects) == 0:
		return problemf("there is nothing below %s: publish the version, or check its name", s.from.place(""))
	}
	return problemf("%s is not there, though other objects are: the version is not complete before its manifest is published", s.from.place(s.set.Manifest))
}

// few is how many objects show that there are some.
const few = 10

// rest yields the objects that the manifest names behind a place in it.
func (s *pass) rest(ctx context.Context, at string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		from, err := strconv.ParseInt(cmp.Or(at, "0"), 10, 64)
		if err != nil {
			yield(object{}, errReplaced) // a cursor of another version of this program
			return
		}
		body, err := s.from.open(ctx, s.set.Manifest, from, s.Text.ETag, time.Until(s.ends))
		switch {
		case errors.Is(err, gitops.ErrConflict), errors.Is(err, gitops.ErrNotFound):
			yield(object{}, errReplaced)
			return
		case err != nil:
			yield(object{}, err)
			return
		}
		defer body.Close()
		for o, err := range s.named(body, from) {
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// named yields the objects that the text of a manifest names. With from it goes on
// behind an object that ended there.
func (s *pass) named(r io.Reader, from int64) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		watched := &watching{r: r}
		m := newManifest(watched, from)
		err := m.read(func(e entry) bool {
			o, err := s.object(e, m)
			return yield(o, err) && err == nil
		})
		switch {
		case errors.Is(err, errEnough):
		case err == nil:
			if m.version != "" && !strings.Contains(s.set.Bucket.Prefix, m.version) {
				yield(object{}, s.unreadable("it is of version %q: publish each version with its own", m.version))
			}
		case watched.err != nil:
			yield(object{}, fmt.Errorf("read %s: %w", s.from.place(s.set.Manifest), cut(watched.err)))
		default:
			yield(object{}, s.unreadable("%v", err))
		}
	}
}

// unreadable returns what is wrong with the manifest.
func (s *pass) unreadable(format string, args ...any) error {
	return problemf("%s is no manifest of the version: %s", s.from.place(s.set.Manifest), fmt.Sprintf(format, args...))
}

// An entry is what a manifest says about one object.
type entry struct {
	Key    *string `json:"key"`
	Size   *int64  `json:"size"`
	SHA256 *string `json:"sha256"`
}

// object returns what an entry means, or the problem with it.
func (s *pass) object(e entry, m *manifest) (object, error) {
	wrong := func(format string, args ...any) (object, error) {
		return object{}, s.unreadable("object %d: %s", m.n, fmt.Sprintf(format, args...))
	}
	if e.Key == nil {
		return wrong("it has no key: name the object by its key below %s", s.set.Bucket.Prefix)
	}
	if cure := s.checkKey(*e.Key); cure != "" {
		return wrong("the key %.200q %s", *e.Key, cure)
	}
	if e.Size == nil || *e.Size < 0 {
		return wrong("%q has no size: write its number of bytes as size", *e.Key)
	}
	if e.SHA256 == nil {
		return wrong("%q has no sha256: write the SHA-256 of its content, in hexadecimal digits", *e.Key)
	}
	sum, err := hex.DecodeString(*e.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return wrong("the sha256 of %q is %.100q, and a SHA-256 has 64 hexadecimal digits", *e.Key, *e.SHA256)
	}
	return object{
		key: *e.Key, size: *e.Size, sha256: base64.StdEncoding.EncodeToString(sum), at: strconv.FormatInt(m.offset(), 10),
	}, nil
}

// checkKey returns what is wrong with a key that a manifest names, and how to mend it.
func (s *pass) checkKey(key string) string {
	switch {
	case key == s.set.Manifest:
		return "is the manifest's own: leave it out"
	case strings.HasPrefix(key, s.set.Bucket.Prefix):
		return fmt.Sprintf("begins with the prefix of the version: write it without %s", s.set.Bucket.Prefix)
	case !fs.ValidPath(key) || key == ".":
		return "does not stay below the prefix of the version: write parts that single slashes separate, without . or .. and without a slash at either end"
	case strings.ContainsFunc(key, unicode.IsControl) || strings.ContainsRune(key, utf8.RuneError):
		return "has characters that cannot be shown: write it as UTF-8 without control characters"
	case len(s.set.Bucket.Prefix)+len(key) > maxKey:
		return fmt.Sprintf("has more than the %d bytes that S3 allows with its prefix: shorten it", maxKey)
	}
	return ""
}
