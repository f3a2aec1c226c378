package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockstep/gitops"
)

// ask watches one service whose answer is made by handler, and returns what is known.
func ask(t *testing.T, w HTTP, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	w.URL = server.URL + w.URL
	seen, err := w.Services(t.Context(), deployment("mds"))
	if err != nil {
		t.Fatal(err)
	}
	if link := seen[0].Link; link != server.URL+"/int/mds" || seen[0].Service != "mds" {
		t.Errorf("got %+v", seen[0])
	}
	return words(seen)
}

// TestHTTP: a version decides; whatever else is answered says nothing.
func TestHTTP(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field  string
		status int
		body   string
		want   string
	}{
		{"", 200, "2026.11.3\n", "mds: running, runs 2026.11.3"},
		{"", 200, "2026.11.0", "mds: not yet, still runs 2026.11.0"},
		{"", 200, ` "2026.11.3" `, "mds: running, runs 2026.11.3"},
		{"", 200, `"2026.11.3`, "mds: unsure, answers no JSON"},
		{"", 200, "", "mds: unsure, answers something that is no version"},
		{"", 200, "<html>2026.11.3</html>", "mds: unsure, answers something that is no version"},
		{"data.version", 200, `{"data":{"version":"2026.11.3"}}`, "mds: running, runs 2026.11.3"},
		{"data.version", 200, `{"data":{"version":"2026.11.30"}}`, "mds: not yet, still runs 2026.11.30"},
		{"version", 200, `{"version":1.10}`, "mds: not yet, still runs 1.10"},
		{"data.version", 200, `{"data":"2026.11.3"}`, "mds: unsure, its answer has no data.version"},
		{"data.version", 200, `{"data":{}}`, "mds: unsure, its answer has no data.version"},
		{"data.version", 200, `[]`, "mds: unsure, its answer has no data.version"},
		{"data", 200, `{"data":{"version":"2026.11.3"}}`, "mds: unsure, its data is neither text nor a number"},
		{"data", 200, `{"data":null}`, "mds: unsure, its data is neither text nor a number"},
		{"data", 200, `{"data":""}`, "mds: unsure, answers something that is no version"},
		{"data", 200, `2026.11.3`, "mds: unsure, answers no JSON"},
		{"data", 200, `{"data":"2026.11.3"}{}`, "mds: unsure, answers no JSON"},
		{"", 204, "", "mds: unsure, answers 204"},
		{"", 404, "2026.11.3", "mds: unsure, answers 404"},
		{"", 503, "2026.11.3", "mds: unsure, answers 503"},
		{"", 401, "2026.11.3", "mds: unsure, answers 401: see to the token"},
		{"", 403, "2026.11.3", "mds: unsure, answers 403: see to the token"},
		{"", 302, "2026.11.3", "mds: unsure, answers 302, a redirect, which is not followed: configure the URL to which it leads"},
		{"", 200, strings.Repeat("1", maxAnswer+1), "mds: unsure, answers more than 1 MiB"},
	} {
		asked := 0
		got := ask(t, HTTP{URL: "/{environment}/{service}", Field: test.field}, func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		})
		if got != test.want || asked != 1 {
			t.Errorf("%q %d %.40s: got %s after %d requests, want %s", test.field, test.status, test.body, got, asked, test.want)
		}
	}
}

// TestHTTPSaysNoSecret: nothing of the token or of what else may be secret in an address.
func TestHTTPSaysNoSecret(t *testing.T) {
	t.Parallel()
	w := HTTP{
		URL:   "/{environment}/{service}?key=hidden",
		Token: func(context.Context) (string, error) { return "hidden-token", nil },
	}
	got := ask(t, w, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer hidden-token" || r.URL.RawQuery != "key=hidden" || r.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("got %q %q", r.Header, r.URL)
		}
		panic(http.ErrAbortHandler) // the connection breaks
	})
	if !strings.HasPrefix(got, "mds: unsure, did not answer: ") || strings.Contains(got, "hidden") {
		t.Errorf("broken: got %s", got)
	}
	got = ask(t, w, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "9")
		_, _ = io.WriteString(w, "2026") // and breaks within the answer
	})
	if got != "mds: unsure, did not answer: unexpected EOF" {
		t.Errorf("broken within: got %s", got)
	}
	w.Token = func(context.Context) (string, error) { return "", errors.New("no such parameter") }
	seen, err := w.Services(t.Context(), deployment("mds"))
	if err == nil || err.Error() != "watch services of int: token: no such parameter" || seen != nil {
		t.Errorf("no token: got %v, %v", seen, err)
	}
}

// TestHTTPAddress: what is put into an address stays one part of it.
func TestHTTPAddress(t *testing.T) {
	t.Parallel()
	for _, test := range [][3]string{ // pattern, service, address
		{"https://{service}.{environment}.example.com/info", "mds", "https://mds.int.example.com/info"},
		{"https://example.com/{service}", "a/b?c#d e+f", "https://example.com/a%2Fb%3Fc%23d%20e%2Bf"},
		{"https://example.com/?s={service}", "a&b=c", "https://example.com/?s=a%26b%3Dc"},
		{"https://{service}/info", "{environment}", "https://%7Benvironment%7D/info"},
	} {
		if got := (HTTP{URL: test[0]}).address("int", test[1]); got != test[2] {
			t.Errorf("%s: got %s, want %s", test[1], got, test[2])
		}
	}
	seen, err := HTTP{URL: "https://{service}/info"}.Services(t.Context(), deployment("me@elsewhere.example.com"))
	if err != nil || seen[0].Known != gitops.Unsure || seen[0].Reason != "its address is none: see to the placeholders of the URL" {
		t.Errorf("got %+v, %v", seen, err)
	}
}

// A trip is a client's way to a server that is none.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestHTTPManyServices are asked side by side, not all at once, and told in their order.
func TestHTTPManyServices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			version := "2026.11.3"
			if strings.HasSuffix(r.URL.Path, "7") {
				version = "2026.11.0"
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(version))}, nil
		})}
		var services []string
		for i := range 3 * askAtOnce {
			services = append(services, fmt.Sprintf("s%02d", i))
		}
		begun := time.Now()
		seen, err := HTTP{Client: client, URL: "https://example.com/{service}"}.Services(t.Context(), deployment(services...))
		if err != nil || len(seen) != len(services) {
			t.Fatalf("got %d, %v", len(seen), err)
		}
		for i, status := range seen {
			want := gitops.Running
			if strings.HasSuffix(services[i], "7") {
				want = gitops.NotYet
			}
			if status.Service != services[i] || status.Known != want {
				t.Errorf("%s: got %+v", services[i], status)
			}
		}
		if took := time.Since(begun); most != askAtOnce || took != 3*time.Second {
			t.Errorf("got %d at once, %v; want %d, 3s", most, took, askAtOnce)
		}
	})
}

// TestHTTPWaitsNotForEver: a service that hangs is unsure; when nobody waits for the
// answer any more, there is none.
func TestHTTPWaitsNotForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "fbv") {
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("2026.11.3"))}, nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		w := HTTP{Client: client, URL: "https://example.com/{service}"}
		begun := time.Now()
		seen, err := w.Services(t.Context(), deployment("mds", "fbv"))
		if got := words(seen); err != nil || got != "mds: unsure, did not answer within 10s; fbv: running, runs 2026.11.3" {
			t.Errorf("got %s, %v", got, err)
		}
		if took := time.Since(begun); took != askWithin {
			t.Errorf("got %v, want %v", took, askWithin)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if seen, err := w.Services(ctx, deployment("mds", "fbv")); seen != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody waits: got %v, %v", seen, err)
		}
	})
}
