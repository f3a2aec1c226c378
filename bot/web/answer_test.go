package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lockstep/bot"
	"lockstep/gates"
)

// signed is the address of a callback with its signature, as serverOf knows it.
func signed(key string) string {
	return "/callbacks/" + key + "?signature=of+" + strings.ReplaceAll(key, "/", "%2F")
}

// unproven is what every caller is told that does not prove to be asked.
const unproven = `{"error":"no gate is answered at this address: use the one that the gate has sent, with its signature"}`

func TestCallbacks(t *testing.T) {
	t.Parallel()
	const audit = "awaiting/abn/audit"
	tests := []struct {
		name, address, body string
		status              int
		want                string // in the body
		said                string // what is handed on; "": nothing
	}{
		{"passed", signed(audit), `{"passed":true,"reason":"all fine"}`, 200, "it is done", "confirm awaiting abn audit, callback from the signed address of the gate (all fine) at 02:30:00"},
		{"failed", signed(audit), `{"passed":false}`, 200, "it is done", "deny awaiting abn audit, callback from the signed address of the gate () at 02:30:00"},
		{"no signature", "/callbacks/" + audit, `{"passed":true}`, 404, unproven, ""},
		{"wrong signature", "/callbacks/" + audit + "?signature=x", `{"passed":true}`, 404, unproven, ""},
		{"the signature of another gate", "/callbacks/" + audit + "?signature=of+awaiting%2Fprd%2Fgo-live", `{"passed":true}`, 404, unproven, ""},
		{"no signature, no JSON", "/callbacks/" + audit, `x`, 404, unproven, ""},
		{"unknown run", signed("nobody/abn/audit"), `{"passed":true}`, 404, unproven, ""},
		{"unknown gate", signed("awaiting/abn/nothing"), `{"passed":true}`, 404, unproven, ""},
		{"unknown environment", signed("awaiting/int/audit"), `{"passed":true}`, 404, unproven, ""},
		{"an approval", signed("awaiting/prd/go-live"), `{"passed":true}`, 404, unproven, ""},
		{"says nothing", signed(audit), `{"reason":"x"}`, 400, `\"passed\" is missing`, ""},
		{"says null", signed(audit), `{"passed":null}`, 400, `\"passed\" is missing`, ""},
		{"says yes in words", signed(audit), `{"passed":"true"}`, 400, "and nothing else", ""},
		{"says more", signed(audit), `{"passed":true,"by":"ana"}`, 400, "and nothing else", ""},
		{"says two things", signed(audit), `{"passed":true}{"passed":false}`, 400, "more than one JSON value", ""},
		{"two lines", signed(audit), `{"passed":true,"reason":"a\nb"}`, 400, `\"reason\" must be one line`, ""},
		{"no body", signed(audit), ``, 400, `the body must be JSON with \"passed\"`, ""},
		{"too large", signed(audit), `{"passed":true,"reason":"` + strings.Repeat("x", maxWords) + `"}`, 400, "the body must be JSON", ""},
	}
	for _, test := range tests {
		store := releases()
		store.opinions = map[string][]bot.Opinion{}
		judged(&store.runs[0], 0, 2, bot.GateOpen, "no answer yet")
		w := anybody(t, serverOf(store), http.MethodPost, test.address, test.body)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s\nwant %d with %s", test.name, w.Code, w.Body, test.status, test.want)
		}
		if got := strings.Join(store.said, "; "); got != test.said {
			t.Errorf("%s: handed on %q, want %q", test.name, got, test.said)
		}
	}
}

// anybody sends one request without a token.
func anybody(t *testing.T, s *Server, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	return askAs(t, s, "", method, path, body)
}

// The address that a gate sends is the one that is answered, and nothing near it.
func TestCallbackSignature(t *testing.T) {
	t.Parallel()
	const audit = "awaiting/abn/audit"
	server := serverOf(releases())
	server.Signed = func(key, signature string) bool { return gates.Signed("s3cret", key, signature) }
	right := gates.Sign("s3cret", audit)
	for name, test := range map[string]struct {
		path, signature string
		status          int
	}{
		"right":            {audit, right, 200},
		"in capitals":      {audit, strings.ToUpper(right), 404},
		"cut short":        {audit, right[:62], 404},
		"longer":           {audit, right + "00", 404},
		"by another key":   {audit, gates.Sign("other", audit), 404},
		"of another gate":  {audit, gates.Sign("s3cret", "awaiting/prd/go-live"), 404},
		"at another place": {"awaiting%2Fabn/audit/x", right, 404},
		"parts shifted":    {"awaiting/abn%2Faudit/audit", right, 404},
		"empty":            {audit, "", 404},
	} {
		w := anybody(t, server, http.MethodPost, "/callbacks/"+test.path+"?signature="+test.signature, `{"passed":true}`)
		if w.Code != test.status || test.status == 404 && !strings.Contains(w.Body.String(), unproven) {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, test.status)
		}
	}
}

// Without a key for signatures no gate is answered.
func TestCallbackWithoutAKey(t *testing.T) {
	t.Parallel()
	server := serverOf(releases())
	if w := anybody(t, server, http.MethodGet, signed("awaiting/abn/audit"), ""); w.Code != http.StatusNotFound {
		t.Errorf("GET: got %d %s, want 404", w.Code, w.Body)
	}
	server.Signed = nil
	if w := anybody(t, server, http.MethodPost, signed("awaiting/abn/audit"), `{"passed":true}`); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), unproven) {
		t.Errorf("got %d %s, want 404", w.Code, w.Body)
	}
}
