package gates

import (
	"context"
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
