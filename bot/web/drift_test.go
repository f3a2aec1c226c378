package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"lockstep/bot"
)

func TestDrift(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query  string
		status int
		want   string // in the body
	}{
		{"?track=release", 200, `{"drifts":[{"track":"release","package":"mda","environments":[{"environment":"release of mda"}]}]}`},
		{"?track=both&package=mdb", 200, `{"drifts":[{"track":"both","package":"mdb","environments":[{"environment":"both of mdb"}]}]}`},
		{"?track=both", 200, `[{"environment":"both of mda"}]},{"track":"both","package":"mdb","environments"`},
		{"", 200, `{"drifts":[{"track":"both","package":"mda"`},
		{"?package=mda", 200, `[{"environment":"both of mda"}]},{"track":"release","package":"mda","environments"`},
		{"?package=mdc", 404, `no track takes a package \"mdc\"`},
		{"?track=both&package=mdc", 404, `track both takes no package \"mdc\", but mda, mdb`},
		{"?track=nothing", 404, `there is no track \"nothing\"`},
		{"?track=%3Cb%3E%0A", 404, `there is no track \"\u003cb\u003e\\n\"`},
		{"?track=release&deep=1", 400, `unknown parameter \"deep\"`},
	}
	for _, test := range tests {
		w := ask(t, serverOf(filled()), http.MethodGet, "/api/v1/drift"+test.query, "")
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s\nwant %d with %s", test.query, w.Code, w.Body, test.status, test.want)
		}
	}
}

func TestDriftThatNobodyKnows(t *testing.T) {
	t.Parallel()
	server := serverOf(filled())
	server.Drift = func(context.Context, string, string) ([]bot.Drift, error) {
		return nil, errors.New("gitlab answers 502")
	}
	w := ask(t, server, http.MethodGet, "/api/v1/drift?track=release", "")
	if want := `{"error":"nobody could tell: gitlab answers 502"}`; w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), want) {
		t.Errorf("got %d %s, want 502 %s", w.Code, w.Body, want)
	}
}

// One caller at a time makes the server look outside, and not for ever.
func TestDriftIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := serverOf(filled())
		server.Drift = func(ctx context.Context, _, _ string) ([]bot.Drift, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		first := make(chan int)
		go func() { first <- ask(t, server, http.MethodGet, "/api/v1/drift?track=release", "").Code }()
		synctest.Wait()
		if w := ask(t, server, http.MethodGet, "/api/v1/drift?track=release", ""); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "somebody is looking already") {
			t.Errorf("the second: got %d %s, want 503", w.Code, w.Body)
		}
		if got := <-first; got != http.StatusGatewayTimeout {
			t.Errorf("the first: got %d, want 504", got)
		}
	})
}
