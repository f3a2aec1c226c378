package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lockstep/bot"
)

// chronicler is a Historian in memory: it knows the versions of package/service/environment.
type chronicler map[string]string

func (c chronicler) Why(_ context.Context, s bot.Spot) (bot.Why, error) {
	w := bot.Why{Spot: s, Sentence: "nothing of " + s.Package}
	if version := c[s.Package+"/"+s.Service+"/"+s.Environment]; version != "" {
		w.Version, w.Sentence = "1", version+" at "+s.At.Format("15:04")
	}
	return w, nil
}

func (c chronicler) WhyWaits(_ context.Context, run string) (string, error) {
	return fmt.Sprintf("run %s waits for a person: two tests are red", run), nil
}

func TestWhy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		query  string
		status int
		want   string // the sentences, or the failure
	}{
		{"service=kv&environment=int", 200, "mda one at 00:00"},
		{"service=kv&environment=int&at=2026-11-22T02:00:00Z", 200, "mda one at 02:00"},
		{"service=kv&environment=int&at=1h", 200, "mda one at 01:30"},
		{"service=kv", 200, "mda one at 00:00; mda two at 00:00; mdb two at 00:00"},
		{"service=kv&package=mdb", 200, "nothing of mdb; mdb two at 00:00"},
		{"service=remo", 200, "nothing of mda; nothing of mda"},
		{"service=kv&environment=old", 200, "mda of old at 00:00"},
		{"", 400, "service is missing"},
		{"service=kv&environment=int&environment=prd", 400, "environment is given 2 times"},
		{"service=kv&run=1", 400, `unknown parameter \"run\"`},
		{"service=kv&at=yesterday", 400, "at must be a time such as"},
		{"service=kv&at=2027-01-01", 400, "at is to come"},
		{"service=" + strings.Repeat("x", 201), 400, "service must be one line of at most 200 bytes"},
		{"service=a%0Ab", 400, "service must be one line"},
	} {
		s := serverOf(filled())
		s.History = chronicler{"mda/kv/int": "mda one", "mda/kv/prd": "mda two", "mdb/kv/prd": "mdb two", "mda/kv/old": "mda of old"}
		s.Sites = []Site{{"int", []string{"mda"}}, {"prd", []string{"mda", "mdb"}}}
		s.Tracks = map[string][]string{"release": {"mda", "mdb"}, "integration": {"mda"}}
		w := askAs(t, s, "Bearer t0ken", http.MethodGet, "/api/v1/why?"+tt.query, "")
		got := strings.Join(sentences(w.Body.String()), "; ")
		if w.Code != tt.status || tt.status == 200 && got != tt.want || !strings.Contains(w.Body.String(), strings.Split(tt.want, ";")[0]) {
			t.Errorf("%.80s: got %d %s, want %d with %q", tt.query, w.Code, w.Body, tt.status, tt.want)
		}
	}
}

// sentences returns the sentences in an answer, in order.
func sentences(body string) []string {
	var found []string
	for _, part := range strings.Split(body, `"sentence":"`)[1:] {
		sentence, _, _ := strings.Cut(part, `"`)
		found = append(found, sentence)
	}
	return found
}

func TestWhyOfRun(t *testing.T) {
	t.Parallel()
	s := serverOf(filled())
	s.History = chronicler{}
	w := askAs(t, s, "Bearer t0ken", http.MethodGet, "/api/v1/runs/stalled/why", "")
	for _, part := range []string{`{"run":"stalled","state":"stalled","result":"stalled"`, "run stalled waits for a person: two tests are red", `"commands":["lockstep resume stalled","lockstep cancel stalled"]`} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), part) {
			t.Errorf("got %d %s, want %s in it", w.Code, w.Body, part)
		}
	}
	if w := askAs(t, s, "Bearer t0ken", http.MethodGet, "/api/v1/runs/nobody/why", ""); w.Code != http.StatusNotFound {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
