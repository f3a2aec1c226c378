package gitops

import "bytes"

// mask returns data with every template action {{ … }} overwritten, at the same
// length and with the same lines, so that a YAML parser can read it: by blanks on
// lines that hold nothing but actions (and a comment), elsewhere by letters. Open is
// the offset of an action that is not closed, or -1.
func mask(data []byte) (text []byte, open int) {
	text = bytes.Clone(data)
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte("{{"))
		if i < 0 {
			break
		}
		start := at + i
		size := actionSize(text[start:])
		if size < 0 {
			return nil, start
		}
		at = start + size
		for j := start; j < at; j++ {
			if text[j] != '\n' {
				text[j] = 0 // no byte of a text file: the second pass knows it by this
			}
		}
	}
	for line := range bytes.Lines(text) {
		fillLine(line)
	}
	return text, -1
}

// fillLine turns the zero bytes of one line into what the parser passes over.
func fillLine(line []byte) {
	if bytes.IndexByte(line, 0) < 0 {
		return
	}
	rest := bytes.TrimSpace(bytes.ReplaceAll(line, []byte{0}, nil))
	fill := byte('x')
	if len(rest) == 0 || rest[0] == '#' {
		fill = ' '
	}
	for i, c := range line {
		if c == 0 {
			line[i] = fill
		}
	}
}

// actionSize returns the length of the template action at the beginning of text, or
// -1 when it is not closed. Braces in its strings and comments do not close it.
func actionSize(text []byte) int {
	inner := bytes.TrimLeft(bytes.TrimPrefix(text[2:], []byte("-")), " \t\r\n")
	if bytes.HasPrefix(inner, []byte("/*")) {
		return commentSize(text, len(text)-len(inner)+2)
	}
	for i := 2; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '`' || c == '\'':
			end := closingQuote(text, i)
			if end < 0 {
				return -1
			}
			i = end
		case bytes.HasPrefix(text[i:], []byte("}}")):
			return i + 2
		}
	}
	return -1
}

// commentSize returns the length of the action at the beginning of text that is a
// comment whose words begin at the offset body, or -1.
func commentSize(text []byte, body int) int {
	end := bytes.Index(text[body:], []byte("*/"))
	if end < 0 {
		return -1
	}
	end += body
	shut := bytes.Index(text[end:], []byte("}}"))
	if shut < 0 {
		return -1
	}
	return end + shut + 2
}

// closingQuote returns the offset of the quote that closes the one at text[i], or -1.
// All but raw strings know escapes.
func closingQuote(text []byte, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i
		case text[i] == '\\' && quote != '`':
			i++
		}
	}
	return -1
}
