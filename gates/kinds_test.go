package gates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/gitops"
)

var began = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

func subject(after time.Duration) Subject {
	return Subject{
		Run: "0193", Gate: "g", Track: "release", Package: "mda", Environment: "abn", Version: "2026.11.3+1",
		Commit: "c1", By: "ana", Since: began, Now: began.Add(after),
	}
}

// serve answers each request with the next status and body; the last one stays.
func serve(t *testing.T, answers ...string) (*httptest.Server, *[]*http.Request) {
	t.Helper()
	var mu sync.Mutex
	var asked []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		answer := answers[min(len(asked), len(answers)-1)]
		asked = append(asked, r)
		status, body, _ := strings.Cut(answer, " ")
		w.Header().Set("X-Data", "kept")
		var code int
		if _, err := fmt.Sscan(status, &code); err != nil {
			t.Error(err)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return server, &asked
}

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
		{"status == 200", "", "302", Pending, "answers 302"},
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

// What cannot be asked is an error, and says nothing of the version.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, "200")
	server.Close()
	for name, g := range map[string]Gate{
		"http":       HTTP{URL: server.URL + "/x?key=hidden", Pass: "true"},
		"prometheus": Prometheus{URL: server.URL, Query: "up", Pass: "value > 0.0"},
		"soak":       Soak{For: time.Minute, Watch: []Watched{{"h", HTTP{URL: server.URL, Pass: "true"}}}},
		"token":      HTTP{URL: server.URL, Pass: "true", Token: func(context.Context) (string, error) { return "", errors.New("vault is sealed") }},
	} {
		v, err := g.Ask(t.Context(), subject(0), "")
		if err == nil || errors.Is(err, gitops.ErrRefused) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %+v, %v; want an error that can be mended by waiting", name, v, err)
		}
	}
}

// samples answers as Prometheus does: each pair is seconds after began and a value.
func samples(kind string, pairs ...[2]float64) string {
	var values []string
	for _, p := range pairs {
		values = append(values, fmt.Sprintf(`[%d,"%v"]`, began.Unix()+int64(p[0]), p[1]))
	}
	result := "[]"
	switch {
	case kind == "vector" && len(values) > 0:
		var all []string
		for i, v := range values {
			all = append(all, fmt.Sprintf(`{"metric":{"pod":"p%d"},"value":%s}`, i, v))
		}
		result = "[" + strings.Join(all, ",") + "]"
	case kind == "matrix" && len(values) > 0:
		result = `[{"metric":{},"values":[` + strings.Join(values, ",") + `]}]`
	case kind == "scalar":
		result = values[0]
	}
	return fmt.Sprintf(`200 {"status":"success","data":{"resultType":%q,"result":%s}}`, kind, result)
}

// every returns a value each 10 s from one time to another, in seconds.
func every(from, to, value float64) (pairs [][2]float64) {
	for at := from; at <= to; at += 10 {
		pairs = append(pairs, [2]float64{at, value})
	}
	return pairs
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	const low, high = "value < 0.01", "value > 0.5"
	bad := `400 {"status":"error","errorType":"bad_data","error":"parse error at char 3"}`
	tests := []struct {
		name, pass, fail string
		hold             time.Duration
		noData           NoData
		answer           string
		want             Result
		says             string
	}{
		{"passes", low, high, 0, "", samples("vector", [2]float64{0, 0.001}), Passed, "value 0.001"},
		{"fails", low, high, 0, "", samples("vector", [2]float64{0, 0.9}), Failed, high},
		{"neither", low, high, 0, "", samples("vector", [2]float64{0, 0.1}), Pending, "not value < 0.01"},
		{"scalar", low, "", 0, "", samples("scalar", [2]float64{0, 0}), Passed, ""},
		{"several", low, "", 0, "", samples("vector", [2]float64{0, 0}, [2]float64{0, 1}), "", "several samples"},
		{"all of several", "values.all(v, v.value < 2.0)", "", 0, "", samples("vector", [2]float64{0, 0}, [2]float64{0, 1}), Passed, "2 values"},
		{"by label", `values.exists(v, v.labels["pod"] == "p1" && v.value == 1.0)`, "", 0, "", samples("vector", [2]float64{0, 0}, [2]float64{0, 1}), Passed, ""},
		{"no data", low, "", 0, "", samples("vector"), None, "no data"},
		{"no data passes", low, "", 0, NoDataPasses, samples("vector"), Passed, "declared to pass"},
		{"no data waits", low, "", 0, NoDataWaits, samples("vector"), Pending, "no data"},
		{"bad query", low, "", 0, "", bad, "", "parse error"},
		{"gone", low, "", 0, "", "503 ", "", "ask Prometheus"},
		{"text", low, "", 0, "", `200 {"status":"success","data":{"resultType":"string","result":[1,"x"]}}`, "", "unexpected value type"},
		{"held", low, high, 5 * time.Minute, "", samples("matrix", every(300, 600, 0)...), Passed, "for 5m0s"},
		{"not held yet", low, high, 30 * time.Minute, "", samples("matrix", every(0, 600, 0)...), Pending, "10m0s of 30m0s"},
		{"flaps", low, "", 5 * time.Minute, "", samples("matrix", append(every(300, 540, 0), append([][2]float64{{550, 1}}, every(560, 600, 0)...)...)...), Pending, "40s of 5m0s"},
		{"a gap is a break", low, "", 5 * time.Minute, "", samples("matrix", append(every(300, 400, 0), every(500, 600, 0)...)...), Pending, "1m40s of 5m0s"},
		{"bad at the end", low, high, 5 * time.Minute, "", samples("matrix", append(every(300, 590, 0), [2]float64{600, 0.9})...), Failed, ""},
		{"no data for long", low, "", 5 * time.Minute, "", samples("matrix", every(300, 400, 0)...), None, "no data"},
		{"no data at all", low, "", 5 * time.Minute, "", samples("matrix"), None, "no data"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, _ := serve(t, test.answer)
			g := Prometheus{URL: server.URL, Query: `errors{version="{version}"}`, Pass: test.pass, Fail: test.fail, For: test.hold, NoData: test.noData}
			v, err := g.Ask(t.Context(), subject(10*time.Minute), "")
			said := v.Reason
			if err != nil {
				said = err.Error()
			}
			if v.Result != test.want || !strings.Contains(said, test.says) {
				t.Errorf("got %q, %q, %v; want %q with %q", v.Result, v.Reason, err, test.want, test.says)
			}
			if refuses := test.name == "bad query" || test.name == "several"; errors.Is(err, gitops.ErrRefused) != refuses {
				t.Errorf("refused for good: %v, want %v (%v)", !refuses, refuses, err)
			}
		})
	}
}

// said holds opinions.
type said []Opinion

func (s said) Opinions(context.Context, Subject) ([]Opinion, error) { return s, nil }

func TestApproval(t *testing.T) {
	t.Parallel()
	yes := func(names ...string) (all said) {
		for _, name := range names {
			all = append(all, Opinion{By: name, Yes: true})
		}
		return all
	}
	tests := []struct {
		gate Approval
		said said
		want Result
		says string
	}{
		{Approval{}, nil, Pending, "0 of 1 approvals; may approve: anybody"},
		{Approval{}, yes("ben"), Passed, "approved by ben"},
		{Approval{Count: 2}, yes("ben", "ben"), Pending, "1 of 2"},
		{Approval{Count: 2}, yes("ben", "cleo"), Passed, "ben, cleo"},
		{Approval{By: []string{"cleo"}}, yes("ben"), Pending, "may approve: cleo"},
		{Approval{NotAuthor: true}, yes("ana"), Pending, "0 of 1"},
		{Approval{}, yes("ana"), Passed, ""},
		{Approval{}, said{{By: "ben", Reason: "prices are wrong"}}, Failed, "denied by ben: prices are wrong"},
		{Approval{By: []string{"cleo"}}, said{{By: "ben"}}, Pending, "0 of 1"},
	}
	for _, test := range tests {
		test.gate.From = test.said
		v, err := test.gate.Ask(t.Context(), subject(0), "")
		if err != nil || v.Result != test.want || !strings.Contains(v.Reason, test.says) {
			t.Errorf("%+v: got %q, %q, %v", test.gate, v.Result, v.Reason, err)
		}
	}
	for who, want := range map[string]string{"": "needs a name", "ana": "somebody else", "ben": "may not approve", "cleo": ""} {
		if err := (Approval{By: []string{"ana", "cleo"}, NotAuthor: true}).May(who, "ana"); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", who, err, want)
		}
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	server, asked := serve(t, "503", "202")
	g := Callback{From: said(nil), URL: server.URL + "/start", Address: func(s Subject) string { return "https://lockstep.example/callbacks/" + s.Key() }}
	if _, err := g.Start(t.Context(), subject(0)); err == nil {
		t.Error("a start that was not taken is no error")
	}
	if _, err := g.Start(t.Context(), subject(0)); err != nil {
		t.Fatal(err)
	}
	for _, r := range *asked {
		if got := r.Header.Get("Idempotency-Key"); got != "0193/abn/g" {
			t.Errorf("told under the key %q", got)
		}
	}
	for want, opinions := range map[Result]said{Pending: nil, Passed: {{Yes: true}, {}}, Failed: {{Reason: "3 rows differ"}}} {
		g.From = opinions
		if v, err := g.Ask(t.Context(), subject(0), "told"); err != nil || v.Result != want {
			t.Errorf("got %+v, %v, want %q", v, err, want)
		}
	}
	refusing, _ := serve(t, "404")
	g.URL = refusing.URL
	if _, err := g.Start(t.Context(), subject(0)); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("got %v, want it refused", err)
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	signature := Sign("key", "0193/abn/g")
	for _, test := range []struct {
		secret, key, signature string
		want                   bool
	}{
		{"key", "0193/abn/g", signature, true},
		{"key", "0193/prd/g", signature, false},
		{"other", "0193/abn/g", signature, false},
		{"", "0193/abn/g", Sign("", "0193/abn/g"), false},
		{"key", "0193/abn/g", "", false},
	} {
		if got := Signed(test.secret, test.key, test.signature); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

func TestSoak(t *testing.T) {
	t.Parallel()
	for answer, test := range map[string]struct {
		after time.Duration
		want  Result
		says  string
	}{
		`200 {"bad": false}`: {5 * time.Minute, Pending, "25m0s left"},
		`200 {"bad":false}`:  {30 * time.Minute, Passed, "nothing turned bad"},
		`200 {"bad": true}`:  {5 * time.Minute, Failed, "gate rate turned bad"},
	} {
		server, _ := serve(t, answer)
		g := Soak{For: 30 * time.Minute, Watch: []Watched{{"rate", HTTP{URL: server.URL, Pass: "!body.bad", Fail: "body.bad"}}}}
		if v, err := g.Ask(t.Context(), subject(test.after), ""); err != nil || v.Result != test.want || !strings.Contains(v.Reason, test.says) {
			t.Errorf("%s: got %+v, %v", answer, v, err)
		}
	}
}

func TestData(t *testing.T) {
	t.Parallel()
	var manifest any
	if err := json.Unmarshal([]byte(`{"rows": 1200, "schema": "v3"}`), &manifest); err != nil {
		t.Fatal(err)
	}
	have := Contents{Objects: 4, Bytes: 1000, Manifest: manifest}
	for condition, test := range map[string]struct {
		err  error
		want Result
		says string
	}{
		`objects > 3 && bytes < 5000`:                     {nil, Passed, "4 objects"},
		`manifest.rows > 1000 && manifest.schema == "v3"`: {nil, Passed, ""},
		`objects > 10`:       {nil, Failed, "not objects > 10"},
		`manifest.lines > 3`: {nil, Failed, "cannot be evaluated"},
		`objects > 0`:        {gitops.ErrNotFound, Failed, "no data"},
		`objects >= 0`:       {errors.New("S3 does not answer"), "", "S3 does not answer"},
	} {
		g := Data{From: inventory(func() (Contents, error) { return have, test.err }), Pass: condition}
		v, err := g.Ask(t.Context(), subject(0), "")
		if said := v.Reason + fmt.Sprint(err); v.Result != test.want || !strings.Contains(said, test.says) {
			t.Errorf("%s: got %+v, %v", condition, v, err)
		}
	}
}

type inventory func() (Contents, error)

func (i inventory) Contents(context.Context, Subject) (Contents, error) { return i() }

func TestConditions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"status == 200":           "",
		"status":                  "not true or false",
		"statsu == 200":           "column 1: undeclared reference to 'statsu'",
		"status ==":               "not a condition in CEL: column",
		`text.matches("(")`:       "missing closing )",
		"":                        "not a condition in CEL",
		strings.Repeat("!", 5000): "write at most 4096",
	} {
		err := CheckHTTP(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
	if err := CheckPrometheus("value < 1.0 && values.size() > 0"); err != nil {
		t.Error(err)
	}
	if err := CheckData("objects > 1 && bytes < 10 && manifest.rows > 3"); err != nil {
		t.Error(err)
	}
	if _, err := dataWords.holds("manifest.all(a, manifest.all(b, manifest.all(c, manifest.all(d, a+b+c+d >= 0))))", map[string]any{"objects": 1, "bytes": 1, "manifest": make([]int, 100)}); err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("an expensive condition ends with %v, want its cost limited", err)
	}
}

func FuzzCondition(f *testing.F) {
	for _, text := range []string{"status == 200", "body.a.b > 1.5 && text != ''", "headers['x'].size() < 3", "((((", "\x00", "true ? body : status"} {
		f.Add(text)
	}
	answer := answered(200, http.Header{"X": {"y"}}, []byte(`{"a":{"b":2}}`))
	f.Fuzz(func(_ *testing.T, text string) {
		_, _, _ = httpWords.judge(text, text, answer) // it must not panic or hang
	})
}
