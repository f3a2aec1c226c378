package gates

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"lockstep/gitops"
)

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
	if err := CheckPrometheus("value == 0"); err == nil || !strings.Contains(err.Error(), "with a point") {
		t.Errorf("got %v, want how to write the number", err)
	}
}

// A condition that takes too long says nothing of the answer: it is no verdict.
func TestDearCondition(t *testing.T) {
	t.Parallel()
	const dear = "manifest.all(a, manifest.all(b, manifest.all(c, manifest.all(d, a+b+c+d >= 0))))"
	have := Contents{Manifest: make([]int, 100)}
	v, err := Data{From: inventory(func() (Contents, error) { return have, nil }), Pass: dear}.Ask(t.Context(), subject(0), "")
	if !errors.Is(err, gitops.ErrRefused) || !strings.Contains(err.Error(), "takes too long") {
		t.Errorf("got %+v, %v; want that people mend the condition", v, err)
	}
}

func FuzzCondition(f *testing.F) {
	for _, text := range []string{"status == 200", "body.a.b > 1.5 && text != ''", "headers['x'].size() < 3", "((((", "\x00", "true ? body : status"} {
		f.Add(text)
	}
	answer := answered(200, http.Header{"X": {"y"}}, []byte(`{"a":{"b":2}}`))
	f.Fuzz(func(_ *testing.T, text string) {
		if r, err := httpWords.rule(text, text); err == nil {
			_, _, _ = r.judge(answer) // it must not panic or hang
		}
	})
}
