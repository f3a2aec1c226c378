package gitops

// deepestFlow bounds how deep flow maps and lists may stand in each other.
const deepestFlow = 8

// flowEnd returns where the flow map or list at the offset at ends, or 0 when it is not
// known to be one that ends with text. It knows maps whose keys all have values, and
// scalars that are quoted or words.
func flowEnd(text []byte, at, depth int) int {
	shut, end := byte(']'), len(text)
	if text[at] == '{' {
		shut = '}'
	}
	if depth == deepestFlow {
		return 0
	}
	if at = skipSpaces(text, at+1, end); at < end && text[at] == shut {
		return at + 1
	}
	for at < end {
		if shut == '}' {
			if _, at = keyAt(text, at, end); at == 0 || at == end {
				return 0
			}
			at = skipSpaces(text, at, end)
		}
		if at = flowValueEnd(text, at, depth); at == 0 {
			return 0
		}
		at = skipSpaces(text, at, end)
		switch {
		case at < end && text[at] == shut:
			return at + 1
		case at == end || text[at] != ',':
			return 0
		}
		at = skipSpaces(text, at+1, end)
	}
	return 0
}

// flowValueEnd returns where the value at the offset at ends, or 0.
func flowValueEnd(text []byte, at, depth int) int {
	end := len(text)
	if at == end {
		return 0
	}
	switch c := text[at]; {
	case c == '"' || c == '\'':
		_, _, next := quotedAt(text, at, end)
		return next
	case c == '{' || c == '[':
		return flowEnd(text, at, depth+1)
	case !isLetter(c) && c != '/':
		return 0
	}
	for at < end && (isWord(text[at]) || joins(text[at:])) {
		at++
	}
	return at
}

// joins reports whether text begins with a blank or a colon inside of a scalar: with a
// word right behind it.
func joins(text []byte) bool {
	return (text[0] == ' ' || text[0] == ':') && len(text) > 1 && isWord(text[1])
}
