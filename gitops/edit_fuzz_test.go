package gitops

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// FuzzEdit edits any file at any key. Its oracle is a reading of the whole file into
// plain Go values, which knows nothing of nodes and positions.
func FuzzEdit(f *testing.F) {
	for _, name := range goldens(f) {
		g := readGolden(f, name)
		f.Add(g.file, g.in, g.key, string(g.to))
	}
	for _, k := range kinds {
		file, in, key := k.edit()
		f.Add(file, in, key, "1.10")
	}
	f.Fuzz(func(t *testing.T, file string, in []byte, key, to string) {
		before := bytes.Clone(in)
		if _, err := ParseVersion(to); err == nil {
			checkPlain(t, file, in, key, Version(to))
		}
		out, err := Edit(file, in, key, "", Version(to))
		if !bytes.Equal(in, before) {
			t.Fatal("the input was written to")
		}
		var edit *EditError
		if err != nil {
			if !errors.As(err, &edit) || edit.Reason == "" || edit.Cure == "" {
				t.Fatalf("error %v", err)
			}
			return
		}
		from, err := Value(file, in, key)
		if err != nil {
			t.Fatalf("value before: %v", err)
		}
		checkBytes(t, in, out, string(from), to)
		checkInverse(t, file, key, in, out)
		if from != Version(to) && !strings.HasSuffix(file, ".gotmpl") {
			checkReading(t, in, out, to)
		}
	})
}

// checkBytes checks that out is in with from replaced by to, or by to in quotes, in one
// place.
func checkBytes(t *testing.T, in, out []byte, from, to string) {
	t.Helper()
	if bytes.Equal(in, out) {
		return
	}
	for i := range in {
		if !bytes.HasPrefix(in[i:], []byte(from)) {
			continue
		}
		rest := string(in[i+len(from):])
		head := string(in[:i])
		if got := string(out); got == head+to+rest || got == head+`"`+to+`"`+rest {
			return
		}
	}
	t.Errorf("%q became %q: not one version alone was replaced", in, out)
}

// checkReading checks that the two files read the same but for values that became to:
// one of them, or more where there are aliases. A file that cannot be read into plain
// values, because of duplicate keys somewhere or a marker in a file that is no YAML,
// is not checked.
func checkReading(t *testing.T, in, out []byte, to string) {
	t.Helper()
	before, err := readAll(in)
	if err != nil {
		return
	}
	after, err := readAll(out)
	if err != nil {
		if !bytes.ContainsAny(in, "&*") { // an alias may be a key, which may exist then
			t.Errorf("%q cannot be read any more: %v", out, err)
		}
		return
	}
	n, ok := differences(before, after, to)
	switch {
	case bytes.ContainsAny(in, "&*"):
	case !ok || n != 1:
		t.Errorf("%q became %q: %d values differ, all to the version: %t", in, out, n, ok)
	}
}

// readAll returns the documents of a stream as plain values, or an error when there are
// none that hold all of it, because two keys of a map read the same, such as 0 and 00.
func readAll(data []byte) (docs []any, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return nil, err
		}
		var doc any
		if err := node.Decode(&doc); err != nil {
			return nil, err
		}
		if written(&node) > read(doc) {
			return nil, errors.New("a key hides another one")
		}
		docs = append(docs, doc)
	}
}

// written counts the keys of all maps in n.
func written(n *yaml.Node) (keys int) {
	if n.Kind == yaml.MappingNode {
		keys = len(n.Content) / 2
	}
	for _, c := range n.Content {
		keys += written(c)
	}
	return keys
}

// read counts the keys of all maps in v.
func read(v any) (keys int) {
	x := reflect.ValueOf(v)
	if x.Kind() != reflect.Map && x.Kind() != reflect.Slice {
		return 0
	}
	if x.Kind() == reflect.Map {
		keys = x.Len()
	}
	for _, value := range x.Seq2() {
		keys += read(value.Interface())
	}
	return keys
}

// differences counts the values that differ between a and b, and reports whether all
// of them are the string to in b.
func differences(a, b any, to string) (n int, ok bool) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case reflect.DeepEqual(a, b):
		return 0, true
	case x.Kind() == reflect.Float64 && y.Kind() == reflect.Float64:
		return 0, x.Float() != x.Float() && y.Float() != y.Float() // NaN is not itself
	case x.Kind() != y.Kind() || x.Kind() != reflect.Slice && x.Kind() != reflect.Map:
		return 1, y.Kind() == reflect.String && y.String() == to
	case x.Len() != y.Len():
		return 1, false
	}
	ok = true
	for key, value := range x.Seq2() {
		var other reflect.Value
		if x.Kind() == reflect.Map {
			other = y.MapIndex(key)
		} else {
			other = y.Index(int(key.Int()))
		}
		if !other.IsValid() { // the key itself differs, or is NaN
			return n + 1, false
		}
		m, fine := differences(value.Interface(), other.Interface(), to)
		n, ok = n+m, ok && fine
	}
	return n, ok
}
