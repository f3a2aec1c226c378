package gates

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
)

// A Callback is a gate that an outside system answers: it is told about the run, with
// a signed address at which it says yes or no.
type Callback struct {
	From    Opinions
	Client  *http.Client // nil: one that waits for 30 s
	URL     string       // is sent a POST; may hold the placeholders of Subject.Expand, which are escaped
	Token   Token        // nil: none
	Address func(s Subject) string
}

// A called is what the outside system is sent.
type called struct {
	Run         string `json:"run"`
	Gate        string `json:"gate"`
	Track       string `json:"track"`
	Package     string `json:"package"`
	Environment string `json:"environment"`
	Version     string `json:"version"`
	Commit      string `json:"commit"`
	Callback    string `json:"callback"` // POST {"passed": true, "reason": "…"} here
}

// Start tells the outside system. A repeat after a lost answer carries the same
// Idempotency-Key: whether it is told twice is up to that system.
func (g Callback) Start(ctx context.Context, s Subject) (string, error) {
	body, err := json.Marshal(called{s.Run, s.Gate, s.Track, s.Package, s.Environment, string(s.Version), s.Commit, g.Address(s)})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address(g.URL), bytes.NewReader(body))
	if err != nil {
		return "", refused("the address is none: see to its placeholders")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", s.Key())
	if err := g.Token.authorize(r); err != nil {
		return "", err
	}
	status, _, _, err := send(g.Client, r)
	switch {
	case err != nil:
		return "", err
	case unsaid(r.URL, status) != nil:
		return "", unsaid(r.URL, status)
	case status < 200 || status > 299:
		return "", refused("%s answers %d to our request: see to what it expects", place(r.URL), status)
	}
	return "told", nil
}

// Ask reads the answer.
func (g Callback) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	opinions, err := g.From.Opinions(ctx, s)
	switch {
	case err != nil:
		return Verdict{}, fmt.Errorf("read the answer: %w", err)
	case len(opinions) == 0:
		return Verdict{Reason: "no answer yet"}, nil
	case opinions[0].Yes:
		return Verdict{Result: Passed, Reason: "answered: " + cmp.Or(opinions[0].Reason, "passed")}, nil
	}
	return Verdict{Result: Failed, Reason: "answered: " + cmp.Or(opinions[0].Reason, "failed")}, nil
}

// Sign returns the signature by which an answer to the gate of key is known, in hex:
// HMAC-SHA256. Key is Subject.Key.
func Sign(secret, key string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(key))
	return hex.EncodeToString(mac.Sum(nil))
}

// Signed reports, in constant time, that signature is the one of key.
func Signed(secret, key, signature string) bool {
	return secret != "" && hmac.Equal([]byte(Sign(secret, key)), []byte(signature))
}
