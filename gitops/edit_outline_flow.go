package gitops

import "bytes"

// deepestFlow bounds how deep flow maps and lists may stand in each other.
const deepestFlow = 64

// flow reads the flow map or list at the offset at, which is the value of an entry, with
// all that it holds, and returns where it ends, or 0 when it is not known to be one. It
// knows maps whose keys all have values, and scalars that are quoted or stand on one line.
func (o *outliner) flow(index, at, depth int) int {
	start, shut := at, byte(']')
	if o.text[at] == '{' {
		shut = '}'
	}
	if depth == deepestFlow {
		return 0
	}
	for at = o.gap(at + 1); at > 0 && o.text[at] != shut; {
		if at = o.flowEntry(index, at, shut == ']', depth); at == 0 {
			return 0
		}
		if at = o.gap(at); at > 0 && o.text[at] == ',' {
			at = o.gap(at + 1)
		} else if at > 0 && o.text[at] != shut {
			return 0
		}
	}
	if at == 0 {
		return 0
	}
	e := &o.entries[index]
	e.value, e.form = span{start, at + 1}, formFlow
	return at + 1
}

// gap passes over blanks, line breaks and comments of a flow map or list, from the end of
// a token at the offset at, and returns where the next one begins, or 0. Tabs may not
// stand where the block around it is indented.
func (o *outliner) gap(at int) int {
	for {
		next := skipBlanks(o.text, at, o.end)
		switch {
		case next < o.end && o.text[next] != '#':
			return next
		case next < o.end && next == at && at > o.start, o.next == len(o.text):
			return 0
		}
		o.line()
		at = o.start
		indent := skipSpaces(o.text, at, o.end)
		if isMarker(o.text, at) || indent < o.end && o.text[indent] == '\t' && indent-at <= o.column() {
			return 0
		}
	}
}

// flowEntry reads a key with its value, or the value alone of an item, at the offset at,
// and returns where it ends, or 0.
func (o *outliner) flowEntry(parent, at int, list bool, depth int) int {
	e := entry{parent: parent, kind: kindItem}
	if !list {
		e.kind = kindKey
		if e.key, at = o.flowKey(at); at > 0 {
			at = o.gap(at)
		}
		if at == 0 {
			return 0
		}
	}
	index, first := len(o.entries), at
	o.entries = append(o.entries, e)
	at, ok := o.properties(index, at)
	if !ok || at == o.end {
		return 0
	}
	if next, known := o.node(index, at, first < at, depth+1); known {
		return next
	}
	value := o.flowWords(at)
	if value.start == value.end || isMerge(o.text[at:value.end]) {
		return 0
	}
	o.entries[index].value, o.entries[index].form = value, formPlain
	return value.end
}

// flowKey returns the key at the offset at and where its colon ends, or 0. Behind quotes
// the colon needs no blank.
func (o *outliner) flowKey(at int) (key span, after int) {
	if c := o.text[at]; c == '"' || c == '\'' {
		s, form, next := quotedAt(o.text[:o.end], at)
		if next == 0 || !form.literal() || s.start == s.end {
			return span{}, 0
		}
		key, after = s, skipBlanks(o.text, next, o.end)
		if after == o.end || o.text[after] != ':' {
			return span{}, 0
		}
	} else {
		key = o.flowWords(at)
		after = skipBlanks(o.text, key.end, o.end)
		if key.start == key.end || after == o.end || !isColon(o.text[after:o.end]) {
			return span{}, 0
		}
	}
	if after-at > longestKey {
		return span{}, 0
	}
	return key, after + 1
}

// flowWords returns the scalar without quotes at the offset at, which is empty when it is
// not known to be one.
func (o *outliner) flowWords(at int) span {
	words := span{at, at}
	if o.text[at] == ':' || !isFirst(o.text[at:o.end]) {
		return words
	}
	for i := at; i < o.end; i++ {
		switch c := o.text[i]; {
		case isFlowSign(c), c == '#' && isBlank(o.text[i-1]):
			return words
		case c == ':' && isColon(o.text[i:o.end]):
			return words
		case c == ':' && isFlowSign(o.text[i+1]):
			return span{at, at}
		case !isBlank(c):
			words.end = i + 1
		}
	}
	return words
}

// isFlowSign reports whether c ends a scalar without quotes in a flow map or list.
func isFlowSign(c byte) bool { return bytes.IndexByte([]byte(",[]{}?"), c) >= 0 }
