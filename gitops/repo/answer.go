package repo

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"lockstep/gitops"
)

// explain returns err as a sentence for the person who has to mend it. What we know
// (the sentinels of gitops) stays what it is. at may be nil when there was no session.
func explain(ctx context.Context, err error, at *transport.Endpoint) error {
	var unexpected *plumbing.UnexpectedError
	if errors.As(err, &unexpected) {
		err = unexpected.Err // go-git's wrapper does not unwrap
	}
	var status *githttp.Err
	var data *packp.ErrUnexpectedData
	var line *pktline.ErrorLine
	switch {
	case knowledge(err):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return errors.New("the server does not accept the access token (401): it has expired, was revoked or lacks the scope; renew it")
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("the access token may not do this (403)%s: give its user the role, and the token the scope, to read and write the repository", reason(err))
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("no repository at %s (404): check the address, and that the token's user is a member of the project", at.Path)
	case errors.As(err, &status):
		return fmt.Errorf("the server answered with status %d", status.StatusCode())
	case errors.As(err, &data) && bytes.Contains(data.Data, []byte("object-format=sha256")):
		return errors.New("the repository uses SHA-256 object ids, which are not supported: use one with SHA-1")
	case errors.As(err, &line):
		return fmt.Errorf("the server says: %s", sentence(line.Text))
	}
	return err
}

// knowledge reports that err says what is so, and not that we could not tell.
func knowledge(err error) bool {
	return errors.Is(err, gitops.ErrNotFound) || errors.Is(err, gitops.ErrConflict) || errors.Is(err, gitops.ErrRefused)
}

// reason returns what the server wrote below a status, with a colon before it, or ""
// when that was nothing or a web page.
func reason(err error) string {
	_, text, _ := strings.Cut(err.Error(), ": ")
	text = strings.TrimSuffix(sentence(text), ".")
	if text == "" || strings.HasPrefix(text, "<") {
		return ""
	}
	return ": " + text
}

// sentence makes one line of at most 400 bytes of what a server wrote, without
// control characters and the rulers that GitLab draws around its messages.
func sentence(text string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
	kept := words[:0]
	for _, w := range words {
		if strings.Trim(w, "=") != "" {
			kept = append(kept, w)
		}
	}
	line := strings.Join(kept, " ")
	if len(line) > 400 {
		line = strings.ToValidUTF8(line[:400], "") + " …"
	}
	return line
}

// A masked error reads as text and is what it wraps.
type masked struct {
	error
	text string
}

func (m masked) Error() string { return m.text }
func (m masked) Unwrap() error { return m.error }

// mask makes sure that err does not show the credentials, whatever a server may
// have sent back of our request. login may be nil.
func mask(err error, login *githttp.BasicAuth) error {
	if login == nil || login.Password == "" {
		return err
	}
	header := base64.StdEncoding.EncodeToString([]byte(login.Username + ":" + login.Password))
	text := strings.NewReplacer(login.Password, "***", header, "***").Replace(err.Error())
	if text == err.Error() {
		return err
	}
	return masked{error: err, text: text}
}

// Texts in a server's answer to a push, in lower case.
var (
	// races: another writer was faster, whatever git's version calls it.
	races = []string{
		"incorrect old value provided", "cannot lock ref", "fetch first", "non-fast-forward",
		"reference already exists", "failed to update ref",
	}
	// ailments: a hook that said no because GitLab could not ask itself. Not a no.
	ailments = []string{
		"internal api", "internal server error", "unreachable", "unavailable",
		"not accessible", "timed out", "timeout", "maintenance", "read-only",
	}
	// refusals: a rule said no, and will say it again.
	refusals = []string{"hook declined", "protected branch", "not allowed", "prohibited"}
)

// judge returns nil if report says that ref was updated. remarks is what the hooks
// said. An answer that does not speak about ref says nothing about the effect.
func judge(report *packp.ReportStatus, ref plumbing.ReferenceName, remarks string) error {
	if report == nil {
		return errors.New("the server's answer is empty: whether it took the push is not known")
	}
	status := ""
	for _, c := range report.CommandStatuses {
		if c.ReferenceName == ref {
			status = c.Status
		}
	}
	said := strings.TrimSuffix(sentence(status+": "+remarks), ":")
	switch {
	case report.UnpackStatus != "ok":
		return fmt.Errorf("the server could not unpack the commit (%s): %s", sentence(report.UnpackStatus), said)
	case status == "":
		return fmt.Errorf("the server's report does not mention %s: whether it took the push is not known", ref)
	case status == "ok":
		return nil
	case mentions(status, races):
		return fmt.Errorf("%w: %s", gitops.ErrConflict, said)
	case mentions(said, ailments):
		return fmt.Errorf("the server could not decide: %s", said)
	case mentions(said, refusals):
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
