package gitops

import (
	"bytes"
	"path"
	"sync"
	"unicode/utf8"
)

// An outline is a plain values file, read line by line without a YAML parser: which
// keys and items there are, which holds which, and where the single values stand.
//
// Plain is what nearly every values file is: documents of maps and lists in block style or
// in flow style, keys with their colon behind them, single values of every style, anchors
// and aliases, tags, comments. Each of these is read by rules that are stricter than those
// of YAML. What is not plain is not wrong. It is left to the parser: keys that are aliases,
// have anchors, tags or escapes or begin with "? ", directives and the ends of documents
// (...), pairs in flow lists, tabs that indent, line breaks other than LF and CR LF, and
// whatever else the outliner does not know. Only the parser refuses.
//
// That the outline says of a plain file exactly what the parser says of it is what
// FuzzOutline and TestOutlineProperties look at.
type outline struct {
	data     []byte // the file as it is
	text     []byte // the same with template actions masked: what is read
	template bool   // there may be such actions
	first    int    // where the first line begins: behind a byte order mark
	entries  []entry
	reader   *outliner // the owner of entries
}

// An entry is a document, a key of a map or an item of a list, in the order of the file:
// behind each comes what its value holds.
type entry struct {
	parent     int // the index of the entry whose value it stands in, -1 for a document
	kind       kind
	tag        tag
	form       form
	key, value span
}

// A span is a range of bytes. That of a quoted scalar leaves its quotes out, that of a
// block scalar is its header, and that of words without quotes ends with their first line.
type span struct{ start, end int }

// A kind is what an entry is.
type kind uint8

const (
	kindDocument kind = iota
	kindKey
	kindItem
)

// A tag is what the tag in front of a value says.
type tag uint8

const (
	tagNone   tag = iota
	tagString     // !!str
	tagLocal      // !such
	tagOther      // !!int and the like
)

// A form is how the value of an entry is written.
type form uint8

const (
	formNone   form = iota // it is null, or what follows as a map or list in block style
	formPlain              // a scalar without quotes
	formSingle             // 'a scalar'
	formDouble             // "a scalar"
	formOther              // a scalar whose bytes are not literally its value
	formAlias              // *such
	formFlow               // a flow map or list
	formBlock              // a block scalar
)

// literal reports whether the bytes of a value of that form are its text.
func (f form) literal() bool { return f == formPlain || f == formSingle || f == formDouble }

// outliners keeps readers for their memory: the next file needs about as much.
var outliners = sync.Pool{New: func() any { return new(outliner) }}

// outlineOf reads the content of a values file, or reports that it is not plain. The
// outline is to be freed, and not used any more then.
func outlineOf(file string, data []byte) (outline, bool) {
	o := outline{data: data, text: data, template: path.Ext(file) == templateExt}
	if bytes.HasPrefix(data, byteOrderMark) {
		o.first = len(byteOrderMark)
	}
	if len(data) > MaxSize || !plainText(data[o.first:]) {
		return outline{}, false
	}
	if o.template && bytes.Contains(data, []byte("{{")) {
		masked, open := mask(data)
		if open >= 0 {
			return outline{}, false
		}
		o.text = masked
	}
	o.reader = outliners.Get().(*outliner)
	ok := o.reader.readAll(o.text, o.first)
	if o.entries = o.reader.entries; !ok {
		o.free()
		return outline{}, false
	}
	return o, true
}

// free gives the memory of the outline back.
func (o outline) free() {
	o.reader.text = nil
	outliners.Put(o.reader)
}

// plainText reports whether text is UTF-8 without control characters, byte order marks
// and line breaks other than LF and CR LF.
func plainText(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(text[i:])
			if size == 1 || unplain(r) {
				return false
			}
			i += size - 1
		case c == '\r':
			if i+1 == len(text) || text[i+1] != '\n' {
				return false
			}
		case c < ' ' && c != '\n' && c != '\t', c == 0x7F:
			return false
		}
	}
	return true
}

// unplain reports whether r is a rune above ASCII that the parser does not take for a
// letter.
func unplain(r rune) bool {
	switch r {
	case '\u2028', '\u2029', '\uFEFF', '\uFFFE', '\uFFFF':
		return true
	}
	return r < 0xA0
}

// locatePlain is Locate for a plain file. It reports false when there is no version that
// can be replaced, or when that is not for certain.
func locatePlain(file string, data []byte, sel selector) (Spot, bool) {
	o, ok := outlineOf(file, data)
	if !ok {
		return Spot{}, false
	}
	defer o.free()
	at, ok := o.find(sel)
	if !ok {
		return Spot{}, false
	}
	line, column := o.place(at.start)
	return Spot{at.value, line, column}, true
}

// editPlain is Edit for a plain file, at a version that can be replaced. It reports
// false for everything else, and has no opinion about it.
//
// Its proof reads the edited file once more, as an outline too: see proves. The key has to
// lead to the new version there.
func editPlain(file string, data []byte, sel selector, from, to Version) ([]byte, bool) {
	before, ok := outlineOf(file, data)
	if !ok {
		return nil, false
	}
	defer before.free()
	at, ok := before.find(sel)
	switch {
	case !ok || from != "" && at.value != from:
		return nil, false
	case at.value == to:
		return data, true
	}
	edited := at.splice(data, to)
	after, ok := outlineOf(file, edited)
	if !ok {
		return nil, false
	}
	defer after.free()
	again, ok := after.find(sel)
	return edited, ok && again.value == to && before.proves(at, after, to)
}

// says reports whether the bytes of s are text, in the file itself and not through a
// template action.
func (o outline) says(s span, text string) bool {
	return string(o.text[s.start:s.end]) == text && string(o.data[s.start:s.end]) == text
}

// place returns the line and the column of the byte at offset, both 1-based.
func (o outline) place(offset int) (line, column int) {
	start := o.lineStart(offset)
	return bytes.Count(o.data[:start], []byte("\n")) + 1, utf8.RuneCount(o.data[start:offset]) + 1
}

// lineStart returns where the line of the byte at offset begins.
func (o outline) lineStart(offset int) int {
	return max(o.first, bytes.LastIndexByte(o.text[:offset], '\n')+1)
}
