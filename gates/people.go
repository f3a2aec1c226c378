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
	"slices"
	"strings"
)

// An Opinion is what somebody answered to a gate.
type Opinion struct {
	By     string
	Yes    bool
	Reason string
}

// Opinions holds what was answered to gates. The first opinion of each speaker counts.
type Opinions interface {
	// Opinions returns what was answered to a gate of a stage of a run, in order.
	Opinions(ctx context.Context, s Subject) ([]Opinion, error)
}

// An Approval is a gate that waits for people: enough of those who may have to say yes,
// and none of them may say no.
type Approval struct {
	From      Opinions
	By        []string // who may answer; empty: everybody
	Count     int      // how many have to say yes; 1 when 0
	NotAuthor bool     // the one who asked for the run may not answer
}

// Start begins nothing: people are told by the run.
func (g Approval) Start(context.Context, Subject) (string, error) { return "", nil }

// Ask counts.
func (g Approval) Ask(ctx context.Context, s Subject, _ string) (Verdict, error) {
	opinions, err := g.From.Opinions(ctx, s)
	if err != nil {
		return Verdict{}, fmt.Errorf("read approvals: %w", err)
	}
	var yes []string
	for _, o := range opinions {
		switch {
		case g.May(o.By, s.By) != nil || slices.Contains(yes, o.By):
		case !o.Yes:
			return Verdict{Result: Failed, Reason: "denied by " + o.By + because(o.Reason)}, nil
		default:
			yes = append(yes, o.By)
		}
	}
	if want := max(g.Count, 1); len(yes) < want {
		who := "anybody"
		if len(g.By) > 0 {
			who = strings.Join(g.By, ", ")
		}
		return Verdict{Reason: fmt.Sprintf("%d of %d approvals; may approve: %s", len(yes), want, who)}, nil
	}
	return Verdict{Result: Passed, Reason: "approved by " + strings.Join(yes, ", ")}, nil
}

// May returns nil when somebody may answer the gate of a run that author asked for,
// else a sentence that says why not.
func (g Approval) May(by, author string) error {
	switch {
	case by == "":
		return fmt.Errorf("an approval needs a name")
	case g.NotAuthor && by == author:
		return fmt.Errorf("%s asked for the run, and somebody else has to approve it", by)
	case len(g.By) > 0 && !slices.Contains(g.By, by):
		return fmt.Errorf("%s may not approve here, but %s may", by, strings.Join(g.By, ", "))
	}
	return nil
}

// because returns a reason as the end of a sentence.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// A Callback is a gate that an outside system answers: it is told about the run, with
// a signed address at which it says yes or no.
type Callback struct {
	From    Opinions
	Client  *http.Client // nil: one that waits for 30 s
	URL     string       // is sent a POST; may hold the placeholders of Subject.Expand
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
