package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// A source is a values file with the means to get from the parser's nodes to bytes.
type source struct {
	file     string
	template bool         // actions are masked in text
	data     []byte       // the file as it is
	text     []byte       // data as the parser sees it: of the same length, template actions masked
	lines    []int        // offset of the first byte of each line, as the parser counts lines
	docs     []*yaml.Node // the documents of the stream; none when fault is set
	fault    *EditError   // why text cannot be parsed, or nil

	last     cursor                // where offset was last
	supplies map[supply]*yaml.Node // what is known of merges: see supplied
}

// A cursor is where a line and a column, both 1-based, stand in text.
type cursor struct{ line, column, offset int }

var byteOrderMark = []byte("\uFEFF")

// templateExt ends the names of files that helmfile runs as templates.
const templateExt = ".gotmpl"

// MaxSize bounds the files that are edited: the parser takes many times their memory.
const MaxSize = 4 << 20

// readSource parses data. A file that is no YAML is not an error yet, since a marker
// may still name a line of it: see source.fault.
func readSource(file string, data []byte) (*source, error) {
	s := &source{file: file, data: data, text: data, template: path.Ext(file) == templateExt, supplies: map[supply]*yaml.Node{}}
	if len(data) > MaxSize {
		return nil, &EditError{File: file, Reason: fmt.Sprintf("the file is larger than %d MiB", MaxSize>>20), Cure: "keep the version in a smaller file"}
	}
	if at := notText(data); at >= 0 {
		s.lines = lineStarts(data)
		return nil, s.refuse(at, "the file is not UTF-8 text", "store it as UTF-8")
	}
	if s.template {
		masked, open := mask(data)
		if open >= 0 {
			s.lines = lineStarts(data)
			return nil, s.refuse(open, "the template action is not closed", "close it with }}")
		}
		s.text = masked
	}
	s.lines = lineStarts(s.text)
	s.parse()
	return s, nil
}

// notText returns the offset of the first byte that is not of a UTF-8 text, or -1.
func notText(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			return at
		}
		at += size
	}
	return -1
}

// parse fills docs, or fault.
func (s *source) parse() {
	decoder := yaml.NewDecoder(bytes.NewReader(s.text))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			line, words := faultOf(s.text, err)
			s.docs = nil
			s.fault = &EditError{
				File: s.file, Line: line, Reason: "the file is not valid YAML: " + words,
				Cure: `mend it, or end the version's line in "# lockstep: NAME" and use the key "#NAME"`,
			}
			return
		}
		s.docs = append(s.docs, &doc)
	}
}

// lineStarts returns the offset of the first byte of each line of text. The parser
// breaks lines at LF, CR, CR LF, NEL, LS and PS, and does not count a byte order mark.
func lineStarts(text []byte) []int {
	start := 0
	if bytes.HasPrefix(text, byteOrderMark) {
		start = len(byteOrderMark)
	}
	lines := []int{start}
	for i := start; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		if r == '\r' && i < len(text) && text[i] == '\n' {
			i++
		}
		if isBreak(r) {
			lines = append(lines, i)
		}
	}
	return lines
}

// isBreak reports whether the parser ends a line at r.
func isBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// line returns the bounds of a line without its break. The first line is 1.
func (s *source) line(n int) (start, end int) {
	start, end = s.lines[n-1], len(s.text)
	if i := bytes.IndexFunc(s.text[start:], isBreak); i >= 0 {
		end = start + i
	}
	return start, end
}

// offset returns where n begins, its anchor and tag included. It goes on from where it
// was, since all of a file may be on one line.
func (s *source) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(s.lines) {
		return len(s.text)
	}
	at := s.last
	if at.line != n.Line || at.column > n.Column {
		at = cursor{n.Line, 1, s.lines[n.Line-1]}
	}
	for ; at.column < n.Column; at.column++ {
		_, size := utf8.DecodeRune(s.text[at.offset:])
		at.offset += size
	}
	s.last = at
	return at.offset
}

// place returns the line and the column of the byte at offset, both 1-based. Columns
// count the runes of in, which is data for people and text for the parser.
func (s *source) place(in []byte, offset int) (line, column int) {
	line, found := slices.BinarySearch(s.lines, offset)
	if found {
		line++
	}
	if line == 0 { // in front of the first line is only a byte order mark
		return 1, 1
	}
	return line, utf8.RuneCount(in[s.lines[line-1]:offset]) + 1
}

// refuse returns the error that the file cannot be edited because of what stands at
// offset.
func (s *source) refuse(offset int, reason, cure string) *EditError {
	line, column := s.place(s.data, offset)
	return &EditError{File: s.file, Line: line, Column: column, Reason: reason, Cure: cure}
}

// refuseNode is refuse for what stands at a node.
func (s *source) refuseNode(n *yaml.Node, reason, cure string) *EditError {
	return s.refuse(s.offset(n), reason, cure)
}

// missing is refuseNode for a key that is not there.
func (s *source) missing(n *yaml.Node, reason, cure string) *EditError {
	e := s.refuseNode(n, reason, cure)
	e.is = ErrNotFound
	return e
}
