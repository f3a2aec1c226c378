package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	api "github.com/xanzy/go-gitlab"

	"lockstep/gitops"
)

// maxMessage is how many runes of GitLab's own words an error repeats.
const maxMessage = 200

// A problem is an answer that tells of an error.
type problem struct {
	status int    // HTTP
	text   string // a sentence; the last part of an error that people read
	kind   error  // the sentinel of gitops that a caller can decide on, or nil
}

func (p *problem) Error() string { return p.text }

func (p *problem) Unwrap() error { return p.kind }

// status returns the HTTP status of the answer that err tells of, or 0.
func status(err error) int {
	var p *problem
	if errors.As(err, &p) {
		return p.status
	}
	return 0
}

// why turns an error of the client into one that says what people need to know: the
// client's would repeat the URL, and all that a proxy answers. Nil stays nil.
func (c *Client) why(err error) error {
	var answer *api.ErrorResponse
	var request *url.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, api.ErrNotFound): // the client keeps nothing of the answer
		return &problem{http.StatusNotFound, "GitLab answers 404, as it also does when the bot has no right to see it", gitops.ErrNotFound}
	case errors.As(err, &answer):
		return c.problem(answer)
	case errors.As(err, &request):
		return fmt.Errorf("talk to GitLab: %w", request.Err)
	}
	return fmt.Errorf("talk to GitLab: %w", err)
}

// problem is why for an answer that tells of an error.
func (c *Client) problem(e *api.ErrorResponse) *problem {
	p := &problem{status: e.Response.StatusCode}
	p.text = fmt.Sprintf("GitLab answers %d: %s", p.status, c.words(e))
	write := e.Response.Request.Method != http.MethodGet
	switch {
	case p.status == http.StatusUnauthorized:
		// Never ErrRefused: what waits for a new token goes on when it is there.
		p.text = "GitLab refuses the token (401): renew it"
	case p.status == http.StatusTooManyRequests:
		p.text = fmt.Sprintf("GitLab limits the rate (%s): %s", after(e.Response.Header), c.words(e))
	case p.status == http.StatusForbidden && write:
		p.kind = gitops.ErrRefused
	case p.status == http.StatusConflict && write:
		p.kind = gitops.ErrConflict
	}
	return p
}

// after says how long GitLab asks to wait.
func after(header http.Header) string {
	if wait := retryAfter(header); wait > 0 {
		return fmt.Sprintf("429, for another %v", wait)
	}
	return "429"
}

// words returns GitLab's own words in an error answer, in one line. Some proxies
// show the request in their error pages: the token is cut out, and pages are left
// out altogether.
func (c *Client) words(e *api.ErrorResponse) string {
	text := http.StatusText(e.Response.StatusCode)
	var fields map[string]any
	if json.Unmarshal(e.Body, &fields) == nil {
		for _, name := range []string{"message", "error_description", "error"} {
			if fields[name] != nil {
				text = plain(fields[name])
				break
			}
		}
	} else if strings.HasPrefix(e.Response.Header.Get("Content-Type"), "text/plain") {
		text = string(e.Body)
	}
	if token := c.token(); token != "" {
		text = strings.ReplaceAll(text, token, "***")
	}
	return oneLine(text)
}

// plain flattens the shapes of GitLab's messages: a text, a list of texts, or texts
// by the attribute that they are about.
func plain(message any) string {
	switch m := message.(type) {
	case string:
		return m
	case []any:
		var parts []string
		for _, part := range m {
			parts = append(parts, plain(part))
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		var parts []string
		for name, part := range m {
			if name == "base" {
				parts = append(parts, plain(part))
			} else {
				parts = append(parts, name+" "+plain(part))
			}
		}
		slices.Sort(parts)
		return strings.Join(parts, "; ")
	}
	return fmt.Sprint(message)
}

// oneLine returns text in one line of at most maxMessage runes that can be printed.
func oneLine(text string) string {
	line := []rune(strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " "))
	if len(line) > maxMessage {
		line = append(line[:maxMessage-1], '…')
	}
	return string(line)
}

// head returns the first n bytes of body.
func head(body io.ReadCloser, n int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, n), body}
}

// wrap says what was being done when err came up; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
