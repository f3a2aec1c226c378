package bot

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

// line checks a text that people are shown on one line, and other systems are sent. The
// sentence does not repeat it.
func (k *configCheck) line(field, text string, most int) bool {
	n := utf8.RuneCountInString(text)
	switch {
	case n > most:
		k.fail(field, "has %d characters: write %d at most", n, most)
	case strings.ContainsFunc(text, hidden):
		k.fail(field, "holds characters that cannot be seen on a line: remove them")
	default:
		return true
	}
	return false
}

// hidden reports that r cannot be seen on a line, or does more there than be seen.
func hidden(r rune) bool { return !unicode.IsPrint(r) }

// lines is line for a text that may have several lines, and tabs.
func (k *configCheck) lines(field, text string, most int) bool {
	return k.line(field, strings.NewReplacer("\n", " ", "\t", " ").Replace(text), most)
}

// maxAddress is how many characters an address may have.
const maxAddress = 2000

var errLongAddress = fmt.Errorf("the address has more than %d characters: shorten it", maxAddress)

// url checks the address of a server.
func (k *configCheck) url(field, address string) {
	if err := checkURL(address, true); err != nil {
		k.fail(field, "%v", err)
	}
}

// checkURL returns what is wrong with the address of a server, which is sent secrets or
// not. The sentence does not repeat the address, which may hold a password.
func checkURL(address string, secrets bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("not an address: write one such as https://gitlab.example.com")
	case len(address) > maxAddress:
		return errLongAddress
	case u.User != nil:
		return errors.New("the address holds a user or a password: remove it")
	case secrets && u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("http sends secrets in the clear: use https")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("the address has a part after ? or #: remove it")
	}
	return nil
}

// address checks an address that may hold placeholders and a query, and is sent secrets
// or not.
func (k *configCheck) address(field, address string, secrets bool, placeholders ...string) {
	if !k.placeholders(field, address, placeholders...) {
		return
	}
	plain, query, _ := strings.Cut(address, "?")
	_, rest, _ := strings.Cut(plain, "://")
	server, _, _ := strings.Cut(rest, "/")
	err := checkURL(placeholderPattern.ReplaceAllString(plain, "x"), secrets)
	if err == nil && len(address) > maxAddress {
		err = errLongAddress
	}
	if err != nil {
		k.fail(field, "%v", err)
		return
	}
	switch values, err := url.ParseQuery(placeholderPattern.ReplaceAllString(query, "x")); {
	case err != nil || strings.Contains(query, "#") || strings.ContainsFunc(query, hidden):
		k.fail(field, "not an address after its ?: write name=value pairs with & between them")
	case strings.Contains(server, "{version}"):
		k.fail(field, "whoever names a version would choose the server: write {version} behind the server's name only")
	case secretIn(values):
		k.fail(field, "the query holds a secret: write token, a reference, which is sent as Authorization: Bearer")
	}
}

// secretIn reports that a query holds what systems take as a secret.
func secretIn(query url.Values) bool {
	for name := range query {
		if secretName.MatchString(name) {
			return true
		}
	}
	return false
}

var secretName = regexp.MustCompile(`(?i)^((access|private|auth|job)[_-]?)?token$|^api[_-]?key$|^password$|^secret$`)

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

// isRef reports that name can be the name of a branch or a tag.
func isRef(name string) bool {
	return gitRef.MatchString(name) && !strings.Contains(name, "..") && !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, ".") && len(name) <= 250
}

// ref checks the name of a branch or a tag.
func (k *configCheck) ref(field, name string) {
	if !isRef(name) {
		k.fail(field, "%q is no branch or tag: write its name, such as main", shortened(name))
	}
}

// maxPath is how many characters a path in a repository may have.
const maxPath = 1000

// path checks the path of a file in a repository.
func (k *configCheck) path(field, path string) {
	if !k.line(field, path, maxPath) {
		return
	}
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
