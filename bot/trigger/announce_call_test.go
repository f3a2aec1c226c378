package trigger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep/bot"
)

const hookKey = "a key of at least 24 characters"

// calls returns a handler over s.
func calls(t *testing.T, s Store) *Calls {
	t.Helper()
	return &Calls{
		Catalog: catalog(t, by(bot.OriginHook, bot.OriginTag)), Store: s, Secrets: map[string]bot.Secret{"mda": bot.NewSecret(hookKey)},
		Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet,
	}
}

// callTo sends a call with a signature of that time and returns its answer.
func callTo(h *Calls, pkg, body string, at time.Time, changes ...string) *httptest.ResponseRecorder {
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(hookKey))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	r := httptest.NewRequest(http.MethodPost, "/hooks/x", strings.NewReader(body))
	r.SetPathValue("package", pkg)
	r.Header.Set("X-Lockstep-Timestamp", stamp)
	r.Header.Set("X-Lockstep-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	for i := 0; i < len(changes); i += 2 {
		r.Header.Set(changes[i], changes[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestCall(t *testing.T) {
	t.Parallel()
	const good = `{"version":"2026.1.1","by":"catalog","id":"job 7"}`
	signature, stamp := "X-Lockstep-Signature", "X-Lockstep-Timestamp"
	tests := []struct {
		name, pkg, body string
		at              time.Duration // from now
		changes         []string
		status          int
		want            string
	}{
		{"good", "mda", good, 0, nil, 202, `"new":true`},
		{"version alone", "mda", `{"version":"2026.1.1"}`, 4 * time.Minute, nil, 202, `"new":true`},
		{"other package", "offers", good, 0, nil, 404, `no package \"offers\" has a hook`},
		{"old", "mda", good, -6 * time.Minute, nil, 401, "more than five minutes from now"},
		{"from the future", "mda", good, 6 * time.Minute, nil, 401, "more than five minutes from now"},
		{"no signature", "mda", good, 0, []string{signature, ""}, 401, "X-Lockstep-Signature does not fit"},
		{"without its kind", "mda", good, 0, []string{signature, strings.Repeat("a", 64)}, 401, "X-Lockstep-Signature does not fit"},
		{"another time", "mda", good, 0, []string{stamp, fmt.Sprint(clock.Unix() + 1)}, 401, "X-Lockstep-Signature does not fit"},
		{"no time", "mda", good, 0, []string{stamp, ""}, 401, "X-Lockstep-Timestamp is missing"},
		{"no JSON", "mda", "version=2026.1.1", 0, nil, 400, "the body must be JSON"},
		{"two values", "mda", good + "{}", 0, nil, 400, "the body must be JSON"},
		{"a bracket too many", "mda", good + "}", 0, nil, 400, "the body must be JSON"},
		{"an unknown field", "mda", `{"version":"2026.1.1","track":"prd"}`, 0, nil, 400, "and nothing else"},
		{"no version", "mda", `{}`, 0, nil, 400, "version"},
		{"bad version", "mda", `{"version":"1"}`, 0, nil, 400, `version \"1\" is not valid for package \"mda\"`},
		{"hostile version", "mda", `{"version":"../../x"}`, 0, nil, 400, "version"},
		{"hostile name", "mda", `{"version":"2026.1.1","by":"@all\n/approve"}`, 0, nil, 400, `\"by\" must be a name`},
		{"hostile id", "mda", `{"version":"2026.1.1","id":" "}`, 0, nil, 400, `\"id\" must be`},
		{"large", "mda", `{"version":"` + strings.Repeat("1", maxCall) + `"}`, 0, nil, 413, "larger than 16 KiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			w := callTo(calls(t, s), test.pkg, test.body, clock.Add(test.at), test.changes...)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) || strings.Contains(w.Body.String(), hookKey) {
				t.Errorf("got %d %s, want %d with %q", w.Code, w.Body, test.status, test.want)
			}
			if test.status == http.StatusAccepted {
				mustHave(t, s, "2026.1.1")
				return
			}
			mustHave(t, s)
		})
	}
}

// A call that comes again, in whatever way, makes no second run; its id stands for one
// version.
func TestCallTwice(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	h := calls(t, s)
	tests := []struct {
		body   string
		status int
		want   string
	}{
		{`{"version":"2026.1.1","by":"catalog","id":"7"}`, 202, `"new":true`},
		{`{"version":"2026.1.1","by":"catalog","id":"7"}`, 202, `"new":false`},
		{`{"version":"2026.1.1","id":"8"}`, 202, "joins run"},
		{`{"version":"2026.1.1"}`, 202, "joins run"},
		{`{"version":"2026.1.2","id":"7"}`, 409, "hook mda 7 stood for 2026.1.1 and stands for 2026.1.2 now"},
	}
	for _, test := range tests {
		if w := callTo(h, "mda", test.body, clock); w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s, want %d with %q", test.body, w.Code, w.Body, test.status, test.want)
		}
	}
	g, forge := hook(t, s), &gitlab{}
	forge.has("2026.1.1")
	g.Catalog, g.Forge = h.Catalog, forge
	if w := post(g, tagPush("data/mda", "v2026.1.1", commitOf("v2026.1.1"))); !strings.Contains(w.Body.String(), "joins run") {
		t.Errorf("the tag of the same version: got %d %s", w.Code, w.Body)
	}
	mustHave(t, s, "2026.1.1")
	runs, err := s.Runs(t.Context(), bot.Filter{})
	if err != nil || runs[0].Asked() != "a signed call for catalog" {
		t.Errorf("got %+v, %v", runs, err)
	}
}

func TestCallThatCannotBeStored(t *testing.T) {
	t.Parallel()
	w := callTo(calls(t, broken{}), "mda", `{"version":"2026.1.1"}`, clock)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "send it again") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func FuzzHookCall(f *testing.F) {
	for _, body := range []string{
		`{"version":"2026.1.1","by":"catalog","id":"7"}`, `{"version":"2026.1.1"}`, `{"version":1}`, `{"id":""}`, `[]`, `{}{}`, ``,
	} {
		f.Add([]byte(body))
	}
	c, err := bot.ParseConfig("lockstep.yaml", []byte(by(bot.OriginHook)))
	if err != nil {
		f.Fatal(err)
	}
	h := &Calls{
		Catalog: c, Store: &counting{}, Secrets: map[string]bot.Secret{"mda": bot.NewSecret(hookKey)},
		Wake: func() {}, Now: func() time.Time { return clock }, Log: quiet,
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := callTo(h, "mda", string(body), clock)
		if w.Code >= http.StatusInternalServerError || !json.Valid(w.Body.Bytes()) || w.Body.Len() > 8<<10 {
			t.Errorf("%q: got %d and %d bytes: %.500s", body, w.Code, w.Body.Len(), w.Body)
		}
	})
}
