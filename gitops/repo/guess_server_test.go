package repo

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A server that is not what it was is asked what it is, and the push goes on.
func TestGuessOfAnotherServer(t *testing.T) {
	t.Parallel()
	s := wide(t, nil)
	s.crowd(t)
	l := &log{}
	s.repo.URL = listen(t, s.dir, l.wrap)
	base, err := s.repo.Branch(t.Context(), "main", wideFile("int", 1))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{wideFile("int", 1): []byte(bumped)}
	push := func(branch string) error {
		_, err := s.repo.Push(t.Context(), base, bump(branch), files, "")
		return err
	}
	if err := push("before"); err != nil {
		t.Fatal(err)
	}
	l.since()
	l.from(func(w http.ResponseWriter, req *http.Request, backend http.Handler) bool {
		switch {
		case req.Method == http.MethodGet:
			answer := httptest.NewRecorder()
			backend.ServeHTTP(answer, req)
			_, _ = w.Write(withCapability(answer.Body.Bytes(), " no-thin"))
			return true
		case isPush(req) && req.ContentLength < 1200: // a thin pack
			report := pktMark(pkt(pkt(nil, "unpack index-pack abnormal exit\n"), "ng refs/heads/b unpacker error\n"), flush)
			_, _ = w.Write(pktMark(pkt(nil, "\x01%s", report), flush))
			return true
		}
		return false
	})
	if err := push("b"); err != nil || l.since() != "push look push" {
		t.Errorf("it takes no thin packs any more: %v", err)
	}
	if err := push("c"); err != nil || l.since() != "push" {
		t.Errorf("that is remembered: %v", err)
	}
}

// A server that can no longer report what it did is not written to.
func TestGuessWithoutReport(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	l.from(func(w http.ResponseWriter, req *http.Request, backend http.Handler) bool {
		answer := httptest.NewRecorder()
		switch {
		case req.Method == http.MethodGet:
			backend.ServeHTTP(answer, req)
			_, _ = w.Write(bytes.Replace(answer.Body.Bytes(), []byte("report-status "), []byte("report-statuz "), 1))
		case isPush(req):
			w.WriteHeader(http.StatusUnprocessableEntity)
		default:
			return false
		}
		return true
	})
	_, err := s.push(t, base, "b", "")
	if err == nil || knowledge(err) || !strings.Contains(err.Error(), `lacks the capability "report-status"`) || l.since() != "push look" {
		t.Errorf("Push: %v", err)
	}
}

// The project is renamed between two pushes: its old address leads to the new one, but
// only who asks is led there.
func TestGuessOfARenamedProject(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	l.from(func(w http.ResponseWriter, req *http.Request, backend http.Handler) bool {
		path, isNew := strings.CutPrefix(req.URL.Path, "/new/")
		if !isNew {
			http.Redirect(w, req, "/new"+req.URL.RequestURI(), http.StatusMovedPermanently)
			return true
		}
		req.URL.Path = "/" + path
		backend.ServeHTTP(w, req)
		return true
	})
	if _, err := s.push(t, base, "b", ""); err != nil || l.since() != "push look look push" { // one look is led on
		t.Errorf("renamed: %v", err)
	}
	if _, err := s.push(t, base, "c", ""); err != nil || l.since() != "push" {
		t.Errorf("the new address is remembered: %v", err)
	}
	l.from(nil) // the project is back at its old address
	if _, err := s.push(t, base, "d", ""); err != nil || l.since() != "push look push" {
		t.Errorf("renamed back: %v", err)
	}
}

// A push that git never saw is made after the look.
func TestGuessThatReachedNobody(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	var once sync.Once
	l.from(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) (done bool) {
		once.Do(func() { w.WriteHeader(http.StatusNotFound); done = true })
		return done
	})
	if _, err := s.push(t, base, "b", ""); err != nil || l.since() != "push look push" {
		t.Errorf("Push: %v", err)
	}
}

// A status that is not 200: nothing is known, and what cannot help is not tried.
func TestGuessIsTurnedAway(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{401: "push", 403: "push", 404: "push look", 429: "push", 500: "push", 502: "push", 503: "push"} {
		s, l, base := known(t)
		l.from(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
			w.WriteHeader(status)
			return true
		})
		_, err := s.push(t, base, "b", "")
		if err == nil || knowledge(err) || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: %v, want an error that knows nothing", status, err)
		}
		if got := l.since(); got != want {
			t.Errorf("%d: it asked for %q, want %q", status, got, want)
		}
		l.from(nil)
		if _, err := s.push(t, base, "b", ""); err != nil || l.since() != "look push" {
			t.Errorf("after %d: %v, want a look before the push", status, err)
		}
	}
}

// The answer is lost, or empty, before or after the push took effect: nothing is known,
// and who tries again looks first.
func TestGuessWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w http.ResponseWriter){
		"lost":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"empty": func(http.ResponseWriter) {},
		"half":  func(w http.ResponseWriter) { _, _ = io.WriteString(w, "0030\x01000eunpack ok\n") },
		"web":   func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html") },
	} {
		for _, after := range []bool{false, true} {
			s, l, base := known(t)
			l.from(func(w http.ResponseWriter, req *http.Request, backend http.Handler) bool {
				if after {
					backend.ServeHTTP(httptest.NewRecorder(), req)
				}
				lose(w)
				return true
			})
			_, err := s.push(t, base, "b", "")
			if err == nil || knowledge(err) || l.since() != "push" {
				t.Errorf("%s, after %v: %v, want an error that knows nothing", name, after, err)
			}
			l.from(nil)
			want := "look push"
			if after {
				want = "look"
			}
			id, err := s.push(t, base, "b", "")
			if err != nil || s.tip(t, "b") != id {
				t.Errorf("%s, after %v: %q, %v", name, after, id, err)
			}
			if got := l.since(); got != want {
				t.Errorf("%s, after %v: who tries again asks for %q, want %q", name, after, got, want)
			}
		}
	}
}

// The look after a refusal fails: it is not known whether the push was needed.
func TestGuessThatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	s, l, base := known(t)
	git(t, s.dir, "", "update-ref", "refs/heads/b", "main^")
	l.from(func(w http.ResponseWriter, req *http.Request, _ http.Handler) bool {
		if req.Method == http.MethodGet {
			w.WriteHeader(http.StatusBadGateway)
		}
		return req.Method == http.MethodGet
	})
	if _, err := s.push(t, base, "b", ""); err == nil || knowledge(err) || !strings.Contains(err.Error(), "502") {
		t.Errorf("Push: %v, want an error that knows nothing", err)
	}
	if got := l.since(); got != "push look" {
		t.Errorf("it asked for %q", got)
	}
}
