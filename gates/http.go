package gates

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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

// Ask asks the address once. An answer that says nothing about the version, such as a
// 503, decides nothing, unless a condition speaks of the status itself.
func (g HTTP) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	r, err := g.request(ctx, s)
	if err != nil {
		return Verdict{}, err
	}
	status, header, body, err := send(g.Client, r)
	if err != nil {
		return Verdict{}, err
	}
	silent, pass, fail := g.silent(r.URL, status), g.Pass, g.Fail
	if silent != nil {
		pass, fail = ofStatus(pass), ofStatus(fail)
	}
	rule, err := httpWords.rule(pass, fail)
	if err != nil {
		return Verdict{}, refused("%v", err)
	}
	answer := answered(status, header, body)
	maps.Copy(answer, s.words())
	result, why, err := rule.judge(answer)
	switch {
	case err != nil:
		return Verdict{}, refused("%v", err)
	case result == Pending && silent != nil:
		return Verdict{}, silent
	}
	return Verdict{result, fmt.Sprintf("%s answers %d: %s", place(r.URL), status, why), place(r.URL)}, nil
}

// request returns what is sent.
func (g HTTP) request(ctx context.Context, s Subject) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address(g.URL), nil)
	if err != nil {
		return nil, refused("the address is none: see to its placeholders")
	}
	for name, value := range g.Headers {
		r.Header.Set(name, s.Expand(value))
	}
	if host := r.Header.Get("Host"); host != "" { // net/http sends this one alone
		r.Host = host
	}
	return r, g.Token.authorize(r)
}

// silent returns the error of an answer that says nothing about the version.
func (g HTTP) silent(at *url.URL, status int) error {
	if status >= 300 && status < 400 {
		return fmt.Errorf("%s answers %d and sends us elsewhere: write the address that answers itself", place(at), status)
	}
	return unsaid(at, status)
}

// ofStatus returns a condition that speaks of the status, and "" for another one.
func ofStatus(text string) string {
	if httpWordsButStatus.check(text) == nil {
		return ""
	}
	return text
}

// address expands an address; what is put in brings no further parts of one.
func (s Subject) address(text string) string { return s.expand(text, escape) }

// escape writes text so that it means the same in the path and in the query of an
// address: a + would be a space in a query.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

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
