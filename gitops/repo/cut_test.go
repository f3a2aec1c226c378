package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"lockstep/gitops"
)

// A tape is what a server answered, by what it was asked. Played, it cuts off one of the
// answers.
type tape struct {
	heard map[string][]byte
	order []string

	mu    sync.Mutex
	what  string // the answer that is cut off, "" for none
	end   int    // how many bytes of it are sent
	abort bool   // the connection is cut, too
}

// asked returns all of a request that its answer depends on.
func asked(req *http.Request) string {
	body, _ := io.ReadAll(req.Body)
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return fmt.Sprintf("%s %s %s %x", req.Method, req.URL.Path, req.URL.RawQuery, body)
}

// record stands before a server and notes its answers.
func (tp *tape) record(backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		what, answer := asked(req), httptest.NewRecorder()
		backend.ServeHTTP(answer, req)
		tp.heard[what] = answer.Body.Bytes()
		tp.order = append(tp.order, what)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// ServeHTTP plays the tape.
func (tp *tape) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	what := asked(req)
	answer, ok := tp.heard[what]
	switch {
	case !ok:
		w.WriteHeader(http.StatusTeapot)
	case what != tp.what:
		_, _ = w.Write(answer)
	default:
		_, _ = w.Write(answer[:tp.end])
		w.(http.Flusher).Flush()
		if tp.abort {
			panic(http.ErrAbortHandler)
		}
	}
}

// cut says where the tape cuts off.
func (tp *tape) cut(what string, end int, abort bool) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.what, tp.end, tp.abort = what, end, abort
}

// TestCutAnywhere cuts off every answer of a whole change at its bytes, the connection
// with it and not: what comes of it is an error that knows nothing, or the same.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for kind, before := range map[string]func(http.Handler) http.Handler{"second": nil, "first": before2} {
		for _, lost := range []bool{false, true} { // the race
			t.Run(fmt.Sprintf("%s, lost %v", kind, lost), func(t *testing.T) {
				t.Parallel()
				tp := &tape{heard: map[string][]byte{}}
				s := serve(t, func(backend http.Handler) http.Handler {
					recorded := tp.record(backend)
					if before != nil {
						recorded = before(recorded)
					}
					return recorded
				})
				change := func(r *Repo) (string, error) {
					base, err := r.Branch(t.Context(), "main", values)
					if err != nil {
						return "", err
					}
					return r.Push(t.Context(), base, bump("b"), map[string][]byte{values: []byte(bumped)}, "")
				}
				if lost {
					if err := os.WriteFile(filepath.Join(s.dir, "refs", "heads", "b.lock"), nil, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := change(s.repo)
				if errors.Is(err, gitops.ErrConflict) != lost {
					t.Fatalf("uncut: %v", err)
				}
				srv := httptest.NewServer(tp)
				t.Cleanup(srv.Close)
				for _, what := range tp.order {
					all := len(tp.heard[what])
					for end := 0; end < all; end += 1 + all/70 {
						tp.cut(what, end, end%2 == 0)
						got, err := change(&Repo{URL: srv.URL + "/env.git", Project: "env/mda", Author: s.repo.Author, Email: s.repo.Email})
						if err == nil && (lost || got != want) || knowledge(err) && !(lost && errors.Is(err, gitops.ErrConflict)) {
							t.Errorf("%.50s cut off at %d of %d: %q, %v", what, end, all, got, err)
						}
					}
				}
			})
		}
	}
}
