package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// A spot is a node of a page; the zero value is none.
type spot struct {
	node *yaml.Node
	page *page
}

// is reports that there is a node.
func (s spot) is() bool { return s.node != nil }

// line returns the line of the node, 0 without one.
func (s spot) line() int {
	if s.node == nil {
		return 0
	}
	return s.node.Line
}

// target returns the node that an alias stands for, or the node itself.
func (s spot) target() *yaml.Node {
	n := s.node
	for hops := 0; n != nil && n.Kind == yaml.AliasNode && hops < maxAliases; hops++ {
		n = n.Alias
	}
	return n
}

// null reports that there is no node, or one without a value.
func (s spot) null() bool {
	n := s.target()
	return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// items returns the items of a list; none of anything else.
func (s spot) items() []spot {
	n := s.target()
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]spot, 0, len(n.Content))
	for _, item := range n.Content {
		items = append(items, spot{item, s.page})
	}
	return items
}

// list returns the items of a list of a release, or of none, and notes where there is
// something else.
func (s spot) list(f *finder, release, what string) []spot {
	if n := s.target(); !s.null() && n.Kind != yaml.SequenceNode {
		f.doubt(s, release, true, "what %s lists is not known", what)
	}
	return s.items()
}

// pairs calls visit with each key of a map and its value, merged ones after its own.
func (s spot) pairs(f *finder, visit func(key string, value spot)) {
	s.merged(f, visit, map[*yaml.Node]bool{})
}

// merged is pairs for a map that others merge, or itself: seen holds those that were
// gone through, and the first one counts.
func (s spot) merged(f *finder, visit func(key string, value spot), seen map[*yaml.Node]bool) {
	n := s.target()
	if n == nil || n.Kind != yaml.MappingNode || seen[n] || f.tired(4+len(n.Content)/8) {
		return
	}
	seen[n] = true
	var from []spot
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := spot{n.Content[i+1], s.page}
		switch key := n.Content[i]; {
		case key.Tag == yaml.MergeTag && len(value.items()) > 0:
			from = append(from, value.items()...)
		case key.Tag == yaml.MergeTag:
			from = append(from, value)
		default:
			visit(key.Value, value)
		}
	}
	for _, m := range from {
		m.merged(f, visit, seen)
	}
}

// get returns the value of a key of a map, its own before a merged one, and notes where
// there are two.
func (s spot) get(f *finder, key string) spot {
	var found spot
	n := s.target()
	s.pairs(f, func(name string, value spot) {
		switch {
		case name != key:
		case !found.is():
			found = value
		case n != nil && slices.Contains(n.Content, value.node) && slices.Contains(n.Content, found.node):
			f.doubt(value, "", true, "the key %s stands twice: which one counts is not known", key)
		}
	})
	return found
}

// known notes that an action writes a key of a map, of a release or of none: whether it
// has a key that counts is not known then.
func (s spot) known(f *finder, release string) {
	if at, action := s.written(f, release); action != "" {
		f.doubt(at, release, true, "which key %s writes is not known", action)
	}
}

// written returns the first action that writes a key of a map, and the value of that
// key; "" when there is none.
func (s spot) written(f *finder, release string) (at spot, action string) {
	s.pairs(f, func(key string, value spot) {
		if _, unknown := s.page.expand(key, f.environment, release); action == "" && len(unknown) > 0 {
			at, action = value, unknown[0]
		}
	})
	return at, action
}

// text returns the text of a single value, as page.expand does.
func (s spot) text(environment, release string) (text string, unknown []string) {
	n := s.target()
	if n == nil || n.Kind != yaml.ScalarNode {
		return "", []string{"what stands there"}
	}
	return s.page.expand(n.Value, environment, release)
}

// A state is what a helmfile says with its bases.
type state struct {
	f            *finder
	dir          string // paths are relative to it
	releases     []spot
	helmfiles    []spot
	templates    map[string]spot
	environments map[string][]spot
	defines      spot   // where environments are named first; none: any is served
	defaults     []spot // values of every environment
	lenient      bool   // values files may be missing
	given        bool   // the helmfile that nests it gives it values of the environment
}

func newState(f *finder, file string) *state {
	return &state{f: f, dir: path.Dir(file), templates: map[string]spot{}, environments: map[string][]spot{}}
}

// load reads a helmfile, or a base of one, into s. Loading holds those that were read,
// and whether they still are.
func (s *state) load(file string, loading map[string]bool) {
	data, why := s.f.read(file)
	if why != "" {
		if s.f.err == nil {
			s.f.note(Doubt{File: file, Reason: why, Hides: true})
		}
		return
	}
	p, text, bare, no := readPage(file, data, s.f.environment)
	if no != nil {
		s.f.note(Doubt{File: file, Line: no.line, Reason: no.reason, Hides: true})
		return
	}
	s.bare(p, bare)
	loading[file] = true
	defer func() { loading[file] = false }()
	for _, root := range s.documents(p, text) {
		for _, base := range root.get(s.f, "bases").list(s.f, "", "bases") {
			s.base(base, loading)
		}
		s.add(root)
	}
}

// bare notes the actions that stand on lines of their own.
func (s *state) bare(p *page, bare map[int][]string) {
	lines := make([]int, 0, len(bare))
	for line := range bare {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	for _, line := range lines {
		for _, action := range bare[line] {
			d := Doubt{File: p.file, Line: line}
			switch {
			case silent(action):
				continue
			case decides(action):
				d.Reason = fmt.Sprintf("what {{ %s }} decides is not known: what follows is taken as if it counted once", shown(action))
			default:
				d.Reason, d.Hides = fmt.Sprintf("what {{ %s }} writes is not known", shown(action)), true
			}
			s.f.note(d)
		}
	}
}

// yamlFault takes the line out of the parser's words.
var yamlFault = regexp.MustCompile(`(?s)^yaml: (?:line ([0-9]+): )?(.*)$`)

// documents parses the text of a page.
func (s *state) documents(p *page, text string) []spot {
	var roots []spot
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return roots
		}
		if err != nil {
			d := Doubt{File: p.file, Reason: fmt.Sprintf("is not valid YAML without its templates: %v", err), Hides: true}
			if words := yamlFault.FindStringSubmatch(err.Error()); words != nil {
				d.Line, _ = strconv.Atoi(words[1]) // no number is line 0: the whole file
				d.Reason = "is not valid YAML without its templates: " + words[2]
			}
			s.f.note(d)
			return roots
		}
		if len(doc.Content) == 0 {
			continue
		}
		root := spot{doc.Content[0], p}
		if n := root.target(); n != nil && n.Kind == yaml.MappingNode {
			roots = append(roots, root)
		} else if !root.null() {
			s.f.doubt(root, "", true, "what stands there is no helmfile")
		}
	}
}

// base reads a base, once. Its own paths to releases' values are relative to the helmfile.
func (s *state) base(item spot, loading map[string]bool) {
	name, unknown := item.text(s.f.environment, "")
	file, ok := join(s.dir, name)
	reading, seen := loading[file]
	switch {
	case len(unknown) > 0:
		s.f.doubt(item, "", true, "which base %s names is not known", unknown[0])
	case remote(name):
		s.f.doubt(item, "", true, "base %q is in another place and not read", shown(name))
	case !ok:
		s.f.doubt(item, "", true, "base %q leads out of the repository", shown(name))
	case reading:
		s.f.doubt(item, "", false, "base %s leads back to itself", file)
	case !seen:
		s.load(file, loading)
	}
}

// add adds one document.
func (s *state) add(root spot) {
	f := s.f
	s.releases = append(s.releases, root.get(f, "releases").list(f, "", "releases")...)
	s.helmfiles = append(s.helmfiles, root.get(f, "helmfiles").list(f, "", "helmfiles")...)
	s.defaults = append(s.defaults, root.get(f, "values").list(f, "", "values")...)
	s.lenient = s.lenient || lenient(root.get(f, "missingFileHandler"))
	root.get(f, "templates").pairs(f, func(name string, value spot) { s.templates[name] = value })
	root.known(f, "")
	if at := root.get(f, "charts"); at.is() {
		f.doubt(at, "", true, "charts is what helmfile called releases once: rename it")
	}
	environments := root.get(f, "environments")
	switch {
	case environments.null():
	case environments.target().Kind != yaml.MappingNode:
		f.doubt(environments, "", true, "which environments there are is not known")
	case !s.defines.is():
		s.defines = environments
	}
	environments.pairs(f, func(name string, value spot) {
		name, _ = root.page.expand(name, f.environment, "")
		value.known(f, "")
		s.environments[name] = append(s.environments[name], value)
	})
}

// lenient reports that a missingFileHandler lets files be missing.
func lenient(handler spot) bool { return !handler.null() && handler.target().Value != "Error" }

// serves reports that the helmfile knows the environment, and notes where it does not.
func (s *state) serves() bool {
	if _, known := s.environments[s.f.environment]; known || !s.defines.is() || s.f.environment == "default" {
		return true
	}
	names := sortedNames(s.environments)
	for _, name := range names {
		if strings.ContainsFunc(name, isAction) {
			s.f.doubt(s.defines, "", true, "whether environment %s is defined is not known", s.f.environment)
			return true
		}
	}
	s.f.doubt(s.defines, "", false, "environment %s is not defined, so helmfile deploys nothing of it there (have %s)", s.f.environment, strings.Join(names, ", "))
	return false
}

// remote reports that a path is one that helmfile fetches from elsewhere.
func remote(name string) bool { return strings.Contains(name, "://") || strings.Contains(name, "::") }

// inside reports that a clean path lies in the repository.
func inside(name string) bool {
	return !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../")
}

// join returns the path of name below dir; not ok where it leads out of the repository.
func join(dir, name string) (file string, ok bool) {
	file = path.Join(dir, name)
	return file, name != "" && !path.IsAbs(name) && inside(file)
}
