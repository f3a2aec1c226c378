package bot

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"lockstep/gitops"
)

// The checks of single values. Each notes what is wrong with the value of field, and
// reports whether nothing is.

// given checks that a required value is there.
func (k *configCheck) given(field, value, cure string) bool {
	if value == "" {
		k.fail(field, "missing: write %s", cure)
	}
	return value != ""
}

// has reports that there is a reference in field, be it one that cannot be read.
func (k *configCheck) has(field string, r Reference) bool {
	return r.Given() || k.broken[field]
}

var configName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// name checks a name that people give to something.
func (k *configCheck) name(field, name string) bool {
	ok := configName.MatchString(name)
	if !ok {
		k.fail(field, "%q is no name: write 1 to 63 small letters, digits and -, beginning with a letter or digit", shortened(name))
	}
	return ok
}

// oneOf checks that word is one of words.
func (k *configCheck) oneOf(field, word string, words ...string) bool {
	ok := slices.Contains(words, word)
	if !ok {
		k.fail(field, "%q is not known: %s", shortened(word), known(word, words))
	}
	return ok
}

// refers checks a reference to something that is configured elsewhere, such as an
// "environment".
func (k *configCheck) refers(field, kind, name string, names []string) bool {
	ok := slices.Contains(names, name)
	if !ok {
		k.fail(field, "unknown %s %q: %s", kind, shortened(name), known(name, names))
	}
	return ok
}

// names checks a list of references, each once.
func (k *configCheck) names(field, kind string, list, names []string) {
	for i, name := range list {
		at := item(field, i)
		if k.refers(at, kind, name, names) && slices.Contains(list[:i], name) {
			k.fail(at, "%s %q is there twice: remove one", kind, name)
		}
	}
}

// url checks the address of a server.
func (k *configCheck) url(field, address string) {
	if err := checkURL(address); err != nil {
		k.fail(field, "%v", err)
	}
}

// checkURL returns what is wrong with the address of a server. The sentence does not
// repeat the address, which may hold a password.
func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("not an address: write one such as https://gitlab.example.com")
	case u.User != nil:
		return errors.New("the address holds a user or a password: remove it")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("http sends secrets in the clear: use https")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("the address has a part after ? or #: remove it")
	}
	return nil
}

// loopback reports that host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// loopbackListen reports that listening on address serves this machine only.
func loopbackListen(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopback(host)
}

var projectPath = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$`)

// project checks the path of a GitLab project. The sentence does not repeat it: some
// write an address with a token.
func (k *configCheck) project(field, path string) bool {
	if !k.given(field, path, "the project's path, such as group/project") {
		return false
	}
	ok := projectPath.MatchString(path) && !strings.HasSuffix(path, ".git")
	if !ok {
		k.fail(field, "not a project path: write it as it stands in GitLab's address after the host, such as group/project")
	}
	return ok
}

var gitRef = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+#-]*(/[A-Za-z0-9_][A-Za-z0-9_.+#-]*)*$`)

// ref checks the name of a branch or a tag.
func (k *configCheck) ref(field, name string) {
	if !gitRef.MatchString(name) || strings.Contains(name, "..") || strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, ".") {
		k.fail(field, "%q is no branch or tag: write its name, such as main", shortened(name))
	}
}

// path checks the path of a file in a repository.
func (k *configCheck) path(field, path string) {
	if !fs.ValidPath(path) || path == "." || strings.Contains(path, `\`) {
		k.fail(field, `%q is no file of a repository: write its path from the root, with / and without .. or a leading /`, shortened(path))
	}
}

// key checks the selector of a value.
func (k *configCheck) key(field, key string) {
	if !k.given(field, key, "where the version stands in the file, such as data.version") {
		return
	}
	if err := gitops.CheckKey(key); err != nil {
		k.fail(field, "%v", err)
	}
}

var placeholderPattern = regexp.MustCompile(`\{([A-Za-z_]+)\}`)

// placeholders checks that text holds no other placeholders than allowed.
func (k *configCheck) placeholders(field, text string, allowed ...string) bool {
	ok := true
	for _, found := range placeholderPattern.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(allowed, found[1]) {
			k.fail(field, "unknown placeholder {%s}: %s", shortened(found[1]), known(found[1], allowed))
			ok = false
		}
	}
	return ok
}
