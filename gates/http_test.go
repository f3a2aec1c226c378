package gates

import (
	"context"
	"strings"
	"testing"
)

func TestHTTP(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pass, fail, answer string
		want               Result
		says               string // in the reason or the error
	}{
		{"status == 200", "", "200 ok", Passed, "answers 200: status == 200"},
		{"status == 200", "", "204", Pending, "not status == 200"},
		{"body.errors < 3", "body.errors >= 3", `200 {"errors": 1}`, Passed, ""},
		{"body.errors < 3", "body.errors >= 3", `200 {"errors": 3.0}`, Failed, "body.errors >= 3"},
		{"body.errors < 3", "body.errors >= 3", `200 {}`, Pending, "cannot be evaluated"},
		{"body.errors < 3", "", `200 <html>`, Pending, "cannot be evaluated"},
		{"has(body.ok) && body.ok", "", `200 {"ok": true}`, Passed, ""},
		{`headers["x-data"] == "kept" && text.contains("fine")`, "", "200 all fine", Passed, ""},
		{"status == 503", "", "503", Passed, ""},
		{"status == 200", "status == 500", "500", Failed, ""},
		{"status == 200", "", "503", "", "answers 503"},
		{"status == 200", "", "429", "", "answers 429"},
		{"status == 200", "", "401", "", "see to its token"},
		{"status == 200", "", "404", Pending, "answers 404: not status == 200"},

		// an answer that says nothing about the version decides nothing, unless a condition speaks of the status
		{"status == 200", "", "302", "", "sends us elsewhere"},
		{"status == 302", "", "302", Passed, ""},
		{"status == 200", `text.contains("error")`, "503 error: no backend", "", "answers 503"},
		{`text.contains("fine")`, "", "503 all was fine", "", "answers 503"},
		{"status == 200", `status >= 500 && text.contains("error")`, "503 error", Failed, ""},

		// not to know whether it fails is never a yes
		{"status == 200", "body.errors > 3", "200 <html>", Pending, `"body.errors > 3" cannot be evaluated`},
		{"status == 200", "has(body.errors) && body.errors > 3", "200 {}", Passed, ""},

		// an answer is compared with what is asked about
		{"body.version == version && body.where == environment", "", `200 {"version": "2026.11.3+1", "where": "abn"}`, Passed, ""},
		{"body.version == version", "", `200 {"version": "2026.11.2"}`, Pending, "not body.version == version"},
		{"body.commit == commit", "", `200 {"commit": "c1"}`, Passed, ""},

		{"status == 200", "", "200 " + strings.Repeat("x", maxAnswer+1), "", "more than 1 MiB"},
		{"body", "", `200 "yes"`, Pending, "not true or false"},
	}
	for _, test := range tests {
		server, asked := serve(t, test.answer)
		g := HTTP{
			URL: server.URL + "/check/{version}?e={environment}&key=hidden", Pass: test.pass, Fail: test.fail, Headers: map[string]string{"X-Run": "{run}"},
			Token: func(context.Context) (string, error) { return "s3cret", nil },
		}
		v, err := g.Ask(t.Context(), subject(0), "")
		said := v.Reason
		if err != nil {
			said = err.Error()
		}
		if v.Result != test.want || !strings.Contains(said, test.says) || (err != nil) != (test.want == "" && v.Reason == "") {
			t.Errorf("%s on %.40q: got %q, %q, %v; want %q with %q", test.pass, test.answer, v.Result, v.Reason, err, test.want, test.says)
		}
		if strings.Contains(said+v.Link, "hidden") || strings.Contains(said, "s3cret") {
			t.Errorf("%q shows a secret", said)
		}
		r := (*asked)[0]
		if r.URL.Path != "/check/2026.11.3+1" || r.URL.RawQuery != "e=abn&key=hidden" || r.Header.Get("Authorization") != "Bearer s3cret" || r.Header.Get("X-Run") != "0193" {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
	}
}

// What is put into an address stays the part that it is put into.
func TestAddress(t *testing.T) {
	t.Parallel()
	s := subject(0)
	s.Package, s.Environment = "a b/../c?d#e", "x&y=z+1"
	for text, want := range map[string]string{
		"https://h/{package}":             "https://h/a%20b%2F..%2Fc%3Fd%23e",
		"https://h/?e={environment}&f=g":  "https://h/?e=x%26y%3Dz%2B1&f=g",
		"https://h/{version}?v={version}": "https://h/2026.11.3%2B1?v=2026.11.3%2B1",
		"https://h/{other}":               "https://h/{other}",
	} {
		if got := s.address(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestHTTPHost(t *testing.T) {
	t.Parallel()
	server, asked := serve(t, "200")
	g := HTTP{URL: server.URL, Pass: "true", Headers: map[string]string{"host": "{environment}.example.com"}}
	if _, err := g.Ask(t.Context(), subject(0), ""); err != nil {
		t.Fatal(err)
	}
	if got := (*asked)[0].Host; got != "abn.example.com" {
		t.Errorf("asked host %q", got)
	}
}
