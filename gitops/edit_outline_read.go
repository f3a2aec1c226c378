package gitops

import (
	"bytes"
	"strings"
)

// An outliner reads the lines of a plain file.
type outliner struct {
	text    []byte
	next    int // where the line begins that is read next
	entries []entry
	blocks  []block // those that the current line may continue, the innermost last
	open    bool    // the last entry has no value so far: its block may follow
	started bool    // the line "---" was read
}

// A block is a map or a list in block style.
type block struct {
	column int // of its keys or dashes
	list   bool
	parent int // the entry that holds it, or -1
}

// longestLine bounds the lines that are read, because the parser bounds its keys.
const longestLine = 1000

// readOutline returns the entries of text, or reports that it is not plain.
func readOutline(text []byte) ([]entry, bool) {
	o := outliner{text: text, entries: make([]entry, 0, 4+len(text)/24), blocks: make([]block, 0, 8)}
	for o.next < len(text) {
		start, end := o.line()
		if !o.read(start, end) {
			return nil, false
		}
	}
	return o.entries, true
}

// peek returns the bounds of the next line, without its break, and of the one behind it.
func (o *outliner) peek() (start, end, next int) {
	start, end = o.next, len(o.text)
	next = end
	if i := bytes.IndexByte(o.text[start:], '\n'); i >= 0 {
		end, next = start+i, start+i+1
		if i > 0 && o.text[end-1] == '\r' {
			end--
		}
	}
	return start, end, next
}

// line returns the bounds of the next line, and goes on behind it.
func (o *outliner) line() (start, end int) {
	start, end, o.next = o.peek()
	return start, end
}

// read reads one line: a blank one, a comment, the beginning of the document, or keys
// and dashes with a value.
func (o *outliner) read(start, end int) bool {
	at := skipSpaces(o.text, start, end)
	switch {
	case at == end || o.text[at] == '#':
		return true
	case string(o.text[start:end]) == "---":
		first := !o.started && len(o.entries) == 0
		o.started = true
		return first
	case end-start > longestLine:
		return false
	}
	return o.content(start, at, end)
}

// content reads the keys and dashes of a line, which begin at the offset at.
func (o *outliner) content(start, at, end int) bool {
	dash := isDash(o.text[at:end])
	switch {
	case !o.enter(at-start, dash):
		return false
	case !dash:
		return o.pair(start, at, end, false)
	}
	for {
		o.add(entry{item: true})
		if at = skipSpaces(o.text, at+1, end); !isDash(o.text[at:end]) {
			return o.pair(start, at, end, true)
		}
		o.push(at-start, true)
	}
}

// isDash reports whether text begins with the dash of an item and something behind it.
func isDash(text []byte) bool {
	return len(text) > 1 && text[0] == '-' && text[1] == ' '
}

// skipSpaces returns the first offset from at on that is no space, or end.
func skipSpaces(text []byte, at, end int) int {
	for at < end && text[at] == ' ' {
		at++
	}
	return at
}

// enter makes the block the innermost one that a line continues or begins at column, and
// reports whether it can do so.
func (o *outliner) enter(column int, dash bool) bool {
	if len(o.blocks) == 0 {
		o.push(column, dash)
		return column == 0
	}
	top := len(o.blocks) - 1
	for o.blocks[top].column > column {
		if top--; top < 0 {
			return false
		}
		o.open = false
	}
	o.blocks = o.blocks[:top+1]
	b := o.blocks[top]
	switch {
	case b.column < column, dash && !b.list: // a list may stand as far left as its key
		if !o.open {
			return false
		}
		o.push(column, dash)
	case b.list && !dash: // the map goes on whose key holds such a list
		o.blocks = o.blocks[:top]
		return top > 0 && o.blocks[top-1].column == column
	}
	return true
}

// push begins a block that the last entry holds.
func (o *outliner) push(column int, list bool) {
	o.blocks = append(o.blocks, block{column: column, list: list, parent: len(o.entries) - 1})
}

// add appends an entry to the innermost block.
func (o *outliner) add(e entry) {
	e.parent = o.blocks[len(o.blocks)-1].parent
	o.entries = append(o.entries, e)
	o.open = false
}

// pair reads a key with its value, or the value alone of an item.
func (o *outliner) pair(start, at, end int, item bool) bool {
	key, after := keyAt(o.text, at, end)
	if after == 0 {
		return item && at < end && o.value(at, end)
	}
	if item {
		o.push(at-start, false)
	}
	o.add(entry{key: key})
	if at = skipSpaces(o.text, after, end); at == end || o.text[at] == '#' {
		o.open = true
		return true
	}
	return o.value(at, end)
}

// keyAt returns the key at the offset at and where its colon ends, or 0 when no key that
// is known to be one stands there.
func keyAt(text []byte, at, end int) (key span, after int) {
	if c := text[at:end]; len(c) > 0 && (c[0] == '"' || c[0] == '\'') {
		s, form, next := quotedAt(text, at, end)
		if form == formEscaped || s.start == s.end {
			return span{}, 0
		}
		key, after = s, next
	} else {
		for after = at; after < end && (after > at && isWord(text[after]) || after == at && isFirst(text[at])); {
			after++
		}
		key = span{at, after}
	}
	if after <= at || after == end || text[after] != ':' || after+1 < end && text[after+1] != ' ' {
		return span{}, 0
	}
	return key, after + 1
}

// isFirst reports whether a key may begin with c.
func isFirst(c byte) bool { return isLetter(c) || c == '/' || c == '$' }

// isLetter reports whether c is a letter, a digit or a low line.
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// isWord reports whether c may stand in a key, or in a scalar of a flow map or list.
func isWord(c byte) bool { return isLetter(c) || c == '-' || c == '.' || c == '/' }

// value reads the value of the last entry, which is not empty, and what is behind it.
func (o *outliner) value(at, end int) bool {
	e := &o.entries[len(o.entries)-1]
	next := 0
	switch c := o.text[at]; {
	case c == '"' || c == '\'':
		e.value, e.form, next = quotedAt(o.text, at, end)
	case c == '{' || c == '[':
		next = flowEnd(o.text[:end], at, 0)
		e.value, e.form = span{at, next}, formFlow
	case c == '|' || c == '>':
		if next = at + 1; next < end && (o.text[next] == '-' || o.text[next] == '+') {
			next++
		}
		e.value, e.form = span{at, next}, formBlock
		return o.ends(next, end) && o.body()
	default:
		e.value, e.form = plainAt(o.text, at, end), formPlain
		next = e.value.end
	}
	return next > at && o.ends(next, end)
}

// ends reports whether nothing but a comment stands behind at.
func (o *outliner) ends(at, end int) bool {
	next := skipSpaces(o.text, at, end)
	return next == end || next > at && o.text[next] == '#'
}

// plainAt returns the scalar without quotes at the offset at, which is empty when it is
// not known to be one.
func plainAt(text []byte, at, end int) span {
	last := at
	switch c := text[at]; {
	case c == '-' && at+1 < end && text[at+1] != ' ':
	case strings.IndexByte("-?:,[]{}#&*!|>'\"%@`<\t", c) >= 0:
		return span{at, at}
	}
	for i := at; i < end; i++ {
		switch c := text[i]; {
		case c == '\t', c == ':' && (i+1 == end || text[i+1] == ' '):
			return span{at, at}
		case c == '#' && text[i-1] == ' ':
			return span{at, last + 1}
		case c != ' ':
			last = i
		}
	}
	return span{at, last + 1}
}

// quotedAt returns the quoted scalar at the offset at and where its closing quote ends,
// which is 0 when it has none, or has escapes that are not known to be any.
func quotedAt(text []byte, at, end int) (span, form, int) {
	quote, kind := text[at], formDouble
	if quote == '\'' {
		kind = formSingle
	}
	for i := at + 1; i < end; i++ {
		switch c := text[i]; {
		case c == '\t':
			return span{}, kind, 0
		case c == '\\' && quote == '"':
			if i++; i == end || !bytes.Contains([]byte(`\"nrt`), text[i:i+1]) {
				return span{}, kind, 0
			}
			kind = formEscaped
		case c == quote && quote == '\'' && i+1 < end && text[i+1] == quote:
			i++
			kind = formEscaped
		case c == quote:
			return span{at + 1, i}, kind, i + 1
		}
	}
	return span{}, kind, 0
}

// body reads the lines of a block scalar, whose header was read.
func (o *outliner) body() bool {
	outer, indent, widest := o.blocks[len(o.blocks)-1].column, 0, 0
	for o.next < len(o.text) {
		start, end, next := o.peek()
		at := skipSpaces(o.text, start, end)
		column := at - start
		switch {
		case at == end && indent == 0:
			widest = max(widest, column)
		case at == end:
		case column <= outer:
			return indent > 0
		case indent == 0:
			if indent = column; widest > indent || o.text[at] == '\t' {
				return false
			}
		case column < indent:
			return false
		}
		o.next = next
	}
	return indent > 0
}
