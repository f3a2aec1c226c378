package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// errEnough ends the reading of a manifest whose rest nobody wants.
var errEnough = errors.New("enough")

// A manifest is read object by object: there may be more than memory should hold.
type manifest struct {
	json    *json.Decoder
	begins  int64 // where the text of the decoder begins in the manifest
	n       int   // objects read so far
	version string
}

// before takes the place of what was read of a manifest before, so that its rest can be
// read as JSON.
const before = `{"objects":[null`

// form is how an object is named.
const form = `{"key":…,"size":…,"sha256":…}`

// newManifest reads a manifest from r. With from r goes on behind an object that ended
// there.
func newManifest(r io.Reader, from int64) *manifest {
	if from == 0 {
		return &manifest{json: json.NewDecoder(r)}
	}
	return &manifest{json: json.NewDecoder(io.MultiReader(strings.NewReader(before), r)), begins: from - int64(len(before))}
}

// offset returns where the manifest goes on behind what was read.
func (m *manifest) offset() int64 { return m.begins + m.json.InputOffset() }

// read reads the manifest to its end, with each object to each. Where that returns
// false it returns errEnough.
func (m *manifest) read(each func(entry) bool) error {
	if err := m.expect('{'); err != nil {
		return err
	}
	seen := map[any]bool{}
	for m.json.More() {
		field, err := m.json.Token()
		if err != nil {
			return m.syntax(err)
		}
		if seen[field] {
			return fmt.Errorf("it has the field %q twice", field)
		}
		seen[field] = true
		if err := m.field(field, each); err != nil {
			return err
		}
	}
	if err := m.expect('}'); err != nil {
		return err
	}
	if _, err := m.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end of its JSON")
	}
	return nil
}

// field reads the value of a field. Those that mean nothing here are passed over.
func (m *manifest) field(name json.Token, each func(entry) bool) error {
	switch name {
	case "objects":
		return m.objects(each)
	case "version":
		var kind *json.UnmarshalTypeError
		err := m.json.Decode(&m.version)
		switch {
		case errors.As(err, &kind):
			return fmt.Errorf("its version is a %s: write it in quotes", kind.Value)
		case err != nil:
			return m.syntax(err)
		}
		return nil
	}
	for depth := 0; ; {
		t, err := m.json.Token()
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if err != nil {
			return m.syntax(err)
		}
		if depth == 0 {
			return nil
		}
	}
}

// objects reads the list of objects.
func (m *manifest) objects(each func(entry) bool) error {
	if err := m.expect('['); err != nil {
		return err
	}
	for m.json.More() {
		var e *entry
		if err := m.json.Decode(&e); err != nil {
			return m.syntax(err)
		}
		if e == nil && m.begins != 0 && m.n == 0 {
			continue // what stands for the objects before
		}
		m.n++
		if e == nil {
			e = &entry{}
		}
		if !each(*e) {
			return errEnough
		}
	}
	return m.expect(']')
}

// expect reads a bracket.
func (m *manifest) expect(want json.Delim) error {
	got, err := m.json.Token()
	switch {
	case err != nil:
		return m.syntax(err)
	case got != want:
		return fmt.Errorf(`%v stands where %v has to: write {"objects":[%s]}`, got, want, form)
	}
	return nil
}

// syntax says why JSON cannot be read.
func (m *manifest) syntax(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("object %d is a %s: write %s", m.n+1, kind.Value, form)
	case errors.As(err, &kind):
		return fmt.Errorf("object %d: its %s is a %s", m.n+1, kind.Field, kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends before its JSON does: publish it whole")
	}
	return fmt.Errorf("it is no JSON at byte %d: %v", m.offset(), err)
}

// A hashing reader hashes and counts what is read through it.
type hashing struct {
	r io.Reader
	h hash.Hash
	n int64
}

func (r *hashing) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.h.Write(p[:n])
	r.n += int64(n)
	return n, err
}

// A watching reader remembers why reading failed, because a decoder does not tell that
// apart from a text that is cut off.
type watching struct {
	r   io.Reader
	err error
}

func (r *watching) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
