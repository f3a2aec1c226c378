package repo

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
)

// An oid is the SHA-1 id of a git object. The zero value stands for none.
type oid [sha1.Size]byte

// A kind is the type of a git object, as packs number it.
type kind byte

// The kinds of objects that are read and written here. Tags never are.
const (
	commitKind kind = 1
	treeKind   kind = 2
	blobKind   kind = 3
	tagKind    kind = 4
)

// String returns git's word for k.
func (k kind) String() string {
	switch k {
	case commitKind:
		return "commit"
	case treeKind:
		return "tree"
	case blobKind:
		return "blob"
	case tagKind:
		return "tag"
	}
	return fmt.Sprintf("object of type %d", byte(k))
}

// parseOID returns the id that hexadecimal digits spell, and whether they are one.
func parseOID(text string) (oid, bool) {
	var id oid
	if len(text) != hex.EncodedLen(len(id)) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(text))
	return id, err == nil
}

// String returns the id in hexadecimal digits.
func (id oid) String() string { return hex.EncodeToString(id[:]) }

// zero reports that id stands for none.
func (id oid) zero() bool { return id == oid{} }

// sum returns the id of the object whose content is parts, one after the other.
func sum(k kind, parts ...[]byte) oid {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	h := begin(k, uint64(size))
	for _, part := range parts {
		h.Write(part)
	}
	return end(h)
}

// sumReader returns the id of the object whose content is all that r yields, which
// must be size bytes.
func sumReader(k kind, size uint64, r io.Reader) (oid, error) {
	h := begin(k, size)
	n, err := io.Copy(h, r)
	if err == nil && uint64(n) != size {
		err = errors.New("an object has not the size that it says")
	}
	return end(h), err
}

// begin returns the sum of what stands before the content of an object.
func begin(k kind, size uint64) hash.Hash {
	var head [32]byte
	h := sha1.New()
	h.Write(append(strconv.AppendUint(append(head[:0], k.String()+" "...), size, 10), 0))
	return h
}

// end returns the id that h has come to.
func end(h hash.Hash) (id oid) {
	h.Sum(id[:0])
	return id
}
