package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lockstep/bot"
	"lockstep/bot/web"
	"lockstep/rollback"
)

// A waiter is a server that takes one command and then shows one run, a state at each
// look, the last one from then on. "away" is a server that is just being restarted.
type waiter struct {
	states []string
	run    bot.Run

	mu   sync.Mutex
	keys []string // of the commands that arrived
}

func (s *waiter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.states[0]
	if len(s.states) > 1 {
		s.states = s.states[1:]
	}
	switch {
	case state == "away":
		w.WriteHeader(http.StatusBadGateway)
		return
	case state == "cut":
		panic(http.ErrAbortHandler)
	case r.Method == http.MethodPost && state == "no":
		s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(bot.Answer{Refused: true, Sentence: "2 is condemned"})
		return
	case r.Method == http.MethodPost:
		s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(bot.Answer{Run: "1", New: true, Sentence: "run 1 is queued"})
		return
	}
	run := s.run
	run.ID, run.Package, run.Version, run.Track, run.State = "1", "mda", "2", "release", bot.State(state)
	_ = json.NewEncoder(w).Encode(web.RunReport{
		Run: &run, Result: run.Result(), Commands: run.Commands(),
		Events: []bot.Event{{Run: "1", Seq: 1, State: run.State, Reason: "it is " + state}},
	})
}

// Each end of a run has its exit code, whatever the server goes through meanwhile.
func TestWaitExitCodes(t *testing.T) {
	t.Parallel()
	left := bot.Run{Undoes: "0", Left: []rollback.Left{{Reason: "somebody set it"}}}
	for name, tt := range map[string]struct {
		line   string
		states string
		run    bot.Run
		code   int
		says   []string
	}{
		"success":                 {"promote release 2", "made,queued,done", bot.Run{}, 0, []string{"run 1 is queued\n", "queued it is queued\n", "mda 2 on track release: success\n"}},
		"warnings":                {"promote release 2", "made,done", bot.Run{Warnings: []string{"gate lup failed"}}, 3, []string{"success with warnings\n  warning: gate lup failed\n"}},
		"rolled back":             {"promote release 2", "made,rolled back", bot.Run{}, 4, []string{"failed, rolled back\n"}},
		"rollback failed":         {"promote release 2", "made,rollback failed", bot.Run{}, 5, []string{"failed, rollback failed\n"}},
		"cancelled":               {"promote release 2", "made,cancelled", bot.Run{}, 1, []string{": cancelled\n"}},
		"superseded":              {"promote release 2", "made,superseded", bot.Run{}, 1, nil},
		"refused at once":         {"promote release 2", "no", bot.Run{}, 1, []string{"lockstep: 2 is condemned\n"}},
		"refused later":           {"promote release 2", "made,refused", bot.Run{}, 1, []string{": refused\n"}},
		"already there":           {"promote release 2", "made,refused", bot.Run{Reason: "already there: every service names 2"}, 0, []string{": refused\n"}},
		"undone":                  {"rollback 0", "made,rolled back", bot.Run{Undoes: "0"}, 0, []string{": rolled back\n"}},
		"undone, but for":         {"rollback 0", "made,rolled back", left, 3, []string{": rolled back\n"}},
		"cancelled as wanted":     {"rollback 1", "made,cancelled", bot.Run{}, 0, []string{": cancelled\n"}},
		"failed before that":      {"rollback 1", "made,rolled back", bot.Run{}, 0, nil},
		"undoing was cancelled":   {"rollback 0", "made,cancelled", bot.Run{Undoes: "0"}, 1, nil},
		"rollback was retried":    {"retry 0", "made,rolled back", bot.Run{Undoes: "0"}, 0, nil},
		"not undone":              {"rollback 0", "made,rollback failed", bot.Run{Undoes: "0"}, 5, nil},
		"retried":                 {"retry 0", "made,done", bot.Run{}, 0, nil},
		"restarts":                {"promote release 2", "away,cut,made,away,queued,cut,away,away,done", bot.Run{}, 0, []string{"trying again"}},
		"a person is needed":      {"promote release 2 --timeout 600ms", "made,stalled", bot.Run{}, 6, []string{"run 1 has not ended: it is stalled\n  lockstep resume 1\n  lockstep cancel 1\n"}},
		"away for good":           {"promote release 2 --timeout 600ms", "made,away", bot.Run{}, 1, []string{"answers 502 Bad Gateway"}},
		"away from the beginning": {"promote release 2 --timeout 600ms", "away", bot.Run{}, 1, []string{"answers 502 Bad Gateway"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waiter := &waiter{states: strings.Split(tt.states, ","), run: tt.run}
			server := httptest.NewServer(waiter)
			t.Cleanup(server.Close)
			var out bytes.Buffer
			args := append(strings.Fields(tt.line), "--wait", "--server", server.URL, "--config", "none.yaml")
			if code := run(t.Context(), args, &out, &out); code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, &out)
			}
			for _, part := range tt.says {
				if !strings.Contains(out.String(), part) {
					t.Errorf("it prints\n%swant %q in it", &out, part)
				}
			}
		})
	}
}

// A command that is sent again is the same one, and nobody else's.
func TestCommandHasAKey(t *testing.T) {
	t.Parallel()
	waiter := &waiter{states: strings.Split("made,done,made,done,made", ",")}
	server := httptest.NewServer(waiter)
	t.Cleanup(server.Close)
	for _, line := range []string{"promote release 2 --wait", "promote release 2 --wait --key mine", "promote release 2"} {
		var out bytes.Buffer
		if code := run(t.Context(), append(strings.Fields(line), "--server", server.URL, "--config", "none.yaml"), &out, &out); code != 0 {
			t.Errorf("%s: exit code %d\n%s", line, code, &out)
		}
	}
	if k := waiter.keys; len(k) != 3 || len(k[0]) != 36 || k[1] != "mine" || len(k[2]) != 36 || k[0] == k[2] {
		t.Errorf("got keys %q", k)
	}
}

// In JSON the report alone stands on standard output.
func TestWaitInJSON(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&waiter{states: strings.Split("made,queued,rolled back", ",")})
	t.Cleanup(server.Close)
	var out, progress bytes.Buffer
	code := run(t.Context(), []string{"promote", "release", "2", "--wait", "--output", "json", "--server", server.URL, "--config", "none.yaml"}, &out, &progress)
	var report web.RunReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || report.Run.State != bot.RolledBack || code != 4 {
		t.Errorf("exit code %d, %v: %s", code, err, &out)
	}
	if !strings.Contains(progress.String(), "it is queued") {
		t.Errorf("standard error has\n%s", &progress)
	}
}

// Who interrupts the wait is told that the run goes on.
func TestWaitInterrupted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&waiter{states: []string{"made", "queued"}})
	t.Cleanup(server.Close)
	ctx, stop := context.WithCancel(t.Context())
	out := &watched{part: "it is queued", seen: stop}
	code := run(ctx, []string{"promote", "release", "2", "--wait", "--server", server.URL, "--config", "none.yaml"}, out, out)
	if code != 1 || !strings.Contains(out.String(), "interrupted: run 1 goes on") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// watched is what is printed; seen is called when a part of it is.
type watched struct {
	part string
	seen func()

	mu   sync.Mutex
	text bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.text.Write(p)
	if strings.Contains(w.text.String(), w.part) {
		w.seen()
	}
	return n, err
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
