package gitops

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// A candidate is one release while its values are looked through.
type candidate struct {
	*state
	at    spot
	chain []spot // what it inherits and itself, in the order in which helmfile joins them
	name  string // "" where it is not known

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
	if len(unknown) == 0 && releaseName.MatchString(name) {
		c.name = name
	}
	c.chain = c.inherited(nil, at, map[string]bool{})
	slices.Reverse(c.chain)
	switch {
	case len(unknown) > 0:
		f.doubtful(at, "", "the release's name is not known ("+unknown[0]+")", c.guesses())
		return
	case c.name == "":
		f.doubtful(at, "", fmt.Sprintf("%q is no name of a release", shown(name)), c.guesses())
		return
	}
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
	why := fmt.Sprintf("release %s (%s:%d) has values %s", c.name, c.at.page.file, c.at.line(), c.file)
	if len(c.others) > 0 {
		why += ", which go before those of " + strings.Join(c.others[:min(3, len(c.others))], ", ")
	}
	f.uses.Uses = append(f.uses.Uses, Use{Service: c.name, File: c.file, Key: f.key, Why: why})
}

// guesses returns the patterns of the values files of a release without a known name.
func (c *candidate) guesses() []string {
	var patterns []string
	for _, item := range c.values() {
		if n := item.target(); n != nil && n.Kind == yaml.ScalarNode {
			_, _, pattern := c.path(item)
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}

// path returns the path that an item of values names, which actions in it are unknown,
// and the pattern of the files that it may name then.
func (c *candidate) path(item spot) (name string, unknown []string, pattern string) {
	name, unknown = item.text(c.f.environment, c.name)
	prefix := c.field("valuesPathPrefix")
	if prefix.null() {
		return name, unknown, item.pattern(c.dir, name)
	}
	before, more := prefix.text(c.f.environment, c.name)
	if name = before + name; len(more) > 0 {
		return name, append(more, unknown...), ""
	}
	return name, unknown, item.pattern(c.dir, name)
}

// values returns the values of the release in helmfile's order, in which the last one
// goes before the others.
func (c *candidate) values() []spot {
	return append(c.lists("valuesTemplate"), c.lists("values")...)
}

// lists returns the items of that key of the release and of all that it inherits.
func (c *candidate) lists(key string) []spot {
	var all []spot
	for _, part := range c.chain {
		all = append(all, part.get(c.f, key).list(c.f, c.name, key)...)
	}
	return all
}

// field returns the single value of that key of the release: the first one in its chain.
func (c *candidate) field(key string) spot {
	for _, part := range c.chain {
		if at := part.get(c.f, key); !at.null() {
			return at
		}
	}
	return spot{}
}

// inherited appends to chain, the last one first, a release or a template and what it
// inherits. Seen holds the templates that were gone through: of one that is inherited
// twice, its last place is the one that counts.
func (c *candidate) inherited(chain []spot, of spot, seen map[string]bool) []spot {
	f := c.f
	of.known(f, c.name)
	chain = append(chain, of)
	for _, item := range slices.Backward(of.get(f, "inherit").list(f, c.name, "inherit")) {
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
			chain = c.inherited(chain, template, seen)
		}
	}
	return chain
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
	name, unknown, pattern := c.path(item)
	file, ok := join(c.dir, name)
	switch {
	case len(unknown) > 0:
		f.doubtful(item, c.name, "which values "+strings.Join(unknown, " and ")+" names is not known", []string{pattern})
	case remote(name):
		f.doubt(item, c.name, false, "values %q are in another place and not read", shown(name))
	case !ok:
		f.doubt(item, c.name, false, "values %q lead out of the repository", shown(name))
	default:
		all := f.expanded(file)
		if f.tired(4 * len(all)) {
			return
		}
		for _, file := range all {
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
	case h.gone && (c.lenient || lenient(c.field("missingFileHandler"))):
	case h.gone:
		c.f.doubt(item, c.name, false, "values %s are not there", shown(file))
	case h.why != "":
		c.f.doubt(item, c.name, true, "whether values %s hold %s is not known: %s", file, c.f.key, h.why)
	}
}

// sets notes a "set" of the key, or of a map that holds it, which goes before all values.
func (c *candidate) sets() {
	f := c.f
	for _, key := range []string{"set", "setString", "setTemplate"} {
		for _, item := range c.lists(key) {
			name, unknown := item.get(f, "name").text(f.environment, c.name)
			switch {
			case len(unknown) > 0:
				f.doubt(item, c.name, true, "what %s sets is not known: %s", key, unknown[0])
			case name == f.key && slices.Contains(c.at.get(f, key).items(), item):
				f.doubt(item, c.name, true, "%s sets %s in the helmfile: list the service with the key releases[name=%s].%s[name=%q].value", key, name, c.name, key, name)
			case f.covers(name):
				f.doubt(item, c.name, true, "%s sets %s in the helmfile, which goes before %s of values files", key, shown(name), f.key)
			}
		}
	}
}

// covers reports that name, as Helm's --set takes it, is the key or leads to a map or a
// list that holds it.
func (f *finder) covers(name string) bool {
	sel, err := parseKey(f.key)
	if err != nil {
		return false
	}
	var path []string
	for _, st := range sel.path {
		if !st.item {
			path = append(path, st.name)
		}
	}
	set := setName.FindAllString(setIndex.ReplaceAllString(name, ""), -1)
	for i := range set {
		set[i] = setEscape.ReplaceAllString(set[i], "$1")
	}
	return len(set) > 0 && len(set) <= len(path) && slices.Equal(set, path[:len(set)])
}

// Helm's --set knows a.b for a key of a key, a[0] for an item, and a\.b for a key with a dot.
var (
	setIndex  = regexp.MustCompile(`\[[0-9]*\]`)
	setName   = regexp.MustCompile(`(?:[^.\\]|\\.)+`)
	setEscape = regexp.MustCompile(`\\(.)`)
)

// away says why helmfile does not install the release in the environment; "" when it
// does, or when that is not known.
func (c *candidate) away() string {
	f := c.f
	if at := c.field("installedTemplate"); !at.null() {
		f.doubt(at, c.name, false, "whether it is installed is not known (installedTemplate): taken as if it was")
	} else if c.uninstalled() {
		return "installed: false"
	}
	at := c.field("condition")
	if at.null() {
		return ""
	}
	condition, unknown := at.text(f.environment, c.name)
	if len(unknown) == 0 {
		switch strings.ToLower(c.value(strings.Split(condition, "."))) {
		case "true":
			return ""
		case "false":
			return "condition " + condition + " is false in environment " + f.environment
		}
	}
	f.doubt(at, c.name, false, "what the condition %s is in environment %s is not known: taken as if it was true", shown(condition), f.environment)
	return ""
}

// uninstalled reports that "installed" of the release and of all that it inherits is
// false, wherever it stands: helmfile takes one that is true before all others.
func (c *candidate) uninstalled() (is bool) {
	for _, part := range c.chain {
		at := part.get(c.f, "installed")
		if at.null() {
			continue
		}
		text, unknown := at.text(c.f.environment, c.name)
		if len(unknown) > 0 {
			c.f.doubt(at, c.name, false, "whether it is installed is not known: taken as if it was")
		}
		if !strings.EqualFold(text, "false") {
			return false
		}
		is = true
	}
	return is
}
