package gates

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// An HTTP is a gate that asks an address. Its conditions speak of status, headers, body
// (JSON) and text.
type HTTP struct {
	Client  *http.Client // nil: one that waits for 30 s
	URL     string       // may hold the placeholders of Subject.Expand, which are escaped
	Headers map[string]string
	Token   Token  // nil: none
	Pass    string // the gate passes when it holds
	Fail    string // the gate fails when it holds; "": it never does
}

// Start begins nothing.
func (g HTTP) Start(context.Context, Subject) (string, error) { return "", nil }

// Ask asks the address once.
func (g HTTP) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address(g.URL), nil)
	if err != nil {
		return Verdict{}, refused("the address is none: see to its placeholders")
	}
	for name, value := range g.Headers {
		r.Header.Set(name, s.Expand(value))
	}
	if err := g.Token.authorize(r); err != nil {
		return Verdict{}, err
	}
	status, header, body, err := send(g.Client, r)
	if err != nil {
		return Verdict{}, err
	}
	result, why, err := httpWords.judge(g.Pass, g.Fail, answered(status, header, body))
	switch {
	case err != nil:
		return Verdict{}, refused("%v", err)
	case result == Pending && unsaid(r.URL, status) != nil:
		return Verdict{}, unsaid(r.URL, status)
	}
	return Verdict{result, fmt.Sprintf("%s answers %d: %s", place(r.URL), status, why), place(r.URL)}, nil
}

// address expands an address; what is put in brings no further parts of one.
func (s Subject) address(text string) string {
	s.Package, s.Environment, s.Track = url.PathEscape(s.Package), url.PathEscape(s.Environment), url.PathEscape(s.Track)
	s.Run, s.Commit = url.PathEscape(s.Run), url.PathEscape(s.Commit)
	text = strings.ReplaceAll(text, "{version}", url.QueryEscape(string(s.Version))) // + means a space in a query, so it is escaped
	return s.Expand(text)
}

// answered returns what conditions may ask of an answer.
func answered(status int, header http.Header, body []byte) map[string]any {
	headers := map[string]string{}
	for name := range header {
		headers[strings.ToLower(name)] = header.Get(name)
	}
	var decoded any
	if err := json.Unmarshal(body, &decoded); err != nil {
		decoded = nil // it is no JSON, and conditions on it cannot be evaluated
	}
	return map[string]any{"status": status, "headers": headers, "body": decoded, "text": strings.ToValidUTF8(string(body), "?")}
}
