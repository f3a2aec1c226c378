package gitops

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// find returns the one scalar that sel selects in all documents of the file.
func (s *source) find(sel selector) (scalar, error) {
	if sel.marker != "" {
		return s.marked(sel.marker)
	}
	if s.fault != nil {
		return scalar{}, s.fault
	}
	n, err := s.lookup(sel.path)
	if err != nil {
		return scalar{}, err
	}
	return s.scalar(n)
}

// lookup follows path in every document of the stream. The path must lead to a value,
// or to something that has to be refused, in exactly one of them. When it does in
// none, the error is that of the document in which it leads furthest.
func (s *source) lookup(path []step) (*yaml.Node, error) {
	var found []hit
	miss := hit{depth: -1}
	for _, doc := range s.docs {
		h := s.walk(doc.Content[0], path)
		switch {
		case h.err == nil || h.err.is != ErrNotFound:
			found = append(found, h)
		case h.depth > miss.depth:
			miss = h
		}
	}
	switch {
	case len(found) > 1:
		return nil, s.refuse(found[1].at, "the key stands in two documents of the file"+s.also(found[0].at), "name it by a marker, or keep it in one document")
	case len(found) == 1 && found[0].err == nil:
		return found[0].node, nil
	case len(found) == 1:
		return nil, found[0].err
	}
	switch at := s.writer(path); {
	case at >= 0:
		return nil, s.refuse(at, "the key is not in the file, unless this template action writes it", cureTemplate)
	case miss.err != nil:
		return nil, miss.err
	}
	return nil, &EditError{File: s.file, Reason: "the file is empty", Cure: cureMissing, is: ErrNotFound}
}

// A version has to be there before it can be moved: cureMissing is for keys that are
// not, cureEmpty for keys without a value.
const (
	cureMissing = "mend the key, or add what is missing with the version that is deployed now"
	cureEmpty   = "write the version there that is deployed now"
)

// A hit is where a path leads in one document: to a node, or to an error after depth
// steps.
type hit struct {
	node  *yaml.Node
	err   *EditError
	depth int
	at    int // offset of the node, or of where the path ended
}

// walk follows path from n.
func (s *source) walk(n *yaml.Node, path []step) hit {
	for depth, st := range path {
		next, err := s.enter(n, st)
		if err != nil {
			return hit{err: err, depth: depth, at: s.offset(n)}
		}
		n = next
	}
	return hit{node: n, at: s.offset(n)}
}

// enter takes one step from n.
func (s *source) enter(n *yaml.Node, st step) (*yaml.Node, *EditError) {
	switch {
	case n.Kind == yaml.AliasNode:
		return nil, s.refuseNode(n, fmt.Sprintf("what should hold %s is an alias (*%s)", st, n.Value), "name the key at its anchor instead")
	case s.written(n):
		return nil, s.refuseNode(n, fmt.Sprintf("a template action writes what should hold %s", st), cureTemplate)
	case st.item && n.Kind == yaml.SequenceNode:
		return s.item(n, st)
	case !st.item && n.Kind == yaml.MappingNode:
		return s.child(n, st.name)
	}
	return nil, s.missing(n, fmt.Sprintf("there is no %s in %s", st, kindOf(n)), cureMissing)
}

// kindOf names what n is.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isEmpty(n):
		return "an empty value"
	}
	return "a single value"
}

// child returns the value of the key name of the map m.
func (s *source) child(m *yaml.Node, name string) (*yaml.Node, *EditError) {
	own := s.own(m, name)
	switch {
	case len(own) > 1:
		return nil, s.twice(m, own, name)
	case len(own) == 1:
		return m.Content[own[0]+1], nil
	case s.merged(m, name) != nil:
		return nil, s.refuseNode(m, fmt.Sprintf("the key %q comes from a merge (<<)", name), "set it where the merged map stands, or write it out here")
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if s.written(m.Content[i]) {
			return nil, s.refuseNode(m.Content[i], fmt.Sprintf("the map has no key %q, unless this template action writes it", name), cureTemplate)
		}
	}
	return nil, s.missing(m, fmt.Sprintf("the map has no key %q", name), cureMissing)
}

// item returns the one item of the list whose key has the value that st asks for.
func (s *source) item(list *yaml.Node, st step) (*yaml.Node, *EditError) {
	var hits []*yaml.Node
	for _, n := range list.Content {
		if s.answers(resolve(n), st) {
			hits = append(hits, n)
		}
	}
	switch {
	case len(hits) == 0:
		return nil, s.missing(list, fmt.Sprintf("the list has no item %s", st), cureMissing)
	case len(hits) > 1:
		reason := fmt.Sprintf("the list has the item %s twice%s", st, s.also(s.offset(hits[0])))
		return nil, s.refuseNode(hits[1], reason, "remove one of them, or use a marker")
	}
	m := resolve(hits[0])
	if own := s.own(m, st.name); len(own) > 1 {
		return nil, s.twice(m, own, st.name)
	}
	return hits[0], nil
}

// answers reports whether m is a map whose key has the value that st asks for, be it
// its own or a merged one.
func (s *source) answers(m *yaml.Node, st step) bool {
	if m.Kind != yaml.MappingNode {
		return false
	}
	own := s.own(m, st.name)
	for _, i := range own {
		if s.reads(m.Content[i+1], st.value) {
			return true
		}
	}
	return len(own) == 0 && s.reads(s.merged(m, st.name), st.value)
}

// own returns the indexes in m.Content of the keys called name that m holds itself.
func (s *source) own(m *yaml.Node, name string) (at []int) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if s.reads(m.Content[i], name) {
			at = append(at, i)
		}
	}
	return at
}

// merged returns the value that the merge keys of m supply for name, or nil.
func (s *source) merged(m *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Tag != yaml.MergeTag {
			continue
		}
		if v := s.supplied(m.Content[i+1], name); v != nil {
			return v
		}
	}
	return nil
}

// A supply is what a map, or a list of maps, gives to those that merge it for a key.
type supply struct {
	from *yaml.Node
	name string
}

// supplied returns the value that n, or what it is an alias of, supplies for name, or
// nil. It looks once: thousands of items may merge the same map, and a map may merge
// itself through its own anchor.
func (s *source) supplied(n *yaml.Node, name string) *yaml.Node {
	n = resolve(n)
	key := supply{n, name}
	value, known := s.supplies[key]
	if known {
		return value
	}
	s.supplies[key] = nil
	switch n.Kind {
	case yaml.SequenceNode:
		for i := 0; i < len(n.Content) && value == nil; i++ {
			value = s.supplied(n.Content[i], name)
		}
	case yaml.MappingNode:
		if own := s.own(n, name); len(own) > 0 {
			value = n.Content[own[0]+1]
		} else {
			value = s.merged(n, name)
		}
	}
	s.supplies[key] = value
	return value
}

// reads reports whether n, or what it is an alias of, is a scalar that says text in
// the file itself and not through a template action. A nil n says nothing.
func (s *source) reads(n *yaml.Node, text string) bool {
	n = resolve(n)
	return n != nil && n.Kind == yaml.ScalarNode && n.Value == text && !s.templated(n)
}

// written reports whether a template action writes n, or some of it.
func (s *source) written(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value != "" && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && s.templated(n)
}

// resolve returns what n is an alias of, or n.
func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// twice refuses the map m because of its keys at own, which are all called name.
func (s *source) twice(m *yaml.Node, own []int, name string) *EditError {
	first, second := m.Content[own[0]], m.Content[own[1]]
	cure := "remove one of them"
	if s.template {
		cure += ", or use a marker"
	}
	return s.refuseNode(second, fmt.Sprintf("the key %q stands twice in one map%s", name, s.also(s.offset(first))), cure)
}

// also names a second place in a reason.
func (s *source) also(offset int) string {
	line, column := s.place(s.data, offset)
	return fmt.Sprintf(" (also at %d:%d)", line, column)
}
