package repo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// A mark says what a packet line is: text, or one of git's marks between texts.
type mark int

// Packet lines whose length field is no length.
const (
	flush mark = 0 // the end of a message
	delim mark = 1 // the end of a section
	text  mark = 4 // not a mark: the line carries text
)

// longest is the greatest length of a packet line, with its length field.
const longest = 65520

// pkt appends a packet line of text to b.
func pkt(b []byte, format string, args ...any) []byte {
	at := len(b)
	b = fmt.Appendf(append(b, "0000"...), format, args...)
	copy(b[at:], fmt.Sprintf("%04x", len(b)-at))
	return b
}

// pktMark appends a packet line that carries none.
func pktMark(b []byte, m mark) []byte { return fmt.Appendf(b, "%04x", int(m)) }

// lines reads packet lines.
type lines struct {
	from *bufio.Reader
	line []byte // of the last call of next; its space is used again
}

func newLines(r io.Reader) *lines {
	return &lines{from: bufio.NewReaderSize(r, 16<<10)}
}

// A said is what a server answered instead of what it was asked for.
type said string

func (s said) Error() string { return string(s) }

// next returns the next line without its length, valid until the next call. A line
// in which the server reports an error is a said.
func (l *lines) next() ([]byte, mark, error) {
	line, m, err := l.read()
	if rest, ok := bytes.CutPrefix(line, []byte("ERR ")); ok {
		return nil, text, said(rest)
	}
	return line, m, err
}

// read returns the next line, whatever it says.
func (l *lines) read() ([]byte, mark, error) {
	var field [4]byte
	if _, err := io.ReadFull(l.from, field[:]); err != nil {
		return nil, flush, cutOff(err)
	}
	length, err := strconv.ParseUint(string(field[:]), 16, 32)
	switch {
	case err != nil:
		return nil, flush, fmt.Errorf("the answer is not in git's protocol: %q is not the length of a line", field)
	case length < uint64(text):
		return nil, mark(length), nil
	case length > longest:
		return nil, flush, fmt.Errorf("the answer is not in git's protocol: a line of %d bytes", length)
	}
	if l.line == nil {
		l.line = make([]byte, longest)
	}
	line := l.line[:length-uint64(text)]
	if _, err := io.ReadFull(l.from, line); err != nil {
		return nil, flush, cutOff(err)
	}
	return line, text, nil
}

// each calls do with every line up to the next mark, without its line break.
func (l *lines) each(do func(line string) error) (mark, error) {
	for {
		line, m, err := l.next()
		if err != nil || m != text {
			return m, err
		}
		if err := do(string(bytes.TrimSuffix(line, []byte("\n")))); err != nil {
			return m, err
		}
	}
}

// cutOff makes a sentence of the end of an answer where it must not end.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the server's answer is cut off")
	}
	return err
}

// mostRemarks is how much of what a server remarks is kept, in bytes.
const mostRemarks = 16 << 10

// A band reads the data among lines in which a server sends data, remarks and errors
// side by side, up to the next mark.
type band struct {
	*lines
	rest    []byte // of the data of the last line
	remarks []byte // what the server said beside the data
	err     error
}

// Read returns data. An error that the server reports is a said.
func (b *band) Read(p []byte) (int, error) {
	for len(b.rest) == 0 && b.err == nil {
		b.more()
	}
	if len(b.rest) == 0 {
		return 0, b.err
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// more reads the next line.
func (b *band) more() {
	line, m, err := b.next()
	switch {
	case err != nil:
		b.err = err
	case m != text:
		b.err = io.EOF
	case len(line) == 0:
		return
	case line[0] == 1:
		b.rest = line[1:]
	case line[0] == 2:
		b.remarks = append(b.remarks, line[1:min(len(line), 1+mostRemarks-len(b.remarks))]...)
	case line[0] == 3:
		b.err = said(line[1:])
	default:
		b.err = fmt.Errorf("the answer is not in git's protocol: data of the kind %d", line[0])
	}
}
