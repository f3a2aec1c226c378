package gitops

import (
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// markerLine matches a line that ends in a marker; the marker's name is group 1.
var markerLine = regexp.MustCompile(`(?:^|[ \t])#[ \t]*lockstep:[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*$`)

// markedValue matches the part of such a line that the editor understands without a
// parser: "key: " and a version, which is group 1, 2 or 3 by its quotes.
var markedValue = regexp.MustCompile(`^[ \t]*(?:- +)*(?:"[^"]*"|'[^']*'|[^\s#"':][^#"':]*)[ \t]*:[ \t]+` +
	`(?:"(` + versionWord + `)"|'(` + versionWord + `)'|(` + versionWord + `))[ \t]+#`)

// versionWord is versionPattern for use inside of a longer pattern.
var versionWord = strings.Trim(versionPattern.String(), "^$")

// marked returns the version on the one line that ends in the marker name.
func (s *source) marked(name string) (scalar, error) {
	line, err := s.markerLine(name)
	if err != nil {
		return scalar{}, err
	}
	if s.fault != nil {
		return s.scan(line, name)
	}
	var values []*yaml.Node
	for _, doc := range s.docs {
		values = startingOn(line, doc, values)
	}
	if len(values) != 1 {
		start, _ := s.line(line)
		reason := fmt.Sprintf("the line marked %q has %d values", name, len(values))
		return scalar{}, s.refuse(start, reason, "mark a line with one key and its value")
	}
	for _, doc := range s.docs {
		if _, err := s.leads(doc, values[0]); err != nil && !s.template { // where it may choose a branch
			return scalar{}, err
		}
	}
	return s.scalar(values[0])
}

// leads reports whether value stands in n, and refuses a key on the way to it that stands
// twice in its map: readers take the last one, or none.
func (s *source) leads(n, value *yaml.Node) (found bool, err *EditError) {
	for i, c := range n.Content {
		if found = c == value; !found {
			found, err = s.leads(c, value)
		}
		if !found {
			continue
		}
		if n.Kind == yaml.MappingNode && i%2 == 1 && err == nil {
			if own := s.own(n, n.Content[i-1].Value); len(own) > 1 {
				err = s.twice(n, own, n.Content[i-1].Value)
			}
		}
		return true, err
	}
	return false, nil
}

// markerLine returns the number of the one line that ends in the marker name.
func (s *source) markerLine(name string) (int, error) {
	found := 0
	for i := range s.lines {
		start, end := s.line(i + 1)
		m := markerLine.FindSubmatch(s.text[start:end])
		switch {
		case m == nil || string(m[1]) != name:
		case found > 0:
			first, _ := s.line(found)
			reason := fmt.Sprintf("a second line is marked %q%s", name, s.also(first))
			return 0, s.refuse(start, reason, "give each marker its own name")
		default:
			found = i + 1
		}
	}
	if found == 0 {
		return 0, &EditError{
			File: s.file, Reason: fmt.Sprintf("no line is marked %q", name),
			Cure: fmt.Sprintf(`end the version's line in "# lockstep: %s"`, name), is: ErrNotFound,
		}
	}
	return found, nil
}

// startingOn appends the scalars and aliases below n that are values of a map or
// items of a list and begin on the line.
func startingOn(line int, n *yaml.Node, values []*yaml.Node) []*yaml.Node {
	for i, c := range n.Content {
		value := n.Kind == yaml.SequenceNode || n.Kind == yaml.MappingNode && i%2 == 1
		single := c.Kind == yaml.AliasNode || c.Kind == yaml.ScalarNode && !isEmpty(c)
		if value && single && c.Line == line {
			values = append(values, c)
		}
		values = startingOn(line, c, values)
	}
	return values
}

// scan returns the version on a line of a file that no parser reads.
func (s *source) scan(line int, name string) (scalar, error) {
	start, end := s.line(line)
	m := markedValue.FindSubmatchIndex(s.text[start:end])
	if m == nil {
		reason := fmt.Sprintf("the line marked %q does not read \"key: version # lockstep: %s\"", name, name)
		return scalar{}, s.refuse(start, reason, "write it so, with the version that is deployed now")
	}
	at := scalar{plain: m[6] >= 0, marker: name}
	for group := 2; group <= 6; group += 2 {
		if m[group] >= 0 {
			at.start, at.end = start+m[group], start+m[group+1]
		}
	}
	at.value = Version(s.text[at.start:at.end])
	if string(s.data[at.start:at.end]) != string(at.value) {
		return scalar{}, s.refuse(at.start, "a template action writes the value", cureTemplate)
	}
	return at, nil
}
