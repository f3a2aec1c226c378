package gitops

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// prove parses the edited file, which splice made, and returns nil only if it says what
// s says, with the one scalar at replaced by to, and says it in the same places. It
// does not trust the positions that splice relied on: at may be wrong.
func (s *source) prove(at scalar, edited []byte, to Version) error {
	after, err := readSource(s.file, edited)
	if err == nil && (proof{s, after, at, to}).holds() {
		return nil
	}
	return s.refuse(at.start, "replacing the value would change more than the value", "set this version by hand")
}

// A proof is about two readings of a file: as it was, and with the scalar at replaced
// by to.
type proof struct {
	before, after *source
	at            scalar
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
		p.moved(p.before.offset(a)) != p.after.offset(b) {
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

// moved returns where the byte at offset must stand after the edit.
func (p proof) moved(offset int) int {
	if offset < p.at.end {
		return offset
	}
	return offset + len(p.at.word(p.to)) - (p.at.end - p.at.start)
}
