package gitops

import (
	"bytes"
	"iter"
	"strings"
)

// An answer is what an outline knows of a step of a path.
type answer uint8

const (
	absent answer = iota // it leads nowhere
	here                 // it leads to one entry
	unsure               // the parser has to say, or to refuse
)

// find returns the one version that sel selects. It reports false when there is none
// that can be replaced, or when that is not for certain.
func (o outline) find(sel selector) (scalar, bool) {
	found, known := -1, absent
	if sel.marker != "" {
		found, known = o.marked(sel.marker)
	} else {
		for i := range o.held(-1) {
			at, a := o.walk(i, sel.path)
			switch {
			case a == unsure, a == here && known == here, a == absent && o.template: // an action may write it
				return scalar{}, false
			case a == here:
				found, known = at, here
			}
		}
	}
	if known != here || sel.marker != "" && o.outdone(found) {
		return scalar{}, false
	}
	return o.scalar(found)
}

// held yields the entries that the value of another one holds, which may be -1 for the
// documents.
func (o outline) held(parent int) iter.Seq2[int, *entry] {
	return func(yield func(int, *entry) bool) {
		for i := parent + 1; i < len(o.entries) && o.entries[i].parent >= parent; i++ {
			if e := &o.entries[i]; e.parent == parent && !yield(i, e) {
				return
			}
		}
	}
}

// walk follows path in a document.
func (o outline) walk(at int, path []step) (int, answer) {
	known := here
	for _, st := range path {
		switch {
		case known != here:
			return 0, known
		case o.entries[at].form == formAlias:
			return 0, unsure
		case st.item:
			at, known = o.item(at, st)
		default:
			at, known = o.child(at, st.name)
		}
	}
	return at, known
}

// outdone reports that a key on the way to an entry stands twice in its map.
func (o outline) outdone(index int) bool {
	for ; index >= 0; index = o.entries[index].parent {
		e := o.entries[index]
		if e.kind != kindKey {
			continue
		}
		if _, known := o.child(e.parent, string(o.text[e.key.start:e.key.end])); known != here {
			return true
		}
	}
	return false
}

// scalar returns the value of an entry as a version that can be replaced.
func (o outline) scalar(index int) (scalar, bool) {
	e := o.entries[index]
	if !e.form.literal() || e.tag == tagOther {
		return scalar{}, false
	}
	word := string(o.text[e.value.start:e.value.end])
	plain := e.form == formPlain
	switch {
	case !o.says(e.value, word):
		return scalar{}, false
	case plain && e.tag == tagNone && strings.EqualFold(word, "null"):
		return scalar{}, false
	case plain && o.template && continued(o.data[e.value.end:]):
		return scalar{}, false
	}
	version, err := ParseVersion(word)
	at := scalar{value: version, start: e.value.start, end: e.value.end, plain: plain, tagged: e.tag == tagString, entry: index}
	return at, err == nil
}

// child returns the one entry in the map of parent whose key is name.
func (o outline) child(parent int, name string) (found int, known answer) {
	merges := false
	for i, e := range o.held(parent) {
		switch {
		case e.kind != kindKey:
		case o.says(e.key, name) && known == here:
			return 0, unsure
		case o.says(e.key, name):
			found, known = i, here
		case isMerge(o.text[e.key.start:e.key.end]):
			merges = true
		}
	}
	if known == absent && merges {
		return 0, unsure
	}
	return found, known
}

// item returns the one item in the list of parent that st asks for.
func (o outline) item(parent int, st step) (found int, known answer) {
	for i, e := range o.held(parent) {
		if e.kind != kindItem {
			continue
		}
		a := unsure
		if e.form != formAlias {
			a = o.answers(i, st)
		}
		switch {
		case a == unsure, a == here && known == here:
			return 0, unsure
		case a == here:
			found, known = i, here
		}
	}
	return found, known
}

// answers tells whether an item is a map whose one key has the value that st asks for.
func (o outline) answers(item int, st step) answer {
	index, known := o.child(item, st.name)
	if known != here {
		return known
	}
	switch e := o.entries[index]; {
	case e.form == formFlow, e.form == formNone && st.value != "":
		return absent
	case !e.form.literal():
		return unsure
	case o.says(e.value, st.value):
		return here
	}
	return absent
}

// marked returns the one entry with a single value on the one line marked name.
func (o outline) marked(name string) (found int, known answer) {
	line, ok := o.markedLine(name)
	if !ok {
		return 0, unsure
	}
	for i, e := range o.entries {
		single := e.form != formNone && e.form != formFlow
		if single && e.value.start >= line.start && e.value.start < line.end {
			if known == here {
				return 0, unsure
			}
			found, known = i, here
		}
	}
	return found, known
}

// markedLine returns the one line that is marked name.
func (o outline) markedLine(name string) (found span, ok bool) {
	for at := 0; ; {
		i := bytes.Index(o.text[at:], []byte("lockstep:"))
		if i < 0 {
			return found, ok
		}
		lines := outliner{text: o.text, next: o.lineStart(at + i)}
		lines.line()
		if m := markerLine.FindSubmatch(o.text[lines.start:lines.end]); m != nil && string(m[1]) == name {
			if ok {
				return span{}, false
			}
			found, ok = span{lines.start, lines.end}, true
		}
		at = lines.next
	}
}
