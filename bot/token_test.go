package bot

import (
	"strings"
	"testing"
	"time"
)

func TestTokenIsItself(t *testing.T) {
	t.Parallel()
	a, secret := Token{Name: "nightly"}.Issue()
	b, other := Token{Name: "nightly"}.Issue()
	text := secret.Reveal()
	if !a.Is(text) || a.Is(other.Reveal()) || b.Is(text) || a.Is("") || a.Is(a.Hash) || a.ID == b.ID {
		t.Errorf("%+v and %+v do not know which token is theirs", a, b)
	}
	if TokenID(text) != a.ID || len(text) != len(TokenPrefix)+12+1+64 || strings.Contains(a.Hash, text[17:]) {
		t.Errorf("token %q has id %q", text, TokenID(text))
	}
	for _, text := range []string{"", "lst_", "lst_x", "lst__x", "lst_0123456789AB_x", "0123456789ab_x", "lst_0123456789abc_x", "x" + text} {
		if id := TokenID(text); id != "" {
			t.Errorf("%q has id %q, want none", text, id)
		}
	}
}

func TestScopesInclude(t *testing.T) {
	t.Parallel()
	for _, have := range TokenScopes {
		for _, want := range TokenScopes {
			may := want == have || want == MayRead || have == MayAdmin
			if got := want.In([]TokenScope{have}); got != may {
				t.Errorf("%s in %s: got %t, want %t", want, have, got, may)
			}
		}
	}
	if MayRead.In(nil) {
		t.Error("a token for nothing may read")
	}
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	for lasts, want := range map[time.Duration]string{
		time.Second: "", DefaultTokenLife: "", LongestTokenLife: "",
		0: "the token would expire at once", -time.Hour: "the token would expire at once",
		LongestTokenLife + time.Hour: "the token would count for 366 days: write 366 at most",
	} {
		err := Token{Name: "x", Scopes: []TokenScope{MayRead}, Made: made, Expires: made.Add(lasts)}.Check()
		if got := errText(err); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", lasts, got, want)
		}
	}
}

// errText returns what an error says; "" for none.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCommandsInTheAudit(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	for want, c := range map[string]Command{
		"promote mda 1 on release":                         {Verb: VerbPromote, Request: &Request{Package: "mda", Version: "1", Track: "release"}},
		"promote mda 1 on release by force (it was wrong)": {Verb: VerbPromote, Request: &Request{Package: "mda", Version: "1", Track: "release", Force: "it was wrong"}},
		"confirm gate go-live of prd":                      {Verb: VerbConfirm, Run: "r", Gate: "go-live", Environment: "prd"},
		"freeze lane release until 2026-11-03T12:00:00Z":   {Verb: VerbFreeze, Lane: "release", Until: at},
		"thaw everything":                                  {Verb: VerbThaw, Lane: Everything},
		"cancel":                                           {Verb: VerbCancel, Run: "r"},
	} {
		c.At, c.By, c.From, c.Reason, c.Link = at, "ana", "API", "so", "https://x"
		line := CommandRecord{Command: c, Answer: Answer{Run: "r", Refused: true, Sentence: "no"}, Before: "stalled", After: "queued"}.Audit()
		full := AuditLine{At: at, Kind: AuditCommand, Who: "ana", From: "API", What: want, Run: "r", Before: "stalled", After: "queued", Sentence: "no", Reason: "so", Refused: true, Link: "https://x"}
		if line != full {
			t.Errorf("got %+v, want %+v", line, full)
		}
	}
}
