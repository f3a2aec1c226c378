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

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path, body string
		status     int
		want       string // in the body
		said       string // what is handed on; "": nothing
	}{
		{"confirm", `{"gate":"go-live","by":"bob","reason":"go"}`, 200, "gate go-live of prd is confirmed by bob", "awaiting/prd/go-live: true by bob (go) at 02:30:00"},
		{"deny", `{"gate":"go-live","environment":"prd","by":"bob"}`, 200, "gate go-live of prd is denied by bob", "awaiting/prd/go-live: false by bob () at 02:30:00"},
		{"confirm", `{"gate":"go-live","by":"eve","reason":"again"}`, 200, "gate go-live of prd was confirmed by eve before: nothing is new", ""},
		{"confirm", `{"gate":"go-live","by":" Eve "}`, 200, "gate go-live of prd was confirmed by Eve before: nothing is new", ""},
		{"deny", `{"gate":"go-live","by":"EVE"}`, 409, "and the first answer counts", ""},
		{"confirm", `{"gate":"go-live","by":" bob "}`, 200, "is confirmed by bob", "awaiting/prd/go-live: true by bob () at 02:30:00"},
		{"deny", `{"gate":"go-live","by":"eve"}`, 409, "gate go-live of prd was confirmed by eve before, and the first answer counts", ""},
		{"confirm", `{"gate":"go-live","by":"ana"}`, 409, "ana asked for the run, and somebody else has to approve it", ""},
		{"confirm", `{"gate":"go-live","by":"mallory"}`, 409, "mallory may not approve here, but bob, eve may", ""},
		{"confirm", `{"gate":"sign-off","by":"bob"}`, 409, "gate sign-off of prd is not asked yet: people are asked after the deployment to prd", ""},
		{"confirm", `{"gate":"e2e-test-abn","by":"bob"}`, 409, "takes no answer", ""},
		{"confirm", `{"gate":"audit","by":"bob"}`, 409, "gate audit of abn has its outcome: passed", ""},
		{"confirm", `{"gate":"nothing","by":"bob"}`, 404, `run awaiting has no gate \"nothing\"; it has `, ""},
		{"confirm", `{"gate":"go-live","environment":"abn","by":"bob"}`, 404, `no gate \"go-live\" of \"abn\"`, ""},
		{"confirm", `{"gate":"<script>","by":"bob"}`, 404, `no gate \"\u003cscript\u003e\"`, ""},
		{"confirm", `{"gate":"go-live"}`, 400, `\"by\" is missing`, ""},
		{"confirm", `{"gate":"go-live","by":" "}`, 400, `\"by\" is missing`, ""},
		{"confirm", `{"gate":"go-live","by":"Callback "}`, 400, `\"by\" must be a person`, ""},
		{"confirm", `{"gate":"go-live","by":"<b>"}`, 400, `\"by\" must be a name`, ""},
		{"confirm", `{"gate":"go-live","by":"bob","reason":"a\nb"}`, 400, `\"reason\" must be one line`, ""},
		{"confirm", `{"gate":"go-live","by":"bob","yes":true}`, 400, "and nothing else", ""},
		{"confirm", `{"gate":"go-live","by":"bob"} {}`, 400, "more than one JSON value", ""},
		{"confirm", ``, 400, `the body must be JSON with \"gate\" and \"by\"`, ""},
		{"confirm", `{"gate":"` + strings.Repeat("x", maxWords) + `"}`, 400, "the body must be JSON", ""},
	}
	for _, test := range tests {
		store := releases()
		w := ask(serverOf(store), http.MethodPost, "/api/v1/runs/awaiting/"+test.path, test.body)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s %.60s: got %d %s\nwant %d with %s", test.path, test.body, w.Code, w.Body, test.status, test.want)
		}
		if got := strings.Join(store.said, "; "); got != test.said {
			t.Errorf("%s %.60s: handed on %q, want %q", test.path, test.body, got, test.said)
		}
	}
}

func TestAnswersOfOtherRuns(t *testing.T) {
	t.Parallel()
	for run, want := range map[string]string{
		"nobody": `404 {"error":"there is no run \"nobody\""}`,
		"queued": `409 {"error":"run queued is queued: its gates are known once it has started"}`,
	} {
		w := ask(serverOf(releases()), http.MethodPost, "/api/v1/runs/"+run+"/confirm", `{"gate":"go-live","by":"bob"}`)
		if got := http.StatusText(w.Code) + " " + w.Body.String(); !strings.Contains(got, want[4:]) || w.Code/100 != int(want[0]-'0') {
			t.Errorf("run %s: got %d %s, want %s", run, w.Code, w.Body, want)
		}
	}
}

// A gate that has its outcome takes the same answer again, because the first one may
// have been lost on its way back, and no other.
func TestAnswerIsRepeatedAfterTheOutcome(t *testing.T) {
	t.Parallel()
	store := releases()
	judged(&store.runs[0], 2, 0, bot.GatePassed, "approved by bob, eve")
	server := serverOf(store)
	for verb, status := range map[string]int{"confirm": 200, "deny": 409} {
		if w := ask(server, http.MethodPost, "/api/v1/runs/awaiting/"+verb, `{"gate":"go-live","by":"eve"}`); w.Code != status {
			t.Errorf("%s by eve: got %d %s, want %d", verb, w.Code, w.Body, status)
		}
	}
	w := ask(server, http.MethodPost, "/api/v1/runs/awaiting/confirm", `{"gate":"go-live","by":"bob"}`)
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "has its outcome: passed (approved by bob, eve)") {
		t.Errorf("a late one: got %d %s", w.Code, w.Body)
	}
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	const audit = "awaiting/abn/audit"
	tests := []struct {
		name, address, body string
		status              int
		want                string // in the body
		said                string // what is handed on; "": nothing
	}{
		{"passed", signed(audit), `{"passed":true,"reason":"all fine"}`, 200, "gate audit of abn is passed by callback", audit + ": true by callback (all fine) at 02:30:00"},
		{"failed", signed(audit), `{"passed":false}`, 200, "gate audit of abn is failed by callback", audit + ": false by callback () at 02:30:00"},
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
		w := anybody(serverOf(store), http.MethodPost, test.address, test.body)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: got %d %s\nwant %d with %s", test.name, w.Code, w.Body, test.status, test.want)
		}
		if got := strings.Join(store.said, "; "); got != test.said {
			t.Errorf("%s: handed on %q, want %q", test.name, got, test.said)
		}
	}
}

// anybody sends one request without a token.
func anybody(s *Server, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
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
		w := anybody(server, http.MethodPost, "/callbacks/"+test.path+"?signature="+test.signature, `{"passed":true}`)
		if w.Code != test.status || test.status == 404 && !strings.Contains(w.Body.String(), unproven) {
			t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, test.status)
		}
	}
}

// Programs repeat themselves, also when the gate has its outcome.
func TestCallbackIsRepeated(t *testing.T) {
	t.Parallel()
	server := serverOf(releases())
	for body, status := range map[string]int{`{"passed":true,"reason":"in other words"}`: 200, `{"passed":false}`: 409} {
		if w := anybody(server, http.MethodPost, signed("awaiting/abn/audit"), body); w.Code != status {
			t.Errorf("%s: got %d %s, want %d", body, w.Code, w.Body, status)
		}
	}
	if w := anybody(server, http.MethodGet, signed("awaiting/abn/audit"), ""); w.Code != http.StatusNotFound {
		t.Errorf("GET: got %d %s, want 404", w.Code, w.Body)
	}
	server.Signed = nil
	if w := anybody(server, http.MethodPost, signed("awaiting/abn/audit"), `{"passed":true}`); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), unproven) {
		t.Errorf("without a key: got %d %s, want 404", w.Code, w.Body)
	}
}
