package trigger

import (
	"regexp"
	"strings"
)

// What begins a line that is not said by the one who writes it, in GitLab's Markdown.
var (
	fenceLine   = regexp.MustCompile("^( {0,3}(?:(?:[-*+]|[0-9]{1,9}[.)]) +)*)(`{3,}|~{3,})(.*)$")
	quoteLine   = regexp.MustCompile(`^ {0,3}>`)
	quotesLine  = regexp.MustCompile(`^ {0,3}>>>[ \t]*$`) // begins and ends a quote of several lines
	hiddenLine  = regexp.MustCompile(`^ {0,3}<!--`)
	literalLine = regexp.MustCompile(`(?i)^ {0,3}<(pre|code|script|style|textarea|blockquote|details)(?:[\s>]|$)`)
	htmlLine    = regexp.MustCompile(`^ {0,3}</?[A-Za-z][A-Za-z0-9-]*(?:[\s>]|/>|$)`)
	indented    = regexp.MustCompile("^(?: {4}| {0,3}\t)")
	blockLine   = regexp.MustCompile(`^ {0,3}(?:[-*+]|[0-9]{1,9}[.)]|#{1,6})(?:\s|$)`) // a list item or a heading
)

// spokenLines returns the lines of a comment in which its author may speak to somebody:
// what is not code, a quoted reply, HTML, or hidden. Where Markdown can be read in two
// ways, a line is left out.
func spokenLines(body string) []string {
	body = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body)
	var r reader
	for line := range strings.SplitSeq(body, "\n") {
		r.line(line)
	}
	r.flush()
	return r.spoken
}

// A reader goes through a comment line by line.
type reader struct {
	ends      func(line string) bool // what ends the block that the reader is in; nil: it is in none
	paragraph []string
	spoken    []string
}

// line takes the next line.
func (r *reader) line(line string) {
	if r.ends != nil {
		if r.ends(line) {
			r.ends = nil
		}
		return
	}
	if strings.TrimSpace(line) == "" {
		r.flush()
		return
	}
	if indented.MatchString(line) {
		if len(r.paragraph) > 0 { // it goes on in the paragraph, and begins no command
			r.paragraph = append(r.paragraph, "    "+line)
		}
		return
	}
	if ends, block := begins(line); block {
		r.flush()
		r.ends = ends
		return
	}
	if blockLine.MatchString(line) {
		r.flush()
	}
	r.paragraph = append(r.paragraph, line)
}

// begins reports that a line is no part of a paragraph, and returns what ends the block
// that it begins; nil: it is a block by itself.
func begins(line string) (ends func(line string) bool, block bool) {
	if fence := fenceLine.FindStringSubmatch(line); fence != nil && !(fence[2][0] == '`' && strings.Contains(fence[3], "`")) {
		return closing(fence[2], len(fence[1])+3), true
	}
	if quotesLine.MatchString(line) {
		return quotesLine.MatchString, true
	}
	if quoteLine.MatchString(line) {
		return nil, true
	}
	if hiddenLine.MatchString(line) {
		_, rest, _ := strings.Cut(line, "<!--")
		return unless(rest, func(line string) bool { return strings.Contains(line, "-->") }), true
	}
	if tag := literalLine.FindStringSubmatch(line); tag != nil {
		end := "</" + strings.ToLower(tag[1]) + ">"
		return unless(line, func(line string) bool { return strings.Contains(strings.ToLower(line), end) }), true
	}
	if htmlLine.MatchString(line) {
		return func(line string) bool { return strings.TrimSpace(line) == "" }, true
	}
	return nil, false
}

// closing returns what ends a block of code that mark began: at least as many of the same
// character, at most indent spaces from the margin.
func closing(mark string, indent int) func(line string) bool {
	return func(line string) bool {
		text := strings.TrimLeft(line, " ")
		rest := strings.TrimLeft(text, mark[:1])
		return len(line)-len(text) <= indent && len(text)-len(rest) >= len(mark) && strings.TrimSpace(rest) == ""
	}
}

// unless returns ends, or nil where the first line ends its block already.
func unless(first string, ends func(line string) bool) func(line string) bool {
	if ends(first) {
		return nil
	}
	return ends
}

// flush takes the lines of the paragraph that has ended as spoken.
func (r *reader) flush() {
	if len(r.paragraph) > 0 {
		r.spoken = append(r.spoken, strings.Split(joined(strings.Join(r.paragraph, "\n")), "\n")...)
	}
	r.paragraph = nil
}

// joined returns the text of a paragraph with each of its code spans on one line, so that
// no line begins in one, and with its HTML comments taken out.
func joined(text string) string {
	var out strings.Builder
	none := map[string]bool{} // what does not come any more in the rest of the text
	for text != "" {
		plain := strings.IndexAny(text, "`<")
		if plain < 0 {
			plain = len(text)
		}
		out.WriteString(text[:plain])
		text = text[plain:]
		mark, end := opening(text)
		length := 0
		if end != "" && !none[end] {
			length = until(text[len(mark):], end)
			none[end] = length == 0
		}
		span := text[:len(mark)+length]
		text = text[len(span):]
		if length > 0 && end == "-->" {
			span = " "
		}
		out.WriteString(strings.ReplaceAll(span, "\n", " "))
	}
	return out.String()
}

// opening returns the mark that text begins with, and what closes it; "" where nothing
// does.
func opening(text string) (mark, end string) {
	switch {
	case text == "":
		return "", ""
	case text[0] == '`':
		mark = text[:ticks(text)]
		return mark, mark
	case strings.HasPrefix(text, "<!--"):
		return "<!--", "-->"
	}
	return text[:1], ""
}

// until returns how long text is up to and with end: as many backticks and no more, or
// what ends an HTML comment. It is 0 where that does not come.
func until(text, end string) int {
	if end[0] != '`' {
		if at := strings.Index(text, end); at >= 0 {
			return at + len(end)
		}
		return 0
	}
	for at := 0; ; {
		next := strings.IndexByte(text[at:], '`')
		if next < 0 {
			return 0
		}
		n := ticks(text[at+next:])
		at += next + n
		if n == len(end) {
			return at
		}
	}
}

// ticks returns how many backticks text begins with.
func ticks(text string) int { return len(text) - len(strings.TrimLeft(text, "`")) }
