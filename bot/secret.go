package bot

import (
	"fmt"
	"io"
	"log/slog"
)

// masked is what every Secret looks like.
const masked = "***"

// A Secret is a text that never prints: every verb of fmt, JSON, text encodings and
// log/slog show "***", also where the secret is a field of something that is printed.
// The zero value is no secret; it prints the same. Compare what Reveal returns.
type Secret struct {
	text *string // behind a pointer, because fmt looks into unexported fields without asking String
}

// NewSecret returns text as a Secret; empty text is the zero value.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself, "" for the zero value. Call it where the secret is
// used, never where it is passed on.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports that there is no secret.
func (s Secret) Empty() bool { return s.text == nil }

// String returns "***".
func (s Secret) String() string { return masked }

// GoString returns "***".
func (s Secret) GoString() string { return masked }

// Format writes "***" whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// MarshalText returns "***". There is no way back: a secret is never read from where
// it was written to.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON returns "***" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// LogValue returns "***".
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }
