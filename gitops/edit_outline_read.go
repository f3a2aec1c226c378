package gitops

import "bytes"

// An outliner reads a plain file, line by line, but for values that stand on several.
type outliner struct {
	text             []byte
	start, end, next int // the line that is read, without its break, and where the next one begins
	entries          []entry
	blocks           []block // those that the line may continue, the innermost last; the first is the document's
	anchors          []span  // the names in the document so far
	open             opening
}

// A block is a map or a list in block style.
type block struct {
	column int // of its keys or dashes, -1 for that of a document
	list   bool
	parent int // the entry that holds it
}

// An opening says what the next line may bring to the last entry.
type opening uint8

const (
	openNothing opening = iota // it has a value
	openBlock                  // its block, because an anchor stands behind its key
	openValue                  // its block or its value
)

const (
	longestKey   = 1000 // bytes; the parser knows keys by a colon within 1024 runes
	deepestBlock = 1000
	mostAnchors  = 256
)

// readAll reads text from the offset at on, or reports that it is not plain. What the
// outliner has read before is gone then.
func (o *outliner) readAll(text []byte, at int) bool {
	*o = outliner{text: text, next: at, entries: o.entries[:0], blocks: o.blocks[:0], anchors: o.anchors[:0]}
	for o.next < len(text) {
		o.line()
		if !o.read() {
			return false
		}
	}
	return true
}

// line goes on to the next line.
func (o *outliner) line() {
	o.start, o.end, o.next = o.next, len(o.text), len(o.text)
	if i := bytes.IndexByte(o.text[o.start:], '\n'); i >= 0 {
		o.end, o.next = o.start+i, o.start+i+1
		if i > 0 && o.text[o.end-1] == '\r' {
			o.end--
		}
	}
}

// reach goes on to the line that holds the offset at, or ends there.
func (o *outliner) reach(at int) {
	for at > o.end {
		o.line()
	}
}

// read reads one line: a blank one, a comment, the beginning of a document, or keys and
// dashes with a value.
func (o *outliner) read() bool {
	at := skipSpaces(o.text, o.start, o.end)
	switch {
	case at == o.end || o.text[at] == '#':
		return true
	case isMarker(o.text, at) && at == o.start:
		o.document()
		return o.text[at] == '-' && o.ends(at+len("---"))
	case len(o.blocks) == 0:
		o.document()
	}
	return o.content(at)
}

// document begins a document.
func (o *outliner) document() {
	o.blocks, o.anchors = append(o.blocks[:0], block{column: -1, parent: len(o.entries)}), o.anchors[:0]
	o.entries = append(o.entries, entry{parent: -1, kind: kindDocument})
	o.open = openValue
}

// isMarker reports whether the marker of the beginning or the end of a document stands at
// the offset at, if a line begins there.
func isMarker(text []byte, at int) bool {
	after := at + len("---")
	if after > len(text) || string(text[at:after]) != "---" && string(text[at:after]) != "..." {
		return false
	}
	return after == len(text) || isBlank(text[after]) || text[after] == '\n' || text[after] == '\r'
}

// content reads the keys and dashes of a line, which begin at the offset at, or the value
// of the last entry.
func (o *outliner) content(at int) bool {
	column := at - o.start
	if isDash(o.text[at:o.end]) {
		return o.enter(column, true) && o.item(at)
	}
	key, after := o.key(at)
	if after > 0 {
		return o.enter(column, false) && o.pair(key, after)
	}
	flow := o.text[at] == '{' || o.text[at] == '['
	return o.open == openValue && column > o.column() && (flow || o.column() >= 0) && o.value(at)
}

// isDash reports whether text begins with the dash of an item.
func isDash(text []byte) bool {
	return text[0] == '-' && (len(text) == 1 || text[1] == ' ')
}

// isBlank reports whether c is a blank within a line.
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// skipSpaces returns the first offset from at on that is no space, or end. Lines are
// indented by spaces.
func skipSpaces(text []byte, at, end int) int {
	for at < end && text[at] == ' ' {
		at++
	}
	return at
}

// skipBlanks returns the first offset from at on that is no space or tab, or end.
func skipBlanks(text []byte, at, end int) int {
	for at < end && isBlank(text[at]) {
		at++
	}
	return at
}

// ends reports whether nothing but a comment stands on the line behind at.
func (o *outliner) ends(at int) bool {
	next := skipBlanks(o.text, at, o.end)
	return next == o.end || next > at && o.text[next] == '#'
}

// enter makes the block the innermost one that a line continues or begins at column, and
// reports whether it can do so.
func (o *outliner) enter(column int, dash bool) bool {
	top := len(o.blocks) - 1
	for o.blocks[top].column > column {
		top--
		o.open = openNothing
	}
	o.blocks = o.blocks[:top+1]
	b := o.blocks[top]
	switch {
	case b.column < column, dash && !b.list: // a list may stand as far left as its key
		return o.open != openNothing && o.push(column, dash)
	case b.list && !dash: // the map goes on whose key holds such a list
		o.blocks = o.blocks[:top]
		return o.blocks[top-1].column == column
	}
	return true
}

// column returns that of the innermost block.
func (o *outliner) column() int { return o.blocks[len(o.blocks)-1].column }

// push begins a block that the last entry holds.
func (o *outliner) push(column int, list bool) bool {
	o.blocks = append(o.blocks, block{column: column, list: list, parent: len(o.entries) - 1})
	return len(o.blocks) <= deepestBlock
}

// add appends an entry to the innermost block.
func (o *outliner) add(k kind, key span) {
	o.entries = append(o.entries, entry{parent: o.blocks[len(o.blocks)-1].parent, kind: k, key: key})
	o.open = openNothing
}

// item reads the dash at the offset at and what it holds: other items, a map or a value.
func (o *outliner) item(at int) bool {
	for {
		o.add(kindItem, span{})
		at = skipSpaces(o.text, at+1, o.end)
		switch {
		case at == o.end || o.text[at] == '#':
			o.open = openValue
			return true
		case isDash(o.text[at:o.end]):
			if !o.push(at-o.start, true) {
				return false
			}
			continue
		}
		key, after := o.key(at)
		if after == 0 {
			return o.value(at)
		}
		return o.push(at-o.start, false) && o.pair(key, after)
	}
}

// pair adds a key, and reads its value behind the offset at.
func (o *outliner) pair(key span, at int) bool {
	o.add(kindKey, key)
	if o.ends(at) {
		o.open = openValue
		return true
	}
	return o.value(skipBlanks(o.text, at, o.end))
}

// key returns the key at the offset at and where its colon ends, or 0 when no key that is
// known to be one stands there.
func (o *outliner) key(at int) (key span, after int) {
	if c := o.text[at]; c == '"' || c == '\'' {
		s, form, next := quotedAt(o.text[:o.end], at)
		if next == 0 || !form.literal() || s.start == s.end {
			return span{}, 0
		}
		key, after = s, skipBlanks(o.text, next, o.end)
	} else {
		if !isFirst(o.text[at:o.end]) {
			return span{}, 0
		}
		last := at
		for after = at; after < o.end && !isColon(o.text[after:o.end]); after++ {
			if c = o.text[after]; c == '#' && isBlank(o.text[after-1]) {
				return span{}, 0
			} else if !isBlank(c) {
				last = after
			}
		}
		key = span{at, last + 1}
	}
	if after == o.end || after-at > longestKey || !isColon(o.text[after:o.end]) {
		return span{}, 0
	}
	return key, after + 1
}

// isColon reports whether text begins with the colon behind a key.
func isColon(text []byte) bool { return text[0] == ':' && (len(text) == 1 || isBlank(text[1])) }

// isFirst reports whether a key or a value without quotes may begin with text.
func isFirst(text []byte) bool {
	switch text[0] {
	case '-', '?', ':':
		return len(text) > 1 && !isBlank(text[1])
	case ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '\t':
		return false
	}
	return true
}

// isMerge reports whether text begins like the key that merges a map into another.
func isMerge(text []byte) bool { return bytes.HasPrefix(text, []byte("<<")) }
