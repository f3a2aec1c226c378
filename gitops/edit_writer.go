package gitops

import (
	"bytes"
	"regexp"
	"strconv"
)

// writer returns the offset of the first template action that may write the key at the
// end of path, or -1. Such an action stands alone on its line, and what it writes stands
// in a map that path leads through. Where that is, only indentation tells.
func (s *source) writer(path []step) int {
	if !s.template {
		return -1
	}
	var names []string
	for _, st := range path {
		if !st.item {
			names = append(names, st.name)
		}
	}
	var above enclosing
	at := bytes.Index(s.data, []byte("{{"))
	for n := range s.lines {
		start, end := s.line(n + 1)
		for at >= 0 && at <= end {
			action := s.data[at : at+actionSize(s.data[at:])]
			alone := len(bytes.TrimSpace(s.text[start:end])) == 0
			if alone && writes(action) && above.leads(names, outputColumn(action, at-start)) {
				return at
			}
			next := at + len(action)
			if at = bytes.Index(s.data[next:], []byte("{{")); at >= 0 {
				at += next
			}
		}
		above = above.read(s.text[start:end], s.data[start:end])
	}
	return -1
}

// continued reports that template actions at the beginning of text join what they write
// to what stands in front of it, by trimming the space between.
func continued(text []byte) bool {
	joins := false
	for {
		text = bytes.TrimLeft(text, " \t\r\n")
		if !bytes.HasPrefix(text, []byte("{{")) || !joins && !bytes.HasPrefix(text, []byte("{{-")) {
			return false
		}
		size := actionSize(text)
		if size < 0 {
			return false
		}
		action := text[:size]
		if writes(action) {
			return !indentCall.Match(action)
		}
		joins = bytes.HasSuffix(action, []byte("-}}"))
		text = text[size:]
	}
}

// writes reports that a template action writes something, as far as its first word tells.
func writes(action []byte) bool {
	body := string(bytes.Trim(action[2:len(action)-2], "- \t\r\n"))
	return body != "" && body[0] != '/' && !silent(body) && !decides(body)
}

// indentCall matches a call of a function that indents what an action writes.
var indentCall = regexp.MustCompile(`\bn?indent +([0-9]{1,4})\b`)

// outputColumn returns how far the lines are indented that an action writes, which stands
// at column itself.
func outputColumn(action []byte, column int) int {
	if call := indentCall.FindSubmatch(action); call != nil {
		column, _ = strconv.Atoi(string(call[1])) // four digits are a number
	}
	return column
}

// An encloser is a key or a dash on a line, which may hold what follows further right.
type encloser struct {
	column int
	item   bool
	name   string // of a key
	text   bool   // a block scalar follows
	closed bool   // its value stands on its line, or it cannot be told what it is
}

// An enclosing is what holds a place of a file, the innermost last.
type enclosing []encloser

// openLine matches a key whose value follows on other lines: it is group 1 or 2, and a
// block scalar has group 3.
var openLine = regexp.MustCompile(`^(?:["']([^"']*)["']|([^\s"'#][^"'#]*?)) *:(?: +[&!]\S*)*(?: +([|>])\S*)?(?: +#.*)?$`)

var dashes = regexp.MustCompile(`^(?:- +)*`)

// read returns what holds the place behind a line, given what holds the one before it.
// Text is the line with its template actions masked.
func (e enclosing) read(text, data []byte) enclosing {
	content := bytes.TrimLeft(text, " ")
	column := len(text) - len(content)
	run := len(dashes.Find(content))
	inText := len(e) > 0 && e[len(e)-1].text && column > e[len(e)-1].column
	if len(bytes.TrimSpace(content)) == 0 || content[0] == '#' || inText {
		return e
	}
	for len(e) > 0 {
		// A list may stand as far left as its key.
		if last := e[len(e)-1]; last.column < column || last.column == column && run > 0 && !last.item {
			break
		}
		e = e[:len(e)-1]
	}
	if run > 0 {
		e = append(e, encloser{column: column, item: true})
	}
	key := encloser{column: column + run, closed: true}
	if open := openLine.FindSubmatch(content[run:]); open != nil && bytes.Equal(text, data) {
		key.closed, key.name, key.text = false, string(open[1])+string(open[2]), len(open[3]) > 0
	}
	return append(e, key)
}

// leads reports that what is written at a column may stand in a map that the keys called
// names lead through.
func (e enclosing) leads(names []string, column int) bool {
	for _, around := range e {
		switch {
		case around.closed && around.column < column:
			return true
		case around.column >= column:
			return len(names) > 0
		case around.text:
			return false
		case around.item:
			continue
		case len(names) == 0 || names[0] != around.name:
			return false
		}
		names = names[1:]
	}
	return len(names) > 0
}
