package gitops

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// prove parses the edited file, which splice made, and returns nil only if it says what
// s says, with the one scalar at replaced by to, and says it in the same places, and if
// sel selects to there. It does not trust the positions that splice relied on: at may be
// wrong.
func (s *source) prove(sel selector, at scalar, edited []byte, to Version) error {
	after, err := readSource(s.file, edited)
	if err == nil {
		p := proof{before: s, after: after, at: at, to: to}
		p.line, p.column = s.place(s.text, at.start)
		if p.holds() {
			if again, err := after.find(sel); err == nil && again.value == to {
				return nil
			}
			return s.refuse(at.start, "the key would not lead to the new version", "choose the item by a value that stays, or use a marker")
		}
	}
	return s.refuse(at.start, "replacing the value would change more than the value", "set this version by hand")
}

// A proof is about two readings of a file: as it was, and with the scalar at replaced
// by to.
type proof struct {
	before, after *source
	at            scalar
	line, column  int // of at, as the parser counts
	to            Version
}

// holds reports whether exactly the one scalar differs. Where no parser reads the
// file, the lines stand for the tree.
func (p proof) holds() bool {
	if p.at.node == nil {
		again, err := p.after.marked(p.at.marker)
		return err == nil && again.value == p.to && len(p.before.lines) == len(p.after.lines)
	}
	if p.after.fault != nil || len(p.before.docs) != len(p.after.docs) {
		return false
	}
	for i, doc := range p.before.docs {
		if !p.same(doc, p.after.docs[i]) {
			return false
		}
	}
	return true
}

// same reports whether a and b stand in the same place and are the same, up to the one
// scalar: that one must be to, as a string or with the tag of its own that it had.
// Aliases are compared by name, so what points to the scalar's anchor follows it.
// Comments are left out: the parser hangs the same comment on another node when a
// scalar gets quotes, and splice keeps the bytes of all of them.
func (p proof) same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) ||
		a.Line != b.Line || p.moved(a) != b.Column {
		return false
	}
	if a == p.at.node {
		tag := yaml.NodeTagString
		if a.Style&yaml.TaggedStyle != 0 {
			tag = a.Tag
		}
		return b.Value == string(p.to) && b.Tag == tag
	}
	if a.Value != b.Value || a.Tag != b.Tag || a.Style != b.Style {
		return false
	}
	for i := range a.Content {
		if !p.same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// moved returns the column that n must have after the edit: what stands behind the
// scalar on its line moves by what the scalar grows.
func (p proof) moved(n *yaml.Node) int {
	if n.Line != p.line || n.Column <= p.column {
		return n.Column
	}
	return n.Column + len(p.at.word(p.to)) - (p.at.end - p.at.start)
}
