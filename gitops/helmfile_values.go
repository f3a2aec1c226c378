package gitops

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// A holding is whether a file holds the key.
type holding struct {
	yes  bool
	gone bool   // there is no such file
	why  string // why it cannot be told
}

// holds reads a file, once.
func (f *finder) holds(file string) holding {
	h, known := f.held[file]
	if !known {
		h = f.look(file)
		f.held[file] = h
	}
	return h
}

func (f *finder) look(file string) holding {
	data, why := f.read(file)
	switch why {
	case "":
		return f.within(file, data)
	case notThere:
		return holding{gone: true}
	}
	return holding{why: why}
}

// within reports whether the content of a file holds the key. Escapes and template
// actions may write the names in it.
func (f *finder) within(file string, data []byte) holding {
	lacks := func(w string) bool { return !bytes.Contains(data, []byte(w)) }
	lacking := slices.ContainsFunc(f.words, lacks)
	if lacking && lacks(`\`) && lacks("{{") {
		return holding{}
	}
	_, err := Value(file, data, f.key)
	switch {
	case err == nil:
		return holding{yes: true}
	case errors.Is(err, ErrNotFound), lacking && f.unrelated(file, data):
		return holding{}
	}
	return holding{why: err.Error()}
}

// unrelated reports that a file that no parser reads has nothing to do with the key: it
// does not name the first part of it, and no template action can write that.
func (f *finder) unrelated(file string, data []byte) bool {
	sel, err := parseKey(f.key)
	if err != nil || sel.marker != "" {
		return false
	}
	src, err := readSource(file, data)
	return err == nil && src.fault != nil && src.writer(sel.path) < 0 && !bytes.Contains(data, []byte(sel.path[0].name))
}

// keyWords returns the names in a key: a file that lacks one of them cannot hold it.
func keyWords(key string) []string { return keyWord.FindAllString(key, -1) }

var keyWord = regexp.MustCompile(`[A-Za-z0-9_-]+`)

// inline reports that values which are written in a helmfile hold the key, or that an
// action may write it.
func (f *finder) inline(item spot) bool {
	n := item.target()
	if n == nil || n.Kind != yaml.MappingNode {
		return false
	}
	text, err := yaml.NewRNode(n).String()
	if err != nil {
		return true
	}
	h := f.within(item.page.file+templateExt, []byte(item.page.restore(text)))
	return h.yes || h.why != ""
}

// environmentValues notes where values of the environment, whose paths are relative to
// dir, hold the key: which releases read them, only templates know.
func (f *finder) environmentValues(items []spot, dir string) {
	for _, item := range items {
		if n := item.target(); n != nil && n.Kind == yaml.MappingNode {
			if f.inline(item) {
				f.doubt(item, "", true, "values of the environment hold %s: which releases use them is not known", f.key)
			}
			continue
		}
		name, unknown := item.text(f.environment, "")
		file, ok := join(dir, name)
		switch {
		case len(unknown) > 0:
			f.doubtful(item, "", "which values of the environment "+unknown[0]+" names is not known", []string{item.pattern(dir, name)})
		case remote(name):
			f.doubt(item, "", false, "values %q of the environment are in another place and not read", shown(name))
		case !ok:
			f.doubt(item, "", false, "values %q of the environment lead out of the repository", shown(name))
		default:
			f.environmentFiles(item, file)
		}
	}
}

// environmentFiles is environmentValues for the files that a path or a pattern names.
func (f *finder) environmentFiles(item spot, pattern string) {
	for _, file := range f.expanded(pattern) {
		if h := f.holds(file); h.yes || h.why != "" {
			f.doubt(item, "", true, "%s holds %s for the whole environment: which releases use it is not known", file, f.key)
		}
	}
}

// sources returns the values of the environment in helmfile's order.
func (s *state) sources() []spot {
	all := slices.Clone(s.defaults)
	for _, part := range s.environments[s.f.environment] {
		all = append(all, part.get(s.f, "values").list(s.f, "", "values")...)
	}
	return all
}

// value returns what the values of the environment say at a path; "" when that is not
// known.
func (s *state) value(steps []string) string {
	if s.given {
		return ""
	}
	for _, part := range s.environments[s.f.environment] {
		if part.get(s.f, "secrets").is() || part.get(s.f, "mergeStrategy").is() {
			return ""
		}
	}
	for _, item := range slices.Backward(s.sources()) {
		roots := []spot{item}
		if n := item.target(); n == nil || n.Kind != yaml.MappingNode {
			roots = s.valuesFile(item)
		}
		if roots == nil {
			return ""
		}
		for _, root := range roots {
			at, known := root.follow(s.f, steps)
			switch {
			case !known:
				return ""
			case at.is():
				text, unknown := at.text(s.f.environment, "")
				if len(unknown) > 0 {
					return ""
				}
				return text
			}
		}
	}
	return ""
}

// valuesFile returns what a values file of the environment holds; nil where templates or
// its place keep it from being read.
func (s *state) valuesFile(item spot) []spot {
	name, unknown := item.text(s.f.environment, "")
	file, ok := join(s.dir, name)
	if len(unknown) > 0 || !ok || remote(name) || strings.ContainsAny(name, "*?[") {
		return nil
	}
	roots, known := s.f.parsed[file]
	if !known {
		roots = s.parse(file)
		s.f.parsed[file] = roots
	}
	return roots
}

// parse is valuesFile for a file that was not read yet.
func (s *state) parse(file string) []spot {
	data, why := s.f.read(file)
	if why != "" || bytes.Contains(data, []byte("{{")) {
		return nil
	}
	return append([]spot{}, s.documents(&page{file: file}, string(data))...)
}

// follow returns what stands at a path of keys, none where they lead nowhere. It is not
// known where there is no map to look into, or where an action writes some of its keys.
func (s spot) follow(f *finder, steps []string) (at spot, known bool) {
	for _, step := range steps {
		n := s.target()
		if n == nil || n.Kind != yaml.MappingNode {
			return spot{}, false
		}
		if _, action := s.written(f, ""); action != "" {
			return spot{}, false
		}
		if s = s.get(f, step); !s.is() {
			return spot{}, true
		}
	}
	return s, true
}
