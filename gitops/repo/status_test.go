package repo

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// Every status but 200 knows nothing, says what the server wrote when that is a
// sentence, and is not asked for twice where that cannot help.
func TestStatus(t *testing.T) {
	t.Parallel()
	const page = "<html>\n<head><title>502 Bad Gateway</title></head></html>"
	for _, test := range []struct {
		status   int
		text     string
		says     string
		requests int32 // of a read whose greeting is remembered
	}{
		{401, "HTTP Basic: Access denied.", "(401)", 1},
		{403, "You are not allowed to download code from this project.", "(403): You are not allowed to download code from this project: give", 1},
		{403, "Git push is not allowed because this GitLab instance is currently in (read-only) maintenance mode.", "the server cannot do this now (403): Git push is not allowed because", 1},
		{403, "The repository is temporarily read-only. Please try again later.", "cannot do this now (403): The repository", 1},
		{403, page, "(403): give", 1},
		{403, "Forbidden\n", "forbids everything from here (403), as GitLab does for an hour after", 1},
		{404, "The project you were looking for could not be found or you don't have permission to view it.", "no repository at /env.git (404)", 2},
		{422, "Project could not be created", "status 422: Project could not be created", 2},
		{429, "Retry later\n", "status 429: Retry later", 1},
		{500, page, "with status 500", 2},
		{502, page, "with status 502", 2},
		{503, "The git server, Gitaly, is not available at this time.", "status 503: The git server, Gitaly, is not available at this time", 1},
		{204, "", "with status 204", 2},
		{301, "", "with status 301", 2}, // without an address
	} {
		var asked atomic.Int32
		var ill atomic.Bool
		s := serve(t, func(backend http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				asked.Add(1)
				if !ill.Load() {
					backend.ServeHTTP(w, req)
					return
				}
				w.WriteHeader(test.status)
				_, _ = fmt.Fprint(w, test.text)
			})
		})
		base := s.base(t)
		ill.Store(true)
		asked.Store(0)
		_, err := s.repo.Head(t.Context(), "main")
		if err == nil || knowledge(err) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "<") {
			t.Errorf("%d: Head: %v, want %q", test.status, err, test.says)
		}
		if got := asked.Load(); got != test.requests {
			t.Errorf("%d: Head took %d requests, want %d", test.status, got, test.requests)
		}
		_, err = s.repo.Push(t.Context(), base, bump("b"), map[string][]byte{values: []byte(bumped)}, "")
		if err == nil || knowledge(err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%d: Push: %v, want %q", test.status, err, test.says)
		}
		ill.Store(false)
		if _, err := s.repo.Head(t.Context(), "main"); err != nil {
			t.Errorf("after %d: %v", test.status, err)
		}
	}
}

// A web page where git should answer is a login in front of GitLab, or a wrong address.
func TestWebPage(t *testing.T) {
	t.Parallel()
	var login atomic.Bool
	s := serve(t, func(backend http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			switch {
			case req.URL.Path == "/users/sign_in":
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = fmt.Fprint(w, "<!DOCTYPE html>")
			case login.Load():
				http.Redirect(w, req, "/users/sign_in", http.StatusFound)
			default:
				backend.ServeHTTP(w, req)
			}
		})
	})
	base := s.base(t)
	login.Store(true)
	_, head := s.repo.Head(t.Context(), "main")
	_, push := s.repo.Push(t.Context(), base, bump("b"), map[string][]byte{values: []byte(bumped)}, "")
	for _, err := range []error{head, push} {
		if err == nil || knowledge(err) || !strings.Contains(err.Error(), "answered with a web page") {
			t.Errorf("%v, want a sentence about a web page", err)
		}
	}
}
