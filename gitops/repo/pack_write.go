package repo

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"slices"
)

// A written is an object of a new commit. A tree has the content of its base, with
// other ids in it.
type written struct {
	id      oid
	kind    kind
	content []byte
	base    oid      // of a tree that was rewritten
	edits   []idEdit // in order
}

// An idEdit puts the id of an entry into a tree, at an offset.
type idEdit struct {
	at int
	id oid
}

// parts returns the content of w in pieces.
func (w written) parts() [][]byte {
	parts, from := make([][]byte, 0, 2*len(w.edits)+1), 0
	for i := range w.edits {
		e := &w.edits[i]
		parts = append(parts, w.content[from:e.at], e.id[:])
		from = e.at + len(e.id)
	}
	return append(parts, w.content[from:])
}

// longTree is the length in bytes from which on a tree is sent as the difference to its
// base, which the server has. It has to read that then, and to pack it once more.
const longTree = 8 << 10

// pack returns objects as a pack. A thin one may hold differences to objects that it
// does not hold itself. One that is cheap to send is not compressed: that takes longer.
func pack(objects []written, thin bool) ([]byte, error) {
	p := &packWriter{thin: thin}
	size := 0
	for _, w := range objects {
		if !p.differs(w) {
			size += len(w.content)
		}
	}
	if size > cheap {
		p.zip, _ = zlib.NewWriterLevel(&p.out, zlib.BestSpeed) // the level is a valid one
	}
	p.out.Grow(min(size, cheap) + perObject*len(objects))
	p.out.WriteString("PACK")
	p.out.Write(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 2}, uint32(len(objects))))
	for _, w := range objects {
		var err error
		if p.differs(w) {
			err = p.difference(w.base, w.delta())
		} else {
			err = p.object(byte(w.kind), w.parts()...)
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s %s: %v", w.kind, w.id, err)
		}
	}
	checksum := sha1.Sum(p.out.Bytes())
	p.out.Write(checksum[:])
	return p.out.Bytes(), nil
}

// A packWriter writes a pack into memory.
type packWriter struct {
	out  bytes.Buffer
	zip  *zlib.Writer // nil to write what is cheap to send as it is
	thin bool
}

// differs reports that w is written as the difference to its base.
func (p *packWriter) differs(w written) bool {
	return p.thin && len(w.edits) > 0 && len(w.content) >= longTree
}

// object writes an object that stands by itself.
func (p *packWriter) object(kind byte, parts ...[]byte) error {
	p.header(kind, length(parts))
	return p.deflate(parts)
}

// difference writes an object as the difference to base.
func (p *packWriter) difference(base oid, delta []byte) error {
	p.header(refDelta, len(delta))
	p.out.Write(base[:])
	return p.deflate([][]byte{delta})
}

// header writes the type and the size of the next object.
func (p *packWriter) header(kind byte, size int) {
	c := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		p.out.WriteByte(c | 0x80)
		c = byte(size & 0x7f)
	}
	p.out.WriteByte(c)
}

// deflate writes content.
func (p *packWriter) deflate(parts [][]byte) error {
	if p.zip == nil {
		p.store(parts)
		return nil
	}
	p.zip.Reset(&p.out)
	for _, part := range parts {
		if _, err := p.zip.Write(part); err != nil {
			return err
		}
	}
	return p.zip.Close()
}

// store writes content in the form of deflate, but as it is: in blocks that are not
// compressed. Source: RFC 1950, RFC 1951 section 3.2.4.
func (p *packWriter) store(parts [][]byte) {
	const longestBlock = 0xffff
	p.out.Write([]byte{0x78, 0x01})
	checksum := adler32.New()
	for _, part := range parts {
		checksum.Write(part)
		for block := range slices.Chunk(part, longestBlock) {
			n := uint16(len(block))
			p.out.Write([]byte{0, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)})
			p.out.Write(block)
		}
	}
	p.out.Write([]byte{1, 0, 0, 0xff, 0xff}) // the last block
	p.out.Write(checksum.Sum(nil))
}

// length returns how long parts are together.
func length(parts [][]byte) int {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	return n
}

// delta returns w as the difference to its base: runs that are copied from there, and
// the new ids between them.
func (w written) delta() []byte {
	size := uint64(len(w.content))
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, size), size)
	from := 0
	for _, e := range w.edits {
		delta = appendCopy(delta, from, e.at)
		delta = append(append(delta, byte(len(e.id))), e.id[:]...)
		from = e.at + len(e.id)
	}
	return appendCopy(delta, from, len(w.content))
}

// longestCopy is the greatest length that every reader takes in one instruction.
const longestCopy = 0xffff

// appendCopy appends the instructions that copy the bytes of the base from from to to.
func appendCopy(delta []byte, from, to int) []byte {
	for from < to {
		n := min(to-from, longestCopy)
		op := len(delta)
		delta = append(delta, 0x80)
		for i, b := range [6]int{from, from >> 8, from >> 16, from >> 24, n, n >> 8} {
			if b&0xff != 0 {
				delta[op] |= 1 << i
				delta = append(delta, byte(b))
			}
		}
		from += n
	}
	return delta
}
