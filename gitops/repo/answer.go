package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"lockstep/gitops"
)

// A turnedAway is an answer with a status that is not 200. It never knows anything
// about the repository: GitLab says 404 to who may not see a project.
type turnedAway struct {
	status int
	path   string // that was asked for
	text   string // what the server wrote
}

// Error returns a sentence for the person who has to mend it.
func (t *turnedAway) Error() string {
	switch t.status {
	case http.StatusUnauthorized:
		return "the server does not accept the access token (401): it has expired, was revoked or lacks the scope; renew it"
	case http.StatusForbidden:
		switch {
		case mentions(t.text, ailments):
			return "the server cannot do this now (403)" + t.reason()
		case strings.TrimSpace(t.text) == "Forbidden": // no more than this comes of Rack::Attack
			return "the server forbids everything from here (403), as GitLab does for an hour after many logins that failed: renew the access token if it has expired"
		}
		return fmt.Sprintf("the access token may not do this (403)%s: give its user the role, and the token the scope, to read and write the repository", t.reason())
	case http.StatusNotFound:
		path, _, _ := strings.Cut(t.path, "/info/refs")
		return fmt.Sprintf("no repository at %s (404): check the address, and that the token's user is a member of the project", path)
	}
	return fmt.Sprintf("the server answered with status %d%s", t.status, t.reason())
}

// hopeless reports that a server turned us away, and would do so again at once: who asks
// it again soon, with a token that has expired too, may be locked out for longer.
func hopeless(err error) bool {
	var t *turnedAway
	return errors.As(err, &t) && (t.status == http.StatusUnauthorized || t.status == http.StatusForbidden ||
		t.status == http.StatusTooManyRequests || t.status == http.StatusServiceUnavailable)
}

// reason returns what the server wrote, with a colon before it, or "" when that was
// nothing or a web page.
func (t *turnedAway) reason() string {
	text := strings.TrimSuffix(sentence(t.text), ".")
	if text == "" || strings.HasPrefix(text, "<") {
		return ""
	}
	return ": " + text
}

// explain returns err as a sentence for the person who has to mend it. What we know
// (the sentinels of gitops) stays what it is.
func explain(ctx context.Context, err error) error {
	var server said
	switch {
	case knowledge(err):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &server):
		return fmt.Errorf("the server says: %s", sentence(string(server)))
	}
	return err
}

// unserved explains why a server did not hand out a commit. Only where it would hand
// out whatever its branches can reach does its no mean that the commit is not there.
func (s *source) unserved(err error) error {
	var server said
	switch {
	case !errors.As(err, &server) || !strings.Contains(string(server), "not our ref"):
		return err
	case s.hello.second, s.hello.has("allow-reachable-sha1-in-want"):
		return gitops.ErrNotFound
	}
	return errors.New("no branch holds it, or the server hands out heads of branches only: there, set uploadpack.allowReachableSHA1InWant (GitLab has it)")
}

// knowledge reports that err says what is so, and not that we could not tell.
func knowledge(err error) bool {
	return errors.Is(err, gitops.ErrNotFound) || errors.Is(err, gitops.ErrConflict) || errors.Is(err, gitops.ErrRefused)
}

// sentence makes one line of at most 400 bytes of what a server wrote.
func sentence(text string) string {
	line := oneLine(text)
	if len(line) > 400 {
		line = strings.ToValidUTF8(line[:400], "") + " …"
	}
	return line
}

// oneLine makes one line of what a server wrote, without control characters and the
// rulers that GitLab draws around its messages.
func oneLine(text string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
	kept := words[:0]
	for _, w := range words {
		if strings.Trim(w, "=") != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// Texts in a server's answer to a push, in lower case. Sources: git's receive-pack.c and
// refs.c; of GitLab, lib/gitlab/git_access.rb, and Gitaly's hooks and its updateref.go.
var (
	// races: another writer was faster, whatever the version of git or Gitaly calls it.
	races = []string{
		"incorrect old value provided", "cannot lock ref", "fetch first", "failed to update ref",
		"reference already exists", "reference does not exist", "does not point to expected",
		"already locked", "refname conflict", "directory conflict",
	}
	// ailments: a hook that said no because GitLab could not ask itself. Not a no.
	ailments = []string{
		"internal api", "internal server error", "unreachable", "unavailable", "endpoint",
		"not accessible", "timed out", "timeout", "maintenance", "read-only",
		"too many", "try again later", "error executing git hook",
	}
	// refusals: a rule said no, and will say it again. Git says non-fast-forward of the
	// two commits that we name, not of where the branch stands.
	refusals = []string{
		"hook declined", "hook failed", "protected branch", "not allowed", "prohibited",
		"non-fast-forward", "hidden ref",
	}
)

// A report is a server's answer to a push.
type report struct {
	unpack string            // "ok", or why the objects were not taken
	refs   map[string]string // by full name: "ok", or why it was not updated
}

// readReport reads a report.
func readReport(l *lines) (report, error) {
	r := report{refs: map[string]string{}}
	_, err := l.each(func(line string) error {
		word, rest, _ := strings.Cut(line, " ")
		ref, why, _ := strings.Cut(rest, " ")
		switch word {
		case "unpack":
			r.unpack = rest
		case "ok":
			r.refs[rest] = word
		case "ng":
			r.refs[ref] = cmp.Or(why, "no reason given")
		}
		return nil
	})
	return r, err
}

// judge returns nil if the report says that ref was updated. remarks is what the
// hooks said. An answer that does not speak about ref says nothing about the effect.
func (r report) judge(ref, remarks string) error {
	status := r.refs[ref]
	whole := oneLine(status + ": " + remarks)
	said := strings.TrimSuffix(sentence(whole), ":") // a long one is cut
	switch {
	case r.unpack != "ok":
		return fmt.Errorf("the server could not unpack the commit (%s): %s", sentence(r.unpack), said)
	case status == "":
		return fmt.Errorf("the server's report does not mention %s: whether it took the push is not known", ref)
	case status == "ok":
		return nil
	case mentions(status, races):
		return fmt.Errorf("%w: %s", gitops.ErrConflict, said)
	case mentions(whole, ailments):
		return fmt.Errorf("the server could not decide: %s", said)
	case mentions(whole, refusals):
		return fmt.Errorf("%w: %s", gitops.ErrRefused, said)
	}
	return fmt.Errorf("the server did not take the push: %s", said)
}

// mentions reports that text contains one of the phrases, in any case.
func mentions(text string, phrases []string) bool {
	text = strings.ToLower(text)
	for _, phrase := range phrases {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}
