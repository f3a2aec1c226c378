package repo

import (
	"bufio"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// tooLarge is the size in bytes from which on a file is not kept: no values file is
// that large, but a repository may hold others that are.
const tooLarge = 1 << 20

// mostTree is the size in bytes up to which a commit or a tree is read.
const mostTree = 64 << 20

// mostHeld is how many bytes of files that are too large are held while a pack is read,
// because others may come as differences to them.
const mostHeld = 32 << 20

// mostRead is how many bytes one pack may make of what it holds, so that no repository
// fills the memory, and no file that was packed to do that.
const mostRead = 512 << 20

// perObject is about how many bytes an object takes beside its content.
const perObject = 128

// An object is one git object. One that is too large has no content.
type object struct {
	kind    kind
	content []byte
	large   bool
}

// objects is what a server sent, by id. Every id was computed from the content, so
// nothing that damaged or changed it on the way is ever found under the old id.
type objects map[oid]object

// A packReader reads a pack as it arrives.
type packReader struct {
	from  *bufio.Reader
	zip   io.ReadCloser // of the last object; used again
	into  objects
	delta []byte // its space is used again
	room  int    // how many bytes of content may still be kept
	held  []oid  // files that are too large, whose content is held: the oldest first
	size  int    // of what is held, in bytes
	lost  bool   // a file was left out whose id is not known
}

// unpack reads a pack from r and adds its objects to into, which holds the bases of
// its deltas that are not in the pack. The pack's own checksum is not looked at: what
// counts is that the objects that were asked for are there under their ids.
func (into objects) unpack(r io.Reader) error {
	p := &packReader{from: bufio.NewReaderSize(r, 16<<10), into: into, room: mostRead}
	defer p.release(0)
	return p.all()
}

// all reads the pack to its end.
func (p *packReader) all() error {
	var head [12]byte
	if _, err := io.ReadFull(p.from, head[:]); err != nil {
		return cutOff(err)
	}
	if string(head[:4]) != "PACK" || binary.BigEndian.Uint32(head[4:]) != 2 {
		return errors.New("not a pack of version 2")
	}
	for range binary.BigEndian.Uint32(head[8:]) {
		if err := p.object(); err != nil {
			return cutOff(err)
		}
	}
	_, err := io.Copy(io.Discard, p.from) // leaves the connection free for the next request
	return err
}

// refDelta is how packs number an object that is written as the difference to another,
// which is named by id. The other form, by position, is never asked for.
const refDelta = 7

// object reads the next object.
func (p *packReader) object() error {
	first, size, err := p.header()
	if err != nil {
		return err
	}
	if first != refDelta {
		return p.whole(kind(first), size)
	}
	var base oid
	if _, err := io.ReadFull(p.from, base[:]); err != nil {
		return err
	}
	if size >= mostTree {
		return fmt.Errorf("a difference of %d bytes", size)
	}
	if p.delta, err = p.inflate(p.delta, int(size)); err != nil {
		return err
	}
	return p.derive(base, p.delta)
}

// header reads the type and the size of the next object.
func (p *packReader) header() (kind byte, size uint64, err error) {
	c, err := p.from.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	kind, size = c>>4&7, uint64(c&15)
	for shift := 4; c&0x80 != 0; shift += 7 {
		if c, err = p.from.ReadByte(); err != nil {
			return 0, 0, err
		}
		if shift > 56 {
			return 0, 0, errors.New("an object without an end to its size")
		}
		size |= uint64(c&0x7f) << shift
	}
	return kind, size, nil
}

// whole reads an object that stands by itself.
func (p *packReader) whole(k kind, size uint64) error {
	switch {
	case k < commitKind || k > tagKind:
		return fmt.Errorf("a %s, which was not asked for", k)
	case k == blobKind && size >= mostHeld:
		return p.skip(size)
	case size >= mostTree:
		return fmt.Errorf("a %s of %d bytes", k, size)
	}
	content, err := p.inflate(nil, int(size))
	if err != nil {
		return err
	}
	return p.add(object{kind: k, content: content})
}

// add keeps an object, and the content of a file that is too large for a while.
func (p *packReader) add(o object) error {
	id := sum(o.kind, o.content)
	if _, twice := p.into[id]; twice {
		return nil
	}
	p.into[id] = o
	if o.kind == blobKind && len(o.content) >= tooLarge {
		p.held, p.size = append(p.held, id), p.size+len(o.content)
		p.release(mostHeld)
		return nil
	}
	if p.room -= len(o.content) + perObject; p.room < 0 {
		return fmt.Errorf("it holds more than %d MiB: set uploadpack.allowFilter on the server (GitLab has it)", mostRead>>20)
	}
	return nil
}

// release gives back the content of the oldest files that are too large until no more
// than most bytes are held.
func (p *packReader) release(most int) {
	for len(p.held) > 0 && p.size > most {
		p.size -= len(p.into[p.held[0]].content)
		p.into[p.held[0]] = object{kind: blobKind, large: true}
		p.held = p.held[1:]
	}
}

// inflate returns the next size bytes of content in the space of into. Content that
// has another size is an error.
func (p *packReader) inflate(into []byte, size int) ([]byte, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	if cap(into) < size {
		into = make([]byte, size)
	}
	into = into[:size]
	if _, err := io.ReadFull(p.zip, into); err != nil {
		return nil, err
	}
	return into, p.end()
}

// open begins to inflate what comes next.
func (p *packReader) open() (err error) {
	if p.zip == nil {
		p.zip, err = zlib.NewReader(p.from)
		return err
	}
	return p.zip.(zlib.Resetter).Reset(p.from, nil)
}

// end makes sure that the content that is inflated ends here, and is what was packed.
func (p *packReader) end() error {
	var one [1]byte
	switch n, err := p.zip.Read(one[:]); {
	case n > 0:
		return errors.New("an object is larger than it says")
	case err != io.EOF:
		return err
	}
	return nil
}

// skip reads a blob that is too large, and keeps its id alone.
func (p *packReader) skip(size uint64) error {
	if err := p.open(); err != nil {
		return err
	}
	id, err := sumReader(blobKind, size, p.zip)
	p.into[id] = object{kind: blobKind, large: true}
	return err
}

// derive adds the object that is base with the difference delta. What is made of a
// file that is not held any more is left out like it, and so is what is made of that.
func (p *packReader) derive(base oid, delta []byte) error {
	o, ok := p.into[base]
	switch {
	case o.large, !ok && p.lost:
		p.lost = true
		return nil
	case !ok:
		return fmt.Errorf("a difference to %s, which was not sent", base)
	}
	content, err := patch(o.content, delta)
	switch {
	case errors.Is(err, errHuge) && o.kind == blobKind:
		p.lost = true
		return nil
	case err != nil:
		return fmt.Errorf("a difference to %s: %v", base, err)
	}
	return p.add(object{kind: o.kind, content: content})
}

// What may be wrong with a difference.
var (
	errDelta = errors.New("it is damaged")
	errHuge  = errors.New("it makes 64 MiB or more")
)

// patch returns what delta makes of base: runs of bytes copied from base, and bytes
// that delta brings along.
func patch(base, delta []byte) ([]byte, error) {
	from, n := binary.Uvarint(delta)
	if n <= 0 || from != uint64(len(base)) {
		return nil, errDelta
	}
	delta = delta[n:]
	size, n := binary.Uvarint(delta)
	switch {
	case n <= 0:
		return nil, errDelta
	case size >= mostTree:
		return nil, errHuge
	}
	delta = delta[n:]
	out := make([]byte, 0, size)
	for len(delta) > 0 {
		run, rest, ok := step(base, delta)
		if !ok || len(out)+len(run) > int(size) {
			return nil, errDelta
		}
		out, delta = append(out, run...), rest
	}
	if len(out) != int(size) {
		return nil, errDelta
	}
	return out, nil
}

// step returns the bytes that the first instruction of delta adds, and the other
// instructions.
func step(base, delta []byte) (run, rest []byte, ok bool) {
	op, rest := delta[0], delta[1:]
	if op&0x80 == 0 {
		n := int(op)
		if n == 0 || n > len(rest) {
			return nil, nil, false
		}
		return rest[:n], rest[n:], true
	}
	var field [7]int // four bytes of where the run begins in base, three of its length
	for i := range field {
		if op&(1<<i) == 0 {
			continue
		}
		if len(rest) == 0 {
			return nil, nil, false
		}
		field[i], rest = int(rest[0]), rest[1:]
	}
	at := field[0] | field[1]<<8 | field[2]<<16 | field[3]<<24
	n := field[4] | field[5]<<8 | field[6]<<16
	if n == 0 {
		n = 1 << 16
	}
	if at > len(base) || n > len(base)-at {
		return nil, nil, false
	}
	return base[at : at+n], rest, true
}

// get returns the content of an object of kind k.
func (into objects) get(k kind, id oid) ([]byte, error) {
	o, ok := into[id]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s %s: the server did not send it", k, id)
	case o.kind != k:
		return nil, fmt.Errorf("%s %s: it is a %s", k, id, o.kind)
	}
	return o.content, nil
}

// size returns how many bytes all objects have, those that are too large included.
func (into objects) size() int {
	n := 0
	for _, o := range into {
		n += len(o.content)
		if o.large {
			n += tooLarge
		}
	}
	return n
}
