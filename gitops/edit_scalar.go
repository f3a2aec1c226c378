package gitops

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// A scalar is where a version stands in a source.
type scalar struct {
	value      Version
	start, end int        // its bytes, without quotes
	plain      bool       // it has no quotes
	tagged     bool       // it has the tag !!str, and needs no quotes to be a string
	entry      int        // its index in the outline, if it comes from one
	node       *yaml.Node // if it comes from the parser; nil on a line of a file that cannot be parsed
	marker     string     // in that case, the marker that names the line
}

// cureTemplate is for versions that a template action writes.
const cureTemplate = "write the version out, or set it where the action takes it from"

// scalar returns n as a version that can be replaced exactly, or says why it is none.
func (s *source) scalar(n *yaml.Node) (scalar, error) {
	if err := s.unfit(n); err != nil {
		return scalar{}, err
	}
	start, end, literal := s.span(n)
	switch {
	case n.Value == "":
		return scalar{}, s.refuseNode(n, "the value is empty", cureEmpty)
	case !literal:
		return scalar{}, s.refuseNode(n, "the value is written with escapes or on several lines", "write it out on one line")
	case s.templated(n):
		return scalar{}, s.refuse(start, "a template action writes the value", cureTemplate)
	}
	version, err := ParseVersion(n.Value)
	if err != nil {
		return scalar{}, s.refuse(start, err.Error(), "check the key: a version must stand there")
	}
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
	if s.template && plain && continued(s.data[end:]) {
		return scalar{}, s.refuse(start, "a template action continues the value", cureTemplate)
	}
	tagged := n.Style&yaml.TaggedStyle != 0 && n.Tag == yaml.NodeTagString
	return scalar{value: version, start: start, end: end, plain: plain, tagged: tagged, node: n}, nil
}

// unfit refuses nodes that are no scalar of their own or whose type is no string's.
func (s *source) unfit(n *yaml.Node) error {
	explicit := n.Style&yaml.TaggedStyle != 0
	switch {
	case n.Kind == yaml.AliasNode:
		return s.refuseNode(n, fmt.Sprintf("the value is an alias (*%s)", n.Value), "set the version at its anchor instead")
	case n.Kind != yaml.ScalarNode:
		return s.refuseNode(n, "the value is "+kindOf(n), "name the key in it that holds the version")
	case isEmpty(n):
		return s.refuseNode(n, "the value is empty (null)", cureEmpty)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.refuseNode(n, "the value is a block scalar (| or >)", "write it on the line of its key")
	case slices.Contains(strings.Fields(string(s.text[s.offset(n):s.token(n)])), "!"):
		return s.refuseNode(n, "the value has the tag !, which not every reader takes for a string", "remove the tag")
	case explicit && strings.HasPrefix(n.Tag, "!!") && n.Tag != yaml.NodeTagString:
		return s.refuseNode(n, fmt.Sprintf("the value has the tag %s, and a version is a string", n.Tag), "remove the tag")
	}
	return nil
}

// isEmpty reports whether n is null, be it written out or not.
func isEmpty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagNull }

// span returns the bytes of the text of the scalar n, without its quotes, and whether
// they say literally what its value is.
func (s *source) span(n *yaml.Node) (start, end int, literal bool) {
	start = s.token(n)
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		start++
	}
	literal = start <= len(s.text) && bytes.HasPrefix(s.text[start:], []byte(n.Value))
	return start, start + len(n.Value), literal
}

// token returns where the scalar n itself begins, behind its anchor and its tag and
// what may stand between them: blanks, comments and line breaks.
func (s *source) token(n *yaml.Node) int {
	at, end := s.offset(n), len(s.text)
	for at < end {
		r, size := utf8.DecodeRune(s.text[at:])
		stop := isBreak
		switch {
		case r == '&' || r == '!':
			stop = func(r rune) bool { return r == ' ' || r == '\t' || isBreak(r) }
		case r == ' ' || r == '\t' || isBreak(r):
			at += size
			continue
		case r != '#':
			return at
		}
		skip := bytes.IndexFunc(s.text[at:], stop)
		if skip < 0 {
			return end
		}
		at += skip
	}
	return at
}

// templated reports whether a template action writes some of the scalar n.
func (s *source) templated(n *yaml.Node) bool {
	if !s.template {
		return false
	}
	start, end, literal := s.span(n)
	return !literal || !bytes.Equal(s.text[start:end], s.data[start:end])
}

// word returns to as it is written in place of the scalar: in its quotes, or in new
// ones where it needs them.
func (at scalar) word(to Version) string {
	word := string(to)
	if at.plain && !at.tagged && !readsAsString(word) {
		return `"` + word + `"`
	}
	return word
}

// splice returns data with the scalar replaced by to.
func (at scalar) splice(data []byte, to Version) []byte {
	return slices.Concat(data[:at.start], []byte(at.word(to)), data[at.end:])
}

// otherTypes matches a plain scalar without its underscores that some reader of YAML
// 1.1 or 1.2 takes for null, a truth value, a number or a date. It asks for more
// quotes than a single reader needs and leaves out what no Version can hold: signs in
// front, colons (base 60), "~", "=" and "<<".
var otherTypes = regexp.MustCompile(`(?i)^(?:` +
	`null|true|false|yes|no|on|off|y|n|nan|inf|infinity|` +
	`0x[0-9a-f]*|0o[-+]?[0-7]*|0b[-+]?[01]*|` +
	`[0-9]+(?:\.[0-9]*)?|(?:[0-9]+(?:\.[0-9]*)?)?e[-+]?[0-9]+|` +
	`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:t.*)?` +
	`)$`)

// readsAsString reports whether every reader takes the plain scalar word for a string.
func readsAsString(word string) bool {
	return !otherTypes.MatchString(strings.ReplaceAll(word, "_", ""))
}
