package gitops

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// A candidate is one release while its values are looked through.
type candidate struct {
	*state
	at   spot
	name string // "" where it is not known

	file   string   // the last values file that holds the key so far
	others []string // those before it
}

// release finds whether a release uses the version, and where it stands.
func (f *finder) release(s *state, at spot) {
	if n := at.target(); n == nil || n.Kind != yaml.MappingNode {
		f.doubt(at, "", true, "what stands there is no release")
		return
	}
	c := &candidate{state: s, at: at}
	name, unknown := at.get(f, "name").text(f.environment, "")
	if len(unknown) > 0 {
		c.doubtful(at, "the release's name is not known ("+unknown[0]+")", c.guesses())
		return
	}
	if !releaseName.MatchString(name) {
		c.doubtful(at, fmt.Sprintf("%q is no name of a release", shown(name)), c.guesses())
		return
	}
	c.name = name
	away := c.away()
	for _, item := range c.values() {
		c.look(item)
	}
	c.sets()
	switch {
	case c.file == "":
	case away != "":
		f.uses.Left = append(f.uses.Left, Doubt{File: at.page.file, Line: at.line(), Release: name, Reason: away + "; its values " + c.file + " hold " + f.key})
		f.used[c.file] = true
	default:
		c.use()
	}
}

// releaseName is what Helm takes, and some more.
var releaseName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// use notes the use that was found.
func (c *candidate) use() {
	f := c.f
	why := fmt.Sprintf("release %s (%s:%d) has values %s", c.name, c.at.page.file, c.at.line(), c.file)
	if len(c.others) > 0 {
		why += ", which go before those of " + strings.Join(c.others, ", ")
	}
	f.used[c.file] = true
	for _, file := range c.others {
		f.used[file] = true
	}
	for _, u := range f.uses.Uses {
		if u.Service == c.name && u.File == c.file {
			return
		}
		if u.Service == c.name {
			f.doubt(c.at, c.name, true, "another release of that name has the values %s", u.File)
			return
		}
	}
	f.uses.Uses = append(f.uses.Uses, Use{Service: c.name, File: c.file, Key: f.key, Why: why})
}

// doubtful keeps a doubt about values files that may match patterns.
func (c *candidate) doubtful(at spot, reason string, patterns []string) {
	c.f.open = append(c.f.open, openDoubt{Doubt{File: at.page.file, Line: at.line(), Release: c.name, Reason: reason}, patterns})
}

// guesses returns the patterns of the values files of a release without a known name.
func (c *candidate) guesses() []string {
	var patterns []string
	for _, item := range c.values() {
		if n := item.target(); n != nil && n.Kind == yaml.ScalarNode {
			name, _ := item.text(c.f.environment, "")
			patterns = append(patterns, c.pattern(item, name))
		}
	}
	return patterns
}

// pattern returns the pattern of the files that a path with unknown actions may name.
func (c *candidate) pattern(item spot, name string) string {
	guess := item.page.guess(name)
	file, ok := join(c.dir, guess)
	if guess == "" || !ok {
		return ""
	}
	return file
}

// values returns the values of the release in helmfile's order: those of the templates
// that it inherits, then its own; the last one goes before the others.
func (c *candidate) values() []spot { return c.inherited(c.at, map[string]bool{}) }

// inherited is values for a release or a template; seen holds the templates that were
// gone through.
func (c *candidate) inherited(of spot, seen map[string]bool) []spot {
	f := c.f
	var all []spot
	for _, item := range of.get(f, "inherit").list(f, "inherit") {
		name, unknown := item.get(f, "template").text(f.environment, c.name)
		template, there := c.templates[name]
		switch {
		case seen[name]:
		case len(unknown) > 0 || !there:
			f.doubt(item, c.name, true, "the template %q that it inherits is not known", shown(name))
		case len(item.get(f, "except").items()) > 0:
			f.doubt(item, c.name, true, "which values it inherits is not known, because of except")
		default:
			seen[name] = true
			all = append(all, c.inherited(template, seen)...)
		}
	}
	for _, key := range []string{"values", "valuesTemplate"} {
		all = append(all, of.get(f, key).list(f, key)...)
	}
	return all
}

// look looks at one item of the release's values.
func (c *candidate) look(item spot) {
	f := c.f
	if n := item.target(); n == nil || n.Kind != yaml.ScalarNode {
		if f.inline(item) {
			f.doubt(item, c.name, true, "values written in the helmfile hold %s: move them to a values file, or list the service with a marker", f.key)
		}
		return
	}
	name, unknown := item.text(f.environment, c.name)
	file, ok := join(c.dir, name)
	switch {
	case len(unknown) > 0:
		c.doubtful(item, "which values "+strings.Join(unknown, " and ")+" names is not known", []string{c.pattern(item, name)})
	case remote(name):
		f.doubt(item, c.name, false, "values %q are in another place and not read", shown(name))
	case !ok:
		f.doubt(item, c.name, false, "values %q lead out of the repository", shown(name))
	default:
		files := f.matching(file)
		if files == nil {
			files = []string{file}
		}
		for _, file := range files {
			c.lookInto(item, file)
		}
	}
}

// lookInto looks for the key in one values file of the release.
func (c *candidate) lookInto(item spot, file string) {
	h := c.f.holds(file)
	switch {
	case h.yes && c.file != "" && c.file != file:
		c.others, c.file = append(c.others, c.file), file
	case h.yes:
		c.file = file
	case h.gone && (c.lenient || c.at.get(c.f, "missingFileHandler").is()):
	case h.gone:
		c.f.doubt(item, c.name, false, "values %s are not there", file)
	case h.why != "":
		c.f.doubt(item, c.name, true, "whether values %s hold %s is not known: %s", file, c.f.key, h.why)
	}
}

// sets notes a "set" of the key, which goes before all values.
func (c *candidate) sets() {
	for _, key := range []string{"set", "setString", "setTemplate"} {
		for _, item := range c.at.get(c.f, key).items() {
			name, unknown := item.get(c.f, "name").text(c.f.environment, c.name)
			if len(unknown) > 0 || name != c.f.key {
				continue
			}
			c.f.doubt(item, c.name, true, "%s sets %s in the helmfile: list the service with the key releases[name=%s].%s[name=%q].value", key, name, c.name, key, name)
		}
	}
}

// away says why helmfile does not install the release in the environment; "" when it
// does, or when that is not known.
func (c *candidate) away() string {
	f := c.f
	if at := c.at.get(f, "installed"); !at.null() {
		switch text, unknown := at.text(f.environment, c.name); {
		case len(unknown) > 0:
			f.doubt(at, c.name, false, "whether it is installed is not known: taken as if it was")
		case text == "false":
			return "installed: false"
		}
	}
	if at := c.at.get(f, "installedTemplate"); !at.null() {
		f.doubt(at, c.name, false, "whether it is installed is not known (installedTemplate): taken as if it was")
	}
	at := c.at.get(f, "condition")
	if at.null() {
		return ""
	}
	condition, unknown := at.text(f.environment, c.name)
	if len(unknown) == 0 {
		switch value := c.value(strings.Split(condition, ".")); value {
		case "true":
			return ""
		case "false":
			return "condition " + condition + " is false in environment " + f.environment
		}
	}
	f.doubt(at, c.name, false, "what the condition %s is in environment %s is not known: taken as if it was true", shown(condition), f.environment)
	return ""
}

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
	if !f.there(file) {
		return holding{gone: true}
	}
	data, why := f.read(file)
	if why != "" {
		return holding{why: why}
	}
	return f.within(file, data)
}

// within reports whether the content of a file holds the key.
func (f *finder) within(file string, data []byte) holding {
	for _, w := range f.words {
		if !bytes.Contains(data, []byte(w)) && !bytes.Contains(data, []byte(`\`)) {
			return holding{}
		}
	}
	_, err := Value(file, data, f.key)
	switch {
	case err == nil:
		return holding{yes: true}
	case errors.Is(err, ErrNotFound):
		return holding{}
	}
	return holding{why: err.Error()}
}

// keyWords returns the names in a key: a file that lacks one of them cannot hold it.
func keyWords(key string) []string { return keyWord.FindAllString(key, -1) }

var keyWord = regexp.MustCompile(`[A-Za-z0-9_-]+`)

// inline reports that values which are written in a helmfile hold the key.
func (f *finder) inline(item spot) bool {
	n := item.target()
	if n == nil || n.Kind != yaml.MappingNode {
		return false
	}
	text, err := yaml.NewRNode(n).String()
	if err != nil {
		return true
	}
	h := f.within(item.page.file, []byte(text))
	return h.yes || h.why != ""
}

// environmentValues notes where the values of the environment hold the key: which
// releases read them, only templates know.
func (f *finder) environmentValues(s *state) {
	for _, item := range s.sources() {
		n := item.target()
		name, unknown := item.text(f.environment, "")
		file, ok := join(path.Dir(item.page.file), name)
		switch {
		case n != nil && n.Kind == yaml.MappingNode:
			if f.inline(item) {
				f.doubt(item, "", true, "values of the environment hold %s: which releases use them is not known", f.key)
			}
		case len(unknown) == 0 && ok && !remote(name):
			if h := f.holds(file); h.yes || h.why != "" && !h.gone {
				f.doubt(item, "", true, "%s holds %s for the whole environment: which releases use it is not known", file, f.key)
			}
		}
	}
}

// sources returns the values of the environment in helmfile's order.
func (s *state) sources() []spot {
	all := slices.Clone(s.defaults)
	for _, part := range s.environments[s.f.environment] {
		all = append(all, part.get(s.f, "values").items()...)
	}
	return all
}

// value returns what the values of the environment say at a path; "" when that is not
// known.
func (s *state) value(steps []string) string {
	for _, part := range s.environments[s.f.environment] {
		if part.get(s.f, "secrets").is() || part.get(s.f, "mergeStrategy").is() {
			return ""
		}
	}
	for _, item := range slices.Backward(s.sources()) {
		roots := []spot{item}
		if n := item.target(); n == nil || n.Kind != yaml.MappingNode {
			var known bool
			if roots, known = s.valuesFile(item); !known {
				return ""
			}
		}
		for _, root := range roots {
			if at := root.follow(s.f, steps); at.is() {
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

// valuesFile reads a values file of the environment. It is not known where templates or
// its place keep it from being read.
func (s *state) valuesFile(item spot) (roots []spot, known bool) {
	name, unknown := item.text(s.f.environment, "")
	file, ok := join(path.Dir(item.page.file), name)
	if len(unknown) > 0 || !ok || remote(name) || strings.ContainsAny(name, "*?[") {
		return nil, false
	}
	if !s.f.there(file) {
		return nil, true
	}
	data, why := s.f.read(file)
	if why != "" || bytes.Contains(data, []byte("{{")) {
		return nil, false
	}
	p := &page{file: file}
	return s.documents(p, string(data)), true
}

// follow returns what stands at a path of keys.
func (s spot) follow(f *finder, steps []string) spot {
	for _, step := range steps {
		if s = s.get(f, step); !s.is() {
			return spot{}
		}
	}
	return s
}
