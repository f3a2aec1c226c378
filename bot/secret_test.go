package bot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	const text = "glpat-hunter2"
	s := NewSecret(text)
	type exported struct{ Token Secret }
	type hidden struct{ token Secret }
	var prints []string
	for _, v := range []any{s, &s, exported{s}, &exported{s}, hidden{s}, &hidden{s}, []Secret{s}, map[string]Secret{"a": s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
			if verb == "%T %v" {
				prints = append(prints, fmt.Sprintf(verb, v, v))
				continue
			}
			prints = append(prints, fmt.Sprintf(verb, v))
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		prints = append(prints, string(encoded))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("got", "value", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("got", "value", v)
		prints = append(prints, log.String())
	}
	prints = append(prints, fmt.Errorf("use %v: %s", s, s).Error(), s.String(), s.GoString())
	for _, print := range prints {
		if strings.Contains(print, text) || strings.Contains(print, fmt.Sprintf("%x", text)) || strings.Contains(print, fmt.Sprintf("%X", text)) {
			t.Errorf("printed: %s", print)
		}
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(format, s); got != "***" {
			t.Errorf("%s: got %q, want %q", format, got, "***")
		}
	}
	if got, _ := json.Marshal(exported{s}); string(got) != `{"Token":"***"}` {
		t.Errorf("JSON: got %s", got)
	}
}

func TestSecretReveals(t *testing.T) {
	t.Parallel()
	if s := NewSecret("x"); s.Reveal() != "x" || s.Empty() {
		t.Errorf("got %q, empty %t", s.Reveal(), s.Empty())
	}
	if s := NewSecret(""); s.Reveal() != "" || !s.Empty() || s != (Secret{}) || s.String() != "***" {
		t.Errorf("no secret: got %q, empty %t, prints %q", s.Reveal(), s.Empty(), s)
	}
}
