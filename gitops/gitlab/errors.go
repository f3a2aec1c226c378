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

// why turns an error of the client into a sentence, and into one of the sentinels
// of gitops where a caller can decide on it. Without it the URL, and all of what a
// proxy answers, would be in the text. Nil stays nil.
func (c *Client) why(err error) error {
	var answer *api.ErrorResponse
	var request *url.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, api.ErrNotFound):
		return fmt.Errorf("GitLab answers 404, as it also does to those who have no right to see it: %w", gitops.ErrNotFound)
	case errors.As(err, &answer):
		return c.answered(answer)
	case errors.As(err, &request):
		return fmt.Errorf("talk to GitLab: %w", request.Err)
	}
	return fmt.Errorf("talk to GitLab: %w", err)
}

// answered is why for an answer that tells of an error.
func (c *Client) answered(e *api.ErrorResponse) error {
	status, write := e.Response.StatusCode, e.Response.Request.Method != http.MethodGet
	text := fmt.Sprintf("GitLab answers %d: %s", status, c.words(e))
	switch {
	case status == http.StatusUnauthorized:
		// Never ErrRefused: who waits until the token is renewed, goes on then.
		return errors.New("GitLab refuses the token (401): renew it")
	case status == http.StatusForbidden && write:
		return fmt.Errorf("%s: %w", text, gitops.ErrRefused)
	case status == http.StatusConflict && write:
		return fmt.Errorf("%s: %w", text, gitops.ErrConflict)
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("GitLab limits the rate (%s): %s", after(e.Response.Header), c.words(e))
	}
	return errors.New(text)
}

// after says how long GitLab asks to wait.
func after(header http.Header) string {
	if wait := retryAfter(header); wait > 0 {
		return fmt.Sprintf("429, for another %v", wait)
	}
	return "429"
}

// status returns the HTTP status that err tells of, or 0.
func status(err error) int {
	var answer *api.ErrorResponse
	switch {
	case errors.Is(err, api.ErrNotFound):
		return http.StatusNotFound
	case errors.As(err, &answer):
		return answer.Response.StatusCode
	}
	return 0
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
