package gitops

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"
)

// value reads the value of the last entry, which is not empty, and what is behind it.
func (o *outliner) value(at int) bool {
	index := len(o.entries) - 1
	o.open = openNothing
	first := at
	at, ok := o.properties(index, at)
	e := &o.entries[index]
	switch {
	case !ok:
		return false
	case at == o.end || o.text[at] == '#':
		o.open = openBlock
		return e.tag == tagNone
	case o.text[at] == '|' || o.text[at] == '>':
		return o.header(e, at)
	}
	if next, known := o.node(index, at, first < at, 0); known {
		return next > 0 && o.ends(next)
	}
	return o.words(e, at)
}

// node reads a quoted scalar, a flow map or list, or an alias, as the value of an entry.
// It returns where that ends, 0 if it is not known to; or known is false, when none of
// them stands there.
func (o *outliner) node(index, at int, properties bool, depth int) (next int, known bool) {
	e := &o.entries[index]
	switch o.text[at] {
	case '"', '\'':
		if e.value, e.form, next = quotedAt(o.text, at); next > 0 {
			o.reach(next)
		}
	case '{', '[':
		next = o.flow(index, at, depth)
	case '*':
		if next = o.name(at + 1); properties || !o.anchored(span{at + 1, next}) {
			next = 0
		}
		e.value, e.form = span{at, next}, formAlias
	default:
		return 0, false
	}
	return next, true
}

// properties reads the anchor and the tag in front of the value of an entry, each at most
// once, and returns where the value begins, which may be the end of the line.
func (o *outliner) properties(index, at int) (value int, ok bool) {
	e := &o.entries[index]
	anchored := false
	for ; at < o.end; at = skipBlanks(o.text, at, o.end) {
		next := at
		switch {
		case o.text[at] == '&' && !anchored:
			anchored = true
			next = o.name(at + 1)
			o.anchors = append(o.anchors, span{at + 1, next})
			if next == at+1 || len(o.anchors) > mostAnchors {
				return 0, false
			}
		case o.text[at] == '!' && e.tag == tagNone:
			e.tag, next = tagAt(o.text, at, o.end)
		case o.text[at] == '&' || o.text[at] == '!':
			return 0, false
		default:
			return at, true
		}
		if next < o.end && !isBlank(o.text[next]) {
			return 0, false
		}
		at = next
	}
	return at, true
}

// name returns where the name of an anchor ends that begins at the offset at.
func (o *outliner) name(at int) int {
	for at < o.end && (isLetter(o.text[at]) || o.text[at] == '-') {
		at++
	}
	return at
}

// isLetter reports whether c is a letter, a digit or a low line.
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// anchored reports whether the anchor of that name stands above.
func (o *outliner) anchored(name span) bool {
	return slices.ContainsFunc(o.anchors, func(a span) bool {
		return bytes.Equal(o.text[a.start:a.end], o.text[name.start:name.end])
	})
}

// tagAt returns what the tag at the offset at says, and where it ends: tagNone, and at,
// when it is not known to be one.
func tagAt(text []byte, at, end int) (tag, int) {
	kind, first := tagLocal, at+1
	if bytes.HasPrefix(text[at:end], []byte("!!")) {
		kind, first = tagOther, at+2
	}
	next := first
	for next < end && (isLetter(text[next]) || text[next] == '-' || next > first && (text[next] == '.' || text[next] == '/')) {
		next++
	}
	switch {
	case next == first:
		return tagNone, at
	case string(text[at:next]) == "!!str":
		kind = tagString
	}
	return kind, next
}

// quotedAt returns the quoted scalar at the offset at and where its closing quote ends,
// which is 0 when it has none, or has escapes that are not known to be any. It may stand
// on several lines, of which none may look like the marker of a document.
func quotedAt(text []byte, at int) (span, form, int) {
	quote, kind := text[at], formDouble
	if quote == '\'' {
		kind = formSingle
	}
	for i := at + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			if isMarker(text, i+1) {
				return span{}, kind, 0
			}
			kind = formOther
		case c == '\\' && quote == '"':
			size, ok := escapeSize(text[i+1:])
			if !ok {
				return span{}, kind, 0
			}
			i += size
			kind = formOther
		case c == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
			kind = formOther
		case c == quote:
			return span{at + 1, i}, kind, i + 1
		}
	}
	return span{}, kind, 0
}

// escapeSize returns how much of text, which stands behind a backslash, is escaped by it:
// nothing, if that is the line break. It reports false when no escape is known to stand
// there.
func escapeSize(text []byte) (size int, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	switch text[0] {
	case '\r', '\n':
		return 0, true
	case '"', '\\', '0', 'a', 'b', 't', 'n', 'v', 'f', 'r', 'e', ' ', 'N', '_', 'L', 'P':
		return 1, true
	case 'x':
		size = len("x00")
	case 'u':
		size = len("u0000")
	}
	if size == 0 || len(text) < size {
		return 0, false
	}
	value, err := strconv.ParseUint(string(text[1:size]), 16, 16)
	return size, err == nil && !utf16.IsSurrogate(rune(value))
}

// words reads the scalar without quotes at the offset at, and the lines that it goes on in.
func (o *outliner) words(e *entry, at int) bool {
	if !isFirst(o.text[at:o.end]) || isMerge(o.text[at:o.end]) {
		return false
	}
	last, more, ok := o.rest(at)
	e.value, e.form = span{at, last}, formPlain
	for ok && more {
		at, column := o.ahead()
		if at == len(o.text) || o.text[at] == '#' || column <= o.column() {
			break
		}
		e.form = formOther
		o.reach(at)
		_, more, ok = o.rest(at)
	}
	return ok
}

// rest returns where the words from the offset at to the end of the line end, and whether
// those of the next line may belong to them. It reports false for what ends in a colon or
// begins with a tab.
func (o *outliner) rest(at int) (last int, more, ok bool) {
	last, ok = at, o.text[at] != '\t'
	for i := at; i < o.end; i++ {
		switch c := o.text[i]; {
		case c == ':' && isColon(o.text[i:o.end]):
			return last, false, false
		case c == '#' && isBlank(o.text[i-1]):
			return last, false, ok
		case !isBlank(c):
			last = i + 1
		}
	}
	return last, true, ok
}

// ahead returns the first offset behind this line that is no space and no line break, and
// its column.
func (o *outliner) ahead() (at, column int) {
	start := o.next
	for {
		at = skipSpaces(o.text, start, len(o.text))
		if at == len(o.text) || o.text[at] != '\r' && o.text[at] != '\n' {
			return at, at - start
		}
		start = at + 1
	}
}

// header reads the first line of a block scalar: its style, its indentation and what
// becomes of the breaks at its end.
func (o *outliner) header(e *entry, at int) bool {
	indent, chomped, next := 0, false, at+1
	for ; next < o.end; next++ {
		c := o.text[next]
		if c >= '1' && c <= '9' && indent == 0 {
			indent = o.column() + int(c-'0')
		} else if (c == '-' || c == '+') && !chomped {
			chomped = true
		} else {
			break
		}
	}
	e.value, e.form = span{at, next}, formBlock
	return o.ends(next) && o.body(indent)
}

// body reads the lines of a block scalar. Indent is 0 when the first one tells it.
func (o *outliner) body(indent int) bool {
	outer, widest := o.column(), 0
	for o.next < len(o.text) {
		at := skipSpaces(o.text, o.next, len(o.text))
		column := at - o.next
		blank := at == len(o.text) || o.text[at] == '\n' || o.text[at] == '\r'
		switch {
		case blank && indent == 0:
			widest = max(widest, column)
		case blank:
		case column <= outer:
			return true
		case indent == 0:
			if indent = column; widest > indent || o.text[at] == '\t' {
				return false
			}
		case column < indent:
			return o.text[at] == '#'
		}
		o.line()
	}
	return true
}
