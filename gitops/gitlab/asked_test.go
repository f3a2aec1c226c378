package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// Each request is told of with what became of it, repeats and lost answers included, but
// not one that nobody waits for any more.
func TestRequestsAreToldOf(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	answers := []int{503, 200, 404, 200, 0}
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(answers) == 0 {
			cancel()
			<-r.Context().Done()
			return
		}
		status := answers[0]
		answers = answers[1:]
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"id":7}`)
	}))
	t.Cleanup(server.Close)
	var told []string
	waits := 0
	c, err := New(Options{
		URL: server.URL, Token: func() string { return "glpat-secret" }, Rate: 10000,
		Asked: func(method string, status int, took time.Duration) {
			if took <= 0 {
				t.Errorf("%s took %v", method, took)
			}
			told = append(told, fmt.Sprint(method, " ", status))
		},
		Waited: func(time.Duration) { waits++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Project(ctx, env); err != nil {
		t.Error(err)
	}
	if _, err := c.Project(ctx, env); err == nil {
		t.Error("a project that is not there is no error")
	}
	if err := c.Cancel(ctx, env, 12); err == nil {
		t.Error("a write whose answer was lost is no error")
	}
	if _, err := c.Project(ctx, env); err == nil {
		t.Error("a request that was given up is no error")
	}
	if want := []string{"GET 503", "GET 200", "GET 404", "GET 200", "POST 0"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
	if waits != 5 {
		t.Errorf("told of %d waits, want 5: repeats do not wait for the limit", waits)
	}
}
