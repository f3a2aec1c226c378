package gitops

import (
	"bytes"
	"path"
	"unicode/utf8"
)

// An outline is a plain values file, read line by line without a YAML parser: which
// keys and items there are, which holds which, and where the single values stand.
//
// Plain is what nearly every values file is: one document of maps and lists in block
// style, each key with its single value, quotes closed and flow style ended on the
// same line; block scalars without an indentation of their own; comments. Of such a
// file every line can be read by itself, given how far the lines above are indented:
// nothing in it reaches into another line, and nothing is written in one place and
// meant in another. What is not plain is not wrong. It is left to the parser: anchors,
// aliases, tags, merge keys, a second document, values on several lines, tabs between
// tokens, a byte order mark, line breaks other than LF and CR LF, and whatever else
// readOutline does not know. Only the parser refuses.
//
// That the outline says of a plain file exactly what the parser says of it is what
// FuzzOutline and TestOutlineProperties look at.
type outline struct {
	data    []byte // the file as it is
	text    []byte // the same with template actions masked: what is read
	entries []entry
}

// An entry is one key of a map or one item of a list, in the order of the file.
type entry struct {
	parent     int  // the index of the entry whose block it stands in, -1 at the top
	item       bool // an item of a list, which has no key
	form       form
	key, value span
}

// A span is a range of bytes. That of a scalar leaves its quotes out.
type span struct{ start, end int }

// A form is how the value of an entry is written.
type form uint8

const (
	formNone    form = iota // nothing on the line: it is null, or the entries of its block follow
	formPlain               // a scalar without quotes
	formSingle              // 'a scalar'
	formDouble              // "a scalar"
	formEscaped             // a quoted scalar whose bytes are not literally its value
	formFlow                // a flow map or list
	formBlock               // a block scalar
)

// literal reports whether the bytes of a value of that form are its text.
func (f form) literal() bool { return f == formPlain || f == formSingle || f == formDouble }

// outlineOf reads the content of a values file, or reports that it is not plain.
func outlineOf(file string, data []byte) (outline, bool) {
	if len(data) > MaxSize || !plainText(data) {
		return outline{}, false
	}
	text := data
	if path.Ext(file) == templateExt && bytes.Contains(data, []byte("{{")) {
		masked, open := mask(data)
		if open >= 0 {
			return outline{}, false
		}
		text = masked
	}
	entries, ok := readOutline(text)
	return outline{data: data, text: text, entries: entries}, ok
}

// plainText reports whether text is UTF-8 without control characters, byte order marks
// and line breaks other than LF and CR LF.
func plainText(text []byte) bool {
	ascii := true
	for i, c := range text {
		switch {
		case c >= utf8.RuneSelf:
			ascii = false
		case c == '\r':
			if i+1 == len(text) || text[i+1] != '\n' {
				return false
			}
		case c < ' ' && c != '\n' && c != '\t', c == 0x7F:
			return false
		}
	}
	return ascii || utf8.Valid(text) && bytes.IndexFunc(text, unplain) < 0
}

// unplain reports whether r is a rune above ASCII that the parser does not take for a
// letter.
func unplain(r rune) bool {
	switch r {
	case '\u2028', '\u2029', '\uFEFF', '\uFFFE', '\uFFFF':
		return true
	}
	return r > 0x7F && r < 0xA0
}

// editPlain is Edit for a plain file, at a version that can be replaced. It reports
// false for everything else, and has no opinion about it.
//
// Its proof reads the edited file once more, as an outline too: see proves.
func editPlain(file string, data []byte, sel selector, from, to Version) ([]byte, bool) {
	before, ok := outlineOf(file, data)
	if !ok {
		return nil, false
	}
	at, ok := before.find(sel)
	switch {
	case !ok || from != "" && at.value != from:
		return nil, false
	case at.value == to:
		return data, true
	}
	edited := at.splice(data, to)
	after, ok := outlineOf(file, edited)
	return edited, ok && before.proves(at, after, to)
}

// proves reports whether after, read from the file that splice made, is the outline o
// with the one scalar at replaced by to.
//
// It is as strong as parsing both and comparing the trees, because an outline is a tree
// that the parser agrees with. All other bytes are the same; every other key and value
// stands in the same block and in the same bytes; and the bytes that are new read as one
// scalar, which is to, and a string to every reader. Were the position wrong, in a
// comment, in a key, or a part of something longer, then either no entry would read as
// to, or another one would have changed.
func (o outline) proves(at scalar, after outline, to Version) bool {
	if len(o.entries) != len(after.entries) || !o.keeps(at, after) {
		return false
	}
	grown := len(after.data) - len(o.data)
	proved := false
	for i, was := range o.entries {
		is := after.entries[i]
		if i == at.entry {
			found := was.value == span{at.start, at.end}
			was.form, was.value = at.becomes(was.form, len(to), grown)
			proved = found && after.says(was.value, string(to)) && (was.form != formPlain || readsAsString(string(to)))
		} else {
			was.key, was.value = at.moved(was.key, grown), at.moved(was.value, grown)
		}
		if is != was {
			return false
		}
	}
	return proved
}

// becomes returns how and where a version of the given size stands in place of the scalar
// at, which had the form f, when the file has grown by so much: in quotes, if it has two
// bytes more than the version needs.
func (at scalar) becomes(f form, size, grown int) (form, span) {
	start := at.start
	if at.end-at.start+grown == size+2 {
		f, start = formDouble, start+1
	}
	return f, span{start, start + size}
}

// keeps reports whether all bytes outside of the scalar at are those of o, also as the
// reader sees them.
func (o outline) keeps(at scalar, after outline) bool {
	return bytes.HasPrefix(after.data, o.data[:at.start]) && bytes.HasSuffix(after.data, o.data[at.end:]) &&
		bytes.HasPrefix(after.text, o.text[:at.start]) && bytes.HasSuffix(after.text, o.text[at.end:])
}

// moved returns where a span stands in the file that has grown so much at the scalar.
func (at scalar) moved(s span, grown int) span {
	if s.start < at.end {
		return s
	}
	return span{s.start + grown, s.end + grown}
}

// says reports whether the bytes of s are text, in the file itself and not through a
// template action.
func (o outline) says(s span, text string) bool {
	return string(o.text[s.start:s.end]) == text && string(o.data[s.start:s.end]) == text
}

// place returns the line and the column of the byte at offset, both 1-based.
func (o outline) place(offset int) (line, column int) {
	line = bytes.Count(o.data[:offset], []byte("\n")) + 1
	column = utf8.RuneCount(o.data[bytes.LastIndexByte(o.data[:offset], '\n')+1:offset]) + 1
	return line, column
}
