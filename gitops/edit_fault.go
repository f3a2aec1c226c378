package gitops

import (
	"bytes"
	"regexp"
	"strconv"
)

var (
	// faultWords takes the line out of the parser's words.
	faultWords = regexp.MustCompile(`(?s)^yaml: (?:line ([0-9]+): )?(.*)$`)

	// uncounted matches those words of the parser in which lines count from 0, which are
	// all that do not come from its scanner.
	uncounted = regexp.MustCompile(`^(?:did not find expected (?:<|node content|key$|'-' indicator|',' or )|found (?:undefined tag handle|duplicate %|incompatible ))`)

	// anchorless matches what the parser says of an alias, without its line.
	anchorless = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// faultOf returns why the parser cannot read text, and the line, as it counts lines; 0
// where it does not tell. The parser leaves the line away when it is the first one.
func faultOf(text []byte, err error) (line int, words string) {
	m := faultWords.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, err.Error()
	}
	line, _ = strconv.Atoi(m[1]) // no number is the first line
	words = m[2]
	alias := anchorless.FindStringSubmatch(words)
	switch {
	case alias != nil:
		return aliasLine(text, alias[1]), words
	case words == "control characters are not allowed":
		return controlLine(text), words
	case line == 0, uncounted.MatchString(words):
		line++
	}
	return line, words
}

// aliasLine returns the line of the alias name if no other line may hold it, else 0.
func aliasLine(text []byte, name string) int {
	found := 0
	starts := lineStarts(text)
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		switch {
		case !bytes.Contains(text[start:end], []byte("*"+name)):
		case found > 0:
			return 0
		default:
			found = i + 1
		}
	}
	return found
}

// controlLine returns the line of the first character that YAML does not allow.
func controlLine(text []byte) int {
	at := bytes.IndexFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7F && r < 0xA0 && r != '\u0085' || r == '\uFFFE' || r == '\uFFFF'
	})
	return len(lineStarts(text[:max(at, 0)]))
}
