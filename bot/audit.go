package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// An AuditKind is what a line of the audit log tells.
type AuditKind string

// The kinds of lines.
const (
	AuditDecision AuditKind = "decision" // Lockstep moved a run, or said what it waits for
	AuditCommand  AuditKind = "command"  // somebody wanted something done
	AuditRequest  AuditKind = "request"  // a tag, a schedule or another version's announcement asked for a run
	AuditToken    AuditKind = "token"    // a token of the API was made or revoked
	AuditRefusal  AuditKind = "refusal"  // a request was turned away before it was understood, or because of who sent it
)

// An AuditLine is what happened once, for those who ask later who did what, when, from
// where, and how things stood before and after.
type AuditLine struct {
	At       time.Time `json:"at"` // of a refusal: the first within an hour
	Kind     AuditKind `json:"kind"`
	Who      string    `json:"who,omitempty"`    // "lockstep" for its own decisions; absent where nobody is known
	From     string    `json:"from,omitempty"`   // where it was said: "comment ops/env!12", "API token nightly", the key of a request
	What     string    `json:"what"`             // "promote mda 2026.11.3 on release"
	Run      string    `json:"run,omitempty"`    // the run that it is about
	Before   string    `json:"before,omitempty"` // how the run or lane stood
	After    string    `json:"after,omitempty"`  // and how it stands since
	Sentence string    `json:"sentence"`         // what was decided or answered
	Reason   string    `json:"reason,omitempty"` // why, as the one says who wanted it
	Refused  bool      `json:"refused,omitempty"`
	Times    int       `json:"times,omitempty"` // of a refusal: how often, within an hour
	Last     time.Time `json:"last,omitzero"`   // of a refusal: when last
	Link     string    `json:"link,omitempty"`
}

// A Refusal is a request that was to change something and was turned away, or several
// within an hour that differ by nothing but their time.
type Refusal struct {
	At       time.Time `json:"at"`   // the first
	Last     time.Time `json:"last"` // and the last
	Times    int       `json:"times"`
	Known    bool      `json:"known,omitempty"` // it is known who sent it
	Who      string    `json:"who,omitempty"`
	From     string    `json:"from"` // "API token nightly at 192.0.2.1"
	What     string    `json:"what"` // "POST /api/v1/runs/{id}/cancel"
	Run      string    `json:"run,omitempty"`
	Status   int       `json:"status"`   // of HTTP
	Sentence string    `json:"sentence"` // what was answered
}

// Hour returns the hour of the refusal.
func (r Refusal) Hour() time.Time { return r.At.UTC().Truncate(time.Hour) }

// Key is the same for refusals that are counted as one.
func (r Refusal) Key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %t %q %q %q %q %d %q", r.Hour().Unix(), r.Known, r.Who, r.From, r.What, r.Run, r.Status, r.Sentence))
	return hex.EncodeToString(sum[:])
}

// And returns the refusal that counts another one with the same key as well.
func (r Refusal) And(other Refusal) Refusal {
	r.Times += other.Times
	if other.Last.After(r.Last) {
		r.Last = other.Last
	}
	return r
}

// Other returns the refusal as one of those that are counted together, because there are
// too many to keep each.
func (r Refusal) Other() Refusal {
	other := Refusal{At: r.Hour(), Last: r.Last, Times: r.Times, Known: r.Known, What: "different requests", From: "strangers"}
	if r.Known {
		other.From = "callers with a token"
	}
	other.Sentence = "more requests were turned away in this hour than are kept one by one"
	return other
}

// Audit returns the line of a refusal.
func (r Refusal) Audit() AuditLine {
	sentence := r.Sentence
	if r.Status != 0 {
		sentence = fmt.Sprintf("%d: %s", r.Status, r.Sentence)
	}
	return AuditLine{
		At: r.At, Kind: AuditRefusal, Who: r.Who, From: r.From, What: r.What, Run: r.Run, Sentence: sentence, Refused: true, Times: r.Times, Last: r.Last,
	}
}

// Audit returns the line of a command.
func (c CommandRecord) Audit() AuditLine {
	run := c.Run
	if run == "" {
		run = c.Answer.Run
	}
	return AuditLine{
		At: c.At, Kind: AuditCommand, Who: c.By, From: c.From, What: c.what(), Run: run, Before: c.Before, After: c.After,
		Sentence: c.Answer.Sentence, Reason: c.Reason, Refused: c.Answer.Refused, Link: c.Link,
	}
}

// what says what a command wants, in words without those of its reason.
func (c Command) what() string {
	words := []string{string(c.Verb)}
	switch {
	case c.Request != nil && c.Request.Version != "":
		words = append(words, c.Request.Package, string(c.Request.Version), "on", c.Request.Track)
		if c.Request.Force != "" {
			words = append(words, "by force ("+c.Request.Force+")")
		}
	case c.Gate != "":
		words = append(words, "gate", c.Gate)
		if c.Environment != "" {
			words = append(words, "of", c.Environment)
		}
	case c.Lane == Everything:
		words = append(words, "everything")
	case c.Lane != "":
		words = append(words, "lane", c.Lane)
	}
	if !c.Until.IsZero() {
		words = append(words, "until", c.Until.UTC().Format(time.RFC3339))
	}
	return strings.Join(words, " ")
}

// Audit returns the line of an event of a run that takes a version through a track;
// before is the state that the run was in.
func (e Event) Audit(pkg, version, track string, before State) AuditLine {
	what := fmt.Sprintf("%s %s on %s", pkg, version, track)
	if e.Environment != "" {
		what += ", " + e.Environment
	}
	if e.Direction == Back {
		what += ", on the way back"
	}
	return AuditLine{
		At: e.At, Kind: AuditDecision, Who: ours, What: what, Run: e.Run, Before: string(before), After: string(e.State),
		Sentence: e.Reason, Link: e.Link,
	}
}

// Audit returns the lines of a token: that it was made, and revoked if it was.
func (t Token) Audit() []AuditLine {
	named := fmt.Sprintf("token %s (%s)", t.Name, t.ID)
	lines := []AuditLine{{
		At: t.Made, Kind: AuditToken, Who: t.By, What: "make " + named, After: "counts",
		Sentence: fmt.Sprintf("%s may %s until %s", named, scopeNames(t.Scopes), t.Expires.UTC().Format(time.RFC3339)),
	}}
	if !t.Revoked.IsZero() {
		lines = append(lines, AuditLine{
			At: t.Revoked, Kind: AuditToken, Who: t.RevokedBy, What: "revoke " + named, Before: "counts", After: "revoked",
			Sentence: named + " counts no more",
		})
	}
	return lines
}
