package gitops

import (
	"bytes"
	"strings"
)

// find returns the one version that sel selects. It reports false when there is none
// that can be replaced, or when that is not for certain.
func (o outline) find(sel selector) (scalar, bool) {
	found, ok := -1, true
	if sel.marker != "" {
		found, ok = o.marked(sel.marker)
	}
	for _, st := range sel.path {
		if !ok {
			break
		}
		if st.item {
			found, ok = o.item(found, st)
		} else {
			found, ok = o.child(found, st.name)
		}
	}
	if !ok || sel.marker != "" && o.outdone(found) {
		return scalar{}, false
	}
	return o.scalar(found)
}

// outdone reports that a key on the way to an entry stands twice in its map.
func (o outline) outdone(index int) bool {
	for ; index >= 0; index = o.entries[index].parent {
		at := o.entries[index]
		if _, once := o.child(at.parent, string(o.text[at.key.start:at.key.end])); !once && !at.item {
			return true
		}
	}
	return false
}

// scalar returns the value of an entry as a version that can be replaced.
func (o outline) scalar(index int) (scalar, bool) {
	e := o.entries[index]
	word := string(o.text[e.value.start:e.value.end])
	plain := e.form == formPlain
	if !e.form.literal() || !o.says(e.value, word) || plain && (strings.EqualFold(word, "null") || continued(o.data[e.value.end:])) {
		return scalar{}, false
	}
	version, err := ParseVersion(word)
	return scalar{value: version, start: e.value.start, end: e.value.end, plain: plain, entry: index}, err == nil
}

// child returns the one entry in the block of parent whose key is name.
func (o outline) child(parent int, name string) (found int, ok bool) {
	for i, e := range o.entries {
		if e.parent == parent && !e.item && o.says(e.key, name) {
			if ok {
				return 0, false
			}
			found, ok = i, true
		}
	}
	return found, ok
}

// item returns the one item in the list of parent that st asks for.
func (o outline) item(parent int, st step) (found int, ok bool) {
	for _, e := range o.entries {
		if e.parent == parent && e.form == formFlow {
			return 0, false // the item may be this one
		}
		if !o.inItem(e, parent) || !o.says(e.key, st.name) || e.form == formNone && st.value != "" {
			continue
		}
		says := o.says(e.value, st.value)
		if !e.form.literal() || says && ok {
			return 0, false
		}
		if says {
			found, ok = e.parent, true
		}
	}
	if ok {
		_, ok = o.child(found, st.name) // whether the key stands in it once
	}
	return found, ok
}

// inItem reports whether e is a key of a map that is an item of the list of parent.
func (o outline) inItem(e entry, parent int) bool {
	return !e.item && e.parent >= 0 && o.entries[e.parent].item && o.entries[e.parent].parent == parent
}

// marked returns the one entry with a value on the one line marked name.
func (o outline) marked(name string) (found int, ok bool) {
	line, ok := o.markedLine(name)
	if !ok {
		return 0, false
	}
	ok = false
	for i, e := range o.entries {
		if e.form != formNone && e.value.start >= line.start && e.value.start < line.end {
			if ok {
				return 0, false
			}
			found, ok = i, true
		}
	}
	return found, ok
}

// markedLine returns the one line that is marked name.
func (o outline) markedLine(name string) (found span, ok bool) {
	for at := 0; ; {
		i := bytes.Index(o.text[at:], []byte("lockstep:"))
		if i < 0 {
			return found, ok
		}
		lines := outliner{text: o.text, next: bytes.LastIndexByte(o.text[:at+i], '\n') + 1}
		start, end := lines.line()
		if m := markerLine.FindSubmatch(o.text[start:end]); m != nil && string(m[1]) == name {
			if ok {
				return span{}, false
			}
			found, ok = span{start, end}, true
		}
		at = lines.next
	}
}
