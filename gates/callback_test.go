package gates

import (
	"errors"
	"testing"

	"lockstep/gitops"
)

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
	for answer, refused := range map[string]bool{"404": true, "302": true, "400": true, "401": false, "429": false, "500": false} {
		server, _ := serve(t, answer)
		g.URL = server.URL
		if _, err := g.Start(t.Context(), subject(0)); err == nil || errors.Is(err, gitops.ErrRefused) != refused {
			t.Errorf("%s: got %v, want it refused for good: %v", answer, err, refused)
		}
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
