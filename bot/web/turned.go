package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep/bot"
)

// mostSaid is how many bytes of an answer are looked at for its sentence.
const mostSaid = 4 << 10

// A witness sees how a request is answered, and who makes it where that gets known.
type witness struct {
	http.ResponseWriter
	status int
	said   []byte // of an answer that turns away
	caller *caller
}

// WriteHeader implements http.ResponseWriter.
func (w *witness) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *witness) Write(p []byte) (int, error) {
	if w.status >= http.StatusBadRequest {
		w.said = append(w.said, p[:min(len(p), mostSaid-len(w.said))]...)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController through.
func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A witnessKey is where the context of a request holds its witness.
type witnessKey struct{}

// known notes who makes a request.
func known(r *http.Request, c caller) {
	if w, ok := r.Context().Value(witnessKey{}).(*witness); ok {
		w.caller = &c
	}
}

// witnessed notes what is turned away of what was to change something. A refusal with 409
// was a command, which the store keeps.
func (s *Server) witnessed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Refused == nil || slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method) {
			next.ServeHTTP(w, r)
			return
		}
		seen := &witness{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), witnessKey{}, seen))
		next.ServeHTTP(seen, r)
		if seen.status >= 400 && seen.status < 500 && seen.status != http.StatusConflict {
			s.Refused(s.refusal(r, seen))
		}
	})
}

// refusal returns what is noted of a request that was turned away. What strangers have
// made up, such as the run that they name, is left out.
func (s *Server) refusal(r *http.Request, seen *witness) bot.Refusal {
	now := s.Now()
	n := bot.Refusal{At: now, Last: now, Times: 1, From: address(r.RemoteAddr), What: r.Pattern, Status: seen.status}
	if method, _, has := strings.Cut(r.Pattern, " "); !has || method == "" {
		n.What = strings.TrimSpace(shortened(r.Method, 20) + " " + r.Pattern)
	}
	var said struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(seen.said, &said); err != nil || said.Error == "" || r.Pattern == "/" {
		said.Error = http.StatusText(seen.status)
	}
	n.Sentence = hushed(r, said.Error)
	if c := seen.caller; c != nil {
		n.Known, n.Who, n.From, n.Run = true, c.name, c.from+" at "+n.From, hushed(r, r.PathValue("id"))
	}
	return n
}

// address names whose address it is: of IPv6 the part that one subscriber has.
func address(remote string) string {
	from := network(remote)
	if from.IsSingleIP() {
		return from.Addr().String()
	}
	return from.String()
}

// ownToken finds tokens of ours in texts.
var ownToken = regexp.MustCompile(regexp.QuoteMeta(bot.TokenPrefix) + `\w+`)

// hushed returns a text of a request to be kept: not all of a long one, and no token.
func hushed(r *http.Request, text string) string {
	if token := presented(r); token != "" {
		text = strings.ReplaceAll(text, token, "…")
	}
	return shortened(ownToken.ReplaceAllString(text, "…"), 300)
}

// shortened returns at most n characters of a text.
func shortened(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}

// mostNoted is how many different refusals a Ledger holds until it hands them on.
const mostNoted = 100

// A Ledger gathers what is turned away and hands it on once a second, so that a flood of
// requests is no flood of writes.
type Ledger struct {
	Keep func(ctx context.Context, all []bot.Refusal) error
	Log  *slog.Logger

	mu     sync.Mutex
	noted  map[string]bot.Refusal
	failed bool
}

// Note adds a refusal.
func (l *Ledger) Note(r bot.Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(r)
}

// add adds a refusal to those that are noted. Those for which there is no room are counted
// together.
func (l *Ledger) add(r bot.Refusal) {
	if l.noted == nil {
		l.noted = map[string]bot.Refusal{}
	}
	if _, there := l.noted[r.Key()]; !there && len(l.noted) >= mostNoted {
		r = r.Other()
	}
	if was, there := l.noted[r.Key()]; there {
		r = was.And(r)
	}
	l.noted[r.Key()] = r
}

// Run hands on what was noted until ctx ends, and then once more.
func (l *Ledger) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			l.flush(last)
			return nil
		}
	}
}

// flush hands on what was noted. What is not taken stays for the next time.
func (l *Ledger) flush(ctx context.Context) {
	l.mu.Lock()
	noted := l.noted
	l.noted = nil
	l.mu.Unlock()
	if len(noted) == 0 {
		return
	}
	err := l.Keep(ctx, slices.Collect(maps.Values(noted)))
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && !l.failed {
		l.Log.Error("keep what was turned away", "error", err)
	}
	if l.failed = err != nil; l.failed {
		for _, r := range noted {
			l.add(r)
		}
	}
}
