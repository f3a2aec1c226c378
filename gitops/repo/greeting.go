package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A greeting is what a service offers before it is asked for anything.
type greeting struct {
	at      string         // the repository's URL, after redirects
	begun   bool           // anything was said but the name of the service
	second  bool           // it speaks the second version of the protocol, which names no refs here
	refs    map[string]oid // every ref by its full name
	offered map[string]string
}

func newGreeting() *greeting {
	return &greeting{refs: map[string]oid{}, offered: map[string]string{}}
}

// errLong is about repositories with the other kind of ids.
var errLong = errors.New("the repository uses SHA-256 object ids, which are not supported: use one with SHA-1")

// welcome greets a service and reads what it offers.
func (s *session) welcome(ctx context.Context, service string) (*greeting, error) {
	body, err := s.greet(ctx, service)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	g := newGreeting()
	l := newLines(body)
	_, err = l.each(g.note)
	if err == nil && !g.begun { // so far it named the service
		_, err = l.each(g.note)
	}
	if err != nil {
		return nil, err
	}
	g.at = s.at
	return g, g.usable()
}

// note reads one line of a greeting.
func (g *greeting) note(line string) error {
	if strings.HasPrefix(line, "# service=") {
		return nil
	}
	g.begun = true
	switch {
	case line == "version 1":
	case line == "version 2":
		g.second = true
	case g.second:
		g.offer(line)
	default:
		return g.ref(line)
	}
	return nil
}

// offer notes one capability: a word, or a word with a value.
func (g *greeting) offer(capability string) {
	name, value, _ := strings.Cut(capability, "=")
	g.offered[name] = value
}

// ref notes one line of the first version: an id and a ref, and in the first line
// the capabilities behind a zero byte.
func (g *greeting) ref(line string) error {
	line, capabilities, first := strings.Cut(line, "\x00")
	if first {
		for _, capability := range strings.Fields(capabilities) {
			g.offer(capability)
		}
		if err := g.usable(); err != nil {
			return err
		}
	}
	digits, name, _ := strings.Cut(line, " ")
	id, ok := parseOID(digits)
	switch {
	case digits == "shallow":
		return nil
	case !ok || name == "":
		return fmt.Errorf("the answer is not in git's protocol: %.80q is neither an id nor a ref", line)
	}
	if !id.zero() { // as in a repository without refs
		g.refs[name] = id
	}
	return nil
}

// usable returns an error if the service cannot be worked with.
func (g *greeting) usable() error {
	if format, ok := g.offered["object-format"]; ok && format != "sha1" {
		return errLong
	}
	return nil
}

// has reports that the service offers a capability.
func (g *greeting) has(capability string) bool {
	_, ok := g.offered[capability]
	return ok
}

// needs returns an error if the service lacks one of the capabilities.
func (g *greeting) needs(capabilities ...string) error {
	for _, c := range capabilities {
		if !g.has(c) {
			return fmt.Errorf("the server lacks the capability %q", c)
		}
	}
	return nil
}

// can reports that fetch, of the second version, has a feature.
func (g *greeting) can(feature string) bool {
	for f := range strings.FieldsSeq(g.offered["fetch"]) {
		if f == feature {
			return true
		}
	}
	return false
}
